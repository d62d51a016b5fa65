"""Which decisions outputs stand for, by the last activation of models."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from nengo_energy.common.decisions import Decision
from nengo_energy.compat import import_tensorflow, import_tf_keras
from nengo_energy.keras_models.decisions import (
    NUMBER,
    PICTURE,
    RECONSTRUCTION,
    output_decisions,
)

pytestmark = pytest.mark.tensorflow


def decide(model: Any, temporal: bool = False) -> tuple[Decision, ...]:
    return output_decisions(model, model, temporal)


@pytest.mark.parametrize(
    "activation, threshold, undecided",
    [
        (None, 0.0, NUMBER),
        ("tanh", 0.0, NUMBER),
        ("sigmoid", 0.5, ""),
        ("hard_sigmoid", 0.5, ""),
    ],
)
def test_a_single_value(
    keras: ModuleType, activation: str | None, threshold: float, undecided: str
) -> None:
    layers = keras.layers
    x = keras.Input((4,))
    whole = layers.Dense(1, activation)(x)
    parts = layers.Activation(activation or "linear")(layers.Dense(1)(x))
    dropped = layers.Dropout(0.5)(layers.Reshape((1,))(whole))
    inner = keras.Model(x, [whole, layers.Dense(2)(x)])
    y = keras.Input((4,))
    models = [keras.Model(x, out) for out in (whole, parts, dropped)]
    models.append(keras.Model(y, inner(y)[0]))
    models.append(keras.Sequential([y, layers.Dense(1, activation)]))
    for model in models:
        assert decide(model) == (Decision((1,), threshold, undecided),)


def test_functions_in_place_of_layers(keras: ModuleType) -> None:
    x = keras.Input((4,))
    logit = keras.layers.Dense(1)(x)
    ops = keras.ops if hasattr(keras, "ops") else import_tensorflow().nn
    assert decide(keras.Model(x, ops.sigmoid(logit)))[0].threshold == 0.5
    assert decide(keras.Model(x, ops.relu(logit)))[0].threshold == 0.0


def test_maps_and_reconstructions(keras: ModuleType) -> None:
    layers = keras.layers
    image = keras.Input((6, 6, 3))
    outputs = [
        layers.Conv2D(4, 1)(image),
        layers.Conv2D(3, 1)(image),
        layers.Conv2D(3, 1, activation="softmax")(image),
        layers.Softmax()(layers.Conv2D(3, 1)(image)),
        layers.Conv2D(1, 1, activation="sigmoid")(image),
    ]
    assert decide(keras.Model(image, outputs)) == (
        Decision((6, 6, 4)),
        Decision((6, 6, 3), undecided=RECONSTRUCTION),
        Decision((6, 6, 3)),
        Decision((6, 6, 3)),
        Decision((6, 6, 1), 0.5, PICTURE),
    )


def test_a_temporal_model_decides_in_each_timestep(keras: ModuleType) -> None:
    layers = keras.layers
    steps = keras.Input((None, 4))
    out = layers.TimeDistributed(layers.Dense(1, "sigmoid"))(steps)
    assert decide(keras.Model(steps, out), True) == (Decision((1,), 0.5),)


def test_the_converted_model_gives_the_shapes() -> None:
    keras = import_tf_keras()

    def model(size: int | None) -> Any:
        image = keras.Input((size, size, 2))
        return keras.Model(image, keras.layers.Conv2D(3, 1)(image))

    (found,) = output_decisions(model(None), model(5))
    assert found == Decision((5, 5, 3))
