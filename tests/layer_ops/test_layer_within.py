"""Layers of somebody's own are counted by what they call."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_tensorflow
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow


def totals(model: Any) -> tuple[int, int, int]:
    ops = count_layer_ops(model)
    return ops.connections, ops.activations, ops.additions


def block(keras: ModuleType) -> Any:
    """Return a transformer's block as a layer, written as people write it."""
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.attend = layers.MultiHeadAttention(2, 4)
            self.mix = keras.Sequential([layers.Dense(16, "relu"), layers.Dense(8)])
            self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]
            self.drop = layers.Dropout(0.1)

        def call(self, x: Any, training: bool = False) -> Any:
            h = self.norms[0](x + self.drop(self.attend(x, x), training=training))
            return self.norms[1](h + self.mix(h))

    return Block()


def test_block_counts_as_the_layers_that_it_calls(keras: ModuleType) -> None:
    layers = keras.layers
    inputs = keras.Input((10, 8))
    h = layers.Add()([inputs, layers.MultiHeadAttention(2, 4)(inputs, inputs)])
    h = layers.LayerNormalization()(h)
    mixed = layers.Dense(8)(layers.Dense(16, "relu")(h))
    spelt_out = keras.Model(
        inputs, layers.LayerNormalization()(layers.Add()([h, mixed]))
    )
    own = block(keras)
    model = keras.Sequential([keras.Input((10, 8)), own])
    assert totals(model) == totals(spelt_out)
    assert not own.attend._inbound_nodes  # nothing is left in the user's layers


def test_function_counts_as_its_operations(keras: ModuleType) -> None:
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Lambda(lambda x: (x - 1.0) * 2.0)]
    )
    assert totals(model) == (6, 0, 6)  # a product and a difference for each of 6


def test_own_weights_inside_time_distributed(keras: ModuleType) -> None:
    layers = keras.layers

    class Mix(layers.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(8, 5), name="w")

        def call(self, x: Any) -> Any:
            return getattr(keras, "ops", import_tensorflow()).matmul(x, self.w)

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:-1], 5)

    model = keras.Sequential([keras.Input((4, 8)), layers.TimeDistributed(Mix())])
    assert totals(model) == (8 * 5, 0, 0)  # of one timestep


def test_converted_model_with_a_function_is_priced(keras: ModuleType) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Lambda(lambda x: x / 255.0),
            layers.Dense(20, "relu"),
            layers.Dense(3),
        ]
    )
    x = np.random.RandomState(0).randint(256, size=(4, 6)).astype("f4")
    snn = ne.convert(model, scale_firing_rates="auto", example_data=x)
    estimate = snn.estimate(snn.measure(x, timesteps=10), devices="cpu")
    # 6 by the function, 6 x 20 and 20 x 3 by the weights, 20 activations, 8.6 nJ each
    assert estimate.total("cpu") == pytest.approx((6 + 120 + 60 + 20) * 8.6e-9)
