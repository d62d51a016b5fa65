"""Any Keras model, saved or live, of either version -> a private Keras 2 copy of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.keras_models.clone import to_tf_keras as to_tf_keras
    from nengo_energy.keras_models.files import load_model as load_model

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
