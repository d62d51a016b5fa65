"""Layers that merge several inputs into one."""

from __future__ import annotations

from ...common.assumptions import Assumption
from ..calls import LayerCall, size
from .axes import axis_sizes, require_whole_sequences
from .normalization import normalize
from .registry import Operations, counts

COMPARISONS_FREE = Assumption(
    "comparisons-free",
    "Comparisons, such as those of Maximum and Minimum, are not counted.",
)


@counts("Add", "Subtract")
def count_sum(call: LayerCall) -> Operations:
    """Additions: (number of inputs - 1) x outputs."""
    return Operations(additions=(len(call.input_shapes) - 1) * call.output_size)


@counts("Average")
def count_average(call: LayerCall) -> Operations:
    """Additions: number of inputs x outputs, the division as one of them."""
    return Operations(additions=len(call.input_shapes) * call.output_size)


@counts("Multiply")
def count_product(call: LayerCall) -> Operations:
    """Connections: (number of inputs - 1) x outputs."""
    return Operations(connections=(len(call.input_shapes) - 1) * call.output_size)


@counts("Maximum", "Minimum")
def count_comparison(call: LayerCall) -> Operations:
    """Nothing: the layer only compares, and the result says so."""
    return Operations(assumptions=(COMPARISONS_FREE,))


@counts("Dot")
def count_dot(call: LayerCall) -> Operations:
    """Connections: outputs x length of the axis that is summed over.

    With ``normalize``, both inputs are brought to length one before.
    """
    require_whole_sequences(call)
    axes = call.layer.axes
    axis = axes if isinstance(axes, int) else axes[0]
    (n_summed,) = axis_sizes(call, axis)
    products = n_summed * call.output_size
    if not call.layer.normalize:
        return Operations(connections=products)
    normalized = normalize(sum(size(shape) for shape in call.input_shapes), n_summed)
    return normalized._replace(connections=normalized.connections + products)
