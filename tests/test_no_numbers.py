"""NaN and infinity are named wherever they come in, and never come out."""

from __future__ import annotations

import numpy as np
import pytest
from keras_examples import keras_named, randomize

import nengo_energy as ne

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def model():
    keras = keras_named("tf_keras")
    x = keras.Input((4,), name="x")
    hidden = keras.layers.Dense(5, "relu", name="hidden")(x)
    return randomize(keras.Model(x, keras.layers.Dense(3, name="out")(hidden)))


@pytest.fixture(scope="module")
def snn(model):
    return ne.convert(model, scale_firing_rates=100)


VALUES = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("value", VALUES)
def test_inputs(snn, value):
    x = np.ones((2, 4))
    x[1, 2] = value
    message = "'x'.* 1 values that are NaN or infinite"
    for simulator in ("compiled", "nengo", "nengo-dl", "loihi"):
        with pytest.raises(ne.InputError, match=message):
            snn.measure(x, 2, simulator=simulator)
    for simulator in ("nengo", "loihi"):
        with pytest.raises(ne.InputError, match=message):
            snn.simulator(simulator, x[1:])
    with pytest.raises(ne.InputError, match=message):
        snn.compare(x, 2)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("place", [0, 3])
def test_weights(model, value, place):
    kept = model.get_weights()
    weights = [array.copy() for array in kept]
    weights[place].flat[0] = value
    model.set_weights(weights)
    layer = "'hidden'" if place == 0 else "'out'"
    message = f"layer {layer}.* 1 weights that are NaN or infinite.*train the model"
    try:
        with pytest.raises(ne.InputError, match=message):
            ne.convert(model, scale_firing_rates=100)
        with pytest.raises(ne.InputError, match=message):
            ne.ModelEnergy(model, example_data=np.ones((2, 4)))
    finally:
        model.set_weights(kept)
