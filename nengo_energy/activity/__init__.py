"""Run a simulator on a network -> integer spike counts, in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.activity.emulator import open_simulator as open_simulator
    from nengo_energy.activity.measuring import (
        Activity as Activity,
        measure_activity as measure_activity,
        measure_activity_at as measure_activity_at,
    )

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
