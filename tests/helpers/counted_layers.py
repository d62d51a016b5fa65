"""Models of one layer, for tests, and the numbers that are counted of it."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nengo_energy.layer_ops.counting import count_layer_ops
from nengo_energy.layer_ops.layer_ops import LayerCount, LayerOps

#: Connections, activations, additions.
Numbers = tuple[int, int, int]


def layer_class(keras: ModuleType, name: str) -> Any:
    """Return a class of layers; skip the test if this Keras has none of it."""
    if not hasattr(keras.layers, name):
        pytest.skip(f"Keras {keras.__version__} has no {name}")
    return getattr(keras.layers, name)


def newest_keras() -> ModuleType:
    """Return Keras 3; skip the test if there is none."""
    keras = importlib.import_module("keras")
    if not hasattr(keras, "ops"):
        pytest.skip(f"Keras is {keras.__version__}")
    return keras


def numbers(row: LayerCount | LayerOps) -> Numbers:
    """Return the three counts of a layer or a model."""
    return row.connections, row.activations, row.additions


def model_of(
    keras: ModuleType, layer: Any, *shapes: tuple, as_list: bool = False
) -> Any:
    """Return a model that calls a layer on inputs of some shapes, one after another."""
    inputs = [keras.Input(shape) for shape in shapes]
    outputs = layer(inputs) if as_list else layer(*inputs)
    return keras.Model(inputs, outputs)


def count_one(
    keras: ModuleType, layer: Any, *shapes: tuple, as_list: bool = False
) -> LayerCount:
    """Return the counts of a layer behind inputs of some shapes."""
    model = model_of(keras, layer, *shapes, as_list=as_list)
    ops = count_layer_ops(model)
    assert ops.params == model.count_params()
    return ops.layers[-1]


def random_weights(layer: Any, seed: int = 0) -> list[np.ndarray]:
    """Give a layer random weights, biases too, and return them in double precision."""
    rng = np.random.RandomState(seed)
    weights = [rng.uniform(-1, 1, w.shape) for w in layer.get_weights()]
    layer.set_weights([w.astype(np.float32) for w in weights])
    return weights


def random_input(*shape: int, seed: int = 1) -> np.ndarray:
    """Return random numbers, the batch axis of length one in front."""
    values = np.random.RandomState(seed).uniform(-1, 1, (1, *shape))
    return values.astype(np.float32)
