"""Layers that make images larger or smaller."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from .building import LayerBuild
from .host import convert_on_host
from .passing import convert_linear, is_affine
from .registry import converts

TOLERANCE = 1e-5
"""Largest error of the matrices that are read off, relative to the largest value."""


@converts("Resizing", "UpSampling2D")
def convert_resizing(build: LayerBuild) -> Any:
    """Convert an interpolation: a sparse matrix for the rows, one for the columns.

    Channels are alike, and an image of equal columns tells what becomes of the rows.
    """
    import scipy.sparse

    found = None
    if build.layer.interpolation != "nearest" and is_affine(build):
        found = _matrices(build)
    if found is None:
        read_off = convert_linear(build)
        return convert_on_host(build) if read_off is None else read_off
    last = _is_channels_last(build)
    channels = build.output_shape[-1 if last else 0]
    same = scipy.sparse.identity(channels)
    spatial = scipy.sparse.kron(*found)
    parts = (spatial, same) if last else (same, spatial)
    matrix = scipy.sparse.kron(*parts).tocoo()
    output = build.node()
    build.connect(build.inputs[0], output, nengo.Sparse(matrix.shape, init=matrix))
    return output


def _matrices(build: LayerBuild) -> tuple[np.ndarray, np.ndarray] | None:
    """Return what becomes of the rows and of the columns, or None if it isn't that."""
    last = _is_channels_last(build)
    rows, columns = (_matrix(build, axis) for axis in ((0, 1) if last else (1, 2)))
    x = np.random.RandomState(3).uniform(-1, 1, build.input_shape)
    wanted = build.run(x[None]).reshape(build.output_shape)
    planes = np.moveaxis(x, -1, 0) if last else x
    found = rows @ planes @ columns.T
    found = np.moveaxis(found, 0, -1) if last else found
    error = np.max(np.abs(found - wanted), initial=0)
    return (rows, columns) if error <= TOLERANCE * np.max(np.abs(wanted)) else None


def _matrix(build: LayerBuild, axis: int) -> np.ndarray:
    """Return what becomes of the lines along one axis, (n_out, n) ndarray."""
    n = build.input_shape[axis]
    shape = [1] * len(build.input_shape)
    shape[axis] = n
    places: list[Any] = [0, 0, 0]
    places[axis] = slice(None)
    matrix = []
    for line in np.eye(n):  # one by one, so that no more than an image is in memory
        image = np.broadcast_to(line.reshape(shape), build.input_shape)
        resized = build.run(image[None]).reshape(build.output_shape)
        matrix.append(resized[tuple(places)])
    found = np.stack(matrix, axis=1).astype(float)
    found[np.abs(found) < 1e-7] = 0
    return found


def _is_channels_last(build: LayerBuild) -> bool:
    return bool(getattr(build.layer, "data_format", "channels_last") == "channels_last")
