"""Keras model of either version -> a private tf_keras model with the same weights.

NengoDL's converter takes Keras 2 models only and calls their layers again, which
changes them; so it is never given the user's own model.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Collection, Mapping, Sequence

from ..common.exceptions import InputError, NotFoundError, UnsupportedError
from ..compat import import_tf_keras
from .check import DifferentOutputError, check_equal_outputs
from .graph import (
    Call,
    KerasGraph,
    TensorKey,
    is_model,
    is_tensor,
    leaves,
    map_leaves,
    read_graph,
    tensor_key,
)
from .held import Pattern, hold, is_held
from .rebuild import (
    CALL_ERRORS,
    check_weights,
    copy_weights,
    describe,
    full_precision,
    rebuild_layer,
    rebuild_operation,
    scope_name,
)
from .sizes import Shape, fixed_shapes


@dataclass(frozen=True, eq=False)
class KerasClone:
    """A private tf_keras model, and what leads to it from the user's model.

    Keys, wherever one is taken: a layer or a symbolic tensor of the user's model
    (``model.input``, ``model.outputs[0]``, ``layer.output``), the same of the private
    model, or a name: of a layer, of an output, ``"model/layer"`` for a layer of a model
    within the model, or the key where the model's inputs or outputs are a dict.

    Attributes
    ----------
    model : tf_keras.Model
        Functional; its layers have the names of the user's layers.
    source : keras.Model
        The user's model.
    """

    model: Any
    source: Any
    _layers: Mapping[int, Any] = field(repr=False)
    _calls: Mapping[int, tuple[tuple[Any, ...], ...]] = field(repr=False)
    _tensors: Mapping[TensorKey, Any] = field(repr=False)
    _names: Mapping[str, Any] = field(repr=False)
    _ends: Mapping[str, Any] = field(repr=False)

    def layer(self, key: Any) -> Any:
        """Return the private model's layer for a key; for a tensor, its producer.

        Raises
        ------
        NotFoundError
            The key is of another model, or no such name exists.
        """
        found = self._find(key)
        return found._keras_history[0] if is_tensor(found) else found

    def layer_name(self, key: Any) -> str:
        """Return the name of :meth:`layer`; see there."""
        name: str = self.layer(key).name
        return name

    def tensor(self, key: Any) -> Any:
        """Return the private model's tensor for a key; for a layer, its output.

        Raises
        ------
        NotFoundError
            The key is of another model, or no such name exists.
        InputError
            The key is a layer that the model calls several times, or that has several
            outputs; then only a tensor says which is meant.
        """
        found = self._find(key)
        if is_tensor(found):
            return found
        calls = self._calls[id(found)]
        if len(calls) > 1 and isinstance(key, str) and key in self._ends:
            return self._ends[key]
        if len(calls) > 1:
            raise InputError(
                f"layer {found.name!r} is called {len(calls)} times in model "
                f"{self.source.name!r}; say which call is meant by its output tensor"
            )
        (outputs,) = calls
        if len(outputs) > 1:
            raise InputError(
                f"layer {found.name!r} has {len(outputs)} outputs; say which is meant "
                "by the output tensor"
            )
        return outputs[0]

    def _find(self, key: Any) -> Any:
        """Return the private layer or tensor that a key stands for."""
        if isinstance(key, str):
            if key in self._names:
                return self._names[key]
            if key in self._ends:
                return self._ends[key]
        elif is_tensor(key):
            producer, _, output_index = key._keras_history
            if id(producer) in self._calls:
                return key
            if producer is self.source:
                # the user called the model as a layer, and Keras 3 then takes what
                # came out there for the model's output
                return self.model.outputs[output_index]
            if tensor_key(key) in self._tensors:
                return self._tensors[tensor_key(key)]
            # Keras 3 calls a sequential model's layers again whenever one is added,
            # and the layers' own output stays that of the first call
            private = self._layers.get(id(producer))
            if private is not None and len(self._calls[id(private)]) == 1:
                return self._calls[id(private)][0][output_index]
        elif id(key) in self._calls:
            return key
        elif id(key) in self._layers:
            return self._layers[id(key)]
        known = ", ".join(dict.fromkeys([*self._names, *self._ends]))
        raise NotFoundError(
            f"{key!r} isn't a part of model {self.source.name!r}; known: {known}"
        )


def to_tf_keras(model: Any, input_shapes: Sequence[Shape] | None = None) -> KerasClone:
    """Return a private functional tf_keras model with the weights of a Keras model.

    What tf_keras has no equivalent of, or computes differently, is called as it is by
    a private layer; see `nengo_energy.keras_models.held`.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model of ``tf_keras``, ``tf.keras`` or ``keras`` 3,
        with models within it, shared layers, several inputs and outputs. It isn't
        changed.
    input_shapes : sequence of tuple of int, optional
        Shapes of the inputs, without the batch axis, where the model leaves sizes open.

    Returns
    -------
    KerasClone
        The model, and the way from the user's layers and tensors to the private ones.

    Raises
    ------
    InputError
        The object isn't a Keras model, was never built, has weights that are no
        numbers, or inputs of other shapes.
    UnsupportedError
        The model is subclassed, or has a layer that neither computes the same in
        tf_keras nor can be called as it is; the message names the layer.

    Notes
    -----
    Batch sizes are left open, and half precision becomes single. Both models are run on
    two random samples, one small and one large, and their layers' outputs compared.
    """
    held: set[int] = set()
    keep_masks = False
    while True:
        builder = _Builder(held, keep_masks)
        private = builder.build(model, "", input_shapes)
        graph = builder.graphs[id(private)]
        try:
            check_equal_outputs(
                private, graph, builder.tensors, builder.graphs, builder.layers
            )
        except DifferentOutputError as error:
            if not keep_masks and any(part.masks for part in builder.graphs.values()):
                keep_masks = True
            elif id(error.layer) not in held:
                held.add(id(error.layer))
            else:
                raise
        else:
            break
    return KerasClone(
        model=private,
        source=model,
        _layers=builder.layers,
        _calls={key: tuple(calls) for key, calls in builder.calls.items()},
        _tensors=builder.tensors,
        _names=builder.names,
        _ends=_named_ends(model, graph, builder.tensors),
    )


class _Builder:
    """Rebuilds a model and the models within it; holds what was built for what.

    Parameters
    ----------
    held : collection of int
        Ids of layers to call as they are.
    keep_masks : bool
        Keep masks that layers of tf_keras may not find by themselves.
    """

    def __init__(self, held: Collection[int] = (), keep_masks: bool = False) -> None:
        self._held, self._keep_masks = held, keep_masks
        # private layer by id of its source; the clone holds the sources, so that the
        # ids stay theirs
        self.layers: dict[int, Any] = {}
        # outputs of every call, by id of the private layer
        self.calls: dict[int, list[tuple[Any, ...]]] = {}
        self.tensors: dict[TensorKey, Any] = {}
        self.names: dict[str, Any] = {}
        # the source's graph, by id of the private model
        self.graphs: dict[int, KerasGraph] = {}

    def build(
        self, model: Any, prefix: str, input_shapes: Sequence[Shape] | None = None
    ) -> Any:
        """Return a private functional model equal to a model."""
        graph = read_graph(model)
        shapes = fixed_shapes(graph, input_shapes)
        pairs = zip(graph.inputs, shapes)
        inputs = [self._build_input(tensor, shape, prefix) for tensor, shape in pairs]
        masks = frozenset() if self._keep_masks else graph.masks
        for call in graph.calls:
            key = tensor_key(call.outputs[0])
            if key not in self.tensors and key not in masks:
                self._build_call(_without_masks(call, masks), prefix)
        outputs = [self.tensors[tensor_key(tensor)] for tensor in graph.outputs]
        private = import_tf_keras().Model(
            inputs[0] if len(inputs) == 1 else inputs,
            outputs[0] if len(outputs) == 1 else outputs,
            name=scope_name(graph.name),
        )
        self.graphs[id(private)] = graph
        return private

    def _build_input(self, tensor: Any, shape: Shape, prefix: str) -> Any:
        source = tensor._keras_history[0]
        private = import_tf_keras().Input(
            shape=shape,
            dtype=full_precision(tensor.dtype),
            name=scope_name(source.name),
        )
        self._record(source, private._keras_history[0], (tensor,), (private,), prefix)
        return private

    def _build_call(self, call: Call, prefix: str) -> None:
        source = call.layer
        if id(source) not in self.layers:
            self._check_name(source, prefix)
            check_weights(source)
            self.layers[id(source)] = self._rebuild(call, prefix)
        private = self.layers[id(source)]
        try:
            outputs = self._call(call, private)
        except UnsupportedError:
            if id(private) in self.calls or is_model(source):
                raise
            private = hold(source, scope_name(source.name))
            outputs = self._call(call, private)
        self._record(source, private, call.outputs, outputs, prefix)

    def _rebuild(self, call: Call, prefix: str) -> Any:
        """Return the private layer for one of the source, not yet called."""
        source = call.layer
        if id(source) in self._held:
            return hold(source, scope_name(source.name))
        try:
            if is_model(source):
                called_on = in_order_of_inputs(call.args[0], read_graph(source))
                shapes = [self._private_tensor(t).shape[1:] for t in leaves(called_on)]
                return self.build(source, f"{prefix}{source.name}/", shapes)
            if not hasattr(source, "get_weights"):
                return rebuild_operation(call)
            return rebuild_layer(source, _rebuild_wrapped_model)
        except UnsupportedError:
            return hold(source, scope_name(source.name))

    def _call(self, call: Call, private: Any) -> tuple[Any, ...]:
        """Call a private layer, which builds it, and give it its weights."""
        source = call.layer
        args, kwargs = self._arguments(call, private)
        try:
            outputs = tuple(leaves(private(*args, **kwargs)))
        except CALL_ERRORS as error:
            raise UnsupportedError(
                f"{describe(source)} fails when rebuilt in tf_keras: {error}"
            ) from error
        has_own_weights = hasattr(source, "get_weights") and not is_held(private)
        is_new = id(private) not in self.calls
        if (
            is_new
            and has_own_weights
            and not is_model(getattr(source, "layer", source))
        ):
            copy_weights(source, private)
        return outputs

    def _arguments(
        self, call: Call, private: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call as the private layer takes them."""
        source = call.layer
        if is_held(private):
            pattern = Pattern(call)
            tensors = [self._private_tensor(tensor) for tensor in pattern.tensors]
            return (tensors,), {"pattern": pattern}
        args, kwargs = map_leaves(self._private_tensor, (call.args, call.kwargs))
        if is_model(source):
            return (in_order_of_inputs(args[0], self.graphs[id(private)]),), {}
        if not hasattr(source, "get_weights"):
            values = leaves([args, list(kwargs.values())])
            return (values if len(values) > 1 else values[0],), {}
        return args, {key: value for key, value in kwargs.items() if value is not None}

    def _private_tensor(self, value: Any) -> Any:
        return self.tensors[tensor_key(value)] if is_tensor(value) else value

    def _check_name(self, source: Any, prefix: str) -> None:
        if prefix + source.name in self.names:
            raise UnsupportedError(
                f"{describe(source)}: another layer of the model has the same name"
            )

    def _record(
        self,
        source: Any,
        private: Any,
        source_outputs: tuple[Any, ...],
        outputs: tuple[Any, ...],
        prefix: str,
    ) -> None:
        self.layers[id(source)] = private
        self.names.setdefault(prefix + source.name, private)
        self.calls.setdefault(id(private), []).append(outputs)
        for source_tensor, tensor in zip(source_outputs, outputs):
            self.tensors[tensor_key(source_tensor)] = tensor


