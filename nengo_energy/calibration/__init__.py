"""Measure what networks cost on the machine at hand, and make a device of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.calibration.calibrating import calibrate as calibrate

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
