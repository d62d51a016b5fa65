"""Finding counters: by class, by base class, by operation; registering one's own."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from nengo_energy.common.exceptions import InputError, UnsupportedError
from nengo_energy.compat import import_tensorflow
from nengo_energy.layer_ops import counters as layer_counters
from nengo_energy.layer_ops.calls import LayerCall
from nengo_energy.layer_ops.counters import (
    Operations,
    find_counter,
    register_layer,
    register_operation,
)
from nengo_energy.layer_ops.counters.dense import count_dense
from nengo_energy.layer_ops.counting import count_layer_ops


class Layer:
    """Stands for the root of Keras's layers."""

    def call(self, inputs: Any) -> Any:
        """Return the inputs."""
        return inputs


def layer_class(name: str, base: type = Layer, module: str = "mine", **own: Any) -> Any:
    """Return a class of layers from some module."""
    return type(name, (base,), {"__module__": module, **own})


Dense = layer_class("Dense", module="keras.layers", call=lambda self, inputs: inputs)


def one(call: LayerCall) -> Operations:
    """Count one connection."""
    return Operations(connections=1)


def test_subclass_counts_as_base_unless_it_defines_call() -> None:
    renamed = layer_class("MyDense", Dense, build=lambda self: None)
    rewritten = layer_class("MyDense", Dense, call=lambda self, inputs: 2 * inputs)
    assert find_counter(renamed()) is count_dense
    assert find_counter(rewritten()) is None


def test_class_of_ones_own_is_not_taken_for_keras_class_of_that_name() -> None:
    mine = layer_class("Dense", call=lambda self, inputs: 2 * inputs)
    assert find_counter(Dense()) is count_dense
    assert find_counter(mine()) is None
    register_layer(mine, one)  # the name is free among classes that aren't Keras's
    assert find_counter(mine()) is one
    assert find_counter(Dense()) is count_dense


def test_operation_with_the_name_of_a_layer_is_not_one() -> None:
    operation = type("Operation", (), {})
    add = layer_class("Add", operation, module="keras.ops")
    layer = layer_class("Add", Dense, module="keras.layers")
    assert find_counter(add()) is not find_counter(layer())
    assert find_counter(layer_class("Add", operation)()) is None


def test_register_layer() -> None:
    mine = layer_class("Mine", call=lambda self, inputs: inputs)
    assert find_counter(mine()) is None
    register_layer(mine, one)
    assert find_counter(mine()) is one
    with pytest.raises(InputError, match="'Dense' has a counter; pass replace=True"):
        register_layer("Dense", one)
    register_layer("Dense", one, replace=True)
    assert find_counter(Dense()) is one


def test_what_is_registered_can_be_undone() -> None:
    mine = layer_class("Mine", call=lambda self, inputs: inputs)
    with layer_counters.isolated():
        register_layer(mine, one)
        register_operation("mine", one)
        register_layer("Dense", one, replace=True)
    assert find_counter(mine()) is None
    assert find_counter(Dense()) is count_dense
    register_operation("mine", one)  # isn't there any more


@pytest.mark.parametrize("bad", [3, None, "two words", ""])
def test_register_refuses_what_is_no_name(bad: Any) -> None:
    with pytest.raises(InputError, match="layer class must be given by its name"):
        register_layer(bad, one)
    with pytest.raises(InputError, match="operation must be given by its name"):
        register_operation(bad, one)


def test_register_refuses_what_cannot_count() -> None:
    with pytest.raises(InputError, match="'Mine' must be callable, got 5"):
        register_layer("Mine", 5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'mine' must be callable, got 5"):
        register_operation("mine", 5)  # type: ignore[arg-type]


def test_register_operation_refuses_to_replace() -> None:
    with pytest.raises(InputError, match="operation 'add' has a counter"):
        register_operation("add", one)


@pytest.mark.tensorflow
@pytest.mark.parametrize("style", [str.lower, str.title])
def test_unknown_operation_can_be_registered(keras: ModuleType, style: Any) -> None:
    if hasattr(keras, "ops"):
        name, function = "arctan2", keras.ops.arctan2
    else:
        name, function = "xlogy", import_tensorflow().math.xlogy
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(3)(function(x, 2 * x)))
    with pytest.raises(UnsupportedError) as error:
        count_layer_ops(model)
    assert f"operation {name!r} has no counter" in str(error.value)
    assert f"register_operation({name!r}, counter)" in str(error.value)
    register_operation(style(name), one)
    # a product for each of 4 elements, one as registered, 4 x 3 in Dense
    assert count_layer_ops(model).connections == 4 + 1 + 12


@pytest.mark.tensorflow
def test_layers_of_one_class_are_named_together(keras: ModuleType) -> None:
    layers = keras.layers

    def decide(x: Any) -> Any:  # takes no symbolic tensor
        return x if hasattr(x, "op") else abs(x.numpy())

    mine = type("Mine", (layers.Layer,), {"call": lambda self, inputs: decide(inputs)})
    model = keras.Sequential(
        [
            keras.Input((4,)),
            *[mine(name=f"mine{i}") for i in range(5)],
            layers.Lambda(decide, name="any"),
        ]
    )
    with pytest.raises(UnsupportedError) as error:
        count_layer_ops(model)
    assert str(error.value) == (
        "layers that can't be counted: 'mine0', 'mine1', 'mine2' and 2 more (Mine): "
        "class Mine has no counter; 'any' (Lambda): class Lambda has no counter (it "
        "runs any function); say how with nengo_energy.layer_ops: "
        "register_layer('Mine', counter), register_layer('Lambda', counter), or leave "
        "them out with on_unsupported='warn'"
    )
