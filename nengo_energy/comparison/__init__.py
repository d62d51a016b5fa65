"""Keras model beside converted network: activations, decisions, accuracy and energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.comparison.comparing import compare_networks as compare_networks
    from nengo_energy.comparison.results import (
        Comparison as Comparison,
        CurvePoint as CurvePoint,
        LayerComparison as LayerComparison,
        OutputComparison as OutputComparison,
    )

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
