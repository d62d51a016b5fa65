"""Counting a conventional Keras model, with the figures that KerasSpiking prints."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from nengo_energy.common.exceptions import InputError
from nengo_energy.compat import import_tf_keras
from nengo_energy.counts import OpCount
from nengo_energy.layer_ops.counters import Operations
from nengo_energy.layer_ops.counting import ONE_TIMESTEP, count_layer_ops
from nengo_energy.layer_ops.layer_ops import LayerCount, LayerOps


def test_import_loads_no_keras() -> None:
    code = (
        "import sys, nengo_energy.layer_ops.counting; "
        "print({'tensorflow', 'keras', 'tf_keras'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr


def test_to_counts() -> None:
    ops = LayerOps(
        (
            LayerCount("in", "InputLayer", (None, 4), 0, (Operations(),)),
            LayerCount("a", "Dense", (None, 5), 25, (Operations(20, 5),)),
            LayerCount("b", "Add", (None, 5), 0, 2 * (Operations(additions=5),)),
            LayerCount(
                "c",
                "LSTM",
                (None, 2),
                9,
                (Operations(30, 7, 1),),
                n_steps=3,
                weights=9,
                values=4,
                n_starts=3,
            ),
        )
    )
    expected = [
        ("a", "mac", 20),
        ("a", "activation", 5),
        ("a", "kernel", 2),  # the sums and the nonlinearity
        ("b", "addition", 10),
        ("b", "kernel", 2),  # two calls
        ("c", "mac", 90),
        ("c", "activation", 21),
        ("c", "addition", 3),
        ("c", "kernel", 6),
        ("c", "weight_byte", 4 * 9 * 3),
        ("c", "activation_byte", 4 * 4 * 3),
    ]
    assert ops.to_counts() == tuple(
        OpCount(layer, operation, n, 1, execution="dense")
        for layer, operation, n in expected
    )
    assert (ops.kernels, ops.weight_bytes, ops.activation_bytes) == (10, 108, 48)
    assert (ops.params, ops.connections, ops.activations, ops.additions) == (
        25 + 9,
        20 + 90,
        5 + 21,
        10 + 3,
    )
    assert ops.layers[3].connections == 30
    assert ops.layers[2].n_uses == 2


@pytest.mark.tensorflow
@pytest.mark.parametrize("model", [None, 5])
def test_no_model(model: Any) -> None:
    with pytest.raises(InputError, match="model is a builtins"):
        count_layer_ops(model)


def test_on_unsupported_is_checked() -> None:
    with pytest.raises(InputError, match="must be one of error, warn; got 'ignore'"):
        count_layer_ops(None, on_unsupported="ignore")


@pytest.mark.tensorflow
@pytest.mark.parametrize("temporal", [False, True])
def test_kerasspiking_example(keras: ModuleType, temporal: bool) -> None:
    layers = keras.layers
    in_time = layers.TimeDistributed if temporal else (lambda layer: layer)
    x = inputs = keras.Input((None, 28, 28, 1) if temporal else (28, 28, 1))
    x = in_time(layers.Conv2D(filters=2, kernel_size=(7, 7)))(x)
    x = layers.ReLU()(x)
    x = in_time(layers.Flatten())(x)
    x = layers.Dense(units=128)(x)
    x = layers.ReLU()(x)
    x = layers.Dense(units=10)(x)
    ops = count_layer_ops(keras.Model(inputs, x))

    assert [(r.params, r.connections, r.activations) for r in ops.layers] == [
        (0, 0, 0),
        (100, 47432, 0),
        (0, 0, 968),
        (0, 0, 0),
        (124032, 123904, 0),
        (0, 0, 128),
        (1290, 1280, 0),
    ]
    time = (None,) if temporal else ()
    assert ops.layers[1].output_shape == (None, *time, 22, 22, 2)
    assert ops.layers[1].class_name == ("TimeDistributed" if temporal else "Conv2D")
    assert ops.assumptions == ((ONE_TIMESTEP,) if temporal else ())
    assert ops.coverage == 1


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "shape, wrapped, activations",
    [((28, 28), False, 784), ((28, 28), True, 28), ((None, 28), False, 28)],
)
def test_kerasspiking_time_axis(
    keras: ModuleType, shape: tuple, wrapped: bool, activations: int
) -> None:
    layer = keras.layers.ReLU()
    layer = keras.layers.TimeDistributed(layer) if wrapped else layer
    inputs = keras.Input(shape)
    ops = count_layer_ops(keras.Model(inputs, layer(inputs)))
    assert ops.activations == activations
    temporal = wrapped or shape[0] is None
    assert ops.assumptions == ((ONE_TIMESTEP,) if temporal else ())


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name, connections, activations",
    [("SpikingActivation", 0, 3), ("Lowpass", 6, 0), ("Alpha", 12, 0)],
)
@pytest.mark.parametrize("sequences", [True, False])
def test_kerasspiking_layers_run_along_time(
    name: str, connections: int, activations: int, sequences: bool
) -> None:
    # stand-ins: the same names and base, and a time axis of fixed length
    keras = import_tf_keras()

    def call(self: Any, inputs: Any) -> Any:
        return inputs if self.return_sequences else inputs[:, -1]

    base = type("KerasSpikingLayer", (keras.layers.Layer,), {})
    body = {
        "call": call,
        "return_sequences": sequences,
        "__module__": "keras_spiking.layers",
    }
    layer = type(name, (base,), body)()
    inputs = keras.Input((10, 3))
    ops = count_layer_ops(keras.Model(inputs, layer(inputs)))
    assert (ops.connections, ops.activations) == (connections, activations)
    assert ops.assumptions == (ONE_TIMESTEP,)
