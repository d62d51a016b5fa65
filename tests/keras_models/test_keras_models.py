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
    randomize,
    subclassed_model,
)

from nengo_energy import compat
from nengo_energy.common.exceptions import InputError, NotFoundError, UnsupportedError
from nengo_energy.keras_models.activations import translate_activation
from nengo_energy.keras_models.clone import to_tf_keras
from nengo_energy.keras_models.held import is_held

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


IMAGE, SERIES, VECTOR = (8, 8, 3), (6, 5), (5,)

#: Layers with arguments whose names, defaults or meaning differ between the Kerases, or
#: that hold others: by a function of ``keras.layers``, with the shape of the input.
LAYERS = [
    (lambda k: k.LeakyReLU(), VECTOR),
    (lambda k: k.LeakyReLU(0.4), VECTOR),
    (lambda k: k.ReLU(6.0, negative_slope=0.1, threshold=0.5), VECTOR),
    (lambda k: k.ELU(0.5), VECTOR),
    (lambda k: k.PReLU(shared_axes=[1, 2]), IMAGE),
    (lambda k: k.Softmax(axis=1), SERIES),
    (lambda k: k.Identity(), VECTOR),
    (lambda k: k.Activation("leaky_relu"), VECTOR),
    (lambda k: k.Activation("relu6"), VECTOR),
    (lambda k: k.Dense(3, activation="gelu"), SERIES),
    (lambda k: k.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d"), SERIES),
    (lambda k: k.Conv1D(4, 3, padding="causal", dilation_rate=2), SERIES),
    (lambda k: k.Conv2D(6, 3, strides=2, groups=3, padding="same"), IMAGE),
    (lambda k: k.DepthwiseConv1D(3, depth_multiplier=2), SERIES),
    (lambda k: k.DepthwiseConv2D(3, strides=2, depth_multiplier=2), IMAGE),
    (lambda k: k.SeparableConv1D(3, 2, depth_multiplier=2), SERIES),
    (lambda k: k.Conv2DTranspose(3, 3, strides=2, padding="same"), IMAGE),
    (lambda k: k.Conv2DTranspose(3, 3, 2, "same", output_padding=1), IMAGE),
    (lambda k: k.BatchNormalization(center=False, epsilon=0.1, momentum=0.5), IMAGE),
    (lambda k: k.BatchNormalization(axis=1), SERIES),
    (lambda k: k.LayerNormalization(axis=[1, 2]), SERIES),
    (lambda k: k.GroupNormalization(3), IMAGE),
    (lambda k: k.UnitNormalization(), SERIES),
    (lambda k: k.Normalization(mean=3.0, variance=2.0), VECTOR),
    (lambda k: k.Normalization(mean=3.0, variance=2.0, invert=True), VECTOR),
    (lambda k: k.Rescaling(1 / 255, offset=0.1), IMAGE),
    (lambda k: k.Resizing(4, 6, "bilinear"), IMAGE),
    (lambda k: k.CenterCrop(4, 4), IMAGE),
    (lambda k: k.RandomFlip(), IMAGE),
    (lambda k: k.RandomRotation(0.2, seed=1), IMAGE),
    (lambda k: k.RandomContrast(0.2), IMAGE),
    (lambda k: k.GaussianNoise(0.5), VECTOR),
    (lambda k: k.SpatialDropout2D(0.5), IMAGE),
    (lambda k: k.AveragePooling2D(3, 2, padding="same"), IMAGE),
    (lambda k: k.GlobalAveragePooling2D(keepdims=True), IMAGE),
    (lambda k: k.ZeroPadding1D((1, 2)), SERIES),
    (lambda k: k.ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    (lambda k: k.UpSampling2D((2, 3), interpolation="bilinear"), IMAGE),
    (lambda k: k.Cropping2D(((1, 2), (0, 3))), IMAGE),
    (lambda k: k.RepeatVector(3), VECTOR),
    (lambda k: k.SimpleRNN(3), SERIES),
    (lambda k: k.LSTM(3, return_sequences=True, go_backwards=True), SERIES),
    (lambda k: k.LSTM(3, "softsign", "hard_sigmoid"), SERIES),
    (lambda k: k.GRU(3), SERIES),
    (lambda k: k.GRU(3, reset_after=False), SERIES),
    (lambda k: k.RNN(k.LSTMCell(3)), SERIES),
    (lambda k: k.RNN([k.LSTMCell(3), k.GRUCell(4)]), SERIES),
    (lambda k: k.Bidirectional(k.LSTM(3, return_sequences=True)), SERIES),
    (
        lambda k: k.Bidirectional(
            k.GRU(3), "sum", backward_layer=k.GRU(3, go_backwards=True)
        ),
        SERIES,
    ),
    (lambda k: k.ConvLSTM1D(2, 3), (3, 6, 2)),
    (lambda k: k.TimeDistributed(k.Conv1D(2, 3, activation="relu")), (2, 6, 5)),
    (lambda k: k.Embedding(20, 3), VECTOR),
    (lambda k: k.CategoryEncoding(4, output_mode="multi_hot"), VECTOR),
]


@pytest.mark.parametrize("make, shape", LAYERS)
def test_layers_compute_the_same(kind, make, shape):
    """On input of both signs, small and large, so that kinks and limits show."""
    try:
        layer = make(kind.layers)
    except AttributeError:
        pytest.skip("an old Keras, without this layer")
    if getattr(layer, "invert", False) and "invert" not in layer.get_config():
        pytest.skip("an old Keras, which forgets this argument")
    inputs = kind.Input(shape)
    model = randomize(kind.Model(inputs, layer(inputs)))
    clone = to_tf_keras(model)
    rng = np.random.RandomState(2)
    x = rng.uniform(-9, 9, size=(4, *shape)).astype("float32")
    if type(model.layers[-1]).__name__ in ("CategoryEncoding", "Embedding"):
        x = rng.randint(4, size=(4, *shape)).astype("float32")
    (expected,), (found,) = predict(model, [x]), predict(clone.model, [x])
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


MERGING_LAYERS = [
    lambda k, x, y: k.Add()([x, y]),
    lambda k, x, y: k.Subtract()([x, y]),
    lambda k, x, y: k.Multiply()([x, y]),
    lambda k, x, y: k.Average()([x, y]),
    lambda k, x, y: k.Maximum()([x, y]),
    lambda k, x, y: k.Concatenate(axis=1)([x, y]),
    lambda k, x, y: k.Dot(axes=(1, 1), normalize=True)([x, y]),
    lambda k, x, y: k.Attention(use_scale=True)([x, y]),
    lambda k, x, y: k.AdditiveAttention()([x, y]),
    lambda k, x, y: k.MultiHeadAttention(2, 3, value_dim=4)(x, y),
    lambda k, x, y: k.LSTM(3)(x, initial_state=[k.Flatten()(k.LSTM(3)(y))] * 2),
]


@pytest.mark.parametrize("make", MERGING_LAYERS)
def test_layers_of_two_inputs_compute_the_same(kind, make):
    inputs = [kind.Input(SERIES), kind.Input(SERIES)]
    model = randomize(kind.Model(inputs, make(kind.layers, *inputs)))
    clone = to_tf_keras(model)
    x = np.random.RandomState(2).normal(size=(2, 4, *SERIES)).astype("float32")
    (expected,), (found,) = predict(model, list(x)), predict(clone.model, list(x))
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_models_in_wrappers_are_rebuilt(kind):
    """Their weights are in another order in the two Kerases."""
    layers = kind.layers
    parts = [layers.Dense(4), layers.BatchNormalization(), layers.Dense(3)]
    inner = kind.Sequential([kind.Input((5,)), *parts])
    inputs = kind.Input(SERIES)
    model = randomize(kind.Model(inputs, layers.TimeDistributed(inner)(inputs)))
    clone = to_tf_keras(model)
    x = np.random.RandomState(2).normal(size=(4, *SERIES)).astype("float32")
    (expected,), (found,) = predict(model, [x]), predict(clone.model, [x])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda k, x: k.GRU(3)(k.LSTM(4, return_sequences=True)(x)),
        lambda k, x: k.Bidirectional(k.SimpleRNN(3))(k.Dense(4)(x)),
        lambda k, x: k.GlobalAveragePooling1D()(x),
        lambda k, x: k.GlobalAveragePooling1D()(k.MultiHeadAttention(2, 3)(x, x)),
        lambda k, x: k.LSTM(3)(k.Add()([x, k.Dropout(0.5)(x)])),
    ],
)
def test_masks_are_found_by_the_layers(kind, make):
    """Keras 3 has the operations that make them in the graph, Keras 2 hasn't."""
    layers = kind.layers
    x = inputs = kind.Input((6,), dtype="int32")
    x = layers.Embedding(5, 3, mask_zero=True)(x)
    model = randomize(kind.Model(inputs, layers.Dense(2)(make(layers, x))))
    clone = to_tf_keras(model)
    x = np.array([[1, 2, 3, 4, 1, 2], [1, 2, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0]])
    (expected,), (found,) = predict(model, [x]), predict(clone.model, [x])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    # the mask matters
    padded = np.where(x == 0, 4, x)
    assert np.abs(predict(model, [padded])[0] - expected)[1:].min() > 5e-4


