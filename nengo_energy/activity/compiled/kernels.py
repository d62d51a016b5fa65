"""Compiled loops: pass spikes and values through weights, and filter.

Importing this module imports numba; only what opens a simulator does.

Loops are kept to few arrays each, because the compiler only uses vector instructions
then. Numbers stay in the precision of the arrays: what is multiplied comes in arrays of
that precision too, because numba computes with literals in double precision. Indices
are unsigned because numba lets signed ones count from the end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...common.compiled import compiled

ONE = np.uint64(1)


class Windows(NamedTuple):
    """The weights of a convolution, or of a matrix, which is one without space.

    Units lie in space and channels, channels last. Space has an outer part, all
    dimensions but the last, and an inner one, the last. A source at an inner position
    drives a run of neighbouring inner positions in each of the outer positions that it
    reaches, and weights are stored in the order of these runs.

    Attributes
    ----------
    n_inner, n_channels, n_filters : uint32
        Inner positions and channels of the sources, filters of the targets.
    first : (n_outer + 1,) int64 ndarray
        Where the reached outer positions of each outer position begin.
    outer_target, outer_weight : (n_reached,) int64 ndarray
        Target, and weight, at which each reached outer position begins.
    inner_target, inner_weight, inner_size : (n_inner,) int64 ndarray
        Target and weight at which the run of each inner position begins, and how many
        inner positions it has.
    low, width : (n_channels,) int64 ndarray
        First filter with weights from each channel, and their number.
    weights : (n_channels, n_taps x n_filters) ndarray
        Weights from each channel.
    by_tap : (n_taps x n_channels, n_filters) or (0, 0) ndarray
        The same in another order, if a product of matrices may be better.
    dense : float
        Share of sources that put something out above which it is.
    """

    n_inner: np.uint32
    n_channels: np.uint32
    n_filters: np.uint32
    first: np.ndarray
    outer_target: np.ndarray
    outer_weight: np.ndarray
    inner_target: np.ndarray
    inner_weight: np.ndarray
    inner_size: np.ndarray
    low: np.ndarray
    width: np.ndarray
    weights: np.ndarray
    by_tap: np.ndarray
    dense: float


class Columns(NamedTuple):
    """The weights of a sparse matrix, column after column.

    Attributes
    ----------
    first : (n_sources + 1,) int64 ndarray
        Where the targets of each source begin.
    target : (n_weights,) int32 ndarray
        Targets.
    weight : (n_weights,) ndarray
        Their weights.
    """

    first: np.ndarray
    target: np.ndarray
    weight: np.ndarray


@compiled
def through_windows(w: Windows, source: int, value: float, row: np.ndarray) -> None:
    """Add what one source causes to all of its targets."""
    # 32 bits without a sign, by which numbers are divided fast
    unit, n_channels, n_inner = np.uint32(source), w.n_channels, w.n_inner
    position = np.uint32(unit // n_channels)
    channel = np.uint32(unit - position * n_channels)
    outer = np.uint32(position // n_inner)
    inner = np.uint32(position - outer * n_inner)
    weights = w.weights[channel]
    width, low = np.uint64(w.width[channel]), np.uint64(w.low[channel])
    inner_target = np.uint64(w.inner_target[inner])
    inner_weight = np.uint64(w.inner_weight[inner])
    size = np.uint64(w.inner_size[inner])
    n_filters = np.uint64(w.n_filters)
    if width == n_filters:  # all filters: the run is one stretch
        width, size = width * size, np.uint64(1)
    for k in range(w.first[outer], w.first[outer + ONE]):
        target = np.uint64(w.outer_target[k]) + inner_target + low
        weight = np.uint64(w.outer_weight[k]) + inner_weight + low
        for _ in range(size):
            for i in range(width):
                row[target + i] += value * weights[weight + i]
            target += n_filters
            weight += n_filters


@compiled
def as_product(
    w: Windows, values: np.ndarray, room: np.ndarray, row: np.ndarray
) -> None:
    """Set what arrives at targets from all sources, by a product of matrices.

    Parameters
    ----------
    w : Windows
        Weights.
    values : (n_sources,) ndarray
        What the sources put out.
    room : (n_positions, n_taps x n_channels) ndarray
        What each position of the targets sees; zero where it sees nothing.
    row : (n_targets,) ndarray
        Is set.
    """
    n_channels, n_filters = np.uint64(w.n_channels), np.uint64(w.n_filters)
    begin = np.uint64(0)
    for outer in range(len(w.first) - 1):
        for inner in range(w.n_inner):
            x = values[begin : begin + n_channels]
            begin += n_channels
            for k in range(w.first[outer], w.first[outer + 1]):
                target = np.uint64(w.outer_target[k] + w.inner_target[inner])
                weight = np.uint64(w.outer_weight[k] + w.inner_weight[inner])
                position, tap = target // n_filters, weight // n_filters
                for _ in range(w.inner_size[inner]):
                    seen = room[position]
                    at = tap * n_channels
                    for c in range(n_channels):
                        seen[at + c] = x[c]
                    position += ONE
                    tap += ONE
    np.dot(room, w.by_tap, row.reshape(-1, w.by_tap.shape[1]))


@compiled
def room_for(w: Windows, n_targets: int) -> np.ndarray:
    """Return zeros for `as_product`."""
    n_seen, n_filters = w.by_tap.shape
    n_positions = n_targets // n_filters if n_seen > 0 else 0
    return np.zeros((n_positions, n_seen), w.by_tap.dtype)


@compiled
def through_columns(c: Columns, source: int, value: float, row: np.ndarray) -> None:
    """Add what one source causes to all of its targets."""
    for k in range(c.first[source], c.first[source + 1]):
        row[c.target[k]] += value * c.weight[k]


@compiled
def spikes_through_windows(
    w: Windows,
    first: np.ndarray,
    source: np.ndarray,
    value: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Set what arrives at targets from spikes.

    Parameters
    ----------
    w : Windows
        Weights.
    first : (n_rows + 1,) int64 ndarray
        Where the spikes of each row begin.
    source : (n_spikes,) int32 ndarray
        Neurons that spiked.
    value : (n_spikes,) ndarray
        What they put out.
    rows : (n_rows, n_targets) ndarray
        Is set.
    """
    room = room_for(w, rows.shape[1])
    n_sources = w.n_inner * w.n_channels * (len(w.first) - 1)
    values = np.zeros(n_sources, rows.dtype)
    for k in range(len(rows)):
        row = rows[k]
        if len(room) > 0 and first[k + 1] - first[k] > w.dense * n_sources:
            values[:] = 0
            for spike in range(first[k], first[k + 1]):
                values[source[spike]] = value[spike]
            as_product(w, values, room, row)
            continue
        row[:] = 0
        for spike in range(first[k], first[k + 1]):
            through_windows(w, source[spike], value[spike], row)


