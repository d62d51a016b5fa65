"""The random numbers of the user's program are those that it would have without us."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from keras_examples import keras_named, randomize

import nengo_energy as ne


def drawn_after(work):
    """Return what NumPy draws after some work, from a known state."""
    np.random.seed(5)
    work()
    return np.random.uniform(size=3).tolist()


@pytest.mark.tensorflow
def test_a_converted_model_leaves_random_numbers_alone():
    keras = keras_named("tf_keras")
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, activation="relu")(inputs)
    model = randomize(keras.Model(inputs, keras.layers.Dense(2)(hidden)))
    x = np.ones((2, 4), "float32")
    untouched = drawn_after(lambda: None)
    assert drawn_after(lambda: ne.convert(model)) == untouched
    snn = ne.convert(model, verify=False)
    for simulator in ("compiled", "nengo", "loihi"):
        options = {"simulator": simulator, "progress": False}
        assert drawn_after(lambda: snn.measure(x, 2, **options)) == untouched
    with snn.simulator("nengo", progress_bar=False) as sim:
        sim.run_steps(2)
    assert drawn_after(lambda: snn.compare(x, timesteps=2)) == untouched


def test_a_seeded_network_leaves_random_numbers_alone():
    with nengo.Network(seed=1) as net:
        a, b = nengo.Ensemble(5, 1), nengo.Ensemble(5, 1)
        nengo.Connection(a, b)
    untouched = drawn_after(lambda: None)
    assert drawn_after(lambda: ne.measure_activity(net, timesteps=2)) == untouched
