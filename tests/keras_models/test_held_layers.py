"""Layers and operations that tf_keras lacks, called as they are by private layers."""

from __future__ import annotations

import numpy as np
import pytest
from keras_examples import keras3, keras_named, predict, randomize

from nengo_energy import compat
from nengo_energy.keras_models.clone import to_tf_keras
from nengo_energy.keras_models.held import held_by, is_held
from nengo_energy.layer_ops.counting import collect_layer_ops

pytestmark = pytest.mark.tensorflow

#: Operations of Keras 3 on a tensor of shape (batch, 6, 4), by a function of
#: ``keras.ops`` and the tensor.
OPERATIONS = {
    "add": lambda ops, x: x + 3.0,
    "subtract": lambda ops, x: 1.0 - x,
    "multiply": lambda ops, x: x * 2.0 - 1.0,
    "divide": lambda ops, x: x / 255.0,
    "divided": lambda ops, x: 2.0 / (x * x + 1.0),
    "power": lambda ops, x: x**2,
    "array": lambda ops, x: x * np.arange(4.0, dtype="float32"),
    "get_item": lambda ops, x: x[:, 1:5:2, ..., None],
    "reshape": lambda ops, x: ops.reshape(x, (-1, 3, 8)),
    "transpose": lambda ops, x: ops.transpose(x, (0, 2, 1)),
    "expand_dims": lambda ops, x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "stack": lambda ops, x: ops.stack([x, 2.0 * x], axis=1),
    "split": lambda ops, x: ops.split(x, 2, axis=1)[1],
    "pad": lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (0, 0))),
    "roll": lambda ops, x: ops.flip(ops.roll(x, 1, axis=1), axis=2),
    "mean": lambda ops, x: ops.mean(x, axis=1),
    "max": lambda ops, x: ops.max(x, axis=-1, keepdims=True),
    "sum": lambda ops, x: ops.sum(x, axis=(1, 2)),
    "matmul": lambda ops, x: ops.matmul(x, np.ones((4, 3), "float32")),
    "einsum": lambda ops, x: ops.einsum("bij,bkj->bik", x, x),
    "exp": lambda ops, x: ops.exp(-ops.abs(x)),
    "erf": lambda ops, x: ops.erf(x),
    "clip": lambda ops, x: ops.clip(x, -0.5, 0.5),
    "leaky_relu": lambda ops, x: ops.leaky_relu(x, negative_slope=0.3),
    "softmax": lambda ops, x: ops.softmax(x, axis=1),
    "where": lambda ops, x: ops.where(x > 0.1, x, 0.2 * x),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_with_constants_compute_the_same_and_count_the_same(name):
    keras = keras3()
    inputs = keras.Input((6, 4))
    outputs = OPERATIONS[name](keras.ops, inputs)
    model = keras.Model(inputs, outputs)
    clone = to_tf_keras(model)
    x = np.random.RandomState(0).normal(size=(5, 6, 4)).astype("float32")
    (expected,), (found,) = predict(model, [x]), predict(clone.model, [x])
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert tuple(clone.model.output_shape) == tuple(outputs.shape)
    assert clone.tensor(outputs) is clone.model.output
    # the counters see the operations of Keras 3
    wanted, counted = collect_layer_ops(model), collect_layer_ops(clone.model)
    assert counted.unsupported == wanted.unsupported == ()
    assert [(row.layer, row.calls) for row in counted.layers] == [
        (row.layer, row.calls) for row in wanted.layers
    ]


def test_an_operation_that_is_called_twice_has_constants_of_each_call():
    keras = keras3()
    inputs = keras.Input((4,))
    add = keras.ops.numpy.Add() if hasattr(keras.ops.numpy, "Add") else None
    if add is None:
        from keras.src.ops.numpy import Add

        add = Add()
    model = keras.Model(inputs, add(add(inputs, 3.0), 4.0))
    clone = to_tf_keras(model)
    np.testing.assert_array_equal(clone.model(np.ones((2, 4))), np.full((2, 4), 8.0))


def own_layer(kind):
    class Mine(kind.layers.Layer):
        """Can't be made again from its configuration; adds a loss when it is called."""

        def __init__(self, factor):
            super().__init__(name="mine")
            self.factor = factor

        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")

        def get_config(self):
            raise NotImplementedError

        def call(self, inputs, shift=0.0, training=None):
            if training:
                raise AssertionError("conversion is for inference")
            if kind.__version__.startswith("3."):
                self.add_loss(kind.ops.sum(inputs))
            return inputs * self.scale * self.factor + shift

    return Mine


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
def test_layers_of_the_users_own_are_called_as_they_are(version):
    kind = keras_named(version)
    layer = own_layer(kind)(2.0)
    inputs = kind.Input((3,))
    model = kind.Model(inputs, layer(layer(inputs), shift=1.0))
    layer.set_weights([np.array([1.0, 2.0, 3.0])])
    n_losses = len(layer.losses)
    clone = to_tf_keras(model)
    # twice 2 x scale, and the shift
    expected = [[5.0, 17.0, 37.0]]
    np.testing.assert_allclose(clone.model(np.ones((1, 3))), expected)
    private = clone.layer("mine")
    assert clone.layer(layer) is private
    assert is_held(private) and held_by(private) is layer
    assert not private.weights and len(layer.losses) == n_losses
    assert len(layer._inbound_nodes) == 2
    if version == "keras":
        # what is trained later isn't taken
        layer.set_weights([np.zeros(3)])
        np.testing.assert_allclose(clone.model(np.ones((1, 3))), expected)