@compiled
def values_through_windows(w: Windows, values: np.ndarray, rows: np.ndarray) -> None:
    """Set what arrives at targets from (n_rows, n_sources) values."""
    room = room_for(w, rows.shape[1])
    n_sources = values.shape[1]
    for k in range(len(rows)):
        row = rows[k]
        if len(room) > 0 and np.count_nonzero(values[k]) > w.dense * n_sources:
            as_product(w, values[k], room, row)
            continue
        row[:] = 0
        for source in range(n_sources):
            if values[k, source] != 0:
                through_windows(w, source, values[k, source], row)


@compiled
def spikes_through_columns(
    c: Columns,
    first: np.ndarray,
    source: np.ndarray,
    value: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Set what arrives at targets from spikes; see `spikes_through_windows`."""
    for k in range(len(rows)):
        row = rows[k]
        row[:] = 0
        for spike in range(first[k], first[k + 1]):
            through_columns(c, source[spike], value[spike], row)


@compiled
def values_through_columns(c: Columns, values: np.ndarray, rows: np.ndarray) -> None:
    """Set what arrives at targets from (n_rows, n_sources) values."""
    for k in range(len(rows)):
        row = rows[k]
        row[:] = 0
        for source in range(values.shape[1]):
            if values[k, source] != 0:
                through_columns(c, source, values[k, source], row)


@compiled
def lowpass(
    values: np.ndarray, state: np.ndarray, factors: np.ndarray, out: np.ndarray
) -> None:
    """Filter by a lowpass, and delay by a timestep.

    Parameters
    ----------
    values : (n_images or 1, n_steps or 1, n) ndarray
        What is filtered.
    state : (n_images, n) ndarray
        What the filter holds; it is advanced.
    factors : (2,) ndarray
        What state and values are multiplied by.
    out : (n_images, n_steps, n) ndarray
        What the filter held before each timestep; may be ``values``.
    """
    keep, add = factors[0], factors[1]
    for image in range(out.shape[0]):
        held = state[image]
        for step in range(out.shape[1]):
            x = values[image % values.shape[0], step % values.shape[1]]
            y = out[image, step]
            for i in range(len(held)):
                before = held[i]
                held[i] = keep * before + add * x[i]
                y[i] = before
