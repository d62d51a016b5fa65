"""Compiled loops: pass spikes and values through weights, filter, advance neurons.

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

LOIHI_RELU, LIF, LOIHI_LIF = 0, 1, 2
"""Neurons that spike at most once in a timestep."""

RELU, REGULAR = 0, 1
"""Neurons that may spike several times in a timestep."""


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


# --- neurons -------------------------------------------------------------------------


@compiled
def loihi_relu(
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    spiked: np.ndarray,
    constants: np.ndarray,
) -> None:
    """Advance neurons as ``LoihiSpikingRectifiedLinear.step`` does."""
    dt, one, zero, gain = constants[0], constants[1], constants[2], constants[3]
    for i in range(len(bias)):
        v = voltage[i] + (bias[i] + drive[i] * gain) * dt
        spikes = v > one
        spiked[i] = spikes
        v = max(v, zero)
        voltage[i] = zero if spikes else v


@compiled
def lif(
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    refractory: np.ndarray,
    spiked: np.ndarray,
    constants: np.ndarray,
    loihi: bool,
) -> None:
    """Advance neurons as ``LIF.step`` and ``LoihiLIF.step`` do."""
    dt, one, zero, gain = constants[0], constants[1], constants[2], constants[3]
    tau_rc, tau_ref, lowest = constants[4], constants[5], constants[6]
    whole = constants[7]
    for i in range(len(bias)):
        current = bias[i] + drive[i] * gain
        left = refractory[i] - dt
        time = min(max(dt - left, zero), dt)
        if time == dt:
            v = voltage[i] - (current - voltage[i]) * whole
        else:
            v = voltage[i] - (current - voltage[i]) * np.expm1(-time / tau_rc)
        spikes = v > one
        spiked[i] = spikes
        if spikes:
            if loihi:
                left = tau_ref + dt
            else:
                after = dt + tau_rc * np.log1p(-(v - one) / (current - one))
                left = tau_ref + after
            v = zero
        voltage[i] = max(v, lowest)
        refractory[i] = left


@compiled
def list_spiked(
    spiked: np.ndarray,
    unit: float,
    source: np.ndarray,
    value: np.ndarray,
    n_found: int,
    count: np.ndarray,
) -> int:
    """List the neurons that spiked behind those found before, and count their spikes.

    Returns
    -------
    int
        How many were found by now.
    """
    eight = spiked.view(np.uint64)
    for k in range(len(eight)):
        if eight[k] != 0:
            for i in range(8 * k, 8 * k + 8):
                if spiked[i]:
                    source[n_found] = i
                    value[n_found] = unit
                    n_found += 1
                    count[i] += 1
    return n_found


@compiled
def run_single(
    kind: int,
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    refractory: np.ndarray,
    constants: np.ndarray,
    unit: float,
    spiked: np.ndarray,
    first: np.ndarray,
    source: np.ndarray,
    value: np.ndarray,
    count: np.ndarray,
) -> None:
    """Run neurons that spike at most once in a timestep, and list their spikes.

    Parameters
    ----------
    kind : int
        `LOIHI_RELU`, `LIF` or `LOIHI_LIF`.
    bias : (n_neurons,) ndarray
        Part of the current that stays.
    drive : (n_images or 1, n_steps or 1, n_neurons) ndarray
        The other part.
    voltage, refractory : (n_images, n_neurons) ndarray
        State, which is advanced.
    constants : (4,) or (8,) ndarray
        Timestep, one, zero, and what the drive is multiplied by; for LIF also both time
        constants, the lowest voltage, and the share of a difference that is left after
        a timestep, less one.
    unit : float
        What a spike puts out.
    spiked : (n_neurons rounded up to a multiple of 8,) uint8 ndarray
        Room, zero at the end.
    first, source, value
        The spikes, are set; see `spikes_through_windows`.
    count : (n_images, n_neurons) ndarray
        Spikes so far.
    """
    n_images, n_neurons = voltage.shape
    n_steps = (len(first) - 1) // n_images
    found = 0
    first[0] = 0
    for image in range(n_images):
        for step in range(n_steps):
            x = drive[image % drive.shape[0], step % drive.shape[1]]
            here = spiked[:n_neurons]
            if kind == LOIHI_RELU:
                loihi_relu(bias, x, voltage[image], here, constants)
            else:
                lif(
                    bias,
                    x,
                    voltage[image],
                    refractory[image],
                    here,
                    constants,
                    kind == LOIHI_LIF,
                )
            found = list_spiked(spiked, unit, source, value, found, count[image])
            first[image * n_steps + step + 1] = found


@compiled
def several(
    kind: int,
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    spikes: np.ndarray,
    constants: np.ndarray,
) -> None:
    """Advance neurons as ``SpikingRectifiedLinear`` and ``RegularSpiking`` do."""
    dt, zero, gain = constants[0], constants[2], constants[3]
    for i in range(len(bias)):
        current = bias[i] + drive[i] * gain
        if kind == RELU:
            current = max(current, zero)
        v = voltage[i] + current * dt
        n = np.floor(v)
        spikes[i] = n
        voltage[i] = v - n


@compiled
def run_several(
    kind: int,
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    constants: np.ndarray,
    unit: float,
    spikes: np.ndarray,
    first: np.ndarray,
    source: np.ndarray,
    value: np.ndarray,
    count: np.ndarray,
    active: np.ndarray,
    peak: np.ndarray,
) -> None:
    """Run neurons that may spike several times in a timestep, and list their spikes.

    Parameters
    ----------
    kind : int
        `RELU` or `REGULAR`.
    spikes : (n_neurons,) ndarray
        Room.
    active, peak : (n_images, 1) ndarray
        Neurons x timesteps with a spike so far, and most spikes at once.
    bias, drive, voltage, constants, unit, first, source, value, count
        See `run_single`.
    """
    n_images, n_neurons = voltage.shape
    n_steps = (len(first) - 1) // n_images
    found = 0
    first[0] = 0
    for image in range(n_images):
        for step in range(n_steps):
            x = drive[image % drive.shape[0], step % drive.shape[1]]
            several(kind, bias, x, voltage[image], spikes, constants)
            for i in range(n_neurons):
                if spikes[i] != 0:
                    source[found] = i
                    value[found] = spikes[i] * unit
                    found += 1
                    size = abs(spikes[i])
                    count[image, i] += size
                    peak[image, 0] = max(peak[image, 0], size)
                    active[image, 0] += 1
            first[image * n_steps + step + 1] = found
