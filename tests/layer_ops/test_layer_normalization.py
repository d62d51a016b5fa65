"""Counters of normalization, against loops over groups of elements."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import brute_force
import numpy as np
import pytest
from brute_force import Tally
from counted_layers import (
    count_one,
    layer_class,
    newest_keras,
    numbers,
    random_input,
    random_weights,
)

from nengo_energy.common.exceptions import InputError

pytestmark = pytest.mark.tensorflow


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
    layer = layer_class(keras, "GroupNormalization")(groups=groups, epsilon=1e-3)
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
    keras = newest_keras()
    layer = layer_class(keras, "RMSNormalization")(epsilon=1e-3)
    row = count_one(keras, layer, (2, 3, 4))
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
    with pytest.raises(InputError, match="'batch' .*axis 0 of its input"):
        count_one(keras, layers.UnitNormalization(axis=0, name="batch"), (3, 4))
    group = layer_class(keras, "GroupNormalization")(2, name="group")
    with pytest.raises(InputError, match="'group' .*whole sequences"):
        count_one(keras, group, (None, 4))


def test_spectral_normalization_counts_what_is_inside() -> None:
    # Keras 2's is broken beside Keras 3: it takes the other's InputSpec
    keras = newest_keras()
    layer = layer_class(keras, "SpectralNormalization")
    conv = keras.layers.Conv2D(5, 3, activation="relu")
    row = count_one(keras, layer(conv), (6, 6, 2))
    assert numbers(row) == (9 * 2 * 4 * 4 * 5, 80, 0)
