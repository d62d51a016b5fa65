"""Counters of layer classes: loops, layers of ones, arithmetic on small shapes."""

from __future__ import annotations

import importlib
import itertools
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nengo_energy import layer_counters
from nengo_energy.compat import import_tf_keras
from nengo_energy.exceptions import InputError
from nengo_energy.keras_layers import LayerCount, count_layer_ops
from nengo_energy.layer_calls import LayerCall
from nengo_energy.layer_counters import (
    BATCH_NORM_UNFOLDED,
    MAX_POOLING_FREE,
    Operations,
    find_counter,
    register_layer,
)

with_tensorflow = pytest.mark.tensorflow


@pytest.fixture(params=["keras2", "keras"])
def keras(request: pytest.FixtureRequest) -> ModuleType:
    """Keras 2 and, from TensorFlow 2.16 on, Keras 3."""
    if request.param == "keras2":
        return import_tf_keras()
    return importlib.import_module("keras")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo registrations after the test."""
    monkeypatch.setattr(layer_counters, "_COUNTERS", dict(layer_counters._COUNTERS))


def count_one(keras: ModuleType, input_shape: tuple, layer: Any) -> LayerCount:
    """Return the counts of a layer behind an input."""
    inputs = keras.Input(input_shape)
    model = keras.Model(inputs, layer(inputs))
    ops = count_layer_ops(model)
    assert ops.params == model.count_params()
    return ops.layers[-1]


def numbers(row: LayerCount) -> tuple[int, int, int]:
    """Return the three counts of a row."""
    return row.connections, row.activations, row.additions


class Layer:
    """Stands for the root of Keras's layers."""

    def call(self, inputs: Any) -> Any:
        """Return the inputs."""
        return inputs


Dense = type("Dense", (Layer,), {"call": lambda self, inputs: inputs})


def test_subclass_counts_as_base_unless_it_defines_call() -> None:
    renamed = type("MyDense", (Dense,), {"build": lambda self: None})
    rewritten = type("MyDense", (Dense,), {"call": lambda self, inputs: 2 * inputs})
    assert find_counter(renamed()) is layer_counters.count_dense
    assert find_counter(rewritten()) is None


def test_operation_with_the_name_of_a_layer_is_not_one() -> None:
    assert find_counter(type("Add", (), {})()) is None


def test_register_layer(registry: None) -> None:
    def counter(call: LayerCall) -> Operations:
        return Operations(connections=1)

    mine = type("Mine", (Layer,), {"call": lambda self, inputs: inputs})
    assert find_counter(mine()) is None
    register_layer(mine, counter)
    assert find_counter(mine()) is counter
    with pytest.raises(InputError, match="'Dense' has a counter"):
        register_layer("Dense", counter)
    register_layer("Dense", counter, replace=True)
    assert find_counter(Dense()) is counter


@pytest.mark.parametrize("bad", [3, None, "two words", ""])
def test_register_layer_refuses_what_is_no_class(bad: Any) -> None:
    with pytest.raises(InputError, match="layer class or the name"):
        register_layer(bad, lambda call: Operations())


def test_register_layer_refuses_what_cannot_count() -> None:
    with pytest.raises(InputError, match="'Mine' must be callable, got 5"):
        register_layer("Mine", 5)  # type: ignore[arg-type]


# Loops


def output_length(
    length: int, kernel: int, stride: int, dilation: int, pad: str
) -> int:
    """Count the output positions of a convolution along one axis."""
    if pad == "same":
        return math.ceil(length / stride)
    reach = (kernel - 1) * dilation
    return sum(start + reach < length for start in range(0, length, stride))


CONVS = [
    (n, pad, stride, dilation, groups)
    for n, pad, (stride, dilation), groups in itertools.product(
        (1, 2, 3), ("valid", "same"), ((1, 1), (2, 1), (3, 1), (1, 2)), (1, 2)
    )
]


