"""How each layer of a Keras model becomes Nengo objects, beside NengoDL's converter."""

from __future__ import annotations

from . import activations, merging, passing, pooling, weighted  # noqa: F401
from .registry import LayerConversion, isolated, register_converter

__all__ = ["LayerConversion", "isolated", "register_converter"]
