"""Counters of layer classes: loops, layers of ones, arithmetic on small shapes."""

from __future__ import annotations

import importlib
import itertools
import math
from types import ModuleType
from typing import Any

import brute_force
import numpy as np
import pytest
from brute_force import Tally
from counted_layers import count_one, numbers, random_input, random_weights

from nengo_energy.compat import import_tf_keras
from nengo_energy.exceptions import InputError, UnsupportedError
from nengo_energy.keras_layers import count_layer_ops
from nengo_energy.layer_calls import LayerCall
from nengo_energy.layer_counters import Operations, count_call
from nengo_energy.layer_counters.normalization import BATCH_NORM_UNFOLDED
from nengo_energy.layer_counters.pooling import MAX_POOLING_FREE

pytestmark = pytest.mark.tensorflow


def newest_layer(name: str) -> Any:
    """Return a layer class of Keras 3, which older versions of it may not have."""
    keras = importlib.import_module("keras")
    if not hasattr(keras.layers, name):
        pytest.skip(f"Keras {keras.__version__} has no {name}")
    return getattr(keras.layers, name)


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
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    if name != "EinsumDense":
        arguments = dict(arguments, use_bias=False)
    layer = getattr(keras.layers, name)(**arguments)
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


# Normalization, by loops


def last_axis_groups(x: np.ndarray) -> list[list[float]]:
    """Return the elements along the last axis, of every position."""
    return [list(x[index]) for index in brute_force.positions(x.shape[:-1])]


@pytest.mark.parametrize("center, scale", [(True, True), (True, False), (False, True)])
def test_layer_normalization_by_loops(
    keras: ModuleType, center: bool, scale: bool
) -> None:
    layer = keras.layers.LayerNormalization(center=center, scale=scale, epsilon=1e-3)
    row = count_one(keras, layer, (2, 3, 4))
    weights = random_weights(layer)
    gamma = weights[0] if scale else None
    beta = weights[-1] if center else np.zeros(4)
    x = random_input(2, 3, 4)
    tally = Tally()
    outputs = [
        brute_force.standardize(tally, group, 1e-3, gamma, beta)
        for group in last_axis_groups(x[0])
    ]
    expected = np.asarray(layer(x)).reshape(6, 4)
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    assert numbers(row) == tally.numbers


@pytest.mark.parametrize("axis", [(1, 2), (-2, -1), [2]])
def test_layer_normalization_over_axes(keras: ModuleType, axis: Any) -> None:
    layer = keras.layers.LayerNormalization(axis=axis)
    row = count_one(keras, layer, (5, 4))
    n_groups = 5 if axis == [2] else 1
    # square, scale, gamma; one root per group; mean, difference, one more division
    assert numbers(row) == (3 * 20, n_groups, 2 * 20 + n_groups)


@pytest.mark.parametrize("groups", [1, 2, -1])
def test_group_normalization_by_loops(keras: ModuleType, groups: int) -> None:
    layer = keras.layers.GroupNormalization(groups=groups, epsilon=1e-3)
    row = count_one(keras, layer, (2, 3, 4))
    gamma, beta = random_weights(layer)
    x = random_input(2, 3, 4)
    tally = Tally()
    n_groups = 4 if groups == -1 else groups  # -1: each channel by itself
    n_channels = 4 // n_groups
    outputs = np.zeros((2, 3, 4))
    for group in range(n_groups):
        part = slice(group * n_channels, (group + 1) * n_channels)
        values = list(x[0, :, :, part].ravel())
        repeated = [np.tile(weight[part], 6) for weight in (gamma, beta)]
        outputs[:, :, part] = np.reshape(
            brute_force.standardize(tally, values, 1e-3, *repeated), (2, 3, n_channels)
        )
    np.testing.assert_allclose(outputs, np.asarray(layer(x))[0], rtol=1e-3, atol=1e-5)
    assert numbers(row) == tally.numbers


def test_unit_normalization_by_loops(keras: ModuleType) -> None:
    layer = keras.layers.UnitNormalization()
    row = count_one(keras, layer, (2, 3, 4))
    x = random_input(2, 3, 4)
    tally = Tally()
    outputs = [brute_force.to_unit_length(tally, g) for g in last_axis_groups(x[0])]
    expected = np.asarray(layer(x)).reshape(6, 4)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4)
    assert numbers(row) == tally.numbers


