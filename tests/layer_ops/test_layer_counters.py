"""Counters of layer classes: loops, layers of ones, arithmetic on small shapes."""

from __future__ import annotations

import itertools
import math
from types import ModuleType
from typing import Any

import brute_force
import numpy as np
import pytest
from brute_force import Tally
from counted_layers import count_one, layer_class, newest_keras, numbers, random_input

from nengo_energy.compat import import_tf_keras
from nengo_energy.layer_ops.counters.normalization import BATCH_NORM_UNFOLDED
from nengo_energy.layer_ops.counters.pooling import MAX_POOLING_FREE
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow


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
    row = count_one(keras, layer, (*shape, n_in))
    assert numbers(row) == (connections, 0, 0)


#: Class, shape, arguments: layers whose outputs are sums of weights times inputs.
WEIGHTED = [
    ("Dense", (5,), dict(units=3)),
    ("Dense", (2, 3, 5), dict(units=4)),
    ("EinsumDense", (5,), dict(equation="ab,bc->ac", output_shape=3)),
    ("EinsumDense", (3, 5), dict(equation="...x,xy->...y", output_shape=4)),
    ("EinsumDense", (3, 5), dict(equation="abc,cd->abd", output_shape=(3, 4))),
    ("EinsumDense", (3, 5), dict(equation="abc,cde->abde", output_shape=(3, 2, 2))),
    ("EinsumDense", (3, 5), dict(equation="abc,bcd->ad", output_shape=2)),
    ("EinsumDense", (3, 5), dict(equation="abc,bd->acd", output_shape=(5, 2))),
    ("Conv2D", (6, 5, 2), dict(filters=3, kernel_size=(3, 2), strides=2)),
    ("DepthwiseConv1D", (6, 3), dict(kernel_size=2, strides=2)),
    ("DepthwiseConv2D", (6, 5, 3), dict(kernel_size=(3, 2), depth_multiplier=2)),
    ("Conv1DTranspose", (4, 3), dict(filters=2, kernel_size=3)),
    ("Conv2DTranspose", (4, 3, 2), dict(filters=5, kernel_size=(3, 2), strides=2)),
    ("Conv3DTranspose", (2, 3, 2, 3), dict(filters=2, kernel_size=2)),
    ("LocallyConnected1D", (6, 3), dict(filters=2, kernel_size=3, strides=2)),
    ("LocallyConnected2D", (6, 5, 2), dict(filters=3, kernel_size=(3, 2))),
]


@pytest.mark.parametrize("name, shape, arguments", WEIGHTED)
def test_ones_add_up_to_connections(
    keras: ModuleType, name: str, shape: tuple, arguments: dict
) -> None:
    # With weights and inputs of one, each connection adds one to the sum of outputs.
    if name != "EinsumDense":
        arguments = dict(arguments, use_bias=False)
    layer = layer_class(keras, name)(**arguments)
    row = count_one(keras, layer, shape)
    layer.set_weights([np.ones_like(weight) for weight in layer.get_weights()])
    outputs = np.asarray(layer(np.ones((1, *shape), np.float32)))
    assert row.connections == outputs.sum() > 0


def test_separable_conv(keras: ModuleType) -> None:
    layer = keras.layers.SeparableConv2D(5, (3, 2), depth_multiplier=2)
    # 4 x 5 positions, 3 x 2 channels between: a 3 x 2 kernel each, then 5 outputs each.
    row = count_one(keras, layer, (6, 6, 3))
    assert numbers(row) == (20 * 6 * 6 + 20 * 6 * 5, 0, 0)


def test_channels_first(keras: ModuleType) -> None:
    layer = keras.layers.Conv2D(5, 3, data_format="channels_first")
    row = count_one(keras, layer, (2, 6, 7))
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
    ("ThresholdedReLU", (4, 3), {}, (0, 12, 0)),
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
    ("Embedding", (6,), dict(input_dim=9, output_dim=4), (0, 0, 0)),
    ("Dropout", (6,), dict(rate=0.5), (0, 0, 0)),
    ("SpatialDropout2D", (6, 4, 2), dict(rate=0.5), (0, 0, 0)),
    ("GaussianNoise", (6,), dict(stddev=0.5), (0, 0, 0)),
    ("ActivityRegularization", (6,), {}, (0, 0, 0)),
    ("Rescaling", (6, 4, 2), dict(scale=2.0, offset=1.0), (48, 0, 0)),
    ("Normalization", (6, 2), dict(mean=1.0, variance=2.0), (12, 0, 0)),
    ("Discretization", (6,), dict(bin_boundaries=[0.0, 1.0]), (0, 0, 0)),
]


