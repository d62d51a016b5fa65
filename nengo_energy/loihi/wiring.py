"""The form in which a projection goes onto the chip.

Shared weights where the projection is a convolution, a matrix where no weight is zero,
and a sparse matrix for what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
import scipy.sparse as sp

from ..common.available_memory import check_memory
from ..network.convolution_map import ConvolutionMap, Grid
from ..network.fanout import is_random, transform_map
from ..network.topology import Projection
from .chip import MAX_POPULATION
from .convolutions import as_convolution, to_nengo
from .synapses import ChipSynapses, DenseSynapses, SharedSynapses, SparseSynapses

MAX_KERNEL_ZEROS = 0.5
"""Share of zeros in a kernel from which a sparse matrix is better: the chip would read
the zeros with every spike."""

SPARSE_BYTES, DENSE_BYTES = 12, 8
"""Memory of a weight in a sparse matrix, with its index, and in an array [bytes]."""

MAX_MATRIX_WEIGHTS = 50_000_000
"""Weights from which a sparse matrix is too large to write out."""


@dataclass(frozen=True)
class Wiring:
    """How a projection is stored.

    Attributes
    ----------
    projection : Projection
        The projection.
    transform : nengo.transforms.Transform or None
        Its weights in that form; None if its own connection is kept.
    synapses : ChipSynapses
        What they take on the chip.
    """

    projection: Projection
    transform: Any
    synapses: ChipSynapses

    @property
    def form(self) -> str:
        """``"shared weights"``, ``"matrix"`` or ``"sparse matrix"``."""
        return _FORMS[type(self.synapses)]


_FORMS = {
    SharedSynapses: "shared weights",
    DenseSynapses: "matrix",
    SparseSynapses: "sparse matrix",
}


def wire(projection: Projection, shareable: bool = True) -> Wiring:
    """Choose the form of a projection into neurons of the chip.

    Parameters
    ----------
    projection : Projection
        From neurons on the host or on the chip.
    shareable : bool
        Whether the neurons can share weights: they have one gain, and lie as the
        convolution puts them.
    """
    original = _kept(projection, shareable)
    if original is not None:
        return original
    if shareable:
        conv = as_convolution(projection.weights)
        if conv is not None and np.prod(conv.output_space) > 1:
            shared = _shared(projection, conv)
            if shared is not None:
                return shared
    return Wiring(projection, *_matrix(projection))


def as_sparse(projection: Projection) -> sp.csc_matrix:
    """Return the weights of a projection as a sparse matrix, if there is memory."""
    _check_memory(projection, SPARSE_BYTES * projection.n_synapses)
    return projection.weights.to_sparse()


def as_array(projection: Projection, n_copies: int = 1) -> np.ndarray:
    """Return the weights of a projection as an array, if there is memory for copies."""
    size = projection.weights.size_in * projection.weights.size_out
    _check_memory(projection, DENSE_BYTES * size * n_copies)
    return as_sparse(projection).toarray()


def _check_memory(projection: Projection, n_bytes: int) -> None:
    check_memory(
        f"writing out the weights of {projection.name}, of layer {projection.layer!r},",
        n_bytes,
        "deploy a smaller model, or a part of it",
    )


def host_transform(projection: Projection) -> Any:
    """Return the weights of a projection within the host."""
    conn = projection.connection
    if conn is not None and not is_random(conn.transform):
        if conn.pre_slice == slice(None) and conn.post_slice == slice(None):
            return conn.transform
    conv = as_convolution(projection.weights)
    transform = None if conv is None else to_nengo(conv)
    return transform if transform is not None else _matrix(projection)[0]


def wire_as_population(wiring: Wiring, grid: Grid | None) -> Wiring | None:
    """Let the channels of each pixel share an axon, where a matrix has one for each.

    Parameters
    ----------
    wiring : Wiring
        In the form of a matrix.
    grid : Grid, optional
        How the presynaptic neurons lie; without it, in a row.

    Returns
    -------
    Wiring or None
        None if the number of neurons has no divisor to share axons by.
    """
    weights = wiring.projection.weights
    if grid is None or len(grid.space) > 2:
        n_shared = max(
            n for n in range(1, MAX_POPULATION + 1) if weights.size_in % n == 0
        )
        grid = Grid((weights.size_in // n_shared, 1), n_shared)
    conv = as_convolution(weights, grid)
    if conv is None or conv.n_channels == 1:
        return None
    return _shared(wiring.projection, conv, any_zeros=True)


def input_wiring(projection: Projection) -> Wiring:
    """Return the form of weights from an analog input straight onto the chip.

    NengoLoihi encodes each value by a pair of neurons on the host, which add to the
    target and take away from it.
    """
    matrix = as_array(projection, n_copies=3)
    return Wiring(
        projection, matrix, DenseSynapses(np.concatenate([matrix, -matrix], axis=1))
    )


def _kept(projection: Projection, shareable: bool) -> Wiring | None:
    """Return the projection's own connection as it is, if NengoLoihi takes it."""
    conn = projection.connection
    if conn is None or is_random(conn.transform):  # drawn by the seed of the original
        return None
    if not (conn.pre_slice == slice(None) and conn.post_slice == slice(None)):
        return None
    transform, weights = conn.transform, projection.weights
    if isinstance(weights, ConvolutionMap):
        fits = len(weights.input_space) == 2 and getattr(transform, "groups", 1) == 1
        fits = fits and shareable and weights.n_channels <= MAX_POPULATION
        return Wiring(projection, None, SharedSynapses(weights)) if fits else None
    if isinstance(transform, nengo.Dense) and np.ndim(transform.init) == 2:
        matrix = getattr(weights, "matrix", None)
        if not isinstance(matrix, np.ndarray):
            matrix = as_array(projection)
        return Wiring(projection, None, DenseSynapses(matrix))
    return Wiring(projection, None, SparseSynapses(as_sparse(projection)))


def _shared(
    projection: Projection, conv: ConvolutionMap, any_zeros: bool = False
) -> Wiring | None:
    transform = to_nengo(conv)
    if transform is None or conv.n_channels > MAX_POPULATION:
        return None
    zeros = 1 - np.count_nonzero(transform.init) / transform.init.size
    too_large = conv.fan_out_bound * conv.size_in > MAX_MATRIX_WEIGHTS
    if zeros > MAX_KERNEL_ZEROS and not any_zeros and not too_large:
        return None
    stored = transform_map(transform)
    assert isinstance(stored, ConvolutionMap)
    return Wiring(projection, transform, SharedSynapses(stored))


def _matrix(projection: Projection) -> tuple[Any, ChipSynapses]:
    matrix = as_sparse(projection)
    if matrix.nnz == np.prod(matrix.shape):
        dense = matrix.toarray()
        return dense, DenseSynapses(dense)
    return nengo.Sparse(matrix.shape, init=sp.csr_matrix(matrix)), SparseSynapses(
        matrix
    )
