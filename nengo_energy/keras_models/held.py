"""A tf_keras layer around what tf_keras has no equivalent of, called as it is."""

from __future__ import annotations

import functools
import inspect
import sys
from dataclasses import replace
from typing import Any, Callable, Sequence

from ..compat import import_tensorflow, import_tf_keras
from .graph import Call, is_tensor, leaves, map_leaves
from .rebuild import full_precision

PROBE_SIZES = (2, 3)
"""Sizes for axes that are left open; where outputs differ, they are open too."""


class Pattern:
    """The arguments of a call, with numbers in the places of tensors.

    Parameters
    ----------
    call : Call
        On symbolic tensors.
    """

    def __init__(self, call: Call):
        self.tensors: list[Any] = []
        self._args, self._kwargs = map_leaves(self._place, (call.args, call.kwargs))

    def _place(self, value: Any) -> Any:
        if not is_tensor(value):
            return value
        self.tensors.append(value)
        return _Place(len(self.tensors) - 1)

    def fill(self, values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with values in the places of the tensors."""
        args, kwargs = map_leaves(
            lambda leaf: values[leaf.index] if isinstance(leaf, _Place) else leaf,
            (self._args, self._kwargs),
        )
        return args, kwargs


class _Place:
    """Where a tensor stands among the arguments of a call."""

    def __init__(self, index: int):
        self.index = index


def hold(source: Any, name: str) -> Any:
    """Return a tf_keras layer that has a layer or an operation do its work.

    It is called on a list of tensors and the `Pattern` of the call that they are of.
    The source isn't changed. Weights of a Keras 3 layer are taken now; a layer of Keras
    2 is run with those that it has then.

    Parameters
    ----------
    source : Layer or Operation
        Of either Keras.
    name : str
        Name of the new layer.
    """
    return _held_class()(source, name)


def held_by(layer: Any) -> Any:
    """Return what a layer was made to hold, or else the layer itself."""
    return getattr(layer, "held_source", layer)


def is_held(layer: Any) -> bool:
    """Tell whether a layer of a private model calls one that tf_keras lacks."""
    return hasattr(layer, "held_source")


def held_call(call: Call) -> Call:
    """Return a private model's call as one of what its layer holds, if it holds any."""
    if not is_held(call.layer):
        return call
    args, kwargs = call.kwargs["pattern"].fill(call.tensors)
    return replace(call, layer=call.layer.held_source, args=args, kwargs=kwargs)


@functools.lru_cache(maxsize=None)
def _held_class() -> type:
    """Return the class of the layers; tf_keras is imported for it."""
    tensorflow = import_tensorflow()

    class HeldLayer(import_tf_keras().layers.Layer):  # type: ignore[misc]
        """Calls a layer or an operation, eagerly, on tensors of TensorFlow."""

        def __init__(self, source: Any, name: str):
            super().__init__(name=name, autocast=False)
            self.supports_masking = bool(getattr(source, "supports_masking", False))
            # attributes that tf_keras doesn't track: the source isn't a part of this
            attributes: Any = vars(self)
            attributes.update(held_source=source, held_function=_function_of(source))

        def call(self, inputs: Any, pattern: Pattern, mask: Any = None) -> Any:
            """Return what the source puts out."""
            return self._call(inputs, pattern, mask)

        @tensorflow.autograph.experimental.do_not_convert
        def _call(self, inputs: Any, pattern: Pattern, mask: Any) -> Any:
            tensors = leaves(inputs)
            masks = [] if mask is None else leaves(mask)
            masked = [k for k, value in enumerate(masks) if value is not None]

            def run(*values: Any) -> Any:
                found = dict(zip(masked, values[len(tensors) :]))
                taken = [
                    _take(self.held_source, value, found.get(k))
                    for k, value in enumerate(values[: len(tensors)])
                ]
                args, kwargs = pattern.fill(taken)
                return map_leaves(_give, self.held_function(*args, **kwargs))

            arguments = [*tensors, *(masks[k] for k in masked)]
            if tensorflow.executing_eagerly():
                return run(*arguments)
            with tensorflow.init_scope():
                structure = _probe_outputs(self, tensors, pattern, masks)
            specs = leaves(structure)
            outputs = tensorflow.py_function(
                lambda *values: leaves(run(*values)),
                arguments,
                [spec.dtype for spec in specs],
            )
            for output, spec in zip(outputs, specs):
                output.set_shape(spec.shape)
            numbered = iter(outputs)
            return map_leaves(lambda _: next(numbered), structure)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            """Return the first mask that arrives, where the source passes masks on."""
            masks = [] if mask is None else [m for m in leaves(mask) if m is not None]
            return masks[0] if self.supports_masking and masks else None

    return HeldLayer


def _probe_outputs(
    layer: Any, tensors: Sequence[Any], pattern: Pattern, masks: Sequence[Any]
) -> Any:
    """Return the structure of a layer's outputs, with their shapes and types."""
    tensorflow = import_tensorflow()
    found = []
    for size in PROBE_SIZES:
        values = [_zeros(tensor, size) for tensor in tensors]
        # as if nothing were masked
        kept = [None if mask is None else ~_zeros(mask, size) for mask in masks]
        found.append(layer.call(values, pattern, kept or None))
    others = iter(leaves(found[1]))

    def compare(value: Any) -> Any:
        pairs = zip(value.shape, next(others).shape)
        shape = [a if a == b else None for a, b in pairs]
        return tensorflow.TensorSpec(shape, value.dtype)

    return map_leaves(compare, found[0])


def _zeros(tensor: Any, open_size: int) -> Any:
    shape = [open_size if n is None else n for n in tensor.shape]
    return import_tensorflow().zeros(shape, tensor.dtype)


def _function_of(source: Any) -> Callable[..., Any]:
    """Return what runs a source in inference, and leaves no trace in it."""
    takes_training = "training" in inspect.signature(source.call).parameters

    def run(*args: Any, **kwargs: Any) -> Any:
        if takes_training and kwargs.get("training") is None:
            kwargs["training"] = False
        return source(*args, **kwargs)

    if not (_is_keras3(source) and hasattr(source, "variables")):
        return run
    keras = sys.modules["keras"]
    convert = keras.ops.convert_to_tensor
    weights = [(v, convert(keras.ops.convert_to_numpy(v))) for v in source.variables]

    def run_with_weights(*args: Any, **kwargs: Any) -> Any:
        with keras.StatelessScope(state_mapping=weights, collect_losses=True):
            return run(*args, **kwargs)

    return run_with_weights


def _is_keras3(source: Any) -> bool:
    return not isinstance(source, import_tf_keras().layers.Layer)


def _runs_elsewhere(source: Any) -> bool:
    """Tell whether a source's Keras computes by something else than TensorFlow."""
    if not _is_keras3(source):
        return False
    return bool(sys.modules["keras"].backend.backend() != "tensorflow")


def _take(source: Any, value: Any, mask: Any) -> Any:
    """Return an eager tensor as the Keras of a source takes it, with its mask."""
    if _runs_elsewhere(source):
        convert = sys.modules["keras"].ops.convert_to_tensor
        value = convert(value.numpy())
        mask = None if mask is None else convert(mask.numpy())
    elif mask is not None:
        value = import_tensorflow().identity(value)
    if mask is not None:
        value._keras_mask = mask
    return value


def _give(value: Any) -> Any:
    """Return what a source puts out as a tensor of TensorFlow, half as single."""
    tensorflow = import_tensorflow()
    if not tensorflow.is_tensor(value):
        value = tensorflow.convert_to_tensor(
            sys.modules["keras"].ops.convert_to_numpy(value)
        )
    return tensorflow.cast(value, full_precision(value.dtype))