def test_rms_normalization_by_loops() -> None:
    layer = newest_layer("RMSNormalization")(epsilon=1e-3)
    row = count_one(importlib.import_module("keras"), layer, (2, 3, 4))
    (gamma,) = random_weights(layer)
    x = random_input(2, 3, 4)
    tally = Tally()
    outputs = [
        brute_force.root_mean_square(tally, group, 1e-3, gamma)
        for group in last_axis_groups(x[0])
    ]
    expected = np.asarray(layer(x)).reshape(6, 4)
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    assert numbers(row) == tally.numbers


def test_normalization_along_open_time(keras: ModuleType) -> None:
    layers = keras.layers
    row = count_one(keras, layers.LayerNormalization(), (None, 4))
    assert numbers(row) == (12, 1, 9)
    for layer in (layers.LayerNormalization(axis=-1), layers.UnitNormalization()):
        assert count_one(keras, layer, (None, 4)).activations == 1
    with pytest.raises(InputError, match="'along' .*axis 1 of its input"):
        count_one(keras, layers.UnitNormalization(axis=1, name="along"), (None, 4))
    with pytest.raises(InputError, match="'group' .*whole sequences"):
        count_one(keras, layers.GroupNormalization(2, name="group"), (None, 4))


def test_spectral_normalization_counts_what_is_inside() -> None:
    # Keras 2's is broken beside Keras 3: it takes the other's InputSpec
    keras = importlib.import_module("keras")
    layer = newest_layer("SpectralNormalization")
    conv = keras.layers.Conv2D(5, 3, activation="relu")
    row = count_one(keras, layer(conv), (6, 6, 2))
    assert numbers(row) == (9 * 2 * 4 * 4 * 5, 80, 0)


# Pooling and resizing, by what single inputs do


def n_links(layer: Any, *shape: int) -> int:
    """Count the pairs of an input and an output of a linear layer that are linked."""
    n_inputs = math.prod(shape)
    single = np.eye(n_inputs, dtype=np.float32).reshape(n_inputs, *shape)
    return int(np.count_nonzero(np.abs(np.asarray(layer(single))) > 1e-6))


@pytest.mark.parametrize(
    "name, shape, size",
    [
        ("AdaptiveAveragePooling1D", (7, 2), 3),
        ("AdaptiveAveragePooling1D", (3, 2), 5),
        ("AdaptiveAveragePooling2D", (7, 6, 2), (3, 4)),
        ("AdaptiveAveragePooling2D", (8, 6, 1), (4, 2)),
        ("AdaptiveAveragePooling3D", (5, 4, 3, 2), (2, 3, 2)),
    ],
)
def test_adaptive_pooling(name: str, shape: tuple, size: Any) -> None:
    keras = importlib.import_module("keras")
    layer = newest_layer(name)(size)
    row = count_one(keras, layer, shape)
    # every element of a window is added once, or its first replaced by the division
    assert numbers(row) == (0, 0, n_links(layer, *shape))
    largest = newest_layer(name.replace("Average", "Max"))(size)
    assert numbers(count_one(keras, largest, shape)) == (0, 0, 0)


@pytest.mark.parametrize(
    "method, n_taps",
    # away from the border, each output is made of 2 x 2 or 4 x 4 inputs
    [("bilinear", 4), ("bicubic", 16)],
)
def test_interpolation(keras: ModuleType, method: str, n_taps: int) -> None:
    layer = keras.layers.UpSampling2D(3, interpolation=method)
    row = count_one(keras, layer, (6, 8, 2))
    assert numbers(row) == (n_taps * 18 * 24 * 2, 0, 0)
    # an output in the middle, which falls between inputs along both axes
    single = np.eye(48, dtype=np.float32).reshape(48, 6, 8, 1)
    weights = np.asarray(layer(single))[:, 9, 12, 0]
    assert np.count_nonzero(np.abs(weights) > 1e-6) == n_taps


def test_area_interpolation() -> None:
    keras = import_tf_keras()
    layer = keras.layers.Resizing(4, 3, interpolation="area")
    row = count_one(keras, layer, (7, 5, 2))
    assert numbers(row) == (n_links(layer, 7, 5, 2), 0, 0)


