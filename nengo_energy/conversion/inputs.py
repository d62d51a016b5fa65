"""Inputs as a Keras model takes them -> values for the input nodes of its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

import nengo
import numpy as np
from nengo.processes import PresentInput

from ..common.checks import check_numbers, check_positive
from ..common.exceptions import InputError

if TYPE_CHECKING:
    from ..keras_models.clone import KerasClone


def as_input(
    clone: KerasClone,
    nodes: Mapping[Any, nengo.Node],
    x: Any,
    temporal: bool,
    single: bool = False,
) -> dict[nengo.Node, np.ndarray]:
    """Return inputs by node, or complain; see `SpikingModel.as_input`.

    Parameters
    ----------
    clone : KerasClone
        The model.
    nodes : mapping of tensor to nengo.Node
        Input nodes.
    x, single
        See there.
    temporal : bool
        Whether the model's first axis after the examples is time.
    """
    tensors = clone.model.inputs
    if isinstance(x, Mapping):
        given = {id(clone.tensor(key)): value for key, value in x.items()}
        missing = [t.name for t in tensors if id(t) not in given]
        if missing:
            raise InputError(f"inputs lack {', '.join(missing)}")
        x = [given[id(tensor)] for tensor in tensors]
    elif len(tensors) == 1:
        x = [x]
    if not isinstance(x, (list, tuple)) or len(x) != len(tensors):
        raise InputError(
            f"model {clone.source.name!r} has {len(tensors)} inputs; give a list of "
            "as many arrays, or a mapping by input"
        )
    return {
        nodes[tensor]: _flatten(value, tensor, temporal, single)
        for tensor, value in zip(tensors, x)
    }


def presented(
    data: Mapping[nengo.Node, np.ndarray], seconds: float | None, dt: float
) -> dict[nengo.Node, PresentInput]:
    """Return what shows several inputs, or timesteps, one after the other.

    Parameters
    ----------
    data : mapping of {nengo.Node: ndarray}
        From `as_input`.
    seconds : float, optional
        Time for each input [s]; without it, a timestep for each of its values.
    dt : float
        Length of a timestep [s].
    """
    if seconds is not None:
        seconds = check_positive("presentation_time", seconds, "s")
    shown = {}
    for node, rows in data.items():
        n_steps = rows.shape[1] if rows.ndim == 3 else 1
        each = n_steps * dt if seconds is None else seconds
        flat = rows.reshape(-1, rows.shape[-1])
        shown[node] = PresentInput(flat, each / n_steps)
    return shown


def _flatten(value: Any, tensor: Any, temporal: bool, single: bool) -> np.ndarray:
    """Return one input with one axis of features, (n, size) or (n, timesteps, size)."""
    name = tensor._keras_history[0].name
    shape = tuple(tensor.shape)[2 if temporal else 1 :]
    array = check_numbers(f"input {name!r}", value)
    # where there is a time axis, an input and a batch of inputs that stay look alike
    if (single or not temporal) and array.ndim == len(shape) + temporal:
        array = array[None]
    n_axes = array.ndim - len(shape)
    if n_axes not in (1, 2) or array.shape[n_axes:] != shape:
        batch = ", ".join(["n", *map(str, shape)])
        steps = ", ".join(["n", "timesteps", *map(str, shape)])
        raise InputError(
            f"input {name!r} must have the shape ({batch}), or ({steps}) to change "
            f"every timestep; got {array.shape}"
        )
    n_bad = array.size - int(np.count_nonzero(np.isfinite(array)))
    if n_bad:
        raise InputError(
            f"input {name!r} holds {n_bad} values that are NaN or infinite; only "
            "numbers can be encoded in spikes"
        )
    size = int(np.prod(shape, dtype=int))
    return array.reshape(*array.shape[:n_axes], size)
