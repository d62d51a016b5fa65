"""Keras model of either version -> a private tf_keras model with the same weights.

NengoDL's converter takes Keras 2 models only and calls their layers again, which
changes them; so it is never given the user's own model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ..common.exceptions import InputError, NotFoundError
from .builder import Builder
from .check import DifferentOutputError, check_equal_outputs
from .graph import KerasGraph, TensorKey, is_tensor, tensor_key
from .sizes import Shape


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
        builder = Builder(held, keep_masks)
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