def test_random_fourier_features() -> None:
    keras = import_tf_keras()
    layer = keras.layers.experimental.RandomFourierFeatures(7)
    # 3 inputs to each of 7 features, and the cosine of each
    assert numbers(count_one(keras, layer, (3,))) == (21, 7, 0)


@pytest.mark.parametrize("name, shape, arguments, expected", LAYERS)
def test_layer(
    keras: ModuleType, name: str, shape: tuple, arguments: dict, expected: tuple
) -> None:
    row = count_one(keras, layer_class(keras, name)(**arguments), shape)
    assert row.class_name == name
    assert numbers(row) == expected


@pytest.mark.parametrize(
    "name, expected",
    [
        ("Add", (0, 0, 24)),
        ("Subtract", (0, 0, 12)),
        ("Average", (0, 0, 36)),
        ("Multiply", (24, 0, 0)),
        ("Maximum", (0, 0, 0)),
        ("Minimum", (0, 0, 0)),
        ("Concatenate", (0, 0, 0)),
    ],
)
def test_merging(keras: ModuleType, name: str, expected: tuple) -> None:
    shapes = [(4, 3)] * (2 if name == "Subtract" else 3)
    row = count_one(keras, getattr(keras.layers, name)(), *shapes, as_list=True)
    assert numbers(row) == expected


@pytest.mark.parametrize("axes", [2, (2, 2), -1])
@pytest.mark.parametrize("normalize", [False, True])
def test_dot_by_loops(keras: ModuleType, axes: Any, normalize: bool) -> None:
    layer = keras.layers.Dot(axes=axes, normalize=normalize)
    row = count_one(keras, layer, (3, 5), (4, 5), as_list=True)
    inputs = [random_input(3, 5), random_input(4, 5, seed=2)]
    tally = Tally()
    rows = [
        [brute_force.to_unit_length(tally, list(v)) if normalize else v for v in x[0]]
        for x in inputs
    ]
    outputs = brute_force.dot_scores(tally, *rows)
    np.testing.assert_allclose(outputs, np.asarray(layer(inputs))[0], rtol=1e-4)
    assert numbers(row) == tally.numbers


def test_assumptions_are_said_once(keras: ModuleType) -> None:
    layers = [keras.layers.BatchNormalization(), keras.layers.MaxPooling1D()]
    layers += [keras.layers.BatchNormalization(), keras.layers.MaxPooling1D()]
    ops = count_layer_ops(keras.Sequential([keras.Input((8, 2)), *layers]))
    assert ops.assumptions == (BATCH_NORM_UNFOLDED, MAX_POOLING_FREE)


@pytest.mark.parametrize(
    "name, arguments, code",
    [
        ("Maximum", {}, "comparisons-free"),
        ("Embedding", dict(input_dim=9, output_dim=4), "embedding-free"),
        ("Hashing", dict(num_bins=3), "lookups-free"),
        ("UpSampling2D", dict(interpolation="bilinear"), "direct-interpolation"),
    ],
)
def test_what_is_free_is_said(
    keras: ModuleType, name: str, arguments: dict, code: str
) -> None:
    layers = keras.layers
    shape = (4, 4, 1) if name == "UpSampling2D" else (4,)
    x = keras.Input(shape, dtype="int64" if name == "Hashing" else None)
    layer = getattr(layers, name)(**arguments)
    model = keras.Model(x, layer([x, x] if name == "Maximum" else x))
    assert [a.code for a in count_layer_ops(model).assumptions] == [code]


@pytest.mark.parametrize("cap", [None, 2.0])
def test_reversible_embedding(cap: float | None) -> None:
    keras = newest_keras()
    layer = layer_class(keras, "ReversibleEmbedding")(7, 3, logit_soft_cap=cap)
    x = keras.Input((5,))
    ops = count_layer_ops(keras.Model(x, layer(layer(x), reverse=True)))
    # 5 positions of 7 logits from 3 features; a cap is a product, tanh, a product
    capped = 0 if cap is None else 35
    assert numbers(ops) == (3 * 35 + 2 * capped, capped, 0)
    assert ops.layers[-1].n_uses == 2
