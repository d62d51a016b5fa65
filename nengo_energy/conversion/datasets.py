"""Inputs and labels that come as a dataset or a generator -> arrays."""

from __future__ import annotations

import inspect
from typing import Any, Mapping

import numpy as np

from ..common.exceptions import InputError


def as_arrays(x: Any, model: Any, labels: Any = None) -> tuple[Any, Any]:
    """Return inputs and labels, read from a dataset where that is what was given.

    It is read once, so that shuffled inputs keep their labels. Its labels count where
    no others are given.

    Parameters
    ----------
    x : tf.data.Dataset, generator, or inputs as they are
        Of inputs, or of pairs of inputs and labels, in batches or one by one.
    model : keras.Model
        Tells by its first input what one example is.
    labels : optional
        Labels that were given beside the inputs.
    """
    if hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator"):
        x = x.as_numpy_iterator()  # tf.data.Dataset, without importing TensorFlow
    elif not inspect.isgenerator(x):
        return x, labels
    n_axes = len(model.inputs[0].shape) - 1
    inputs, found = [], []
    for element in x:
        pair = element if isinstance(element, tuple) else (element, None)
        inputs.append(pair[0])
        found.append(pair[1])
    if not inputs:
        raise InputError("the dataset is empty; give at least one input")
    first = inputs[0]
    if isinstance(first, Mapping):
        batched = np.ndim(next(iter(first.values()))) > n_axes
        read: Any = {key: _join([i[key] for i in inputs], batched) for key in first}
    elif isinstance(first, tuple):
        batched = np.ndim(first[0]) > n_axes
        read = [_join([i[k] for i in inputs], batched) for k in range(len(first))]
    else:
        batched = np.ndim(first) > n_axes
        read = _join(inputs, batched)
    if labels is None and found[0] is not None:
        labels = _join(found, batched)
    return read, labels


def _join(parts: list[Any], batched: bool) -> np.ndarray:
    return np.concatenate(parts) if batched else np.stack(parts)
