"""Energy estimates and their views: frames, text, files, figures, differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.estimates.differences import (
        EstimateDiff as EstimateDiff,
        diff as diff,
    )
    from nengo_energy.estimates.estimate import (
        EnergyEstimate as EnergyEstimate,
        EnergyRow as EnergyRow,
        NotModelled as NotModelled,
    )
    from nengo_energy.estimates.serialization import load_estimate as load_estimate

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
