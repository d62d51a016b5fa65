"""Recurrent layers, against loops that do what the layers do, number by number."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import brute_force
import numpy as np
import pytest
from brute_force import Tally
from counted_layers import count_one, numbers, random_input, random_weights

from nengo_energy.common.exceptions import UnsupportedError
from nengo_energy.layer_ops.calls import LayerCall
from nengo_energy.layer_ops.counters import Operations
from nengo_energy.layer_ops.counters.registry import register_layer
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow

N_STEPS, N_INPUTS, N_UNITS = 3, 4, 5


def run_loops(
    name: str, weights: list, x: np.ndarray, reset_after: bool = True
) -> tuple[list, Tally]:
    """Return the outputs of a layer for a sequence, and the tally of all its steps."""
    tally = Tally()
    n_units = weights[1].shape[0]
    h: Any = [0.0] * n_units
    c: Any = [0.0] * n_units
    outputs = []
    for step in x:
        if name == "SimpleRNN":
            h = brute_force.simple_step(tally, list(step), h, weights)
        elif name == "LSTM":
            h, c = brute_force.lstm_step(tally, list(step), (h, c), weights)
        else:
            h = brute_force.gru_step(tally, list(step), h, weights, reset_after)
        outputs.append(h)
    return outputs, tally


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("SimpleRNN", {}),
        ("LSTM", {}),
        ("GRU", dict(reset_after=True)),
        ("GRU", dict(reset_after=False)),
    ],
)
def test_layer_by_loops(
    keras: ModuleType, name: str, arguments: dict, sequences: bool
) -> None:
    layer = getattr(keras.layers, name)(
        N_UNITS, return_sequences=sequences, **arguments
    )
    row = count_one(keras, layer, (N_STEPS, N_INPUTS))
    weights = random_weights(layer)
    x = random_input(N_STEPS, N_INPUTS)
    outputs, tally = run_loops(name, weights, x[0], **arguments)

    expected = np.asarray(layer(x))[0]
    np.testing.assert_allclose(outputs if sequences else outputs[-1], expected, 1e-4)
    assert row.n_steps == N_STEPS
    assert tuple(N_STEPS * n for n in numbers(row)) == tally.numbers


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_cell_takes_what_its_layer_takes(keras: ModuleType, name: str) -> None:
    layers = keras.layers
    cell = getattr(layers, f"{name}Cell")(N_UNITS)
    alone = count_one(keras, getattr(layers, name)(N_UNITS), (N_STEPS, N_INPUTS))
    in_rnn = count_one(keras, layers.RNN(cell), (N_STEPS, N_INPUTS))
    assert numbers(in_rnn) == numbers(alone)
    assert in_rnn.n_steps == alone.n_steps == N_STEPS

    x, *states = [keras.Input((n,)) for n in (N_INPUTS, *[N_UNITS] * 2)]
    states = states[: 2 if name == "LSTM" else 1]
    cell = getattr(layers, f"{name}Cell")(N_UNITS)
    output, _ = cell(x, states)
    ops = count_layer_ops(keras.Model([x, *states], output))
    (row,) = [row for row in ops.layers if row.class_name == f"{name}Cell"]
    assert numbers(row) == numbers(alone)
    assert row.n_steps == 1


def test_linear_activations_are_none(keras: ModuleType) -> None:
    # 3 gates and 2 hyperbolic tangents per unit, of which one kind is left out
    for name, expected in [("activation", 3 * 5), ("recurrent_activation", 2 * 5)]:
        layer = keras.layers.LSTM(N_UNITS, **{name: "linear"})
        assert count_one(keras, layer, (N_STEPS, N_INPUTS)).activations == expected


def test_stacked_cells(keras: ModuleType) -> None:
    layers = keras.layers
    stack = layers.RNN([layers.LSTMCell(6), layers.GRUCell(4), layers.SimpleRNNCell(2)])
    row = count_one(keras, stack, (N_STEPS, N_INPUTS))
    single = [
        count_one(keras, layers.LSTM(6), (N_STEPS, N_INPUTS)),
        count_one(keras, layers.GRU(4), (N_STEPS, 6)),
        count_one(keras, layers.SimpleRNN(2), (N_STEPS, 4)),
    ]
    assert numbers(row) == tuple(np.sum([numbers(r) for r in single], axis=0))


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize(
    # merging 2 x 5 outputs: nothing, 5 sums, 5 sums and halves, 5 products
    "mode, merging",
    [
        ("concat", (0, 0, 0)),
        (None, (0, 0, 0)),
        ("sum", (0, 0, 5)),
        ("ave", (0, 0, 10)),
        ("mul", (5, 0, 0)),
    ],
)
def test_bidirectional(
    keras: ModuleType, mode: str | None, merging: tuple, sequences: bool
) -> None:
    layers = keras.layers
    half = layers.GRU(N_UNITS, return_sequences=sequences)
    other = layers.LSTM(N_UNITS, return_sequences=sequences, go_backwards=True)
    both = layers.Bidirectional(half, merge_mode=mode, backward_layer=other)
    inputs = keras.Input((N_STEPS, N_INPUTS))
    outputs = both(inputs)
    merged = outputs if mode is not None else layers.Concatenate()(outputs)
    ops = count_layer_ops(keras.Model(inputs, merged))
    single = [
        count_one(keras, getattr(layers, name)(N_UNITS), (N_STEPS, N_INPUTS))
        for name in ("GRU", "LSTM")
    ]
    total = np.sum([merging, *map(numbers, single)], axis=0)
    assert numbers(ops.layers[1]) == tuple(total)
    assert ops.layers[1].n_steps == N_STEPS
    every_step = any(merging) and not sequences
    codes = [a.code for a in ops.assumptions]
    assert ("merged-every-timestep" in codes) == every_step


def test_states_are_no_sequences(keras: ModuleType) -> None:
    layers = keras.layers
    x = keras.Input((N_STEPS, N_INPUTS))
    states = [keras.Input((N_UNITS,)) for _ in range(4)]
    lstm = layers.LSTM(N_UNITS, return_sequences=True, return_state=True)
    both = layers.Bidirectional(layers.LSTM(N_UNITS, return_state=True))
    outputs = [*lstm(x, initial_state=states[:2]), *both(x, initial_state=states)]
    ops = count_layer_ops(keras.Model([x, *states], outputs))
    rows = {row.class_name: row for row in ops.layers}
    alone = count_one(keras, layers.LSTM(N_UNITS), (N_STEPS, N_INPUTS))
    assert numbers(rows["LSTM"]) == numbers(alone)
    assert numbers(rows["Bidirectional"]) == tuple(2 * n for n in numbers(alone))


def test_masks_are_no_inputs(keras: ModuleType) -> None:
    layers = keras.layers
    x = keras.Input((N_STEPS,))
    embedded = layers.Embedding(7, N_INPUTS, mask_zero=True)(x)
    ops = count_layer_ops(keras.Model(x, layers.LSTM(N_UNITS)(embedded)))
    alone = count_one(keras, layers.LSTM(N_UNITS), (N_STEPS, N_INPUTS))
    assert numbers(ops.layers[-1]) == numbers(alone)
    assert "embedding-free" in [a.code for a in ops.assumptions]


def test_conv_lstm_by_loops(keras: ModuleType) -> None:
    length, n_channels, width, n_filters = 6, 2, 3, 4
    layer = keras.layers.ConvLSTM1D(
        n_filters, width, return_sequences=True, recurrent_activation="sigmoid"
    )
    row = count_one(keras, layer, (N_STEPS, length, n_channels))
    weights = random_weights(layer)
    x = random_input(N_STEPS, length, n_channels)

    tally, outputs = Tally(), []
    state = (np.zeros((length - width + 1, n_filters)),) * 2
    for step in x[0]:
        state = brute_force.conv_lstm_step(tally, step, state, weights)
        outputs.append(state[0])
    np.testing.assert_allclose(outputs, np.asarray(layer(x))[0], rtol=1e-4)
    assert tuple(N_STEPS * n for n in numbers(row)) == tally.numbers


def test_conv_lstm_of_more_axes(keras: ModuleType) -> None:
    layer = keras.layers.ConvLSTM2D(4, (3, 2), strides=2, padding="same")
    row = count_one(keras, layer, (7, 6, 5, 2))
    # 3 x 3 positions, 4 filters; per gate a 3 x 2 kernel on 2 channels and 4 filters
    n_units = 3 * 3 * 4
    assert numbers(row) == (n_units * (4 * 6 * (2 + 4) + 3), n_units * 5, 0)
    assert row.n_steps == 7

    layer = keras.layers.ConvLSTM3D(4, 2)
    row = count_one(keras, layer, (7, 3, 3, 2, 5))
    n_units = 2 * 2 * 1 * 4
    assert numbers(row) == (n_units * (4 * 8 * (5 + 4) + 3), n_units * 5, 0)

    layer = keras.layers.ConvLSTM2D(4, 2, data_format="channels_first")
    row = count_one(keras, layer, (7, 5, 3, 2))
    n_units = 2 * 1 * 4
    assert numbers(row) == (n_units * (4 * 4 * (5 + 4) + 3), n_units * 5, 0)

    both = keras.layers.Bidirectional(keras.layers.ConvLSTM1D(4, 2))
    alone = count_one(keras, keras.layers.ConvLSTM1D(4, 2), (7, 5, 3))
    row = count_one(keras, both, (7, 5, 3))
    assert numbers(row) == tuple(2 * n for n in numbers(alone))


def own_cell(keras: ModuleType) -> Any:
    """Return a cell that Keras doesn't know: a leaky integrator."""

    class Leaky(keras.layers.Layer):  # type: ignore[name-defined]
        state_size = output_size = N_INPUTS

        def call(self, inputs: Any, states: Any) -> Any:
            state = 0.5 * states[0] + inputs
            return state, [state]

    return Leaky()


def test_own_cell(keras: ModuleType) -> None:
    layers = keras.layers
    for make in (layers.RNN, lambda cell: layers.Bidirectional(layers.RNN(cell))):
        cell = own_cell(keras)
        # Bidirectional makes the cell again from its configuration
        with keras.utils.custom_object_scope({"Leaky": type(cell)}):
            model = keras.Sequential([keras.Input((N_STEPS, N_INPUTS)), make(cell)])
        with pytest.raises(UnsupportedError) as error:
            count_layer_ops(model)
        assert "class Leaky has no counter" in str(error.value)
        assert "register_layer('Leaky', counter)" in str(error.value)

    def count_leaky(call: LayerCall) -> Operations:
        assert call.input_shapes == call.output_shapes == ((N_INPUTS,),)
        return Operations(connections=call.output_size)

    register_layer("Leaky", count_leaky)
    assert count_layer_ops(model).layers[-1].connections == 2 * N_INPUTS