@pytest.mark.parametrize("shift", ["alpha", "limit"])
def test_what_differs_only_below_zero_or_far_out_is_noticed(monkeypatch, shift):
    keras = keras3()
    tf_keras = compat.import_tf_keras()

    class Different(tf_keras.layers.ReLU):
        def call(self, inputs):
            if shift == "alpha":
                return super().call(inputs) + 0.01 * tf_keras.backend.minimum(
                    inputs, 0.0
                )
            return tf_keras.backend.minimum(super().call(inputs), 6.0)

    monkeypatch.setattr(tf_keras.layers, "ReLU", Different)
    inputs = keras.Input((40,))
    model = keras.Model(inputs, keras.layers.ReLU(name="first")(inputs))
    assert is_held(to_tf_keras(model).layer("first"))


def test_keras3_activations_that_keras2_lacks(kind):
    """Against their formulas: clip(x / 6 + 1 / 2, 0, 1), and x times that."""
    keras = keras3()
    tensorflow = compat.import_tensorflow()
    x = np.linspace(-5, 5, 41)
    gate = np.clip(x / 6 + 0.5, 0, 1)
    for name, expected in [
        ("hard_sigmoid", gate),
        ("hard_silu", x * gate),
        ("hard_swish", x * gate),
        ("log_sigmoid", -np.log1p(np.exp(-x))),
    ]:
        function = translate_activation(getattr(keras.activations, name))
        found = function(tensorflow.constant(x)).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-12)
        assert translate_activation(getattr(keras.activations, name)) is function
    # Keras 2's own, of another slope, stays what it is
    own = compat.import_tf_keras().activations.hard_sigmoid
    assert translate_activation(own) is own


