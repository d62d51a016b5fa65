"""Weights of a layer: fit to be used, and given to the layer rebuilt from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common.exceptions import InputError, UnsupportedError
from .graph import is_model
from .rebuild import describe


def check_weights(layer: Any) -> None:
    """Refuse a layer with weights that are no numbers, as after training that failed.

    Raises
    ------
    InputError
        A weight is NaN or infinite.
    """
    if is_model(layer) or not hasattr(layer, "get_weights"):
        return
    for values in layer.get_weights():
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            n_bad = np.size(values) - np.count_nonzero(np.isfinite(values))
            raise InputError(
                f"{describe(layer)} has {n_bad} weights that are NaN or infinite, of "
                f"{np.size(values)} in an array of shape {np.shape(values)}; weights "
                "must be numbers, so train the model again, or take a checkpoint from "
                "before they were lost"
            )


def copy_weights(source: Any, target: Any) -> None:
    """Give a rebuilt layer the weights of its source.

    Raises
    ------
    UnsupportedError
        The two layers don't have the same number of weights of the same shapes.
    """
    weights = source.get_weights()
    found = [tuple(weight.shape) for weight in weights]
    expected = [tuple(weight.shape) for weight in target.get_weights()]
    if found != expected:
        raise UnsupportedError(
            f"{describe(source)} has weights of shapes {found}, but the same layer of "
            f"tf_keras has {expected}"
        )
    pairs = zip(weights, target.get_weights())
    target.set_weights([weight.astype(own.dtype) for weight, own in pairs])
