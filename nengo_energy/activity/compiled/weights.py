"""Linear maps as arrays that the compiled loops walk over."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from ...network.convolution_map import ConvolutionMap
from ...network.linear_maps import DenseMap, LinearMap
from . import kernels
from .kernels import Columns, Windows

SOURCE, WEIGHT = 20.0, 0.085
"""Time to pass the value of a source on, and for each weight on the way [ns]."""

SEEN, PRODUCT = 0.25, 0.025
"""Time to copy a value for a product of matrices, and to multiply and add it [ns]."""


class Weights:
    """Weights from all sources to all targets.

    Parameters
    ----------
    linear : LinearMap
        The weights. A matrix or a convolution is stored as one, all others sparsely.
    dtype : numpy.dtype
        Precision.
    """

    def __init__(self, linear: LinearMap, dtype: np.dtype):
        self.size_out, self.dtype = linear.size_out, dtype
        self._from_spikes: Callable = kernels.spikes_through_windows
        self._from_values: Callable = kernels.values_through_windows
        self.table: Any
        if isinstance(linear, DenseMap):
            self.table = _matrix(linear.matrix, dtype)
        elif isinstance(linear, ConvolutionMap) and linear.channels_last:
            self.table = _convolution(linear, dtype)
        else:
            self.table = _columns(linear, dtype)
            self._from_spikes = kernels.spikes_through_columns
            self._from_values = kernels.values_through_columns

    def apply(self, values: np.ndarray, rows: np.ndarray) -> None:
        """Multiply (n_rows, size_in) values, and write to (n_rows, size_out) rows."""
        self._from_values(self.table, values, rows)

    def apply_spikes(
        self, first: np.ndarray, source: np.ndarray, value: np.ndarray, rows: np.ndarray
    ) -> None:
        """Multiply spikes; see `kernels.spikes_through_windows`."""
        self._from_spikes(self.table, first, source, value, rows)


def _matrix(matrix: np.ndarray, dtype: np.dtype) -> Windows:
    """Return a matrix, (size_out, size_in), as a convolution over a single position."""
    weights = np.ascontiguousarray(np.asarray(matrix).T, dtype=dtype)
    nothing, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    return _windows(
        weights,
        n_filters=weights.shape[1],
        n_positions=1,
        first=np.arange(2),
        outer=(nothing, nothing),
        inner=(nothing, nothing, one),
    )


def _convolution(linear: ConvolutionMap, dtype: np.dtype) -> Windows:
    """Return a convolution whose taps are in the order in which targets follow."""
    n_dims = len(linear.meetings)
    orders = [_order_of_taps(m) for m in linear.meetings]
    taps = linear.full_kernel[np.ix_(*orders)]
    weights = np.ascontiguousarray(np.moveaxis(taps, n_dims, 0), dtype=dtype)
    meetings = [m[:, order] for m, order in zip(linear.meetings, orders)]
    # outer dimensions: for each position, all that it reaches and through which tap
    target = tap = np.zeros((1, 1), np.int64)
    for dim, here in enumerate(meetings[:-1]):
        n_out, n_taps = linear.output_space[dim], here.shape[1]
        tap = _combine(tap, np.broadcast_to(np.arange(n_taps), here.shape), n_taps)
        reached = (target >= 0)[:, None, :, None] & (here >= 0)[None, :, None, :]
        both = target[:, None, :, None] * n_out + here[None, :, None, :]
        shape = (len(target) * len(here), -1)
        target = np.where(reached, both, -1).reshape(shape)
    counts = (target >= 0).sum(axis=1)
    outer = target >= 0
    last = meetings[-1]
    size = (last >= 0).sum(axis=1)
    begin = np.argmax(last >= 0, axis=1)
    n_filters = linear.n_filters
    return _windows(
        weights.reshape(len(weights), -1),
        n_filters=n_filters,
        n_positions=math.prod(linear.output_space),
        first=np.concatenate([[0], np.cumsum(counts)]),
        outer=(
            target[outer] * linear.output_space[-1] * n_filters,
            tap[outer] * last.shape[1] * n_filters,
        ),
        inner=(
            np.where(size > 0, last[np.arange(len(last)), begin], 0) * n_filters,
            begin * n_filters,
            size,
        ),
    )


def _combine(first: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
    """Combine indices of two dimensions: (a, k) and (b, m) -> (a b, k m)."""
    both = first[:, None, :, None] * size + second[None, :, None, :]
    return both.reshape(len(first) * len(second), -1)


def _order_of_taps(meetings: np.ndarray) -> np.ndarray:
    """Return the taps in an order by which neighbours lead to neighbouring outputs.

    Parameters
    ----------
    meetings : (n_in, n_taps) int ndarray
        Output position where input and tap meet, or -1.

    Returns
    -------
    (n_taps,) int64 ndarray
        In a convolution of stride s those that are s apart follow each other, the last
        first; in a transposed one all do as they come.
    """
    n_taps = meetings.shape[1]
    follows: dict[int, int] = {}
    for outputs in meetings:
        taps = np.flatnonzero(outputs >= 0)
        taps = taps[np.argsort(outputs[taps])]
        follows.update(zip(taps[:-1], taps[1:]))
    order: list[int] = []
    for tap in sorted(set(range(n_taps)) - set(follows.values())):
        order.append(tap)
        while order[-1] in follows:
            order.append(follows[order[-1]])
    return np.array(order)


def _windows(
    weights: np.ndarray,
    n_filters: int,
    n_positions: int,
    first: np.ndarray,
    outer: tuple[np.ndarray, np.ndarray],
    inner: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Windows:
    used = np.any(weights.reshape(len(weights), -1, n_filters), axis=1)
    low = np.argmax(used, axis=1)
    high = n_filters - np.argmax(used[:, ::-1], axis=1)
    width = np.where(used.any(axis=1), high - low, 0)
    by_tap, dense = np.zeros((0, 0), weights.dtype), 1.0
    if n_positions > 1 and np.all(width == n_filters):
        taps = weights.reshape(len(weights), -1, n_filters).swapaxes(0, 1)
        by_tap = np.ascontiguousarray(taps).reshape(-1, n_filters)
        n_sources = (len(first) - 1) * len(inner[0]) * len(weights)
        n_weights = len(outer[0]) * int(inner[2].sum()) * weights[:, :n_filters].size
        alone = n_sources * SOURCE + n_weights * WEIGHT
        dense = n_positions * len(by_tap) * (SEEN + n_filters * PRODUCT) / alone
    first, outer_target, outer_weight, inner_target, inner_weight, inner_size = (
        np.ascontiguousarray(a, dtype=np.int64) for a in (first, *outer, *inner)
    )
    return Windows(
        n_inner=np.uint32(len(inner_size)),
        n_channels=np.uint32(len(weights)),
        n_filters=np.uint32(n_filters),
        first=first,
        outer_target=outer_target,
        outer_weight=outer_weight,
        inner_target=inner_target,
        inner_weight=inner_weight,
        inner_size=inner_size,
        low=low.astype(np.int64),
        width=width.astype(np.int64),
        weights=weights,
        by_tap=by_tap,
        dense=dense,
    )


def _columns(linear: LinearMap, dtype: np.dtype) -> Columns:
    matrix = linear.to_sparse()
    return Columns(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32),
        matrix.data.astype(dtype),
    )
