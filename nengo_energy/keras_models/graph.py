"""Read the graph of a Keras model: which layer is called on what, in which order.

Works on models of Keras 2 and Keras 3 without importing either, and only reads them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any, Callable

from ..common.exceptions import InputError, UnsupportedError

TensorKey = tuple[int, int, int]
"""(id of the layer, index of its call, index of the output): what a tensor came
from."""

KERAS_PACKAGES = ("keras", "tf_keras")
"""Packages whose layers and models aren't somebody's own."""


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes
    ----------
    layer : Layer
        A layer of Keras 2 or 3, a model within the model, or an operation of Keras 3.
    args, kwargs
        What it was called on: structures with symbolic tensors among other values.
    outputs : tuple of KerasTensor
        What came out, in Keras's order.
    """

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[Any, ...]

    @property
    def tensors(self) -> list[Any]:
        """The symbolic tensors that it was called on.

        Dicts are in the order of their keys, so those passed by keyword come last.
        """
        return [t for t in leaves([*self.args, self.kwargs]) if is_tensor(t)]


@dataclass(frozen=True)
class KerasGraph:
    """The calls that lead from a model's inputs to its outputs, producers first."""

    name: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    calls: tuple[Call, ...]

    @property
    def masks(self) -> frozenset[TensorKey]:
        """The tensors that are only used as masks, and come from no layer.

        Keras 3 puts the operations that make masks for recurrent layers and attention
        into the graph; in Keras 2, layers pass masks on unseen.
        """
        needed = {tensor_key(tensor) for tensor in self.outputs}
        masks = set()
        for call in reversed(self.calls):
            made = {tensor_key(tensor) for tensor in call.outputs}
            if not hasattr(call.layer, "get_weights") and not made & needed:
                masks.update(made)
                continue
            # Keras 3 passes masks as ``mask``, ``query_mask`` and so on
            kwargs = {k: v for k, v in call.kwargs.items() if not k.endswith("mask")}
            unmasked = replace(call, kwargs=kwargs)
            needed.update(tensor_key(tensor) for tensor in unmasked.tensors)
        return frozenset(masks)


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a symbolic tensor of Keras."""
    return hasattr(value, "_keras_history")


def tensor_key(tensor: Any) -> TensorKey:
    """Return what tells a symbolic tensor from all others.

    The tensors themselves compare element by element, and Keras hands out several
    objects for the same tensor.
    """
    layer, call_index, output_index = tensor._keras_history
    return id(layer), call_index, output_index


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply a function to what lists, tuples and dicts hold, however deep."""
    if isinstance(structure, dict):
        return {key: map_leaves(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        mapped = [map_leaves(function, value) for value in structure]
        return tuple(mapped) if isinstance(structure, tuple) else mapped
    return function(structure)


def leaves(structure: Any) -> list[Any]:
    """Return what lists, tuples and dicts hold, dicts in the order of their keys."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in leaves(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for value in structure for leaf in leaves(value)]
    return [structure]


def is_from_keras(value: Any) -> bool:
    """Tell whether an object's class is one of Keras's, not somebody's own."""
    return is_class_of_keras(type(value))


def is_class_of_keras(cls: type) -> bool:
    """Tell whether a class is one of Keras's, not somebody's own."""
    return cls.__module__.partition(".")[0] in KERAS_PACKAGES


def is_model(value: Any, kind: str = "Model") -> bool:
    """Tell whether an object is a model of Keras 2 or 3.

    Parameters
    ----------
    value : object
        Anything.
    kind : str
        Name of the class: ``"Model"``, ``"Sequential"``.
    """
    # nothing is imported: an object of a Keras that isn't loaded can't exist
    bases = [getattr(sys.modules.get(name), kind, None) for name in KERAS_PACKAGES]
    return any(isinstance(base, type) and isinstance(value, base) for base in bases)


def read_graph(model: Any) -> KerasGraph:
    """Return the calls that a functional or sequential Keras model consists of.

    Parameters
    ----------
    model : keras.Model
        Of either Keras.

    Raises
    ------
    InputError
        The object isn't a Keras model, or was never built.
    UnsupportedError
        The model is subclassed: its graph is hidden in its ``call`` method.
    """
    if not is_model(model):
        raise InputError(
            f"model is a {type(model).__module__}.{type(model).__qualname__}; allowed "
            "are models of tf_keras, tf.keras and keras, and paths of saved ones"
        )
    _check_has_no_own_call(model)
    holder = model
    if is_model(model, "Sequential"):
        if not (model.built and getattr(model, "_graph_initialized", True)):
            raise InputError(
                f"model {model.name!r} was never built, so the shapes of its layers "
                "aren't known; begin it with an Input, or call model.build(shape)"
            )
        # Keras 3 keeps the graph in a model within; in Keras 2 it is the model's own
        holder = getattr(model, "_functional", model)
    nodes_by_depth = getattr(holder, "_nodes_by_depth", None)
    if nodes_by_depth is None:
        raise _no_graph(model)
    calls = [
        read_node(node)
        for depth in sorted(nodes_by_depth, reverse=True)
        for node in nodes_by_depth[depth]
    ]
    return KerasGraph(
        model.name, tuple(holder.inputs), tuple(holder.outputs), tuple(calls)
    )


def _check_has_no_own_call(model: Any) -> None:
    """Refuse models that compute something else than their graph says."""
    for base in type(model).__mro__:
        if "call" in vars(base):
            if base.__module__.partition(".")[0] not in KERAS_PACKAGES:
                raise _no_graph(model)
            return


def _no_graph(model: Any) -> UnsupportedError:
    return UnsupportedError(
        f"model {model.name!r} of class {type(model).__qualname__} is subclassed and "
        "has no graph of layers; make it a functional model of the same layers: "
        "inputs = keras.Input(shape); keras.Model(inputs, model.call(inputs))"
    )


def read_node(node: Any) -> Call:
    """Return a node of a Keras 2 or Keras 3 model as a call."""
    if hasattr(node, "operation"):
        arguments = node.arguments
        args, kwargs, layer = arguments.args, dict(arguments.kwargs), node.operation
        # Keras 3 notes the layer's default, which the model's own argument overrides
        kwargs.pop("training", None)
    else:
        args, kwargs, layer = node.call_args, dict(node.call_kwargs), node.layer
    return Call(layer, tuple(args), kwargs, tuple(leaves(node.outputs)))


def in_order_of_inputs(argument: Any, graph: KerasGraph) -> Any:
    """Return what a model within a model is called on as the private one takes it."""
    if isinstance(argument, dict):
        names = [tensor._keras_history[0].name for tensor in graph.inputs]
        if set(names) == set(argument):
            argument = [argument[name] for name in names]
    values = leaves(argument)
    return values[0] if len(values) == 1 else values
