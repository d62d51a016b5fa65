"""Kernels, bytes and kinds of layers, counted by hand."""

from __future__ import annotations

from types import ModuleType

import pytest

from nengo_energy.counts import BATCH_NORM
from nengo_energy.devices.fields import FOLDED
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow


def layers_of(model):
    return {row.layer: row for row in count_layer_ops(model).layers}


def test_kernels_weights_and_values_of_a_small_network(keras: ModuleType) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depth"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(10, name="dense"),
        ]
    )
    rows = layers_of(model)
    found = {n: (r.kernels, r.weights, r.values, r.forms) for n, r in rows.items()}
    image, maps, small = 8 * 8 * 3, 8 * 8 * 4, 4 * 4 * 4
    nothing = (0, 0, 0, {"": 0})
    assert found == {
        # sums and nonlinearity: in, out, and in and out of the nonlinearity
        "conv": (2, 27 * 4 + 4, image + 3 * maps, {"convolution": 27 * maps}),
        "norm": (1, 4 * 4, 2 * maps, {"batch_norm": maps}),
        "depth": (1, 9 * 4, 2 * maps, {"depthwise": 9 * maps}),
        "relu": (1, 0, 2 * maps, {"": 0}),
        "pool": (1, 0, maps + small, {"": 0}),
        "flat": nothing,
        "drop": nothing,
        "dense": (1, small * 10 + 10, small + 10, {"dense": small * 10}),
    }
    assert BATCH_NORM in FOLDED


def test_a_separable_convolution_is_two(keras: ModuleType) -> None:
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), keras.layers.SeparableConv2D(5, 3, name="s")]
    )
    (row,) = [r for r in layers_of(model).values() if r.layer == "s"]
    # 4 x 4 positions, 2 channels: 3 x 3 products each, then 5 filters
    assert row.forms == {"depthwise": 16 * 2 * 9, "convolution": 16 * 2 * 5}
    assert (row.kernels, row.connections) == (2, 16 * 2 * 14)


def test_a_convolution_of_one_channel_to_a_group_is_depthwise(
    keras: ModuleType,
) -> None:
    model = keras.Sequential(
        [keras.Input((6, 6, 4)), keras.layers.Conv2D(8, 3, groups=4, name="g")]
    )
    (row,) = [r for r in layers_of(model).values() if r.layer == "g"]
    assert row.forms == {"depthwise": 16 * 8 * 9}


def test_a_shared_layer_reads_its_weights_in_every_call(keras: ModuleType) -> None:
    shared = keras.layers.Dense(3, name="shared")
    a, b = keras.Input((5,)), keras.Input((5,))
    model = keras.Model([a, b], keras.layers.Add(name="add")([shared(a), shared(b)]))
    rows = layers_of(model)
    assert (rows["shared"].kernels, rows["shared"].weights) == (2, 2 * (15 + 3))
    assert (rows["add"].kernels, rows["add"].values) == (1, 3 + 3 + 3)


def test_a_recurrent_layer_starts_in_every_timestep(keras: ModuleType) -> None:
    model = keras.Sequential(
        [
            keras.Input((7, 5)),
            keras.layers.SimpleRNN(4, name="rnn"),
            keras.layers.Dense(2, name="out"),
        ]
    )
    rows = layers_of(model)
    assert (rows["rnn"].n_starts, rows["rnn"].kernels) == (7, 2)
    counts = {
        (row.layer, row.operation): row.total
        for row in count_layer_ops(model).to_counts()
    }
    n_weights = 4 * (5 + 4) + 4
    assert counts["rnn", "weight_byte"] == 4 * 7 * n_weights
    assert counts["rnn", "kernel"] == 7 * 2
    assert counts["out", "kernel"] == 1
