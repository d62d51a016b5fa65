"""Rebuild a Keras model, and the models within it, call by call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Sequence

from ..common.exceptions import UnsupportedError
from ..compat import import_tf_keras
from .graph import (
    Call,
    KerasGraph,
    TensorKey,
    in_order_of_inputs,
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
    describe,
    full_precision,
    rebuild_layer,
    rebuild_operation,
    scope_name,
)
from .sizes import Shape, fixed_shapes, settle_shapes
from .weights import check_weights, copy_weights


class Builder:
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
        settle_shapes(private, (args, kwargs), outputs)
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
    return Builder().build(model, prefix="")