@pytest.mark.parametrize(
    "name, size, shape, expected",
    [
        ("Resizing", (8, 4), (4, 4, 3), 4 * 8 * 4 * 3),
        ("CenterCrop", (4, 3), (6, 6, 3), 0),
        ("CenterCrop", (8, 3), (6, 6, 3), 4 * 8 * 3 * 3),
        ("RandomCrop", (6, 6), (6, 6, 3), 0),
        ("RandomCrop", (4, 3), (6, 6, 3), 4 * 4 * 3 * 3),
    ],
)
def test_cropping_and_resizing(
    keras: ModuleType, name: str, size: tuple, shape: tuple, expected: int
) -> None:
    row = count_one(keras, getattr(keras.layers, name)(*size), shape)
    assert numbers(row) == (expected, 0, 0)


def test_antialias_widens_the_window() -> None:
    keras = importlib.import_module("keras")
    layer = keras.layers.Resizing(2, 4, antialias=True)
    # shrinking by 3 and by 2: 2 x 3 and 2 x 2 inputs for each output
    assert numbers(count_one(keras, layer, (6, 8, 1))) == (6 * 4 * 2 * 4, 0, 0)


def test_nearest_is_free(keras: ModuleType) -> None:
    layer = keras.layers.Resizing(9, 9, interpolation="nearest")
    assert numbers(count_one(keras, layer, (4, 4, 1))) == (0, 0, 0)


def test_unknown_interpolation(keras: ModuleType) -> None:
    layer = keras.layers.UpSampling2D(interpolation="bilinear", name="zoom")
    model = keras.Sequential([keras.Input((4, 4, 1)), layer])
    layer.interpolation = "spline"
    with pytest.raises(UnsupportedError, match="'zoom' .*'spline'; allowed: nearest"):
        count_layer_ops(model)


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


@pytest.mark.parametrize("name, shape, arguments, expected", LAYERS)
def test_layer(
    keras: ModuleType, name: str, shape: tuple, arguments: dict, expected: tuple
) -> None:
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    row = count_one(keras, getattr(keras.layers, name)(**arguments), shape)
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


# Preprocessing


def test_category_encoding(keras: ModuleType) -> None:
    layer = keras.layers.CategoryEncoding(num_tokens=5, output_mode="multi_hot")
    x = keras.Input((3,), dtype="int64")
    assert numbers(count_layer_ops(keras.Model(x, layer(x))).layers[-1]) == (0, 0, 0)


def test_weights_of_terms(keras: ModuleType) -> None:
    layer = keras.layers.IntegerLookup(
        vocabulary=[3, 4, 5], idf_weights=[1.0, 2.0, 3.0], output_mode="tf_idf"
    )
    x = keras.Input((4,), dtype="int64")
    # a weight for each of the 3 words and for those that aren't known
    row = count_layer_ops(keras.Model(x, layer(x))).layers[-1]
    assert numbers(row) == (4, 0, 0)


#: Arguments that layers of augmentation ask for.
AUGMENTATION = {
    **dict.fromkeys(["RandomBrightness", "RandomContrast"], dict(factor=0.3)),
    **dict.fromkeys(["RandomRotation", "RandomColorDegeneration"], dict(factor=0.3)),
    **dict.fromkeys(["RandomHue", "RandomSaturation"], dict(factor=0.3)),
    "RandomSharpness": dict(factor=0.3),
    "RandomPosterization": dict(factor=3),
    "RandomTranslation": dict(height_factor=0.3, width_factor=0.3),
    "RandomShear": dict(x_factor=0.3, y_factor=0.3),
    "RandomZoom": dict(height_factor=0.3),
    **dict.fromkeys(["RandomFlip", "RandomColorJitter", "RandomGaussianBlur"], {}),
    **dict.fromkeys(["RandomGrayscale", "RandomInvert", "RandomPerspective"], {}),
    **dict.fromkeys(["RandomErasing", "RandomElasticTransform", "Solarization"], {}),
    **dict.fromkeys(["AugMix", "CutMix", "MixUp", "RandAugment", "Equalization"], {}),
}


