"""Keras model -> `SpikingModel`, through NengoDL's converter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.conversion.converting import convert as convert
    from nengo_energy.conversion.spiking_model import SpikingModel as SpikingModel

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
