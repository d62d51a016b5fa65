"""Models of every shape: shared, nested, temporal, unbuilt, of both Keras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import pytest

from nengo_energy.common.exceptions import InputError, UnsupportedError
from nengo_energy.compat import import_tf_keras
from nengo_energy.layer_ops.calls import LayerCall, walk_layers
from nengo_energy.layer_ops.counters import Operations
from nengo_energy.layer_ops.counters.registry import register_layer
from nengo_energy.layer_ops.counting import count_layer_ops
from nengo_energy.layer_ops.layer_ops import LayerOps

pytestmark = pytest.mark.tensorflow


def counts(ops: LayerOps) -> dict[str, tuple[int, int, int, int, int]]:
    """Return the numbers of each layer by its name."""
    return {
        r.layer: (r.n_uses, r.params, r.connections, r.activations, r.additions)
        for r in ops.layers
    }


def test_shared_layer_counts_once_per_use(keras: ModuleType) -> None:
    inputs = [keras.Input((4,), name=f"in{i}") for i in range(3)]
    shared = keras.layers.Dense(2, activation="relu", name="shared")
    add = keras.layers.Add(name="add")
    first, second, third = map(shared, inputs)
    model = keras.Model(inputs, add([add([first, second]), third]))
    ops = count_layer_ops(model)
    assert counts(ops)["shared"] == (3, 4 * 2 + 2, 3 * 4 * 2, 3 * 2, 0)
    assert counts(ops)["add"] == (2, 0, 0, 0, 2 * 2)
    assert ops.params == model.count_params() == 10


def test_use_outside_of_the_model_is_not_counted(keras: ModuleType) -> None:
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(4, name="dense")
    once = layer(inputs)
    layer(once)
    assert counts(count_layer_ops(keras.Model(inputs, once)))["dense"][0] == 1


def nested_model(keras: ModuleType) -> Any:
    """Return a model in a model in a model, of which the middle one is used twice."""
    layers = keras.layers
    core = keras.Sequential(
        [
            keras.Input((4, 2)),
            layers.Conv1D(3, 2, name="conv"),
            layers.Flatten(name="f"),
        ],
        name="core",
    )
    x = keras.Input((4, 2), name="in")
    middle = keras.Model(x, layers.ReLU(name="relu")(core(x)), name="middle")
    a, b = keras.Input((4, 2), name="a"), keras.Input((4, 2), name="b")
    merged = layers.Average(name="mean")([middle(a), middle(b)])
    return keras.Model([a, b], layers.Dense(5, name="out")(merged), name="outer")


def test_nested_models_are_opened(keras: ModuleType) -> None:
    model = nested_model(keras)
    ops = count_layer_ops(model)
    # the convolution has 3 x 3 outputs with 2 x 2 inputs each
    assert counts(ops) == {
        "a": (1, 0, 0, 0, 0),
        "b": (1, 0, 0, 0, 0),
        "middle/in": (2, 0, 0, 0, 0),
        "middle/core/conv": (2, 15, 2 * 36, 0, 0),
        "middle/core/f": (2, 0, 0, 0, 0),
        "middle/relu": (2, 0, 0, 2 * 9, 0),
        "mean": (1, 0, 0, 0, 2 * 9),
        "out": (1, 50, 45, 0, 0),
    }
    assert ops.params == model.count_params()


def test_layer_in_two_models_has_its_params_once(keras: ModuleType) -> None:
    dense = keras.layers.Dense(4, name="dense")
    inner = keras.Sequential([keras.Input((4,)), dense], name="inner")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, dense(inner(inputs)))
    ops = count_layer_ops(model)
    assert counts(ops)["inner/dense"] == (1, 20, 16, 0, 0)
    assert counts(ops)["dense"] == (1, 0, 16, 0, 0)
    assert ops.params == model.count_params() == 20


def test_model_in_time_distributed_is_opened(keras: ModuleType) -> None:
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="dense")], name="inner"
    )
    inputs = keras.Input((7, 4))
    outputs = keras.layers.TimeDistributed(inner, name="each")(inputs)
    ops = count_layer_ops(keras.Model(inputs, outputs))
    assert counts(ops)["each/dense"] == (1, 15, 12, 0, 0)
    assert [a.code for a in ops.assumptions] == ["one-timestep"]


def test_batch_size_does_not_matter(keras: ModuleType) -> None:
    inputs = keras.Input((4,), batch_size=8)
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    assert count_layer_ops(model).connections == 12


def test_sequential_built_by_shape(keras: ModuleType) -> None:
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.ReLU()])
    model.build((None, 4))
    ops = count_layer_ops(model)
    assert (ops.connections, ops.activations, ops.params) == (12, 3, 15)


def test_model_is_left_as_it_was(keras: ModuleType) -> None:
    model = nested_model(keras)
    before = model.to_json()
    count_layer_ops(model)
    assert model.to_json() == before


def big_model(keras: ModuleType) -> Any:
    """Return a model with the names given, so that both Keras agree on them."""
    layers = keras.layers
    x = inputs = keras.Input((9, 8, 3), name="in")
    x = layers.ZeroPadding2D(name="pad")(x)
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="conv")(x)
    x = skip = layers.BatchNormalization(name="norm")(x)
    x = layers.SeparableConv2D(4, 3, padding="same", name="separable")(x)
    x = layers.Add(name="add")([x, skip])
    x = layers.Conv2DTranspose(2, 2, strides=2, name="transpose")(x)
    x = layers.AveragePooling2D(2, name="average")(x)
    x = layers.Reshape((-1, 2), name="reshape")(x)
    x = layers.TimeDistributed(layers.Dense(3, name="inner"), name="each")(x)
    x = layers.GlobalMaxPooling1D(name="max")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(2, "softmax", name="out")(x))


@pytest.mark.parametrize("build", [big_model, nested_model])
def test_both_keras_agree(build: Any) -> None:
    ops = count_layer_ops(build(import_tf_keras()))
    assert ops.connections > 0 and ops.activations > 0 and ops.additions > 0
    assert count_layer_ops(build(importlib.import_module("keras"))) == ops


# What can't be counted


def strange_model(keras: ModuleType) -> Any:
    """Return a model with a layer that can't be counted."""

    class Memory(keras.layers.Dense):  # type: ignore[name-defined]
        def call(self, inputs: Any) -> Any:
            outputs = super().call(inputs)
            return outputs if float(outputs[0, 0]) > 0 else -outputs

    inputs = keras.Input((3,))
    x = Memory(5, name="memory")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(x))


