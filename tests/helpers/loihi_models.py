"""Keras models that deploy to Loihi with no edits, shared by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

import numpy as np


@dataclass(frozen=True)
class ModelCase:
    """A model and what is needed to deploy it.

    Attributes
    ----------
    build : callable
        Takes ``keras.layers`` and the input, returns the output.
    shape : tuple of int
        Shape of one input.
    convert : mapping
        Arguments of ``ne.convert``.
    n_steps : int
        Timesteps to run.
    """

    build: Callable[[Any, Any], Any]
    shape: tuple
    convert: Mapping[str, Any] = field(default_factory=dict)
    n_steps: int = 40


def mlp(k, x):
    """An MLP with biases."""
    for width in (64, 48, 32):
        x = k.Dense(width, activation="relu")(x)
    return k.Dense(10)(x)


def digits_cnn(k, x):
    """The CNN of the digits demo: convolutions, pooling, dense."""
    x = k.Conv2D(8, 3, activation="relu")(x)
    x = k.Conv2D(16, 3, activation="relu")(x)
    x = k.AveragePooling2D(2)(x)
    return k.Dense(10)(k.Flatten()(x))


def lenet5(k, x):
    """LeNet-5 with average pooling."""
    x = k.Conv2D(6, 5, padding="same", activation="relu")(x)
    x = k.AveragePooling2D(2)(x)
    x = k.Conv2D(16, 5, activation="relu")(x)
    x = k.AveragePooling2D(2)(x)
    x = k.Dense(120, activation="relu")(k.Flatten()(x))
    x = k.Dense(84, activation="relu")(x)
    return k.Dense(10)(x)


def all_convolutional(k, x):
    """A strided all-convolutional network for CIFAR-10, of 47,356 neurons."""
    x = k.Conv2D(4, 1, activation="relu")(x)
    x = k.Conv2D(64, 3, strides=2, activation="relu")(x)
    x = k.Conv2D(72, 3, activation="relu")(x)
    x = k.Conv2D(256, 3, strides=2, activation="relu")(x)
    x = k.Conv2D(256, 1, activation="relu")(x)
    x = k.Conv2D(64, 1, activation="relu")(x)
    return k.Dense(10)(k.Flatten()(x))


def keyword_spotter(k, x):
    """Blouw et al. 2019: 390-256-256-29."""
    x = k.Dense(256, activation="relu")(x)
    x = k.Dense(256, activation="relu")(x)
    return k.Dense(29)(x)


def residual(k, x):
    """A residual block."""
    x = k.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = k.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = k.Conv2D(8, 3, padding="same")(y)
    x = k.ReLU()(k.Add()([x, y]))
    return k.Dense(10)(k.GlobalAveragePooling2D()(x))


def downsampling(k, x):
    """A residual block that halves an even size: the shortcut's stride exceeds its
    kernel, so that the last row and column lead nowhere."""
    x = k.Conv2D(6, 3, padding="same", activation="relu")(x)
    y = k.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    y = k.Conv2D(8, 3, padding="same")(y)
    x = k.ReLU()(k.Add()([k.Conv2D(8, 1, strides=2)(x), y]))
    return k.Dense(10)(k.GlobalAveragePooling2D()(x))


def inception(k, x):
    """An Inception block: branches of several kernels, concatenated."""
    x = k.Conv2D(8, 3, padding="same", activation="relu")(x)
    a = k.Conv2D(6, 1, activation="relu")(x)
    b = k.Conv2D(4, 1, activation="relu")(x)
    b = k.Conv2D(8, 3, padding="same", activation="relu")(b)
    c = k.Conv2D(4, 5, padding="same", activation="relu")(x)
    x = k.Concatenate()([a, b, c])
    x = k.Conv2D(8, 3, activation="relu")(x)
    return k.Dense(10)(k.Flatten()(x))


def normalised(k, x):
    """Batch normalisation after convolutions, pooling and zero padding."""
    x = k.Conv2D(8, 3, use_bias=False)(x)
    x = k.ReLU()(k.BatchNormalization()(x))
    x = k.ZeroPadding2D(1)(k.AveragePooling2D(2)(x))
    x = k.ReLU()(k.BatchNormalization()(k.Conv2D(16, 3)(x)))
    return k.Dense(10)(k.GlobalAveragePooling2D()(x))


def time_series(k, x):
    """Convolutions over time."""
    x = k.Conv1D(16, 5, activation="relu")(x)
    x = k.Conv1D(24, 3, strides=2, activation="relu")(x)
    x = k.AveragePooling1D(2)(x)
    x = k.Conv1D(16, 3, activation="relu")(x)
    return k.Dense(6)(k.GlobalAveragePooling1D()(x))


def temporal(k, x):
    """A model that sees another input every timestep."""
    x = k.TimeDistributed(k.Dense(32, activation="relu"))(x)
    x = k.TimeDistributed(k.Dense(24, activation="relu"))(x)
    return k.Dense(4)(x)


def wide_dense(k, x):
    """A dense layer that more neurons lead to than a core has input axons."""
    x = k.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = k.Conv2D(24, 3, padding="same", activation="relu")(x)
    x = k.Dense(40, activation="relu")(k.Flatten()(x))
    return k.Dense(10)(x)


def max_pooled(k, x):
    """Max pooling, which becomes average pooling; and groups."""
    x = k.Conv2D(8, 3, activation="relu")(x)
    x = k.MaxPooling2D(2)(x)
    x = k.Conv2D(8, 3, groups=2, activation="relu")(x)
    return k.Dense(10)(k.Flatten()(x))


def too_big(k, x):
    """A network that needs several chips: one layer alone needs more than one."""
    x = k.Conv2D(4, 1, activation="relu")(x)
    x = k.Conv2D(96, 3, padding="same", activation="relu")(x)
    x = k.Conv2D(8, 3, strides=4, activation="relu")(x)
    return k.Dense(10)(k.Flatten()(x))


_SCALED = {"scale_firing_rates": 200, "synapse": 0.005}
_FAST = {"scale_firing_rates": 400, "synapse": 0.001}

CASES: dict[str, ModelCase] = {
    "mlp": ModelCase(mlp, (64,), _SCALED),
    "digits_cnn": ModelCase(digits_cnn, (8, 8, 1), _SCALED),
    "lenet5": ModelCase(lenet5, (28, 28, 1), _SCALED),
    "all_convolutional": ModelCase(all_convolutional, (32, 32, 3), _FAST, n_steps=25),
    "keyword_spotter": ModelCase(keyword_spotter, (390,), _SCALED),
    "residual": ModelCase(residual, (12, 12, 3), _SCALED),
    "downsampling": ModelCase(downsampling, (12, 12, 3), _SCALED),
    "inception": ModelCase(inception, (10, 10, 3), _SCALED),
    "normalised": ModelCase(normalised, (14, 14, 1), _SCALED),
    "time_series": ModelCase(time_series, (64, 3), _SCALED),
    "temporal": ModelCase(temporal, (None, 12), {**_SCALED, "temporal_model": True}),
    "wide_dense": ModelCase(wide_dense, (14, 14, 1), _SCALED),
    "max_pooled": ModelCase(
        max_pooled, (14, 14, 1), {**_SCALED, "max_to_avg_pool": True}
    ),
    "too_big": ModelCase(too_big, (40, 40, 3), _FAST, n_steps=12),
}


def make(keras: Any, name: str) -> Any:
    """Build a model with weights that keep every layer active."""
    case = CASES[name]
    keras.utils.set_random_seed(0)
    x = keras.Input(case.shape)
    model = keras.Model(x, case.build(keras.layers, x), name=name)
    rng = np.random.RandomState(0)
    weights = []
    for w in model.get_weights():
        if w.ndim == 1:  # biases and what normalises: variances stay above zero
            low, high = (0.6, 1.4) if np.all(w == 1) else (0.0, 0.2)
            weights.append(rng.uniform(low, high, size=w.shape))
        else:
            # on average, a sum of inputs around 1 stays around 1
            limit = 2.0 / np.prod(w.shape[:-1])
            weights.append(rng.uniform(-limit / 2, 1.5 * limit, size=w.shape))
    model.set_weights(weights)
    return model


def example_input(name: str, n: int, n_steps: int = 0, seed: int = 1) -> np.ndarray:
    """Return random inputs of a model, (n, ...) ndarray."""
    shape = CASES[name].shape
    shape = tuple(n_steps if size is None else size for size in shape)
    return np.random.RandomState(seed).uniform(size=(n, *shape))
