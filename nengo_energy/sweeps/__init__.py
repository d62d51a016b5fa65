"""Explore settings: energy against accuracy over a grid, from few simulations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.sweeps.exploring import sweep as sweep
    from nengo_energy.sweeps.results import Sweep as Sweep, SweepPoint as SweepPoint

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