def _without_masks(call: Call, masks: frozenset[TensorKey]) -> Call:
    """Return a call without the masks that layers of tf_keras find by themselves."""
    kwargs = {
        key: value
        for key, value in call.kwargs.items()
        if masks.isdisjoint(tensor_key(t) for t in leaves(value) if is_tensor(t))
    }
    return replace(call, kwargs=kwargs)


def _rebuild_wrapped_model(model: Any) -> Any:
    """Return a private model, with its weights, for one that a layer wraps."""
    return _Builder().build(model, prefix="")


def in_order_of_inputs(argument: Any, graph: KerasGraph) -> Any:
    """Return what a model within a model is called on as the private one takes it."""
    if isinstance(argument, dict):
        names = [tensor._keras_history[0].name for tensor in graph.inputs]
        if set(names) == set(argument):
            argument = [argument[name] for name in names]
    values = leaves(argument)
    return values[0] if len(values) == 1 else values


def _named_ends(
    model: Any, graph: KerasGraph, tensors: Mapping[TensorKey, Any]
) -> dict[str, Any]:
    """Return the private inputs and outputs by the names that the user's model has.

    These are the names of outputs that only one has, and the keys of dicts.
    """
    names = list(getattr(model, "output_names", None) or [])
    named = {
        name: tensor
        for name, tensor in zip(names, graph.outputs)
        if names.count(name) == 1
    }
    for attribute in ("input", "output"):
        # a sequential model of Keras 3 that was never called has neither
        structure = getattr(model, attribute, None)
        if isinstance(structure, dict):
            named.update({k: v for k, v in structure.items() if is_tensor(v)})
    return {name: tensors[tensor_key(tensor)] for name, tensor in named.items()}
