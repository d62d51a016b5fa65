"""A small classifier, its data and a grid: what tests of sweeps run on."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_energy.compat import import_tf_keras

N_INFERENCES = 11
GRID = {
    "scale_firing_rates": [100, 400],
    "timesteps": [20, 5, 30],
    "devices": ["loihi", "cpu"],
}
"""Six points, from two simulations."""


def build_model(width: int = 8) -> Any:
    """Return a model with seeded weights."""
    keras = import_tf_keras()
    keras.utils.set_random_seed(0)
    x = keras.Input((4,), name="x")
    h = keras.layers.Dense(width, "relu", name="hidden")(x)
    h = keras.layers.Dense(6, "relu", name="hidden_2")(h)
    return keras.Model(x, keras.layers.Dense(3, name="out")(h), name="small")


def make_data() -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels."""
    rng = np.random.RandomState(0)
    return rng.uniform(-1, 1, size=(N_INFERENCES, 4)), rng.randint(3, size=N_INFERENCES)
