"""Grouped convolutions of one input, which NengoDL would make one of."""

import numpy as np
import tf_keras as keras

import nengo_energy as ne


def test_two_depthwise_convolutions_of_one_input():
    """Conversion compares the network with the model by itself; and once more here."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 1, activation="relu")(image)
    left = layers.DepthwiseConv2D(3, name="left")(x)
    right = layers.DepthwiseConv2D(3, name="right")(x)
    model = keras.Model(image, layers.Flatten()(layers.Add()([left, right])))
    snn = ne.convert(model, scale_firing_rates=500, neurons="integrate-and-fire")
    data = np.random.RandomState(0).uniform(size=(2, 6, 6, 4))
    activity = snn.measure(data, 200, simulator="nengo-dl")
    (found,) = activity.outputs.values()
    expected = np.asarray(model(data))
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
