"""Inputs and labels that come as a dataset or a generator -> arrays."""

from __future__ import annotations

import inspect
from typing import Any, Iterable, Mapping

import numpy as np

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
    inputs, labels = [], []
    for element in elements:
        pair = element if isinstance(element, tuple) else (element, None)
        inputs.append(pair[0])
        labels.append(pair[1])
    if not inputs:
        raise InputError("the dataset is empty; give at least one input")
    first = inputs[0]
    if isinstance(first, Mapping):
        batched = np.ndim(next(iter(first.values()))) > n_axes
        read: Any = {key: _join([i[key] for i in inputs], batched) for key in first}
    elif isinstance(first, (list, tuple)):
        batched = np.ndim(first[0]) > n_axes
        read = [_join([i[k] for i in inputs], batched) for k in range(len(first))]
    else:
        batched = np.ndim(first) > n_axes
        read = _join(inputs, batched)
    return read, labels, batched


def _join(parts: list[Any], batched: bool) -> np.ndarray:
    return np.concatenate(parts) if batched else np.stack(parts)
