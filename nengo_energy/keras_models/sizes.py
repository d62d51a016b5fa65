"""Sizes of a model's inputs that it leaves open, from what the user gives."""

from __future__ import annotations

import math
from typing import Any, Mapping, Optional, Sequence

import numpy as np

from ..common.exceptions import InputError
from ..compat import import_tensorflow
from .graph import KerasGraph, is_tensor, leaves, map_leaves, read_graph

Shape = tuple[Optional[int], ...]
"""Shape without the batch axis; None for a size that is open."""


def fixed_shapes(
    graph: KerasGraph, given: Sequence[Sequence[int | None]] | None
) -> list[Shape]:
    """Return the shapes of a model's inputs, with open sizes as they are given.

    Parameters
    ----------
    graph : KerasGraph
        The model.
    given : sequence of tuple of int, optional
        Shapes without the batch axis, one for each input.

    Raises
    ------
    InputError
        A shape that is given has another size, or number of axes, than the model.
    """
    own = [tuple(tensor.shape)[1:] for tensor in graph.inputs]
    if given is None:
        return own
    if len(given) != len(own):
        raise InputError(
            f"model {graph.name!r} has {len(own)} inputs; got {len(given)} shapes"
        )
    shapes = []
    for tensor, shape, wanted in zip(graph.inputs, own, given):
        wanted = tuple(wanted)
        fits = len(wanted) == len(shape) and all(
            None in (a, b) or a == b for a, b in zip(shape, wanted)
        )
        if not fits:
            name = tensor._keras_history[0].name
            raise InputError(
                f"input {name!r} of model {graph.name!r} has the shape {shape}, which "
                f"{wanted} doesn't fit; leave out the axis of examples"
            )
        pairs = zip(shape, wanted)
        shapes.append(tuple(b if a is None else a for a, b in pairs))
    return shapes


def settle_shapes(layer: Any, arguments: Any, outputs: Sequence[Any]) -> None:
    """Give outputs the sizes that running shows, where TensorFlow can't tell them.

    So it is where a layer reshapes to ``(tf.shape(x)[0], -1, n)``.

    Parameters
    ----------
    layer : keras layer
        Of tf_keras, called.
    arguments : tuple of tuple and dict
        What it was called with.
    outputs : sequence of keras tensor
        What came of that.
    """
    given = [leaf for leaf in leaves(arguments) if is_tensor(leaf)]
    if all(map(_is_settled, outputs)) or not all(map(_is_settled, given)):
        return
    if hasattr(layer, "_random_generator"):
        return  # sizes may be drawn, as those of RandomWidth are
    tf = import_tensorflow()
    if any(leaf.dtype == tf.string for leaf in given):
        return

    def run(n: int) -> list[Shape]:
        def filled(leaf: Any) -> Any:
            if not is_tensor(leaf):
                return leaf
            return tf.cast(tf.fill([n, *leaf.shape[1:]], n - 1), leaf.dtype)

        args, kwargs = map_leaves(filled, arguments)
        return [tuple(found.shape)[1:] for found in leaves(layer(*args, **kwargs))]

    shapes = run(1)
    if shapes == run(2):  # else they depend on values, or on the number of examples
        for tensor, shape in zip(outputs, shapes):
            tensor.set_shape((None, *shape))


def _is_settled(tensor: Any) -> bool:
    return None not in tuple(tensor.shape)[1:]


def has_open_sizes(model: Any, temporal: bool = False) -> bool:
    """Tell whether inputs of a model have axes without a size, examples aside.

    Parameters
    ----------
    model : keras.Model
        Of either Keras.
    temporal : bool
        Whether the first axis after the examples is time, which may be open.
    """
    first = 2 if temporal else 1
    return any(None in tuple(t.shape)[first:] for t in read_graph(model).inputs)


def least_bytes(model: Any) -> int:
    """Return the bytes that a model's network takes at least, in double precision.

    Those are its weights, and gain and bias of each neuron of its largest layer.
    """
    shapes = [
        tuple(size or 1 for size in tensor.shape)
        for call in read_graph(model).calls
        for tensor in call.outputs
    ]
    n_weights = sum(math.prod(weight.shape) for weight in model.weights)
    return 8 * n_weights + 16 * max(map(math.prod, shapes), default=0)


def given_shapes(graph: KerasGraph, given: Any) -> list[Shape]:
    """Return the shapes that a user gives for a model's inputs, in its order.

    Parameters
    ----------
    graph : KerasGraph
        The model.
    given : tuple of int, or list or mapping of tuples of int
        The shape of the only input, or one for each by order or name.

    Raises
    ------
    InputError
        A shape isn't one, or an input has none.
    """
    names = [tensor._keras_history[0].name for tensor in graph.inputs]
    if isinstance(given, Mapping):
        missing = [name for name in names if name not in given]
        if missing:
            raise InputError(
                f"input_shape lacks {', '.join(missing)}; give a shape for each of "
                f"{', '.join(names)}"
            )
        given = [given[name] for name in names]
    elif isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise InputError(
            f"input_shape must be sizes of axes, such as (28, 28, 1); got {given!r}"
        )
    elif not any(isinstance(size, (list, tuple)) for size in given):
        given = [given]
    shapes = [tuple(shape) for shape in given]
    for shape in shapes:
        sizes = [n for n in shape if n is not None]
        if not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
            raise InputError(
                f"input_shape must be sizes of axes, such as (28, 28, 1); got {shape}"
            )
    return shapes


def shapes_of_data(graph: KerasGraph, data: Any, temporal: bool = False) -> list[Shape]:
    """Return the shapes of a model's inputs in data, without the axis of examples.

    Parameters
    ----------
    graph : KerasGraph
        The model.
    data : ndarray, or list or mapping of ndarray
        Values for the only input, or for each by order or name.
    temporal : bool
        Leave the first axis after the examples open: it is time.
    """
    names = [tensor._keras_history[0].name for tensor in graph.inputs]
    if isinstance(data, Mapping):
        data = [data[name] for name in names if name in data]
    elif len(names) == 1 and not (
        isinstance(data, (list, tuple))
        and np.ndim(data[0]) == len(graph.inputs[0].shape)
    ):
        data = [data]
    shapes: list[Shape] = [np.shape(values)[1:] for values in data]
    return [(None, *shape[1:]) for shape in shapes] if temporal else shapes
