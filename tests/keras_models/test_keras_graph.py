"""Reading the graphs of Keras models."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from keras_examples import keras3, keras_named

from nengo_energy.common.exceptions import InputError
from nengo_energy.keras_models.graph import is_model, read_graph, tensor_key

pytestmark = pytest.mark.tensorflow


@pytest.fixture(params=["keras", "tf_keras"])
def kind(request):
    """Return Keras 3 and Keras 2, one after the other."""
    return keras_named(request.param)


def test_is_model(kind):
    sequential = kind.Sequential([kind.Input((4,)), kind.layers.Dense(3)])
    inputs = kind.Input((4,))
    functional = kind.Model(inputs, sequential(inputs))
    assert is_model(sequential) and is_model(functional)
    assert is_model(sequential, "Sequential") and not is_model(functional, "Sequential")
    for other in (None, 3, "model", kind.layers.Dense(3), kind.Model, kind):
        assert not is_model(other)


def test_what_is_no_model_is_told_without_tensorflow():
    code = (
        "import sys\n"
        "from nengo_energy.common import exceptions\n"
        "from nengo_energy.keras_models import graph as keras_graph\n"
        "try:\n"
        "    keras_graph.read_graph(5)\n"
        "except exceptions.InputError as error:\n"
        "    print(error, 'tensorflow' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "a builtins.int; allowed are models of tf_keras, tf.keras and" in run.stdout
    assert run.stdout.endswith("paths of saved ones False\n")


def test_masks_are_what_operations_make_for_layers():
    keras = keras3()
    layers = keras.layers
    x = inputs = keras.Input((6,), dtype="int32")
    x = layers.LSTM(4)(layers.Embedding(5, 3, mask_zero=True)(x))
    graph = read_graph(keras.Model(inputs, x))
    (mask,) = graph.masks
    (call,) = [c for c in graph.calls if tensor_key(c.outputs[0]) == mask]
    assert type(call.layer).__name__ == "NotEqual"
    # one that is put out as well isn't only a mask
    x = layers.Embedding(5, 3)(inputs)
    mask = keras.ops.not_equal(inputs, 0)
    graph = read_graph(keras.Model(inputs, [layers.LSTM(4)(x, mask=mask), mask]))
    assert graph.masks == frozenset()
    # nor is one that a layer gives
    mask = keras.Input((6,), dtype="bool")
    graph = read_graph(keras.Model([inputs, mask], layers.LSTM(4)(x, mask=mask)))
    assert graph.masks == frozenset()


def test_training_is_left_to_the_model():
    """Keras 3 notes the default of a layer that augments images: to do so."""
    keras = keras3()
    inputs = keras.Input((8, 8, 3))
    graph = read_graph(keras.Model(inputs, keras.layers.RandomFlip()(inputs)))
    assert [call.kwargs for call in graph.calls] == [{}, {}]


BACKEND_CODE = """
import os, sys
import keras
import numpy as np
import nengo_energy as ne

inputs = keras.Input((8, 8, 2))
x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
model = keras.Model(inputs, keras.layers.Dense(3, name="out")(x))
print(ne.count_layer_ops(model).connections, "tensorflow" in sys.modules)
x = np.random.RandomState(0).uniform(size=(2, 8, 8, 2)).astype("float32")
snn = ne.convert(model)
expected = keras.ops.convert_to_numpy(model(x))
print(np.abs(snn.clone.model(x).numpy() - expected).max() < 1e-5)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_models_on_other_backends(backend):
    """They are counted without running anything, and converted with TensorFlow."""
    keras3()
    pytest.importorskip(backend)
    run = subprocess.run(
        [sys.executable, "-c", BACKEND_CODE],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    # 3 x 3 x 2 x 4 weights at 6 x 6 places, 144 normalised, 144 x 3
    total = 72 * 36 + 144 + 432
    assert run.stdout.split("\n")[:2] == [f"{total} False", "True"], run.stderr


def test_unbuilt_models_are_named(kind):
    model = kind.Sequential([kind.layers.Dense(3)], name="unbuilt")
    with pytest.raises(InputError, match="model 'unbuilt' was never built"):
        read_graph(model)
