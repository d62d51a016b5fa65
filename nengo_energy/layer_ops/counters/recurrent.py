"""Recurrent layers and their cells, for one timestep.

With I inputs and U units, a gate takes U (I + U) connections, for the input and for
the state of the timestep before; biases are free.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

from ...common.assumptions import Assumption
from ..calls import LayerCall, size
from .activations import is_linear
from .axes import split_channels
from .registry import Operations, count_call, counts

MERGED_EVERY_TIMESTEP = Assumption(
    "merged-every-timestep",
    "The outputs of a bidirectional layer are counted as merged in every timestep, "
    "though only the last ones are where it returns no sequence.",
)


@counts("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM{}D")
def count_rnn(call: LayerCall) -> Operations:
    """As the cell of the layer."""
    return _count_cell(call, call.layer.cell, call.input_shapes[0])


@counts("StackedRNNCells")
def count_stacked_cells(call: LayerCall) -> Operations:
    """Sum over the cells, each of which reads the outputs of the one before."""
    shape, parts = call.input_shapes[0], []
    for cell in call.layer.cells:
        parts.append(_count_cell(call, cell, shape))
        shape = (_n_outputs(cell),)
    return _sum(parts)


@counts("SimpleRNNCell")
def count_simple_cell(call: LayerCall) -> Operations:
    """``h = f(W x + V h)``.

    Connections: U (I + U). Activations: U.
    """
    (n_inputs,), n_units = call.input_shapes[0], call.layer.units
    return Operations(
        connections=n_units * (n_inputs + n_units),
        activations=n_units * _is_nonlinear(call.layer.activation),
    )


@counts("LSTMCell")
def count_lstm_cell(call: LayerCall) -> Operations:
    """``c = f c + i tanh(.)``, ``h = o tanh(c)``, with the gates i, f and o.

    Connections: 4 U (I + U) for three gates and the candidate, and 3 U for the products
    with the gates. Activations: 3 U for the gates, 2 U for the candidate and the state.
    """
    (n_inputs,), n_units = call.input_shapes[0], call.layer.units
    return Operations(
        connections=4 * n_units * (n_inputs + n_units) + 3 * n_units,
        activations=_lstm_activations(call.layer, n_units),
    )


@counts("GRUCell")
def count_gru_cell(call: LayerCall) -> Operations:
    """``h = z h + (1 - z) g``, with ``g = tanh(W x + r (V h))`` or ``V (r h)``.

    Connections: 3 U (I + U) for the gates z and r and the candidate g; 3 U for z h,
    (1 - z) g, and the product with r, whether before or after V (``reset_after``).
    Activations: 2 U for the gates, U for the candidate. Additions: U for 1 - z.
    """
    (n_inputs,), n_units = call.input_shapes[0], call.layer.units
    return Operations(
        connections=3 * n_units * (n_inputs + n_units) + 3 * n_units,
        activations=n_units
        * (
            2 * _is_nonlinear(call.layer.recurrent_activation)
            + _is_nonlinear(call.layer.activation)
        ),
        additions=n_units,
    )


@counts("ConvLSTMCell")
def count_conv_lstm_cell(call: LayerCall) -> Operations:
    """An LSTM whose products with weights are convolutions.

    Connections: with P output positions, F filters and C input channels, 4 P F x kernel
    size x (C + F) for three gates and the candidate, and 3 P F for the products with
    the gates. Activations: 5 P F. Links to padding are included.
    """
    kernel, form = tuple(call.layer.kernel_size), call.layer.data_format
    _, n_channels = split_channels(call, call.input_shapes[0], len(kernel), form)
    n_positions, _ = split_channels(call, call.output_shapes[0], len(kernel), form)
    n_filters = call.layer.filters  # a bidirectional layer has twice as many outputs
    n_units = n_positions * n_filters
    return Operations(
        connections=4 * n_units * size(kernel) * (n_channels + n_filters) + 3 * n_units,
        activations=_lstm_activations(call.layer, n_units),
    )


@counts("Bidirectional")
def count_bidirectional(call: LayerCall) -> Operations:
    """The forward layer, the backward layer, and merging their outputs.

    Merging takes as many additions as outputs for ``sum``, twice as many for ``ave``,
    whose division is one more, as many connections as outputs for ``mul``.
    """
    layer = call.layer
    parts = [
        count_call(replace(call, layer=half))
        for half in (layer.forward_layer, layer.backward_layer)
    ]
    note = () if layer.return_sequences else (MERGED_EVERY_TIMESTEP,)
    if layer.merge_mode in ("sum", "ave"):
        n_additions = (2 if layer.merge_mode == "ave" else 1) * call.output_size
        parts.append(Operations(additions=n_additions, assumptions=note))
    elif layer.merge_mode == "mul":
        parts.append(Operations(connections=call.output_size, assumptions=note))
    return _sum(parts)


def _count_cell(call: LayerCall, cell: Any, input_shape: tuple[int, ...]) -> Operations:
    """Return the operations of a cell, for one timestep of its layer."""
    is_image = len(input_shape) > 1
    outputs = call.output_shapes if is_image else ((_n_outputs(cell),),)
    return count_call(
        replace(call, layer=cell, input_shapes=(input_shape,), output_shapes=outputs)
    )


def _n_outputs(cell: Any) -> int:
    """Return the number of outputs of a cell."""
    n_outputs = getattr(cell, "output_size", None)
    if n_outputs is None:
        state = cell.state_size
        n_outputs = state[0] if isinstance(state, (list, tuple)) else state
    return size(tuple(n_outputs)) if hasattr(n_outputs, "__iter__") else int(n_outputs)


def _lstm_activations(cell: Any, n_units: int) -> int:
    """Return the activations of three gates, the candidate, and the state."""
    return n_units * (
        3 * _is_nonlinear(cell.recurrent_activation)
        + 2 * _is_nonlinear(cell.activation)
    )


def _is_nonlinear(activation: Any) -> bool:
    return not is_linear(activation)


def _sum(parts: Sequence[Operations]) -> Operations:
    """Return the sum of some operations, with the assumptions of all."""
    return Operations(
        sum(part.connections for part in parts),
        sum(part.activations for part in parts),
        sum(part.additions for part in parts),
        tuple(note for part in parts for note in part.assumptions),
        kernels=sum(part.n_kernels for part in parts),
    )
