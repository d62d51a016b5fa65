"""Counters of adaptive pooling, cropping and resizing, by what single inputs do."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from counted_layers import count_one, layer_class, newest_keras, numbers

from nengo_energy.common.exceptions import UnsupportedError
from nengo_energy.compat import import_tf_keras
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow


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
    keras = newest_keras()
    layer = layer_class(keras, name)(size)
    row = count_one(keras, layer, shape)
    # every element of a window is added once, or its first replaced by the division
    assert numbers(row) == (0, 0, n_links(layer, *shape))
    largest = layer_class(keras, name.replace("Average", "Max"))(size)
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
        ("CenterCrop", (6, 3), (6, 6, 3), 0),
        ("CenterCrop", (8, 3), (6, 6, 3), 4 * 8 * 3 * 3),
        ("RandomCrop", (6, 6), (6, 6, 3), 0),
        ("RandomCrop", (4, 3), (6, 6, 3), 4 * 4 * 3 * 3),
    ],
)
def test_cropping_and_resizing(
    keras: ModuleType, name: str, size: tuple, shape: tuple, expected: int
) -> None:
    row = count_one(keras, layer_class(keras, name)(*size), shape)
    assert numbers(row) == (expected, 0, 0)


def test_antialias_widens_the_window() -> None:
    keras = newest_keras()
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
