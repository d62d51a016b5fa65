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


class Windows(NamedTuple):
    """The weights of a convolution, or of a matrix, which is one without space.

    Units lie in space and channels, channels last. Space has an outer part, all
    dimensions but the last, and an inner one, the last. A source at an inner position
    drives a run of neighbouring inner positions in each of the outer positions that it
    reaches, and weights are stored in the order of these runs.

    Attributes
    ----------
    n_inner, n_channels, n_filters : uint64
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
    """

    n_inner: np.uint64
    n_channels: np.uint64
    n_filters: np.uint64
    first: np.ndarray
    outer_target: np.ndarray
    outer_weight: np.ndarray
    inner_target: np.ndarray
    inner_weight: np.ndarray
    inner_size: np.ndarray
    low: np.ndarray
    width: np.ndarray
    weights: np.ndarray


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
    unit = np.uint64(source)
    position, channel = unit // w.n_channels, unit % w.n_channels
    outer, inner = position // w.n_inner, position % w.n_inner
    weights = w.weights[channel]
    width, low = np.uint64(w.width[channel]), np.uint64(w.low[channel])
    inner_target = np.uint64(w.inner_target[inner])
    inner_weight = np.uint64(w.inner_weight[inner])
    size = np.uint64(w.inner_size[inner])
    if width == w.n_filters:  # all filters: the run is one stretch
        width, size = width * size, np.uint64(1)
    for k in range(w.first[outer], w.first[outer + np.uint64(1)]):
        target = np.uint64(w.outer_target[k]) + inner_target + low
        weight = np.uint64(w.outer_weight[k]) + inner_weight + low
        for _ in range(size):
            for i in range(width):
                row[target + i] += value * weights[weight + i]
            target += w.n_filters
            weight += w.n_filters


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
    for k in range(len(rows)):
        row = rows[k]
        row[:] = 0
        for spike in range(first[k], first[k + 1]):
            through_windows(w, source[spike], value[spike], row)


@compiled
def values_through_windows(w: Windows, values: np.ndarray, rows: np.ndarray) -> None:
    """Set what arrives at targets from (n_rows, n_sources) values."""
    for k in range(len(rows)):
        row = rows[k]
        row[:] = 0
        for source in range(values.shape[1]):
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
