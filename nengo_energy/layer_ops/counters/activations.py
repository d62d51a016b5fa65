"""Activation layers, and the activations inside other layers."""

from __future__ import annotations

from typing import Any

from ..calls import LayerCall
from .registry import Operations, counts


def is_linear(activation: Any) -> bool:
    """Whether an ``activation`` argument of a layer leaves its input as it is."""
    return activation is None or (
        getattr(activation, "__name__", None) in ("linear", "identity")
    )


def fused_activations(call: LayerCall) -> int:
    """Outputs of the activation inside a layer such as Dense."""
    return 0 if is_linear(getattr(call.layer, "activation", None)) else call.output_size


@counts("Activation")
def count_activation(call: LayerCall) -> Operations:
    """Outputs, unless the function is linear."""
    return Operations(activations=fused_activations(call))


@counts("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU")
def count_nonlinearity(call: LayerCall) -> Operations:
    """Activations: outputs.

    What happens inside a nonlinearity, such as the sum of a softmax or the slope of a
    leaky rectifier, is part of it.
    """
    return Operations(activations=call.output_size)
