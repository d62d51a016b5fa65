"""Layers that merge several inputs by more than a sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activations import connect_difference, difference_neurons
from .building import LayerBuild
from .registry import converts


@converts("Add", "Average", "Subtract")
def convert_sum(build: LayerBuild) -> Any:
    """Convert sums, averages and differences; smaller inputs are repeated."""
    kind, n = type(build.layer).__name__, len(build.inputs)
    factors = {"Average": [1 / n] * n, "Subtract": [1.0, -1.0]}.get(kind, [1.0] * n)
    output = build.node()
    for k, factor in enumerate(factors):
        obj = _spread(build, k)
        build.connect(obj, output, transform=None if factor == 1 else factor)
    return output


@converts("Maximum", "Minimum")
def convert_maximum(build: LayerBuild) -> Any:
    """Convert ``max(a, b) = b + relu(a - b)``, input after input."""
    sign = 1.0 if type(build.layer).__name__ == "Maximum" else -1.0
    inputs = [_spread(build, k) for k in range(len(build.inputs))]
    result = inputs[0]
    for k, other in enumerate(inputs[1:], start=1):
        part = "" if len(inputs) == 2 else f" {k}"
        result = larger(build, other, result, sign, part)
    return result


def larger(build: LayerBuild, a: Any, b: Any, sign: float, part: str = "") -> Any:
    """Return ``b + relu(a - b)``; with a sign of -1, the smaller of the two."""
    size = b.size_out
    neurons = difference_neurons(build, size, f"difference{part}")
    connect_difference(build, a, b, neurons, sign)
    output = build.node(size, part=f"result{part}")
    build.connect(b, output)
    build.connect(neurons, output, transform=sign)
    return output


def _spread(build: LayerBuild, k: int) -> Any:
    """Return an input in the shape of the output."""
    shape = build.input_shapes[k]
    if shape == build.output_shape:
        return build.inputs[k]
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    node = build.node(part=f"input {k}")
    spread = np.ravel(np.broadcast_to(numbers, build.output_shape))
    build.connect(build.inputs[k][spread.tolist()], node)
    return node