@with_tensorflow
@pytest.mark.parametrize("n, pad, stride, dilation, groups", CONVS)
def test_conv_by_loops(
    keras: ModuleType, n: int, pad: str, stride: int, dilation: int, groups: int
) -> None:
    shape, kernel, n_in, n_out = (7, 6, 5)[:n], (3, 2, 2)[:n], 4, 6
    layer = getattr(keras.layers, f"Conv{n}D")(
        n_out, kernel, stride, padding=pad, dilation_rate=dilation, groups=groups
    )
    n_positions = 1
    for length, width in zip(shape, kernel):
        n_positions *= output_length(length, width, stride, dilation, pad)
    connections = 0
    for _ in range(n_positions):
        for _ in itertools.product(*map(range, kernel)):
            for source, target in itertools.product(range(n_in), range(n_out)):
                # channels are connected if they are in the same group
                connections += source * groups // n_in == target * groups // n_out
    row = count_one(keras, (*shape, n_in), layer)
    assert numbers(row) == (connections, 0, 0)


@with_tensorflow
@pytest.mark.parametrize(
    "name, shape, arguments",
    [
        ("Dense", (5,), dict(units=3)),
        ("Dense", (2, 3, 5), dict(units=4)),
        ("Conv2D", (6, 5, 2), dict(filters=3, kernel_size=(3, 2), strides=2)),
        ("DepthwiseConv1D", (6, 3), dict(kernel_size=2, strides=2)),
        ("DepthwiseConv2D", (6, 5, 3), dict(kernel_size=(3, 2), depth_multiplier=2)),
        ("Conv1DTranspose", (4, 3), dict(filters=2, kernel_size=3)),
        ("Conv2DTranspose", (4, 3, 2), dict(filters=5, kernel_size=(3, 2), strides=2)),
        ("Conv3DTranspose", (2, 3, 2, 3), dict(filters=2, kernel_size=2)),
    ],
)
def test_ones_add_up_to_connections(
    keras: ModuleType, name: str, shape: tuple, arguments: dict
) -> None:
    # With weights and inputs of one, each connection adds one to the sum of outputs.
    layer = getattr(keras.layers, name)(use_bias=False, **arguments)
    row = count_one(keras, shape, layer)
    layer.set_weights([np.ones_like(weight) for weight in layer.get_weights()])
    outputs = np.asarray(layer(np.ones((1, *shape), np.float32)))
    assert row.connections == outputs.sum() > 0


@with_tensorflow
def test_separable_conv(keras: ModuleType) -> None:
    layer = keras.layers.SeparableConv2D(5, (3, 2), depth_multiplier=2)
    # 4 x 5 positions, 3 x 2 channels between: a 3 x 2 kernel each, then 5 outputs each.
    row = count_one(keras, (6, 6, 3), layer)
    assert numbers(row) == (20 * 6 * 6 + 20 * 6 * 5, 0, 0)


@with_tensorflow
def test_channels_first(keras: ModuleType) -> None:
    layer = keras.layers.Conv2D(5, 3, data_format="channels_first")
    row = count_one(keras, (2, 6, 7), layer)
    assert row.output_shape == (None, 5, 4, 5)
    assert numbers(row) == (9 * 2 * 5 * 4 * 5, 0, 0)


# Every other layer class: name, input shape, arguments, the three counts

