"""Layers against TensorFlow's profiler, which counts what a graph computes."""

from __future__ import annotations

from types import ModuleType

import pytest
from counted_layers import model_of
from profiler import profile, profiled_macs

from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow

#: Class, shape, arguments, number of outputs, each of which has a bias.
LAYERS = [
    ("Dense", (5,), dict(units=4), 4),
    ("Dense", (3, 5), dict(units=4), 12),
    ("Conv1D", (7, 2), dict(filters=5, kernel_size=3), 25),
    ("Conv2D", (6, 7, 2), dict(filters=5, kernel_size=3, padding="same"), 210),
    ("Conv2D", (6, 7, 4), dict(filters=6, kernel_size=(3, 2), strides=2), 36),
    ("Conv3D", (4, 4, 4, 2), dict(filters=5, kernel_size=3), 40),
    ("DepthwiseConv2D", (6, 7, 2), dict(kernel_size=3, depth_multiplier=2), 80),
    ("SeparableConv2D", (6, 7, 2), dict(filters=5, kernel_size=3), 100),
    # without cropping or padding: the profiler takes the outputs for inputs x strides
    ("Conv2DTranspose", (4, 3, 2), dict(filters=5, kernel_size=3, padding="same"), 60),
    (
        "Conv2DTranspose",
        (4, 3, 2),
        dict(filters=5, kernel_size=3, strides=2, padding="same"),
        240,
    ),
]


@pytest.mark.parametrize("name, shape, arguments, n_biases", LAYERS)
def test_layer(
    keras: ModuleType, name: str, shape: tuple, arguments: dict, n_biases: int
) -> None:
    model = model_of(keras, getattr(keras.layers, name)(**arguments), shape)
    connections = count_layer_ops(model).connections
    assert connections == profiled_macs(model) > 0
    assert sum(profile(model).values()) == 2 * connections + n_biases


def test_attention(keras: ModuleType) -> None:
    model = model_of(keras, keras.layers.Attention(), (4, 5), (6, 5), as_list=True)
    # 24 scores of 5 features, and as many sums of 5 features
    assert count_layer_ops(model).connections == profiled_macs(model) == 240


def test_unrolled_recurrence(keras: ModuleType) -> None:
    layer = keras.layers.SimpleRNN(5, unroll=True)
    model = model_of(keras, layer, (7, 3))
    # only matrix products: a SimpleRNN has no products of gates
    assert count_layer_ops(model).connections == profiled_macs(model) == 7 * 5 * 8


@pytest.mark.parametrize("name, products", [("LSTM", 3), ("GRU", 3)])
def test_unrolled_gates(keras: ModuleType, name: str, products: int) -> None:
    layer = getattr(keras.layers, name)(5, unroll=True, use_bias=False)
    model = model_of(keras, layer, (7, 3))
    operations = profile(model)
    # a product of gates is a node of its own, with one operation per unit
    macs = profiled_macs(model) + operations["Mul"]
    assert operations["Mul"] == 7 * products * 5
    assert count_layer_ops(model).connections == macs
