"""KerasLMU's layers, for one timestep.

A. R. Voelker, I. Kajic, C. Eliasmith, "Legendre memory units: continuous-time
representation in recurrent neural networks", NeurIPS 32 (2019).

With M dimensions of memory, of Q polynomials each, the memory is ``m = A m + B u``,
with ``u`` what the input is encoded as. A hidden cell reads the memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..calls import LayerCall, size
from .recurrent import n_outputs, summed
from .registry import Operations, count_call, counts


@counts("LMUCell", "LMU", "LMUFeedforward")
def count_lmu(call: LayerCall) -> Operations:
    """``u = E x``, ``m = A m + B u``, and the hidden cell, step by step.

    Connections: I M for encoders, where there are any, and U M more with
    ``hidden_to_memory``; M^2 Q with ``memory_to_memory``; M Q^2 + M Q for A and B. The
    hidden cell is counted by its class, with M Q inputs, I more with
    ``input_to_hidden``. Without a way back Keras convolves a whole sequence instead.
    """
    layer, n_inputs = call.layer, size(call.input_shapes[0])
    n_memory, order = layer.memory_d, layer.order
    connections = n_memory * order**2 + n_memory * order
    if layer.kernel_initializer is not None:
        connections += n_inputs * n_memory
        if getattr(layer, "hidden_to_memory", False):
            connections += _n_hidden(layer.hidden_cell) * n_memory
    if getattr(layer, "memory_to_memory", False):
        connections += n_memory**2 * order
    parts = [Operations(connections=connections)]
    if layer.hidden_cell is not None:
        n_read = n_memory * order + n_inputs * layer.input_to_hidden
        parts.append(_count_hidden(call, n_read))
    return summed(parts)


def _count_hidden(call: LayerCall, n_read: int) -> Operations:
    cell = call.layer.hidden_cell
    outputs = ((_n_hidden(cell),),)
    return count_call(
        replace(call, layer=cell, input_shapes=((n_read,),), output_shapes=outputs)
    )


def _n_hidden(cell: Any) -> int:
    return n_outputs(cell) if hasattr(cell, "state_size") else int(cell.units)
