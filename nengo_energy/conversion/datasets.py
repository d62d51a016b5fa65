"""Inputs and labels that come as a dataset or a generator -> arrays."""

from __future__ import annotations

import inspect
from typing import Any, Iterable, Mapping

import numpy as np

from ..common.available_memory import available_memory
from ..common.checks import as_array
from ..common.declared_sizes import size_text
from ..common.exceptions import InputError


def as_arrays(x: Any, model: Any, labels: Any = None) -> tuple[Any, Any]:
    """Return inputs and labels, read from a dataset where that is what was given.

    It is read once, so that shuffled inputs keep their labels. Its labels count where
    no others are given.

    Parameters
    ----------
    x : tf.data.Dataset, generator, keras.utils.Sequence, or inputs as they are
        Of inputs, or of pairs of inputs and labels, in batches or one by one.
    model : keras.Model
        Tells by its first input what one example is.
    labels : optional
        Labels that were given beside the inputs.
    """
    elements = _elements(x)
    if elements is None:
        return x, labels
    inputs, found, batched = _read(elements, model)
    if labels is None and found[0] is not None:
        labels = _join(found, batched)
    return inputs, labels


def input_arrays(x: Any, model: Any) -> Any:
    """Return inputs as `as_arrays` does, whatever stands beside them."""
    elements = _elements(x)
    return x if elements is None else _read(elements, model)[0]


def _elements(x: Any) -> Iterable[Any] | None:
    """Return what a dataset holds, None of what is none."""
    if hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator"):
        elements: Iterable[Any] = x.as_numpy_iterator()  # without importing TensorFlow
        return elements
    if inspect.isgenerator(x):
        return x
    is_plain = isinstance(x, (list, tuple, str, bytes, Mapping)) or hasattr(x, "dtype")
    if is_plain or not (hasattr(x, "__getitem__") and hasattr(x, "__len__")):
        return None
    return None if hasattr(x, "shape") else (x[i] for i in range(len(x)))


def _read(elements: Iterable[Any], model: Any) -> tuple[Any, list[Any], bool]:
    """Return inputs, labels of each element, and whether elements are batches."""
    n_axes = len(model.inputs[0].shape) - 1
    read: list[dict[Any, np.ndarray]] = []
    n_bytes, available = 0, available_memory()
    for element in elements:
        read.append(_parts(element))
        batched = np.ndim(next(iter(read[0].values()))) > n_axes
        found, wanted = (_form(parts, batched) for parts in (read[-1], read[0]))
        if found != wanted:
            raise InputError(
                f"element {len(read) - 1} of the dataset has the shapes {found}, and "
                f"the first has {wanted}; all have to be alike"
            )
        n_bytes += 100 + sum(part.nbytes for part in read[-1].values())
        if n_bytes > available:
            raise InputError(
                f"{len(read):,} elements of the dataset are more than the "
                f"{size_text(available)} of memory that are available; take fewer of "
                "them, as dataset.take(100) does, the more so if it repeats for ever"
            )
    if not read:
        raise InputError("the dataset is empty; give at least one input")
    labels = [parts.pop(LABELS, None) for parts in read]
    inputs = {key: _join([p[key] for p in read], batched) for key in read[0]}
    if None in inputs:
        return inputs[None], labels, batched
    by_order = isinstance(next(iter(inputs)), int)
    return list(inputs.values()) if by_order else inputs, labels, batched


LABELS = object()
"""Key of an element's labels, beside those of its inputs."""


def _parts(element: Any) -> dict[Any, np.ndarray]:
    """Return the inputs of an element by name, or by order, or by None if it is one,
    and its labels."""
    pair = element if isinstance(element, tuple) else (element,)
    inputs = pair[0] if pair else None
    if isinstance(inputs, (list, tuple)):
        inputs = dict(enumerate(inputs))
    elif not isinstance(inputs, Mapping):
        inputs = {None: inputs}
    parts = {
        key: as_array("an element of the dataset", value)
        for key, value in inputs.items()
        if value is not None
    }
    if not parts:
        raise InputError("an element of the dataset holds no inputs")
    if len(pair) > 1 and pair[1] is not None:
        parts[LABELS] = as_array("labels of an element of the dataset", pair[1])
    return parts


def _form(parts: Mapping[Any, np.ndarray], batched: bool) -> dict[str, tuple[int, ...]]:
    """Return the shape of an example by what it is of."""
    names = {None: "input", LABELS: "labels"}
    if batched and min(array.ndim for array in parts.values()) == 0:
        raise InputError("a batch of the dataset has one number for all of its inputs")
    return {
        str(names.get(key, key)): array.shape[1:] if batched else array.shape
        for key, array in parts.items()
    }


def _join(parts: list[np.ndarray], batched: bool) -> np.ndarray:
    return np.concatenate(parts) if batched else np.stack(parts)