LAYERS = [
    ("Dense", (4,), dict(units=3, activation="relu"), (12, 3, 0)),
    ("Dense", (4,), dict(units=3, activation="linear"), (12, 0, 0)),
    ("Conv1D", (4, 1), dict(filters=2, kernel_size=2, activation="tanh"), (12, 6, 0)),
    ("Activation", (4, 3), dict(activation="relu"), (0, 12, 0)),
    ("Activation", (4, 3), dict(activation="linear"), (0, 0, 0)),
    ("ReLU", (4, 3), {}, (0, 12, 0)),
    ("LeakyReLU", (4, 3), {}, (0, 12, 0)),
    ("PReLU", (4, 3), {}, (0, 12, 0)),
    ("ELU", (4, 3), {}, (0, 12, 0)),
    ("Softmax", (4,), {}, (0, 4, 0)),
    # 2 x 2 averages of 3 x 2 elements in 2 channels: 5 additions and a division each
    ("AveragePooling2D", (6, 4, 2), dict(pool_size=(3, 2)), (0, 0, 2 * 2 * 2 * 6)),
    ("AveragePooling1D", (6, 2), dict(pool_size=3, strides=1), (0, 0, 4 * 2 * 3)),
    ("AveragePooling3D", (2, 4, 2, 3), dict(pool_size=2), (0, 0, 2 * 3 * 8)),
    ("GlobalAveragePooling1D", (6, 2), {}, (0, 0, 12)),
    ("GlobalAveragePooling2D", (6, 4, 2), {}, (0, 0, 48)),
    ("GlobalAveragePooling3D", (6, 4, 1, 2), {}, (0, 0, 48)),
    ("MaxPooling1D", (6, 2), {}, (0, 0, 0)),
    ("MaxPooling2D", (6, 4, 2), {}, (0, 0, 0)),
    ("MaxPooling3D", (2, 4, 2, 3), {}, (0, 0, 0)),
    ("GlobalMaxPooling1D", (6, 2), {}, (0, 0, 0)),
    ("GlobalMaxPooling2D", (6, 4, 2), {}, (0, 0, 0)),
    ("GlobalMaxPooling3D", (6, 4, 1, 2), {}, (0, 0, 0)),
    ("BatchNormalization", (6, 4, 2), {}, (48, 0, 0)),
    ("UpSampling1D", (6, 2), {}, (0, 0, 0)),
    ("UpSampling2D", (6, 4, 2), {}, (0, 0, 0)),
    ("UpSampling3D", (2, 4, 2, 3), {}, (0, 0, 0)),
    ("ZeroPadding1D", (6, 2), {}, (0, 0, 0)),
    ("ZeroPadding2D", (6, 4, 2), {}, (0, 0, 0)),
    ("ZeroPadding3D", (2, 4, 2, 3), {}, (0, 0, 0)),
    ("Cropping2D", (6, 4, 2), {}, (0, 0, 0)),
    ("Flatten", (6, 4), {}, (0, 0, 0)),
    ("Reshape", (6, 4), dict(target_shape=(8, 3)), (0, 0, 0)),
    ("Permute", (6, 4), dict(dims=(2, 1)), (0, 0, 0)),
    ("RepeatVector", (6,), dict(n=2), (0, 0, 0)),
    ("Dropout", (6,), dict(rate=0.5), (0, 0, 0)),
    ("SpatialDropout2D", (6, 4, 2), dict(rate=0.5), (0, 0, 0)),
    ("GaussianNoise", (6,), dict(stddev=0.5), (0, 0, 0)),
]


@with_tensorflow
@pytest.mark.parametrize("name, shape, arguments, expected", LAYERS)
def test_layer(
    keras: ModuleType, name: str, shape: tuple, arguments: dict, expected: tuple
) -> None:
    row = count_one(keras, shape, getattr(keras.layers, name)(**arguments))
    assert row.class_name == name
    assert numbers(row) == expected


@with_tensorflow
@pytest.mark.parametrize(
    "name, expected",
    [("Add", 24), ("Subtract", 12), ("Average", 36), ("Concatenate", 0)],
)
def test_merging(keras: ModuleType, name: str, expected: int) -> None:
    inputs = [keras.Input((4, 3)) for _ in range(2 if name == "Subtract" else 3)]
    model = keras.Model(inputs, getattr(keras.layers, name)()(inputs))
    assert numbers(count_layer_ops(model).layers[-1]) == (0, 0, expected)


@with_tensorflow
def test_assumptions_are_said_once(keras: ModuleType) -> None:
    layers = [keras.layers.BatchNormalization(), keras.layers.MaxPooling1D()]
    layers += [keras.layers.BatchNormalization(), keras.layers.MaxPooling1D()]
    ops = count_layer_ops(keras.Sequential([keras.Input((8, 2)), *layers]))
    assert ops.assumptions == (BATCH_NORM_UNFOLDED, MAX_POOLING_FREE)