def test_unknown_layer_is_an_error(keras: ModuleType) -> None:
    with pytest.raises(UnsupportedError) as error:
        count_layer_ops(strange_model(keras))
    assert "'memory' (Memory): class Memory has no counter" in str(error.value)
    assert "register_layer('Memory', counter)" in str(error.value)
    assert "on_unsupported='warn'" in str(error.value)


def test_unknown_layer_can_be_left_out(keras: ModuleType) -> None:
    model = strange_model(keras)
    with pytest.warns(UserWarning, match=r"'memory' \(Memory\)"):
        ops = count_layer_ops(model, on_unsupported="warn")
    assert list(counts(ops))[1:] == ["dense"]
    assert ops.coverage == pytest.approx(2 / 3)
    (row,) = ops.unsupported
    assert (row.layer, row.class_name, row.output_shape) == (
        "memory",
        "Memory",
        (None, 5),
    )
    assert row.params == 3 * 5 + 5
    assert ops.params == model.count_params()


def test_unknown_layer_can_be_registered(keras: ModuleType) -> None:
    def count_memory(call: LayerCall) -> Operations:
        (n_in,), (n_out,) = call.input_shapes[0], call.output_shapes[0]
        return Operations(connections=(n_in + 1) * n_out)

    register_layer("Memory", count_memory)
    assert counts(count_layer_ops(strange_model(keras)))["memory"][2] == 4 * 5


def test_operator_between_layers_is_not_lost(keras: ModuleType) -> None:
    # TFOpLambda in Keras 2, an operation that isn't a layer in Keras 3
    a, b = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([a, b], keras.layers.ReLU()(a + b))
    ops = count_layer_ops(model)
    assert len(ops.layers) == 4
    assert (ops.additions, ops.activations) == (4, 4)


def test_unbuilt_model(keras: ModuleType) -> None:
    model = keras.Sequential([keras.layers.Dense(3)], name="late")
    with pytest.raises(InputError, match="'late' was never built"):
        count_layer_ops(model)


def test_subclassed_model(keras: ModuleType) -> None:
    class Mine(keras.Model):  # type: ignore[name-defined]
        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(UnsupportedError, match="'mine' .*Mine is subclassed"):
        count_layer_ops(Mine(name="mine"))


def test_image_of_any_size(keras: ModuleType) -> None:
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    with pytest.raises(InputError, match="axes without a size, shape .*fixed shape"):
        count_layer_ops(model)


@pytest.mark.parametrize(
    "shape, name", [((None, 3), "Conv1D"), ((None, 8, 3), "Conv2D")]
)
def test_convolution_along_time(keras: ModuleType, shape: tuple, name: str) -> None:
    inputs = keras.Input(shape)
    layer = getattr(keras.layers, name)(4, 3, name="conv")
    with pytest.raises(InputError, match=rf"'conv' \({name}\) needs . axes of known"):
        count_layer_ops(keras.Model(inputs, layer(inputs)))


def test_walk_gives_shapes_without_batch_and_time(keras: ModuleType) -> None:
    inputs = keras.Input((None, 5))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    first, last = walk_layers(model)
    assert first.calls[0].output_shapes == ((5,),)
    assert last.calls[0].input_shapes == ((5,),)
    assert last.calls[0].output_shapes == ((2,),)
    assert last.output_shape == (None, None, 2)


def test_walk_tells_sequences_from_states(keras: ModuleType) -> None:
    layers = keras.layers
    x, h, c = keras.Input((7, 3)), keras.Input((5,)), keras.Input((5,))
    lstm = layers.LSTM(5, return_sequences=True, return_state=True)
    *_, use = walk_layers(keras.Model([x, h, c], lstm(x, initial_state=[h, c])))
    assert use.calls[0].input_shapes == ((3,), (5,), (5,))
    assert use.calls[0].output_shapes == ((5,), (5,), (5,))
    assert use.calls[0].time_lengths == (7,)

    both = layers.Bidirectional(
        layers.GRU(5, return_sequences=True, return_state=True), merge_mode=None
    )
    *_, use = walk_layers(keras.Model(x, both(x)))
    assert use.calls[0].output_shapes == ((5,), (5,), (5,), (5,))
