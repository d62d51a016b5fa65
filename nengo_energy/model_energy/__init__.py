"""`ModelEnergy`: the energy of a Keras model, as users of KerasSpiking know it."""

from __future__ import annotations

from .estimator import ModelEnergy

__all__ = ["ModelEnergy"]