def test_layers_that_tf_keras_lacks_compute_the_same():
    keras = keras3()
    layers = keras.layers
    for layer in [
        layers.RMSNormalization(),
        layers.Lambda(lambda x: x * 2 + 1),
        layers.TimeDistributed(layers.RMSNormalization()),
        layers.Dense(3, activation="sparsemax"),
        keras.Sequential([layers.RMSNormalization(), layers.Dense(2)]),
        layers.Wrapped() if hasattr(layers, "Wrapped") else layers.Identity(),
    ]:
        inputs = keras.Input((6, 4))
        model = randomize(keras.Model(inputs, layer(inputs)))
        clone = to_tf_keras(model)
        x = np.random.RandomState(0).normal(size=(5, 6, 4)).astype("float32")
        (expected,), (found,) = predict(model, [x]), predict(clone.model, [x])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_arguments_that_are_new_in_keras3_are_kept():
    """An image of 8 x 2 in 4 x 6 keeps its sides: there is nothing but 4 x 1 of it."""
    keras = keras3()
    inputs = keras.Input((8, 2, 1))
    layer = keras.layers.Resizing(4, 6, pad_to_aspect_ratio=True, name="padded")
    clone = to_tf_keras(keras.Model(inputs, layer(inputs)))
    assert is_held(clone.layer("padded"))
    found = np.asarray(clone.model(np.ones((1, 8, 2, 1))))[0, ..., 0]
    np.testing.assert_allclose(found.sum(axis=1), [1.0] * 4, atol=1e-6)


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
def test_models_without_a_graph_are_called_as_they_are_within_others(version):
    kind = keras_named(version)

    class Hidden(kind.Model):
        def __init__(self):
            super().__init__(name="hidden")
            self.dense = kind.layers.Dense(3)

        def call(self, x):
            return 2 * self.dense(x)

    inputs = kind.Input((4,))
    model = randomize(kind.Model(inputs, kind.layers.ReLU()(Hidden()(inputs))))
    clone = to_tf_keras(model)
    x = np.random.RandomState(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(
        predict(clone.model, [x])[0], predict(model, [x])[0], rtol=1e-5, atol=1e-6
    )
    # 4 x 3 weights and 3 products inside it
    assert collect_layer_ops(clone.model).connections == 4 * 3 + 3


@pytest.mark.parametrize("version", ["keras", "tf_keras"])
def test_masks_reach_what_is_held(version):
    """The mean of what isn't masked, by a layer of the user's own."""
    kind = keras_named(version)
    tensorflow = compat.import_tensorflow()

    class MaskedMean(kind.layers.Layer):
        def call(self, x, mask=None):
            kept = tensorflow.cast(mask, x.dtype)[..., None]
            return tensorflow.reduce_sum(x * kept, 1) / tensorflow.reduce_sum(kept, 1)

        def compute_output_shape(self, shape):
            return (shape[0], shape[2])

        def compute_mask(self, x, mask=None):
            return None

        def get_config(self):
            raise NotImplementedError

    inputs = kind.Input((5, 2))
    x = kind.layers.Masking(0.0)(inputs)
    model = kind.Model(inputs, MaskedMean(name="mean")(x))
    clone = to_tf_keras(model)
    data = np.ones((1, 5, 2), "float32")
    data[0, 3:] = 0
    for run in (clone.model, clone.model.predict):
        np.testing.assert_allclose(run(data), [[1.0, 1.0]])
    assert is_held(clone.layer("mean"))


def test_masks_of_the_users_own_are_kept():
    """Those that layers of tf_keras don't find by themselves."""
    keras = keras3()
    inputs = keras.Input((6, 5))
    mask = keras.ops.any(keras.ops.greater(inputs, 0.5), axis=-1)
    outputs = keras.layers.LSTM(3, name="masked")(inputs, mask=mask)
    model = randomize(keras.Model(inputs, outputs))
    clone = to_tf_keras(model)
    x = np.random.RandomState(0).uniform(0, 0.7, size=(4, 6, 5)).astype("float32")
    x[:, 2:4] = 0
    np.testing.assert_allclose(
        predict(clone.model, [x])[0], predict(model, [x])[0], rtol=1e-4, atol=1e-6
    )
    assert not is_held(clone.layer("masked"))


def test_what_computes_something_else_in_tf_keras_is_held(monkeypatch):
    keras = keras3()
    tf_keras = compat.import_tf_keras()

    class Different(tf_keras.layers.Dense):
        def call(self, inputs):
            return 1.01 * super().call(inputs)

    monkeypatch.setattr(tf_keras.layers, "Dense", Different)
    layers = keras.layers
    inner = keras.Sequential(
        [keras.Input((4,)), layers.ReLU(), layers.Dense(4, name="inside")]
    )
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(2, name="after")(inner(inputs)))
    clone = to_tf_keras(model)
    held = [layer.name for layer in clone.model.layers if is_held(layer)]
    assert held == ["after"]
    assert is_held(clone.layer(f"{inner.name}/inside"))
    x = np.random.RandomState(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_allclose(
        predict(clone.model, [x])[0], predict(model, [x])[0], rtol=1e-5
    )


def test_what_fails_in_tf_keras_is_held(monkeypatch):
    keras = keras3()
    tf_keras = compat.import_tf_keras()

    class Failing(tf_keras.layers.Dense):
        def build(self, input_shape):
            raise ValueError("not today")

    monkeypatch.setattr(tf_keras.layers, "Dense", Failing)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="fails")(inputs))
    assert is_held(to_tf_keras(model).layer("fails"))
