"""Compare a rebuilt Keras model with its source, layer by layer, on random input."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Mapping, Sequence

import numpy as np

from ..common.exceptions import UnsupportedError
from ..compat import import_tensorflow, import_tf_keras
from .graph import (
    Call,
    KerasGraph,
    TensorKey,
    is_tensor,
    leaves,
    map_leaves,
    tensor_key,
)
from .rebuild import describe

RANGES = (1.0, 8.0)
"""Largest values of the samples in the random input."""

INDEXING_LAYERS = (
    "CategoryEncoding",
    "Embedding",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
)
"""Layers whose input is a number of a row or a category."""

OPEN_SIZES = (32, 64, 128, 256, 512, 1024)
"""Tried for dimensions of the input that a model leaves open: it may crop some off."""

TOLERANCES = {"float16": 1e-2, "bfloat16": 5e-2}
"""Largest difference allowed, as a share of the largest output of the layer, by the
type that layers compute in."""
TOLERANCE = 1e-4


class DifferentOutputError(UnsupportedError):
    """A rebuilt layer puts out something else than its source.

    Attributes
    ----------
    layer : Layer
        The source.
    """

    def __init__(self, message: str, layer: Any):
        super().__init__(message)
        self.layer = layer


def check_equal_outputs(
    private: Any,
    graph: KerasGraph,
    tensors: Mapping[TensorKey, Any],
    graphs: Mapping[int, KerasGraph],
    layers: Mapping[int, Any],
) -> None:
    """Check that a rebuilt model's layers put out what their sources do.

    Parameters
    ----------
    private : tf_keras.Model
        The rebuilt model.
    graph : KerasGraph
        Graph of the source.
    tensors : mapping of TensorKey to KerasTensor
        From tensors of the source to those of the rebuilt model.
    graphs : mapping of int to KerasGraph
        Graphs of the sources of models within, by id of the rebuilt one.
    layers : mapping of int to Layer
        Rebuilt layers, by id of their source.

    Raises
    ------
    DifferentOutputError
        An output differs; names the first layer, in the order of computation.
    UnsupportedError
        The model leaves sizes open, and can't be run with any that was tried.

    Notes
    -----
    Layers that draw random numbers at inference can't be compared.
    """
    rng = np.random.RandomState(0)
    signed = not any(
        type(call.layer).__name__ in INDEXING_LAYERS
        for part in graphs.values()
        for call in part.calls
    )
    size = _open_size(private) if any(None in t.shape[1:] for t in graph.inputs) else 0
    inputs = [
        _random_values(source, tensor.shape[1:], size, rng, signed)
        for source, tensor in zip(graph.inputs, private.inputs)
    ]
    _compare(private, graph, inputs, tensors, graphs, layers)


def _open_size(private: Any) -> int:
    """Return the size for open dimensions at which no layer is left with nothing."""
    tensors = [tensor for layer in private.layers for tensor in leaves(layer.output)]
    probe = import_tf_keras().Model(private.inputs, tensors)
    for size in OPEN_SIZES:
        shapes = [[n or size for n in tensor.shape[1:]] for tensor in private.inputs]
        zeros = [
            np.zeros([1, *s], t.dtype.name) for s, t in zip(shapes, private.inputs)
        ]
        try:
            outputs = leaves(probe(zeros, training=False))
        except Exception:  # layers refuse sizes in ways of their own
            continue
        if all(np.size(output) for output in outputs):
            return size
    raise UnsupportedError(
        f"model {private.name!r} can't be run with inputs of the sizes {OPEN_SIZES} "
        "for the axes that it leaves open; give them a size, as by "
        "input_shape=(2000, 4)"
    )


def _compare(
    private: Any,
    graph: KerasGraph,
    inputs: Sequence[Any],
    tensors: Mapping[TensorKey, Any],
    graphs: Mapping[int, KerasGraph],
    layers: Mapping[int, Any],
) -> None:
    masks = graph.masks
    keys = [tensor_key(tensor) for call in graph.calls for tensor in call.outputs]
    keys = [key for key in keys if key not in masks]
    # one run of the graph as it is, with every tensor in it as an output
    probe = import_tf_keras().Model(private.inputs, [tensors[key] for key in keys])
    found = dict(zip(keys, leaves(probe(list(inputs), training=False))))
    values = {tensor_key(t): _as_input(t, x) for t, x in zip(graph.inputs, inputs)}
    for call in graph.calls:
        call_keys = [tensor_key(tensor) for tensor in call.outputs]
        if all(key in values for key in call_keys):
            continue
        args, kwargs = call_arguments(call, values)
        results = leaves(call.layer(*args, **kwargs))
        values.update(zip(call_keys, results))
        if masks.issuperset(call_keys):
            continue
        pairs = [(as_array(values[k]), as_array(found[k])) for k in call_keys]
        tolerance = _tolerance(graph)
        if all(_is_close(expected, got, tolerance) for expected, got in pairs):
            continue
        if _is_random(call, args, kwargs, [pair[0] for pair in pairs], tolerance):
            # what follows is compared on the values that the rebuilt layer drew
            values.update((key, as_array(found[key])) for key in call_keys)
            continue
        nested = layers[id(call.layer)]
        if id(nested) in graphs:
            inner = [as_array(value) for value in leaves(args)]
            _compare(nested, graphs[id(nested)], inner, tensors, graphs, layers)
        worst = max(_difference(expected, got) for expected, got in pairs)
        raise DifferentOutputError(
            f"{describe(call.layer)} puts out something else when rebuilt in tf_keras: "
            f"differs by {worst:.3g} times its largest output, allowed is {tolerance}",
            call.layer,
        )


def _is_random(
    call: Call,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    first: Sequence[np.ndarray],
    tolerance: float,
) -> bool:
    """Tell whether a layer puts out something else when it is run again.

    KerasSpiking's neurons do: they start from random states.
    """
    again = [as_array(value) for value in leaves(call.layer(*args, **kwargs))]
    pairs = zip(first, again)
    return not all(_is_close(expected, got, tolerance) for expected, got in pairs)


def call_arguments(
    call: Call, values: Mapping[TensorKey, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args, kwargs = map_leaves(
        lambda leaf: values[tensor_key(leaf)] if is_tensor(leaf) else leaf,
        (call.args, call.kwargs),
    )
    kwargs = {key: value for key, value in kwargs.items() if value is not None}
    signature = inspect.signature(call.layer.call)
    given = {*signature.bind_partial(*args).arguments, *kwargs}
    if "training" in signature.parameters and "training" not in given:
        # left to itself, a layer that augments images does so
        kwargs["training"] = False
    return args, kwargs


def _random_values(
    tensor: Any,
    shape: Sequence[int | None],
    open_size: int,
    rng: np.random.RandomState,
    signed: bool,
) -> np.ndarray:
    """Return values for a model's input.

    The samples differ in range, so that both what happens around zero and where an
    activation saturates shows. Unsigned, they go from zero to one: valid indices.
    """
    sizes = [open_size if size is None else int(size) for size in shape]
    name = str(getattr(tensor.dtype, "name", tensor.dtype))
    if name == "string":
        raise UnsupportedError(
            f"input {tensor._keras_history[0].name!r} takes text, and a network takes "
            "numbers. Apply the layers that read text, such as TextVectorization, to "
            "the data, and begin the model behind them"
        )
    dtype = np.dtype(name)
    values = rng.uniform(size=[len(RANGES), *sizes])
    if dtype.kind in "biu":
        return np.round(values).astype(dtype)
    if signed:
        largest = np.reshape(RANGES, [-1, *(1 for _ in sizes)])
        values = (2 * values - 1) * largest
    return np.asarray(values, dtype)


def _as_input(tensor: Any, values: Any) -> Any:
    """Return values as the Keras of a tensor takes them at all its arguments."""
    if isinstance(tensor._keras_history[0], import_tf_keras().layers.Layer):
        return import_tensorflow().convert_to_tensor(values)
    return values


def as_array(value: Any) -> np.ndarray:
    """Return an output of either Keras, on whatever backend, as an array."""
    if import_tensorflow().is_tensor(value):
        value = value.numpy()
    elif not isinstance(value, np.ndarray):
        value = sys.modules["keras"].ops.convert_to_numpy(value)
    return value.astype(np.float64)


def _tolerance(graph: KerasGraph) -> float:
    types: list[str] = [
        str(getattr(call.layer, "compute_dtype", "")) for call in graph.calls
    ]
    return max(TOLERANCES.get(name, TOLERANCE) for name in types)


def _difference(expected: np.ndarray, found: np.ndarray) -> float:
    """Return the largest difference as a share of the largest expected value."""
    if expected.shape != found.shape:
        return float("inf")
    scale = np.nanmax(np.abs(expected), initial=0) or 1.0
    return float(np.nanmax(np.abs(expected - found), initial=0) / scale)


def _is_close(expected: np.ndarray, found: np.ndarray, tolerance: float) -> bool:
    if expected.shape != found.shape:
        return False
    if not np.array_equal(np.isnan(expected), np.isnan(found)):
        return False
    return _difference(expected, found) <= tolerance
