"""Counts x device -> energy estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.pricing.energy import estimate_energy as estimate_energy

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