def test_operations_become_layers():
    keras = keras3()
    ops = keras.ops
    x, y = inputs = [keras.Input((4,)), keras.Input((4,))]
    outputs = [
        ops.relu(x - y),
        ops.concatenate([ops.tanh(x), ops.hard_silu(y)], axis=-1),
        ops.maximum(ops.sigmoid(x), ops.softplus(y)),
    ]
    clone = to_tf_keras(keras.Model(inputs, outputs))
    names = {type(layer).__name__ for layer in clone.model.layers}
    assert names == {"InputLayer", "Subtract", "Activation", "Concatenate", "Maximum"}


def test_dict_inputs_and_outputs_are_found_by_key(kind):
    layers = kind.layers
    a, b = kind.Input((3,), name="a"), kind.Input((4,), name="b")
    both = layers.Concatenate(name="both")([b, a])
    one, two = layers.Dense(2, name="one")(both), layers.Dense(5, name="two")(both)
    model = kind.Model({"b": b, "a": a}, {"second": two, "first": one})
    clone = to_tf_keras(model)
    assert clone.tensor("first") is clone.tensor("one") is clone.tensor(one)
    assert clone.tensor("second") is clone.tensor("two") is clone.tensor(two)
    assert clone.tensor("a") is clone.tensor(a)
    x = {"a": np.ones((2, 3), "float32"), "b": np.ones((2, 4), "float32")}
    expected = model(x)
    found = clone.model([x[t._keras_history[0].name] for t in clone.model.inputs])
    for tensor, value in zip(clone.model.outputs, found):
        key = "first" if tensor is clone.tensor("first") else "second"
        np.testing.assert_allclose(value, np.asarray(expected[key]), rtol=1e-5)


