"""Temporal models: their steps are the network's timesteps, so layers must take each
step by itself."""

from __future__ import annotations

import numpy as np

from ...common.exceptions import UnsupportedError
from .building import LayerBuild

OPEN_STEPS = 4
"""Steps that a layer is tried on where their number is open."""


def check_steps_apart(build: LayerBuild) -> None:
    """Refuse a layer of a temporal model that works across timesteps.

    Raises
    ------
    UnsupportedError
        If the output at a step hangs on other steps, or on which step it is.
    """
    if not build.inputs or type(build.layer).__name__ == "TimeDistributed":
        return
    if not _takes_steps_apart(build):
        raise UnsupportedError(
            "it works across the time axis, whose steps are the network's timesteps in "
            "a temporal model. Allowed are layers that treat each step by itself, such "
            "as Dense, activations and TimeDistributed. Give the time axis a fixed "
            "length and convert without temporal_model=True; the network then takes "
            "the whole sequence at once"
        )


def _takes_steps_apart(build: LayerBuild) -> bool:
    """Tell whether each step's output hangs on the same step's input alone."""
    lengths = {
        tensor.shape[1] for tensor in build.call.tensors if len(tensor.shape) > 1
    }
    (length,) = lengths if len(lengths) == 1 else (0,)
    n = OPEN_STEPS if length is None else int(length)
    rng = np.random.RandomState(0)
    x = [rng.uniform(-1, 1, (1, n, *shape)) for shape in build.input_shapes]
    order = rng.permutation(n)
    order = order if np.any(order != np.arange(n)) else order[::-1]
    other = [np.concatenate([a[:, :-1], a[:, -1:] + 1], axis=1) for a in x]
    try:
        plain, moved, changed = (
            np.asarray(build.run.on_steps(values))
            for values in (x, [a[:, order] for a in x], other)
        )
    except Exception:  # a shape with other axes fails in the layer's own way
        return False
    return (
        plain.shape[:2] == (1, n)
        and np.allclose(moved, plain[:, order], atol=1e-5)
        and np.allclose(changed[:, :-1], plain[:, :-1], atol=1e-5)
    )
