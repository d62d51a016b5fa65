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


class Runs(NamedTuple):
    """Runs of neighbouring positions that each position meets.

    Attributes
    ----------
    first : (n_positions + 1,) uint32 ndarray
        Where the runs of each position begin.
    begin, tap : (n_runs,) uint32 ndarray
        Unit and tap with which a run begins.
    size : (n_runs,) uint32 ndarray
        Its length.
    """

    first: np.ndarray
    begin: np.ndarray
    tap: np.ndarray
    size: np.ndarray


class Windows(NamedTuple):
    """The weights of a convolution, or of a matrix, which is one without space.

    Units lie in space and channels, channels last. A source drives runs of positions
    that are neighbours along the last dimension, and weights are stored in the order of
    these runs.

    Attributes
    ----------
    n_channels, n_filters : uint32
        Channels of the sources, filters of the targets.
    runs : Runs
        Targets that each position of the sources drives, and through which weights; a
        run's length is in positions.
    low, width : (n_channels,) uint32 ndarray
        First filter with weights from each channel, and their number.
    weights : (n_channels, n_taps x n_filters) ndarray
        Weights from each channel.
    seen : Runs
        Sources that each position of the targets sees, and at which taps and channels;
        a run's length is in units.
    by_tap : (n_taps x n_channels, n_filters) or (0, 0) ndarray
        The weights in another order, if a product of matrices may be better.
    dense : float
        Share of sources that put something out above which it is.
    """

    n_channels: np.uint32
    n_filters: np.uint32
    runs: Runs
    low: np.ndarray
    width: np.ndarray
    weights: np.ndarray
    seen: Runs
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
def through_windows(
    w: Windows, source: np.ndarray, value: np.ndarray, row: np.ndarray
) -> None:
    """Add what some sources cause to all of their targets."""
    runs, n_filters = w.runs, np.uint64(w.n_filters)
    for spike in range(len(source)):
        unit, x = np.uint32(source[spike]), value[spike]  # 32 bits are divided fast
        position = np.uint32(unit // w.n_channels)
        channel = np.uint32(unit - position * w.n_channels)
        weights = w.weights[channel]
        low, width = np.uint64(w.low[channel]), np.uint64(w.width[channel])
        for run in range(runs.first[position], runs.first[position + ONE]):
            target = np.uint64(runs.begin[run])
            weight = np.uint64(runs.tap[run])
            size = np.uint64(runs.size[run])
            if width == n_filters:  # all filters: the run is one stretch
                for i in range(size * n_filters):
                    row[target + i] += x * weights[weight + i]
                continue
            for k in range(size):
                step = k * n_filters + low
                for i in range(width):
                    row[target + step + i] += x * weights[weight + step + i]


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
    seen = w.seen
    for position in range(len(room)):
        here = room[position]
        for run in range(seen.first[position], seen.first[position + 1]):
            begin, tap = np.uint64(seen.begin[run]), np.uint64(seen.tap[run])
            for i in range(np.uint64(seen.size[run])):
                here[tap + i] = values[begin + i]
    np.dot(room, w.by_tap, row.reshape(-1, w.by_tap.shape[1]))


@compiled
def room_for(w: Windows, n_targets: int) -> np.ndarray:
    """Return zeros for `as_product`."""
    n_seen, n_filters = w.by_tap.shape
    n_positions = n_targets // n_filters if n_seen > 0 else 0
    return np.zeros((n_positions, n_seen), w.by_tap.dtype)


@compiled
def through_columns(
    c: Columns, source: np.ndarray, value: np.ndarray, row: np.ndarray
) -> None:
    """Add what some sources cause to all of their targets."""
    for spike in range(len(source)):
        unit, x = source[spike], value[spike]
        for k in range(c.first[unit], c.first[unit + 1]):
            row[c.target[k]] += x * c.weight[k]


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
    n_sources = w.n_channels * (len(w.runs.first) - 1)
    values = np.zeros(n_sources, rows.dtype)
    for k in range(len(rows)):
        here = slice(first[k], first[k + 1])
        if len(room) > 0 and here.stop - here.start > w.dense * n_sources:
            values[:] = 0
            for spike in range(here.start, here.stop):
                values[source[spike]] = value[spike]
            as_product(w, values, room, rows[k])
        else:
            rows[k, :] = 0
            through_windows(w, source[here], value[here], rows[k])


@compiled
def values_through_windows(w: Windows, values: np.ndarray, rows: np.ndarray) -> None:
    """Set what arrives at targets from (n_rows, n_sources) values."""
    room = room_for(w, rows.shape[1])
    source, value = np.empty(values.shape[1], np.int32), np.empty_like(values[0])
    for k in range(len(rows)):
        found = list_values(values[k], source, value)
        if len(room) > 0 and found > w.dense * values.shape[1]:
            as_product(w, values[k], room, rows[k])
        else:
            rows[k, :] = 0
            through_windows(w, source[:found], value[:found], rows[k])


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
        here = slice(first[k], first[k + 1])
        rows[k, :] = 0
        through_columns(c, source[here], value[here], rows[k])


@compiled
def values_through_columns(c: Columns, values: np.ndarray, rows: np.ndarray) -> None:
    """Set what arrives at targets from (n_rows, n_sources) values."""
    source, value = np.empty(values.shape[1], np.int32), np.empty_like(values[0])
    for k in range(len(rows)):
        found = list_values(values[k], source, value)
        rows[k, :] = 0
        through_columns(c, source[:found], value[:found], rows[k])


@compiled
def list_values(values: np.ndarray, source: np.ndarray, value: np.ndarray) -> int:
    """List the values that aren't zero, and return how many there are."""
    found = 0
    for i in range(len(values)):
        source[found], value[found] = i, values[i]
        found += values[i] != 0
    return found


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
