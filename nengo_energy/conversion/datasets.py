"""Inputs and labels that come as a `tf.data.Dataset` -> arrays."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from ..common.exceptions import InputError


def is_dataset(x: Any) -> bool:
    """Tell whether inputs are a dataset of TensorFlow, without importing it."""
    return hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator")


def read_dataset(dataset: Any, n_axes: int) -> tuple[Any, Any]:
    """Return all inputs and labels of a dataset; labels are None if it has none.

    It is read once, so that shuffled inputs keep their labels.

    Parameters
    ----------
    dataset : tf.data.Dataset
        Of inputs, or of pairs of inputs and labels, in batches or one by one.
    n_axes : int
        Axes of one example of the model's first input.
    """
    inputs, labels = [], []
    for element in dataset.as_numpy_iterator():
        pair = element if isinstance(element, tuple) else (element, None)
        inputs.append(pair[0])
        labels.append(pair[1])
    if not inputs:
        raise InputError("the dataset is empty; give at least one input")
    first = inputs[0]
    if isinstance(first, Mapping):
        x: Any = {key: _join([i[key] for i in inputs], n_axes) for key in first}
        batched = np.ndim(next(iter(first.values()))) > n_axes
    elif isinstance(first, tuple):
        x = [_join([i[k] for i in inputs], n_axes) for k in range(len(first))]
        batched = np.ndim(first[0]) > n_axes
    else:
        x = _join(inputs, n_axes)
        batched = np.ndim(first) > n_axes
    if labels[0] is None:
        return x, None
    return x, np.concatenate(labels) if batched else np.stack(labels)


def _join(parts: list[Any], n_axes: int) -> np.ndarray:
    return np.concatenate(parts) if np.ndim(parts[0]) > n_axes else np.stack(parts)