@pytest.mark.parametrize("name", AUGMENTATION)
def test_augmentation_does_nothing_at_inference(keras: ModuleType, name: str) -> None:
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    layer = getattr(keras.layers, name)(**AUGMENTATION[name])
    images = np.random.RandomState(0).uniform(0, 255, (2, 8, 6, 3)).astype("float32")
    np.testing.assert_array_equal(np.asarray(layer(images, training=False)), images)
    call = LayerCall(layer, ((8, 6, 3),), ((8, 6, 3),))
    assert count_call(call) == Operations()


def test_auto_contrast_by_loops() -> None:
    keras = importlib.import_module("keras")
    layer = newest_layer("AutoContrast")(value_range=(0, 255))
    row = count_one(keras, layer, (3, 2, 2))
    image = np.random.RandomState(0).uniform(50, 200, (1, 3, 2, 2)).astype("float32")
    tally, outputs = Tally(), np.zeros((3, 2, 2))
    for channel in range(2):
        values = image[0, :, :, channel]
        low, high = float(values.min()), float(values.max())
        span = tally.apply(lambda v: 1 / v, tally.minus(high, low))
        scale = tally.times(255.0, span)
        offset = tally.times(-low, scale)
        for i, j in brute_force.positions((3, 2)):
            stretched = tally.mac(offset, float(values[i, j]), scale)
            clip = tally.apply(lambda v: min(max(v, 0.0), 255.0), stretched)
            outputs[i, j, channel] = clip
    np.testing.assert_allclose(outputs, np.asarray(layer(image))[0], rtol=1e-3)
    assert numbers(row) == tally.numbers
    wider = newest_layer("AutoContrast")(value_range=(0, 1))
    assert count_one(keras, wider, (3, 2, 2)).connections == tally.macs + 2 * 12


@pytest.mark.parametrize(
    "mode", ["real", "imag", "stft", "angle", "psd", "magnitude", "log"]
)
def test_spectrogram_by_loops(mode: str) -> None:
    keras = importlib.import_module("keras")
    layer = newest_layer("STFTSpectrogram")(mode=mode, frame_length=4, frame_step=2)
    row = count_one(keras, layer, (8, 1))
    signal = random_input(8, 1)
    kernels = [np.asarray(weight)[:, 0] for weight in layer.get_weights()]
    tally, frames = Tally(), []
    for start in range(0, 8 - 4 + 1, 2):
        frame = list(signal[0, start : start + 4, 0])
        parts = [tally.matrix(frame, k, np.zeros(3)) for k in kernels]
        frames.append(combine(tally, mode, parts))
    np.testing.assert_allclose(frames, np.asarray(layer(signal))[0], 1e-3, 1e-5)
    assert numbers(row) == tally.numbers


def combine(tally: Tally, mode: str, parts: list) -> list:
    """Return what a spectrogram holds of the real and imaginary parts of a frame."""
    if mode in ("real", "imag", "stft"):
        return [value for part in parts for value in part]
    real, imaginary = parts
    if mode == "angle":
        pairs = zip(imaginary, real)
        return [tally.apply(lambda i, r=r: math.atan2(i, r), i) for i, r in pairs]
    power = [tally.mac(tally.times(i, i), r, r) for r, i in zip(real, imaginary)]
    if mode == "psd":  # frequencies that have a negative twin count twice
        middle = [tally.plus(value, value) for value in power[1:-1]]
        return [power[0], *middle, power[-1]]
    roots = [tally.apply(math.sqrt, max(value, 1e-7)) for value in power]
    if mode == "magnitude":
        return roots
    return [tally.apply(math.log, max(value, 1e-7)) for value in roots]


@pytest.mark.parametrize("cap", [None, 2.0])
def test_reversible_embedding(cap: float | None) -> None:
    keras = importlib.import_module("keras")
    layer = newest_layer("ReversibleEmbedding")(7, 3, logit_soft_cap=cap)
    x = keras.Input((5,))
    ops = count_layer_ops(keras.Model(x, layer(layer(x), reverse=True)))
    # 5 positions of 7 logits from 3 features; a cap is a product, tanh, a product
    capped = 0 if cap is None else 35
    assert numbers(ops) == (3 * 35 + 2 * capped, capped, 0)
    assert ops.layers[-1].n_uses == 2
