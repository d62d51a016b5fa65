"""Linear maps as arrays that the compiled loops walk over."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from ...network.convolution_map import ConvolutionMap
from ...network.linear_maps import DenseMap, LinearMap
from . import kernels
from .kernels import Columns, Runs, Windows

SOURCE, WEIGHT = 10.0, 0.085
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
    pairs = Pairs(np.arange(2), nothing, nothing)
    return _windows(weights, weights.shape[1], _runs(pairs, nothing, nothing, one))


def _convolution(linear: ConvolutionMap, dtype: np.dtype) -> Windows:
    """Return a convolution whose taps are in the order in which targets follow."""
    n_dims = len(linear.meetings)
    orders = [_order_of_taps(m) for m in linear.meetings]
    taps = linear.full_kernel[np.ix_(*orders)]
    weights = np.ascontiguousarray(np.moveaxis(taps, n_dims, 0), dtype=dtype)
    *others, last = [m[:, order] for m, order in zip(linear.meetings, orders)]
    begin, size = np.argmax(last >= 0, axis=1), (last >= 0).sum(axis=1)
    runs = _runs(
        _pairs(_combined(others, linear.output_space)),
        np.maximum(last[np.arange(len(last)), begin], 0),
        begin,
        size,
        (linear.output_space[-1], last.shape[1]),
        linear.n_filters,
    )
    windows = _windows(weights.reshape(len(weights), -1), linear.n_filters, runs)
    if linear.transposed or np.any(windows.width < linear.n_filters):
        return windows
    return _with_product(linear, windows)


def _with_product(linear: ConvolutionMap, windows: Windows) -> Windows:
    """Add what is needed to multiply matrices: what each position of targets sees."""
    *others, last = linear.meetings
    n_positions, n_outputs = np.prod(linear.output_space), linear.output_space[-1]
    links = _combined(others, linear.output_space)
    source, tap = np.nonzero(links >= 0)
    order = np.argsort(links[source, tap], kind="stable")
    counts = np.bincount(links[source, tap], minlength=n_positions // n_outputs)
    pairs = Pairs(_cumulated(counts), source[order], tap[order])
    # along the last dimension neighbours are seen through neighbouring taps
    sees = np.full((n_outputs, last.shape[1]), -1)
    source, tap = np.nonzero(last >= 0)
    sees[last[source, tap], tap] = source
    begin = np.argmax(sees >= 0, axis=1)
    seen = _runs(
        pairs,
        np.maximum(sees[np.arange(n_outputs), begin], 0),
        begin,
        (sees >= 0).sum(axis=1),
        (len(last), last.shape[1]),
        linear.n_channels,
    )
    seen = seen._replace(size=(seen.size * linear.n_channels).astype(np.uint32))
    by_tap = linear.full_kernel.reshape(-1, linear.n_filters)
    n_weights = int(windows.runs.size.sum()) * linear.n_channels * linear.n_filters
    alone = linear.size_in * SOURCE + n_weights * WEIGHT
    product = n_positions * len(by_tap) * (SEEN + linear.n_filters * PRODUCT)
    return windows._replace(
        seen=seen,
        by_tap=np.ascontiguousarray(by_tap, dtype=windows.weights.dtype),
        dense=float(product / alone),
    )


class Pairs(NamedTuple):
    """What outer positions meet: where those of each begin, positions and taps."""

    first: np.ndarray
    position: np.ndarray
    tap: np.ndarray


def _combined(meetings: Sequence[np.ndarray], space: Sequence[int]) -> np.ndarray:
    """Combine the meetings of some dimensions, (n_inputs, n_taps) int ndarray each."""
    both = np.zeros((1, 1), np.int64)
    for here, n_outputs in zip(meetings, space):
        outputs = both[:, None, :, None] * n_outputs + here[None, :, None, :]
        exists = (both >= 0)[:, None, :, None] & (here >= 0)[None, :, None, :]
        both = np.where(exists, outputs, -1).reshape(len(both) * len(here), -1)
    return both


def _pairs(meetings: np.ndarray) -> Pairs:
    source, tap = np.nonzero(meetings >= 0)
    counts = np.bincount(source, minlength=len(meetings))
    return Pairs(_cumulated(counts), meetings[source, tap], tap)


def _runs(
    outer: Pairs,
    begin: np.ndarray,
    tap: np.ndarray,
    size: np.ndarray,
    n_inner: tuple[int, int] = (1, 1),
    n_units: int = 1,
) -> Runs:
    """Return the runs of all positions, for all that their outer ones meet.

    Parameters
    ----------
    outer : Pairs
        What outer positions meet.
    begin, tap, size : (n,) int ndarray
        Where the run of each inner position begins, its first tap, and its length.
    n_inner : tuple of int
        Inner positions and taps that are met.
    n_units : int
        Units of a position.
    """
    counts = np.diff(outer.first)[:, None] * (size > 0)
    first = _cumulated(counts.ravel())
    position = np.repeat(np.arange(counts.size), counts.ravel())
    inner = position % len(size)
    pair = outer.first[position // len(size)] + np.arange(first[-1]) - first[position]
    met = outer.position[pair] * n_inner[0] + begin[inner]
    through = outer.tap[pair] * n_inner[1] + tap[inner]
    parts = (first, met * n_units, through * n_units, size[inner])
    return Runs(*(part.astype(np.uint32) for part in parts))


def _cumulated(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)])


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


def _windows(weights: np.ndarray, n_filters: int, runs: Runs) -> Windows:
    used = np.any(weights.reshape(len(weights), -1, n_filters), axis=1)
    low = np.argmax(used, axis=1)
    high = n_filters - np.argmax(used[:, ::-1], axis=1)
    nothing = np.zeros(0, np.uint32)
    return Windows(
        n_channels=np.uint32(len(weights)),
        n_filters=np.uint32(n_filters),
        runs=runs,
        low=low.astype(np.uint32),
        width=np.where(used.any(axis=1), high - low, 0).astype(np.uint32),
        weights=weights,
        seen=Runs(nothing, nothing, nothing, nothing),
        by_tap=np.zeros((0, 0), weights.dtype),
        dense=1.0,
    )


def _columns(linear: LinearMap, dtype: np.dtype) -> Columns:
    matrix = linear.to_sparse()
    return Columns(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32),
        matrix.data.astype(dtype),
    )
