"""Keras model beside converted network: activations, decisions, accuracy and energy."""

from __future__ import annotations

from .comparing import compare_networks
from .results import Comparison, CurvePoint, LayerComparison, OutputComparison

__all__ = [
    "Comparison",
    "CurvePoint",
    "LayerComparison",
    "OutputComparison",
    "compare_networks",
]
