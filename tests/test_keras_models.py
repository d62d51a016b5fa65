"""Rebuilding Keras models of either version as private tf_keras models."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from keras_examples import (
    MODELS,
    branching_model,
    image_model,
    keras3,
    keras_named,
    predict,
)

from nengo_energy import compat
from nengo_energy.exceptions import InputError, NotFoundError, UnsupportedError
from nengo_energy.keras_models import to_tf_keras, translate_activation

pytestmark = pytest.mark.tensorflow


@pytest.fixture(params=["keras", "tf_keras"])
def kind(request):
    """Return Keras 3 and Keras 2, one after the other."""
    return keras_named(request.param)


@pytest.mark.parametrize("build", MODELS)
def test_clone_computes_what_the_model_does(kind, build):
    model = build(kind)
    clone = to_tf_keras(model)
    tf_keras = compat.import_tf_keras()
    assert type(clone.model) is type(tf_keras.Model(*[tf_keras.Input((1,))] * 2))
    rng = np.random.RandomState(1)
    inputs = [
        rng.normal(size=(5, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    ]
    for expected, found in zip(predict(model, inputs), predict(clone.model, inputs)):
        assert np.ptp(expected) > 0.01
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", MODELS)
def test_model_is_not_changed_and_shares_nothing(kind, build):
    model = build(kind)
    layers = [layer for part in model.layers for layer in [part, *_within(part)]]
    before = [
        (len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in layers
    ]
    weights = model.get_weights()
    clone = to_tf_keras(model)
    clone.model(  # calls the private layers again, as NengoDL's converter does
        [compat.import_tf_keras().Input(t.shape[1:]) for t in clone.model.inputs]
    )
    clone.model.set_weights([w + 1 for w in clone.model.get_weights()])
    after = [
        (len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in layers
    ]
    assert after == before
    for old, new in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert not {id(layer) for layer in layers} & {
        id(layer) for part in clone.model.layers for layer in [part, *_within(part)]
    }


def _within(layer):
    inner = getattr(layer, "layer", None)
    return list(getattr(layer, "layers", [])) + ([] if inner is None else [inner])


def test_keys_lead_to_layers_and_tensors(kind):
    model = branching_model(kind)
    clone = to_tf_keras(model)
    private = clone.model
    total = model.get_layer("total")
    for key in (total, "total", total.output, model.outputs[1]):
        assert clone.layer(key) is private.get_layer("total")
        assert clone.layer_name(key) == "total"
        assert clone.tensor(key) is private.outputs[1]
    for key in (private.get_layer("total"), private.outputs[1]):
        assert clone.layer(key) is private.get_layer("total")
        assert clone.tensor(key) is private.outputs[1]
    assert [clone.tensor(t) for t in model.inputs] == list(private.inputs)
    assert clone.tensor("right") is private.inputs[1]
    assert clone.tensor("both") is private.outputs[0]
    deep = model.get_layer("inner").get_layer("deep")
    assert clone.layer(deep) is private.get_layer("inner").get_layer("deep")
    assert clone.layer("inner/deep") is clone.layer(deep)


def test_layer_called_twice_is_told_apart_by_its_tensors(kind):
    model = branching_model(kind)
    clone = to_tf_keras(model)
    shared = model.get_layer("shared")
    outputs = [node.outputs for node in shared._inbound_nodes]
    left, right = [o[0] if isinstance(o, list) else o for o in outputs]
    found = [clone.tensor(left), clone.tensor(right)]
    assert found[0] is not found[1]
    called_on = [
        tensor._keras_history[0]._inbound_nodes[tensor._keras_history[1]].call_args[0]
        for tensor in found
    ]
    assert called_on[0] is clone.model.inputs[0]
    assert called_on[1] is clone.model.inputs[1]
    assert clone.layer("shared") is clone.layer(left) is clone.layer(right)
    for key in ("shared", shared, "inner"):
        with pytest.raises(InputError, match="called 2 times in model 'branching'"):
            clone.tensor(key)


def test_unknown_key_lists_the_names(kind):
    clone = to_tf_keras(branching_model(kind))
    other = kind.layers.Dense(1, name="stranger")
    tensor = other(kind.Input((2,)))
    for key in ("stranger", other, tensor, 3):
        with pytest.raises(NotFoundError, match="known: left, right, shared, .*total"):
            clone.tensor(key)


def test_layers_of_a_sequential_model_grown_by_add(kind):
    model = kind.Sequential()
    model.add(kind.Input((4,)))
    for units in (3, 5, 2):
        model.add(kind.layers.Dense(units))
    clone = to_tf_keras(model)
    for layer, private in zip(model.layers, clone.model.layers[1:]):
        assert clone.tensor(layer.output) is private.output
        assert clone.tensor(layer) is private.output
    assert clone.tensor(model.outputs[0]) is clone.model.output


def test_model_called_as_a_layer_keeps_its_keys(kind):
    model = kind.Sequential([kind.Input((4,)), kind.layers.Dense(3)])
    model(kind.Input((4,)))
    assert to_tf_keras(model).tensor(model.output) is not None


def test_open_shapes_and_integer_inputs(kind):
    layers = kind.layers
    x = inputs = kind.Input((None,), dtype="int32")
    x = layers.Conv1D(2, 3)(layers.Embedding(5, 3)(x))
    x = layers.GlobalAveragePooling1D()(x)
    clone = to_tf_keras(kind.Model(inputs, x))
    assert clone.model.input.dtype == "int32"
    assert tuple(clone.model.input.shape) == (None, None)


def test_built_without_an_input_layer(kind):
    model = kind.Sequential([kind.layers.Dense(3), kind.layers.Dense(2)])
    model.build((None, 4))
    clone = to_tf_keras(model)
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(clone.model(x), np.asarray(model(x)), rtol=1e-5)


def test_frozen_layers_stay_frozen(kind):
    model = image_model(kind)
    model.layers[1].trainable = False
    clone = to_tf_keras(model)
    frozen = [layer.name for layer in clone.model.layers if not layer.trainable]
    assert frozen == [model.layers[1].name]


def test_regularizers_become_those_of_tf_keras(kind):
    clone = to_tf_keras(image_model(kind))
    tf_keras = compat.import_tf_keras()
    convolution, dense = clone.model.layers[1], clone.model.layers[-3]
    assert isinstance(convolution.kernel_regularizer, tf_keras.regularizers.L2)
    assert isinstance(dense.kernel_constraint, tf_keras.constraints.NonNeg)


def test_custom_regularizers_of_keras3_are_left_out():
    keras = keras3()

    class Own(keras.regularizers.Regularizer):
        def __call__(self, x):
            return 0 * keras.ops.sum(x)

        def get_config(self):
            return {}

    layer = keras.layers.Dense(2, kernel_regularizer=Own())
    inputs = keras.Input((4,))
    clone = to_tf_keras(keras.Model(inputs, layer(inputs)))
    assert clone.layer(layer).kernel_regularizer is None


def test_half_precision_layers_keep_their_weights():
    keras = keras3()
    layer = keras.layers.Dense(3, dtype="mixed_float16")
    inputs = keras.Input((4,))
    clone = to_tf_keras(keras.Model(inputs, layer(inputs)))
    private = clone.layer(layer)
    assert private.get_weights()[0].dtype == np.float32
    np.testing.assert_array_equal(private.get_weights()[0], layer.get_weights()[0])


def test_sum_of_tensors_becomes_a_layer():
    keras = keras3()
    inputs = keras.Input((4,))
    x = keras.ops.relu(keras.layers.Dense(4)(inputs) + inputs)
    clone = to_tf_keras(keras.Model(inputs, x))
    names = [type(layer).__name__ for layer in clone.model.layers]
    assert names == ["InputLayer", "Dense", "Add", "Activation"]


def test_activation_functions_are_set_as_one_function(kind):
    tensorflow = compat.import_tensorflow()

    def own(x):
        return 2 * x

    x = inputs = kind.Input((4,))
    for activation in ("relu", kind.activations.relu, tensorflow.nn.relu, own):
        x = kind.layers.Dense(4, activation=activation)(x)
    clone = to_tf_keras(kind.Model(inputs, x))
    found = [layer.activation for layer in clone.model.layers[1:]]
    assert found == [translate_activation(tensorflow.nn.relu)] * 3 + [own]


def test_translate_activation(kind):
    tensorflow, tf_keras = compat.import_tensorflow(), compat.import_tf_keras()
    for name in ("sigmoid", "tanh", "softplus", "elu"):
        expected = getattr(tf_keras.activations, name)
        assert translate_activation(getattr(kind.activations, name)) is expected
        assert translate_activation(getattr(tensorflow.nn, name)) is expected
    assert translate_activation(kind.activations.relu) is tensorflow.nn.relu
    for other in (None, "relu", 3, test_translate_activation):
        assert translate_activation(other) is other


def test_errors_name_the_object(kind):
    class Subclassed(kind.Model):
        def call(self, inputs):
            return inputs

    class OwnCall(kind.Model):
        def call(self, inputs):
            return 2 * super().call(inputs)

    inputs = kind.Input((4,))
    outputs = kind.layers.Dense(2)(inputs)
    unbuilt = kind.Sequential([kind.layers.Dense(3)], name="unbuilt")
    cases = [
        (3, InputError, r"model is a builtins\.int; allowed are models of"),
        (kind.layers.Dense(3), InputError, r"\.Dense; allowed are models of"),
        (unbuilt, InputError, "model 'unbuilt' was never built.*model.build"),
        (Subclassed(name="sub"), UnsupportedError, "model 'sub' of class .*subclassed"),
        (OwnCall(inputs, outputs, name="own"), UnsupportedError, "model 'own' of"),
    ]
    for model, error, message in cases:
        with pytest.raises(error, match=message):
            to_tf_keras(model)


def test_layer_that_tf_keras_lacks_is_named():
    keras = keras3()

    class Mine(keras.layers.Dense):
        """Has the name of no tf_keras layer."""

    inputs = keras.Input((4,))
    constant = keras.Model(inputs, keras.layers.Dense(2)(inputs) * 2.0)
    for model, message in [
        (
            keras.Model(inputs, Mine(2, name="mine")(inputs)),
            "layer 'mine' of class .*M",
        ),
        (
            keras.Model(inputs, keras.layers.RMSNormalization(name="rms")(inputs)),
            "layer 'rms' of class keras.*RMSNormalization has no equivalent",
        ),
        (constant, "operation '.*' of class .*Multiply isn't a layer"),
        (
            keras.Model(
                inputs, keras.layers.Activation("hard_sigmoid", name="act")(inputs)
            ),
            "layer 'act' of class .*'hard_sigmoid' of Keras 3 differs",
        ),
    ]:
        with pytest.raises(UnsupportedError, match=message):
            to_tf_keras(model)


def test_layer_that_computes_something_else_is_named(monkeypatch):
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
    x = inputs = keras.Input((4,))
    with pytest.raises(UnsupportedError, match="layer 'inside'.*differs by 0.01 times"):
        to_tf_keras(keras.Model(inputs, layers.Dense(2, name="after")(inner(x))))


def test_weights_that_do_not_fit_are_named(monkeypatch):
    keras = keras3()
    layer = keras.layers.Dense(3, name="odd")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layer(inputs))
    monkeypatch.setattr(layer, "get_weights", lambda: [np.zeros((3, 4)), np.zeros(3)])
    with pytest.raises(UnsupportedError, match=r"layer 'odd'.*\(3, 4\).*\(4, 3\)"):
        to_tf_keras(model)


def test_custom_layer_of_tf_keras_is_kept(monkeypatch):
    tf_keras = compat.import_tf_keras()

    class Twice(tf_keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    inputs = tf_keras.Input((4,))
    layer = Twice(name="twice")
    clone = to_tf_keras(tf_keras.Model(inputs, layer(inputs)))
    assert type(clone.layer(layer)) is Twice
    assert clone.layer(layer) is not layer
    # a Keras that isn't loaded isn't looked for
    (other,) = {"keras", "tf_keras"} - {tf_keras.Model.__module__.partition(".")[0]}
    monkeypatch.delitem(sys.modules, other, raising=False)
    assert to_tf_keras(clone.model).layer_name("twice") == "twice"
    assert other not in sys.modules


def test_configuration_that_fails_is_named():
    tf_keras = compat.import_tf_keras()

    class Forgetful(tf_keras.layers.Layer):
        def __init__(self, factor):
            super().__init__(name="forgetful")
            self.factor = factor

        def get_config(self):
            return {}

        def call(self, inputs):
            return self.factor * inputs

    inputs = tf_keras.Input((4,))
    model = tf_keras.Model(inputs, Forgetful(2.0)(inputs))
    with pytest.raises(UnsupportedError, match="(?s)layer 'forgetful' of.*factor"):
        to_tf_keras(model)
