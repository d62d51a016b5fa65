"""`ModelEnergy`: the energy of a Keras model, as users of KerasSpiking know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.model_energy.estimator import ModelEnergy as ModelEnergy

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
