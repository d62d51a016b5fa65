"""Activations of outputs are applied by the host, exactly, wherever an output is."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from converted_layers import random_weight
from rate_outputs import rate_outputs

import nengo_energy as ne

pytestmark = pytest.mark.tensorflow

SIZE = 5


def randomized(keras: ModuleType, inputs: Any, outputs: Any) -> Any:
    model = keras.Model(inputs, outputs)
    rng = np.random.RandomState(0)
    model.set_weights([random_weight(rng, w) for w in model.weights])
    return model


def classifier(keras: ModuleType) -> Any:
    """keras.io's: convolution, dropout, softmax."""
    layers = keras.layers
    inputs = keras.Input((6, 5, 1))
    x = layers.Conv2D(3, 3, activation="relu")(inputs)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    return randomized(
        keras, inputs, layers.Dense(4, activation="softmax", name="out")(x)
    )


def activation_layer(keras: ModuleType) -> Any:
    layers = keras.layers
    inputs = keras.Input((SIZE,))
    x = layers.Dense(6, activation="relu")(inputs)
    return randomized(
        keras,
        inputs,
        layers.Activation("softmax", name="out")(layers.Dense(4)(x)),
    )


def softmax_layer(keras: ModuleType) -> Any:
    layers = keras.layers
    inputs = keras.Input((3, SIZE))
    x = layers.Dense(6, activation="relu")(inputs)
    return randomized(keras, inputs, layers.Softmax(axis=1, name="out")(x))


def binary(keras: ModuleType) -> Any:
    layers = keras.layers
    inputs = keras.Input((SIZE,))
    x = layers.Dense(6, activation="relu")(inputs)
    return randomized(
        keras, inputs, layers.Dense(1, activation="sigmoid", name="out")(x)
    )


def several(keras: ModuleType) -> Any:
    layers = keras.layers
    inputs = keras.Input((SIZE,))
    x = layers.Dense(6, activation="relu")(inputs)
    outputs = [
        layers.Dense(3, activation="softmax", name="out")(x),
        layers.Dense(1, activation="tanh", name="second")(x),
        layers.Dense(2, name="third")(x),
    ]
    return randomized(keras, inputs, outputs)


def nested(keras: ModuleType) -> Any:
    """A head that is a model of its own."""
    layers = keras.layers
    features = keras.Input((6,))
    x = layers.Dense(5, activation="relu")(features)
    head = keras.Model(
        features, layers.Dense(4, activation="softmax", name="out")(x), name="head"
    )
    inputs = keras.Input((SIZE,))
    outer = keras.Model(
        inputs, head(layers.Dense(6, activation="relu")(inputs)), name="whole"
    )
    again = keras.Input((SIZE,))
    return randomized(keras, again, outer(again))


def nested_twice(keras: ModuleType) -> Any:
    """Called for an output, and for something that other layers work on."""
    layers = keras.layers
    features = keras.Input((6,))
    head = keras.Model(
        features, layers.Dense(6, activation="softmax", name="out")(features)
    )
    inputs = keras.Input((SIZE,))
    x = layers.Dense(6, activation="relu")(inputs)
    first = head(x)
    return randomized(keras, inputs, head(layers.Dense(6, activation="relu")(first)))


def feeding(keras: ModuleType) -> Any:
    """An output that another layer takes as well."""
    layers = keras.layers
    inputs = keras.Input((SIZE,))
    x = layers.Dense(6, activation="relu")(inputs)
    classes = layers.Dense(3, activation="softmax", name="out")(x)
    return randomized(
        keras, inputs, [classes, layers.Dense(2, activation="relu")(classes)]
    )


def reshaped(keras: ModuleType) -> Any:
    """A map of classes, as a list of places."""
    layers = keras.layers
    inputs = keras.Input((4, 3, 2))
    x = layers.Conv2D(4, 2, activation="relu")(inputs)
    x = layers.Conv2D(3, 1, activation="softmax", name="out")(x)
    return randomized(keras, inputs, layers.Reshape((-1, 3))(layers.Dropout(0.1)(x)))


MODELS = {
    classifier: {"out"},
    activation_layer: {"out"},
    softmax_layer: {"out"},
    binary: {"out"},
    several: {"out", "second"},
    nested: {"whole/head/out"},
    nested_twice: {"out"},
    feeding: {"out"},
    reshaped: {"out"},
}
"""Models, and the layers whose activations are the host's."""


@pytest.mark.parametrize("make", MODELS, ids=lambda f: f.__name__)
def test_output_is_that_of_keras(keras: ModuleType, make: Any) -> None:
    model = make(keras)
    snn = ne.convert(model, scale_firing_rates=100)
    shape = tuple(model.inputs[0].shape)[1:]
    x = np.random.RandomState(1).uniform(-1, 1, size=(3, *shape))
    expected = model(x, training=False)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    for want, got in zip(expected, rate_outputs(snn, [x])):
        np.testing.assert_allclose(got, np.reshape(want, got.shape), atol=1e-5)
    names = {final.layer.split("/")[-1] for final in snn.finals.values()}
    assert names == {name.split("/")[-1] for name in MODELS[make]}
    on_host = make in (nested_twice, feeding)
    assert bool(snn.host_layers) == on_host


def test_the_hosts_activation_is_counted_once_an_inference() -> None:
    """Four outputs of a softmax, however many timesteps."""
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    snn = ne.convert(nested(keras), scale_firing_rates=100)
    activity = snn.measure(np.ones((2, SIZE)), 7, progress=False)
    rows = [r for r in snn.count(activity).rows if r.where == "host"]
    done = {(r.layer, r.operation): r.total for r in rows}
    assert done[("whole/head/out", "activation")] == 2 * 4
    (output,) = activity.outputs.values()
    np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)
