"""How each layer of a Keras model becomes Nengo objects, beside NengoDL's converter."""

from __future__ import annotations

from . import (  # noqa: F401
    activations,
    merging,
    normalization,
    passing,
    pooling,
    resizing,
    weighted,
    wrapping,
)
from .registry import LayerConversion, isolated, register_converter

__all__ = ["LayerConversion", "isolated", "register_converter"]
