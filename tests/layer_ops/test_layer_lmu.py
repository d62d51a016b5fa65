"""KerasLMU's layers against a Legendre memory unit in plain loops.

KerasLMU isn't free for all uses, so nothing installs it: stand-ins have the attributes
that the counters read, and its own layers are counted where it is installed.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from brute_force import Tally, lstm_step, sigmoid, simple_step

from nengo_energy.layer_ops.calls import LayerCall
from nengo_energy.layer_ops.counters import count_call

N_INPUTS, N_MEMORY, ORDER, N_UNITS = 2, 3, 4, 5


def matrix(n_rows, n_columns):
    return [[0.1 * (i + 1) + 0.01 * j for j in range(n_columns)] for i in range(n_rows)]


def lmu_step(tally, x, hidden, memory, layer):
    """One step of Voelker et al. 2019, equations 18 to 20, number by number."""
    read = x + (hidden if layer.hidden_to_memory else [])
    u = read
    if layer.kernel_initializer is not None:
        u = tally.matrix(read, matrix(len(read), N_MEMORY), [0.0] * N_MEMORY)
    if layer.memory_to_memory:
        flat = [m for row in memory for m in row]
        u = tally.matrix(flat, matrix(len(flat), N_MEMORY), u)
    new = []
    for value, row in zip(u, memory):
        driven = tally.matrix([value], matrix(1, ORDER), [0.0] * ORDER)
        new.append(tally.matrix(row, matrix(ORDER, ORDER), driven))
    flat = [m for row in new for m in row] + (x if layer.input_to_hidden else [])
    kind = type(layer.hidden_cell).__name__
    if kind == "Dense":
        for z in tally.matrix(flat, matrix(len(flat), N_UNITS), [0.0] * N_UNITS):
            tally.apply(sigmoid, z)
    elif kind == "SimpleRNNCell":
        weights = matrix(len(flat), N_UNITS), matrix(N_UNITS, N_UNITS), [0.0] * N_UNITS
        simple_step(tally, flat, hidden, weights)
    elif kind == "LSTMCell":
        wide = 4 * N_UNITS
        weights = matrix(len(flat), wide), matrix(N_UNITS, wide), [0.0] * wide
        lstm_step(tally, flat, (hidden, hidden), weights)


def layer_of(kind, **options):
    """Return what has the attributes of a layer of KerasLMU."""
    defaults = dict(
        memory_d=N_MEMORY,
        order=ORDER,
        kernel_initializer="glorot_uniform",
        hidden_to_memory=False,
        memory_to_memory=False,
        input_to_hidden=False,
        hidden_cell=None,
    )
    cls = type(kind, (), {**defaults, **options, "__module__": "keras_lmu.layers"})
    return cls()


def cell_of(kind, **options):
    cls = type(kind, (SimpleNamespace,), {"__module__": "keras.layers"})
    return cls(name=kind, units=N_UNITS, **options)


def tanh(x):
    """Stand for Keras's."""


DENSE = cell_of("Dense", activation=tanh)
SIMPLE = cell_of("SimpleRNNCell", activation=tanh, state_size=N_UNITS)
LSTM = cell_of(
    "LSTMCell",
    activation=tanh,
    recurrent_activation=sigmoid,
    state_size=[N_UNITS] * 2,
    output_size=N_UNITS,
)


@pytest.mark.parametrize(
    "kind, options",
    [
        ("LMU", {}),
        ("LMU", {"hidden_cell": DENSE, "input_to_hidden": True}),
        ("LMU", {"hidden_cell": SIMPLE, "hidden_to_memory": True}),
        ("LMUCell", {"hidden_cell": LSTM, "memory_to_memory": True}),
        ("LMUCell", {"hidden_cell": DENSE, "hidden_to_memory": True}),
        ("LMUFeedforward", {"hidden_cell": DENSE}),
        ("LMUFeedforward", {"kernel_initializer": None, "memory_d": N_INPUTS}),
    ],
)
def test_operations_equal_those_of_plain_loops(kind, options):
    layer = layer_of(kind, **options)
    call = LayerCall(layer, ((N_INPUTS,),), ((N_UNITS,),))
    found = count_call(call)
    tally = Tally()
    memory = [[0.0] * ORDER for _ in range(layer.memory_d)]
    lmu_step(tally, [0.3] * N_INPUTS, [0.2] * N_UNITS, memory, layer)
    assert (found.connections, found.activations) == (tally.macs, tally.activations)
    assert found.connections >= 40