def test_dict_keys_that_differ_from_the_names():
    """In Keras 3, an input's key in the dict needn't be its name."""
    keras = keras3()
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model({"left": a, "right": b}, keras.layers.Add()([a, b]))
    clone = to_tf_keras(model)
    assert clone.tensor("left") is clone.tensor("a")
    assert clone.tensor("right") is clone.tensor("b")


@pytest.mark.parametrize("name", ["block/conv", "block.1", "a-b", "_hidden", "é 1"])
def test_layer_names(kind, name):
    inputs = kind.Input((4,), name="in")
    try:
        layer = kind.layers.Dense(3, name=name)
        model = kind.Model(inputs, layer(inputs), name="named")
    except ValueError:
        pytest.skip("this Keras refuses the name itself")
    clone = to_tf_keras(model)
    assert clone.layer(name) is clone.layer(layer)
    assert clone.tensor(name) is clone.model.output
    allowed = {"_hidden": "layer_hidden", "é 1": "layer__1"}
    assert clone.layer_name(name) == allowed.get(name, name)


def test_layers_shared_with_another_model(kind):
    """The layers know calls of both models; each model converts with its own."""
    layers = kind.layers
    inputs = kind.Input((4,))
    hidden = layers.Dense(5, activation="relu", name="hidden")
    features = hidden(inputs)
    encoder = kind.Model(inputs, features, name="encoder")
    whole = kind.Model(inputs, layers.Dense(2, name="out")(features), name="whole")
    other = kind.Input((4,))
    another = kind.Model(other, hidden(other), name="another")
    x = np.ones((2, 4), "float32")
    for model in (encoder, whole, another):
        clone = to_tf_keras(model)
        assert clone.tensor("hidden") is clone.tensor(hidden)
        for want, found in zip(predict(model, [x]), predict(clone.model, [x])):
            np.testing.assert_allclose(found, want, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_is_rebuilt_in_single(kind, policy):
    if kind.__version__[0] == "2":
        if not policy.startswith("mixed"):
            pytest.skip("Keras 2 has no layers with weights of half precision")
        policy = kind.mixed_precision.Policy(policy)
    layers = kind.layers
    inputs = kind.Input((4,))
    x = layers.Dense(6, activation="relu", dtype=policy)(inputs)
    model = kind.Model(inputs, layers.Dense(3, dtype=policy)(x))
    clone = to_tf_keras(model)
    assert {layer.compute_dtype for layer in clone.model.layers} == {"float32"}
    assert {w.dtype for w in clone.model.get_weights()} == {np.dtype("float32")}


def test_training_that_the_model_sets_itself():
    """In Keras 2, a call may say by position that the layer isn't training."""
    tf_keras = compat.import_tf_keras()
    inputs = tf_keras.Input((4,))
    x = tf_keras.layers.Dropout(0.5)(inputs, False)
    x = tf_keras.layers.BatchNormalization()(x, training=False)
    model = randomize(tf_keras.Model(inputs, x))
    clone = to_tf_keras(model)
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(clone.model(x), predict(model, [x])[0], rtol=1e-6)


def test_fixed_batch_sizes_are_left_open(kind):
    inputs = kind.Input((4,), batch_size=3)
    model = kind.Model(inputs, kind.layers.Dense(2)(inputs))
    assert tuple(to_tf_keras(model).model.input.shape) == (None, 4)


def test_outputs_that_are_inputs_or_come_twice(kind):
    inputs = kind.Input((4,), name="in")
    x = kind.layers.Dense(2, name="x")(inputs)
    clone = to_tf_keras(kind.Model(inputs, [x, inputs, x]))
    assert clone.model.outputs[0] is clone.model.outputs[2] is clone.tensor("x")
    assert clone.model.outputs[1] is clone.tensor("in")


def test_the_advice_for_subclassed_models_works(kind):
    model = subclassed_model(kind)
    x = np.ones((2, 4), "float32")
    (expected,) = predict(model, [x])
    advice = (
        r"inputs = keras.Input\(shape\); keras.Model\(inputs, model.call\(inputs\)\)"
    )
    with pytest.raises(UnsupportedError, match=advice):
        to_tf_keras(model)
    inputs = kind.Input((4,))
    clone = to_tf_keras(kind.Model(inputs, model.call(inputs)))
    np.testing.assert_allclose(predict(clone.model, [x])[0], expected, rtol=1e-6)
