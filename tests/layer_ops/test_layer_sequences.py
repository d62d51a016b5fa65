"""Time axes: one timestep or whole sequences, of known and of open length."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from counted_layers import numbers

from nengo_energy.common.exceptions import InputError, UnsupportedError
from nengo_energy.compat import import_tf_keras
from nengo_energy.layer_ops.counting import ONE_TIMESTEP, count_layer_ops
from nengo_energy.layer_ops.layer_ops import LayerOps

pytestmark = pytest.mark.tensorflow


def steps(ops: LayerOps) -> dict[str, int]:
    """Return the number of timesteps of each layer by its name."""
    return {row.layer: row.n_steps for row in ops.layers}


def codes(ops: LayerOps) -> list[str]:
    """Return the codes of the assumptions."""
    return [assumption.code for assumption in ops.assumptions]


def rnn_connections(n_inputs: int, n_units: int) -> int:
    """Return the connections of one timestep of a SimpleRNN."""
    return n_units * (n_inputs + n_units)


def test_whole_sequence(keras: ModuleType) -> None:
    layers = keras.layers
    x = keras.Input((7, 3), name="in")
    y = layers.TimeDistributed(layers.Dense(4, name="inner"), name="each")(x)
    y = layers.SimpleRNN(5, return_sequences=True, name="first")(y)
    y = layers.SimpleRNN(6, name="last")(y)
    ops = count_layer_ops(keras.Model(x, layers.Dense(2, name="out")(y)))
    assert steps(ops) == {"in": 1, "each": 7, "first": 7, "last": 7, "out": 1}
    # rows are per timestep, totals and counts per inference
    per_step = [3 * 4, rnn_connections(4, 5), rnn_connections(5, 6)]
    assert [row.connections for row in ops.layers] == [0, *per_step, 6 * 2]
    assert ops.connections == 7 * sum(per_step) + 12
    macs = {c.layer: c.total for c in ops.to_counts() if c.operation == "mac"}
    assert macs == {
        "each": 84,
        "first": 7 * per_step[1],
        "last": 7 * per_step[2],
        "out": 12,
    }
    (assumption,) = ops.assumptions
    assert assumption.code == "whole-sequence"
    assert "each 7, first 7, last 7" in assumption.text


def test_open_length_counts_one_timestep(keras: ModuleType) -> None:
    layers = keras.layers
    x = keras.Input((None, 3), name="in")
    y = layers.TimeDistributed(layers.Dense(4), name="each")(x)
    y = layers.SimpleRNN(5, name="last")(y)
    ops = count_layer_ops(keras.Model(x, layers.Dense(2, name="out")(y)))
    assert set(steps(ops).values()) == {1}
    assert ops.connections == 12 + rnn_connections(4, 5) + 10
    assert ops.assumptions == (ONE_TIMESTEP,)


def test_without_recurrence_one_timestep_is_counted(keras: ModuleType) -> None:
    layers = keras.layers
    x = keras.Input((7, 3), name="in")
    ops = count_layer_ops(
        keras.Model(x, layers.TimeDistributed(layers.Dense(4), name="each")(x))
    )
    assert steps(ops) == {"in": 1, "each": 1}
    assert ops.connections == 12
    assert ops.assumptions == (ONE_TIMESTEP,)


@pytest.mark.parametrize("length", [None, 7])
def test_sequence_length(keras: ModuleType, length: int | None) -> None:
    layers = keras.layers
    x = keras.Input((length, 3), name="in")
    y = layers.TimeDistributed(layers.Dense(4, activation="relu"), name="each")(x)
    model = keras.Model(x, layers.TimeDistributed(layers.Dense(2), name="out")(y))
    ops = count_layer_ops(model, sequence_length=7)
    assert (ops.connections, ops.activations) == (7 * (3 * 4 + 4 * 2), 7 * 4)
    (assumption,) = ops.assumptions
    assert assumption.code == "whole-sequence"
    assert assumption.text.endswith("timesteps: each 7, out 7.")


def test_sequence_length_is_for_open_axes(keras: ModuleType) -> None:
    layers = keras.layers
    known, unknown = keras.Input((7, 3)), keras.Input((None, 3))
    outputs = [
        layers.SimpleRNN(4, name="known")(known),
        layers.SimpleRNN(4, name="open")(unknown),
    ]
    ops = count_layer_ops(keras.Model([known, unknown], outputs), sequence_length=9)
    assert (steps(ops)["known"], steps(ops)["open"]) == (7, 9)
    plain = keras.Sequential([keras.Input((7, 3)), layers.Dense(4)])
    assert count_layer_ops(plain, sequence_length=9).connections == 7 * 12
    with pytest.raises(InputError, match="sequence_length .* at least 1; got 0"):
        count_layer_ops(plain, sequence_length=0)


def test_axis_read_as_space_gives_the_same(keras: ModuleType) -> None:
    layers = keras.layers
    totals = []
    for wrap in (layers.TimeDistributed, lambda layer: layer):
        x = keras.Input((7, 3))
        y = wrap(layers.Dense(4, activation="relu"))(x)
        y = layers.SimpleRNN(5, return_sequences=True)(y)
        y = wrap(layers.Dense(2))(y)
        y = wrap(layers.ReLU())(y)
        totals.append(numbers(count_layer_ops(keras.Model(x, y))))
    connections = 7 * (12 + rnn_connections(4, 5) + 10)
    assert totals == [(connections, 7 * (4 + 5 + 2), 0)] * 2


def test_known_and_open_lengths_in_one_model(keras: ModuleType) -> None:
    layers = keras.layers
    known, unknown = keras.Input((7, 3)), keras.Input((None, 3))
    outputs = [
        layers.SimpleRNN(4, name="known")(known),
        layers.SimpleRNN(4, name="open")(unknown),
    ]
    ops = count_layer_ops(keras.Model([known, unknown], outputs))
    assert (steps(ops)["known"], steps(ops)["open"]) == (7, 1)
    assert sorted(codes(ops)) == ["one-timestep", "whole-sequence"]
    assert ops.connections == 8 * rnn_connections(3, 4)


def test_open_recurrence_leaves_known_lengths_alone(keras: ModuleType) -> None:
    layers = keras.layers
    known, unknown = keras.Input((7, 3)), keras.Input((None, 3))
    outputs = [
        layers.TimeDistributed(layers.Dense(4), name="each")(known),
        layers.SimpleRNN(4)(unknown),
    ]
    ops = count_layer_ops(keras.Model([known, unknown], outputs))
    assert set(steps(ops).values()) == {1}
    assert ops.connections == 12 + rnn_connections(3, 4)
    assert ops.assumptions == (ONE_TIMESTEP,)


def test_time_distributed_twice(keras: ModuleType) -> None:
    layers = keras.layers
    x = keras.Input((7, 5, 3))
    each = layers.TimeDistributed(layers.TimeDistributed(layers.Dense(4)))
    y = layers.TimeDistributed(layers.SimpleRNN(2))(each(x))
    ops = count_layer_ops(keras.Model(x, y))
    assert [row.n_steps for row in ops.layers] == [1, 35, 35]
    assert ops.layers[1].connections == 12


def test_sequences_within_sequences(keras: ModuleType) -> None:
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.SimpleRNN(4, name="words"),
            layers.Dense(2, name="topic"),
        ],
        name="inner",
    )
    x = keras.Input((7, 5, 3), name="in")
    y = layers.TimeDistributed(inner, name="each")(x)
    y = layers.SimpleRNN(6, name="sentences")(y)
    ops = count_layer_ops(keras.Model(x, y))
    assert steps(ops) == {
        "in": 1,
        "each/words": 35,
        "each/topic": 7,
        "sentences": 7,
    }
    words = rnn_connections(3, 4)
    assert ops.connections == 35 * words + 7 * 8 + 7 * rnn_connections(2, 6)
    # the same, with the layer itself instead of a model around it
    direct = layers.TimeDistributed(layers.SimpleRNN(4), name="words")(x)
    ops = count_layer_ops(keras.Model(x, direct))
    assert steps(ops) == {"in": 1, "words": 35}
    assert ops.connections == 35 * words


def test_shared_layer(keras: ModuleType) -> None:
    layers = keras.layers
    shared = layers.SimpleRNN(4, name="shared")
    a, b, c = keras.Input((7, 3)), keras.Input((7, 3)), keras.Input((5, 3))
    ops = count_layer_ops(keras.Model([a, b], [shared(a), shared(b)]))
    assert steps(ops)["shared"] == 7
    assert ops.connections == 2 * 7 * rnn_connections(3, 4)
    assert ops.layers[-1].n_uses == 2

    model = keras.Model([a, c], [shared(a), shared(c)])
    with pytest.raises(UnsupportedError, match=r"'shared' .*lengths: \[5, 7\]"):
        count_layer_ops(model)
    with pytest.warns(UserWarning, match="'shared'"):
        ops = count_layer_ops(model, on_unsupported="warn")
    assert [row.layer for row in ops.unsupported] == ["shared"]


def test_shared_layer_of_open_length(keras: ModuleType) -> None:
    shared = keras.layers.SimpleRNN(4, name="shared")
    a, b = keras.Input((7, 3)), keras.Input((None, 3))
    with pytest.raises(UnsupportedError, match="'shared' .*different lengths"):
        count_layer_ops(keras.Model([a, b], [shared(a), shared(b)]))


def test_batch_size_is_no_length(keras: ModuleType) -> None:
    x = keras.Input((7, 3), batch_size=11)
    y = keras.layers.SimpleRNN(4, stateful=True, name="rnn")(x)
    ops = count_layer_ops(keras.Model(x, y))
    assert steps(ops)["rnn"] == 7
    assert ops.connections == 7 * rnn_connections(3, 4)


def test_time_before_batch() -> None:
    keras = import_tf_keras()
    x = keras.Input(batch_shape=(7, 2, 3))
    y = keras.layers.SimpleRNN(4, time_major=True, name="rnn")(x)
    ops = count_layer_ops(keras.Model(x, y))
    assert steps(ops)["rnn"] == 7
    assert ops.layers[-1].connections == rnn_connections(3, 4)


def test_repeated_vector(keras: ModuleType) -> None:
    # an encoder and a decoder: the code is repeated along a new time axis
    layers = keras.layers
    x = keras.Input((7, 3), name="in")
    y = layers.SimpleRNN(4, name="encoder")(x)
    y = layers.RepeatVector(9, name="repeat")(y)
    y = layers.SimpleRNN(5, return_sequences=True, name="decoder")(y)
    y = layers.TimeDistributed(layers.Dense(2), name="out")(y)
    ops = count_layer_ops(keras.Model(x, y))
    assert steps(ops) == {
        "in": 1,
        "encoder": 7,
        "repeat": 1,
        "decoder": 9,
        "out": 9,
    }
    expected = 7 * rnn_connections(3, 4) + 9 * rnn_connections(4, 5) + 9 * 10
    assert ops.connections == expected


def test_keras_spiking_layer_runs_along_a_whole_sequence() -> None:
    keras = import_tf_keras()
    base = type("KerasSpikingLayer", (keras.layers.Layer,), {})
    body: dict[str, Any] = {
        "call": lambda self, inputs: inputs,
        "__module__": "keras_spiking.layers",
    }
    layer = type("Lowpass", (base,), body)(name="filter")
    x = keras.Input((7, 3))
    y = layer(keras.layers.SimpleRNN(4, return_sequences=True)(x))
    ops = count_layer_ops(keras.Model(x, y))
    assert steps(ops)["filter"] == 7
    assert ops.connections == 7 * (rnn_connections(3, 4) + 2 * 4)
