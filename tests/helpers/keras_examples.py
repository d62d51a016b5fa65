"""Keras models of either version, for tests."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_energy import compat


def keras3():
    """Return Keras 3, or skip the test."""
    compat.import_tensorflow()
    keras = pytest.importorskip("keras")
    if not keras.__version__.startswith("3."):
        pytest.skip("Keras 3 isn't installed")
    return keras


def keras_named(name):
    """Return Keras 3 for ``"keras"``, Keras 2 for ``"tf_keras"``."""
    return keras3() if name == "keras" else compat.import_tf_keras()


def randomize(model, seed=0):
    """Give all weights random values, among them biases and moving averages."""
    rng = np.random.RandomState(seed)
    # vectors are positive, as moving variances must be
    model.set_weights(
        [
            rng.uniform(0.1, 0.9, w.shape) - (0.5 if w.ndim > 1 else 0)
            for w in model.get_weights()
        ]
    )
    return model


def image_model(kind):
    layers = kind.layers
    return randomize(
        kind.Sequential(
            [
                layers.Input((12, 12, 2)),
                layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
                layers.BatchNormalization(),
                layers.AveragePooling2D(2),
                layers.DepthwiseConv2D(3, padding="same"),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(3, activation="tanh", kernel_constraint="non_neg"),
                layers.LeakyReLU(0.1),
                layers.Softmax(),
            ],
            name="images",
        )
    )


def branching_model(kind):
    """Two inputs, two outputs, a layer called twice, a model within called twice."""
    layers = kind.layers
    left, right = kind.Input((8,), name="left"), kind.Input((8,), name="right")
    shared = layers.Dense(8, name="shared", activation="relu")
    inner = kind.Sequential(
        [kind.Input((8,)), layers.Dense(4, name="deep"), layers.ReLU(name="relu")],
        name="inner",
    )
    a, b = shared(left), shared(right)
    total = layers.Add(name="total")([a, b])
    both = layers.Concatenate(name="both")([inner(total), inner(b)])
    return randomize(kind.Model([left, right], [both, total], name="branching"))


def sequence_model(kind):
    layers = kind.layers
    x = inputs = kind.Input((7, 6))
    x = layers.TimeDistributed(layers.Dense(5, activation="relu"))(x)
    x = layers.Conv1D(4, 2)(x)
    x = layers.LSTM(3, return_sequences=True)(x)
    x = layers.GlobalAveragePooling1D()(x)
    return randomize(kind.Model(inputs, layers.LayerNormalization()(x)))


def upsampling_model(kind):
    layers = kind.layers
    x = inputs = kind.Input((4, 4, 2))
    x = layers.Conv2DTranspose(3, 3, strides=2)(x)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Cropping2D(1)(x)
    x = layers.ReLU(max_value=0.5)(x)
    x = layers.SeparableConv2D(2, 2)(x)
    x = layers.Permute((2, 1, 3))(x)
    return randomize(kind.Model(inputs, layers.Reshape((-1,))(x)))


def subclassed_model(kind):
    """A model whose layers are known to its call method alone."""

    class Subclassed(kind.Model):
        def __init__(self):
            super().__init__()
            self.dense = kind.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

    return Subclassed()


MODELS = [image_model, branching_model, sequence_model, upsampling_model]


def predict(model, inputs):
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(output) for output in outputs]
