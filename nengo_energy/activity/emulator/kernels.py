"""Compiled loops: deliver spikes, advance compartments, record what probes want.

Importing this module imports numba; only `nengo_energy.activity.emulator` does, when an
emulator is opened.

All arithmetic is in integers that wrap as the chip's and NumPy's do, so the order in
which spikes are added up doesn't matter, and every result equals that of NengoLoihi's
emulator. Numbers are cast to 32 bits again and again because numba computes in 64 bits
where it can, which takes twice as many instructions; indices are unsigned because numba
lets signed ones count from the end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...common.compiled import compiled

INPUT_BITS = 21
"""Bits of the sum of a compartment's weights in a timestep, without the sign."""

CURRENT_BITS = 23
"""Bits of a compartment's current, without the sign."""

DECAY_BITS = 12
"""Bits of the fraction that decays are multiples of."""

INPUT_OVERFLOW, CURRENT_OVERFLOW, BIASED_OVERFLOW = 1, 2, 4
"""What overflowed in a timestep: input, current, or current with bias."""

ONE, TWO = np.uint64(1), np.uint64(2)


class Routes(NamedTuple):
    """Where each spike goes, and by which weights.

    A source is a compartment, or a neuron of the host's that sends spikes to the chip.
    It has routes, each of which adds a row of weights to compartments from a base on.
    Routes share rows, as convolutions share weights.

    A row is a stretch of ``rows``, so that a spike reads neighbouring memory: the
    number of its runs; for each run of neighbouring targets the first, counted from
    the base, and their number; and the weights. Weights of a run are added several at
    a time. A row whose targets are scattered has zero runs, the number of its targets,
    these, and the weights.

    Attributes
    ----------
    first : (n_sources + 1,) int64 ndarray
        First route of each source.
    begin : (n_routes,) uint32 or uint64 ndarray
        Where the route's row begins.
    base : (n_routes,) uint32 ndarray
        Compartment that the row's targets count from.
    rows : int16 or int32 ndarray
        All rows.
    mask : uint64
        Bits of an element of ``rows``: what isn't a weight has no sign.
    """

    first: np.ndarray
    begin: np.ndarray
    base: np.ndarray
    rows: np.ndarray
    mask: np.uint64


class Compartments(NamedTuple):
    """What compartments are set to; all but the bias is stored by segment.

    A segment is a stretch of compartments with the same settings.

    Attributes
    ----------
    bias : (n_compartments,) int32 ndarray
        Bias.
    end : (n_segments,) int64 ndarray
        First compartment behind each segment.
    keep_u, keep_v : (n_segments,) int32 ndarray
        Share of current and voltage that is left after a timestep, in 1 / 4096.
    threshold, lowest, highest : (n_segments,) int32 ndarray
        Voltage above which a compartment spikes, and its limits.
    refractory : (n_segments,) int32 ndarray
        Refractory timesteps, the one of the spike among them.
    noise_on_bias : (n_segments,) int32 ndarray
        One where noise is added to current and bias, zero where to the input.
    """

    bias: np.ndarray
    end: np.ndarray
    keep_u: np.ndarray
    keep_v: np.ndarray
    threshold: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    refractory: np.ndarray
    noise_on_bias: np.ndarray


class State(NamedTuple):
    """What changes from timestep to timestep.

    Attributes
    ----------
    input, current, voltage, refractory : (n_compartments,) int32 ndarray
        Sum of the weights of this timestep, current, voltage, and refractory timesteps
        that are left.
    spiked : (n_compartments,) bool ndarray
        Whether each compartment spiked in the last timestep.
    spike_count : (n_compartments,) int32 ndarray
        Spikes since the first timestep.
    spikes : (n_compartments + 1,) int32 ndarray
        The compartments that spiked in the last timestep; their number comes last.
    sent_count : (n_host_sources,) int32 ndarray
        Spikes of each neuron of the host's that arrived since the first timestep.
    repeat_count : (n_compartments,) int32 ndarray
        Spikes that followed one in the timestep before.
    overflow_count : (n_compartments,) or (0,) int32 ndarray
        Times that a number exceeded its bits, if that is to be counted.
    """

    input: np.ndarray
    current: np.ndarray
    voltage: np.ndarray
    refractory: np.ndarray
    spiked: np.ndarray
    spike_count: np.ndarray
    spikes: np.ndarray
    sent_count: np.ndarray
    repeat_count: np.ndarray
    overflow_count: np.ndarray


class Plan(NamedTuple):
    """Compartments whose current, voltage and spikes are recorded, (n,) int32 each."""

    current: np.ndarray
    voltage: np.ndarray
    spiked: np.ndarray


class Records(NamedTuple):
    """What is recorded, (n_steps, n) each: int32, int32 and bool."""

    current: np.ndarray
    voltage: np.ndarray
    spiked: np.ndarray


@compiled
def deliver(routes: Routes, source: int, total: np.ndarray) -> None:
    """Add the weights of one spike to what compartments receive."""
    rows, mask = routes.rows, routes.mask
    for route in range(routes.first[source], routes.first[source + 1]):
        base = np.uint64(routes.base[route])
        at = np.uint64(routes.begin[route])
        n_runs = np.uint64(rows[at]) & mask
        at += ONE
        if n_runs == 0:
            size = np.uint64(rows[at]) & mask
            at += ONE
            for k in range(size):
                target = np.uint64(rows[at + k]) & mask
                total[base + target] += rows[at + size + k]
            continue
        weight = at + TWO * n_runs
        for _ in range(n_runs):
            begin = base + (np.uint64(rows[at]) & mask)
            size = np.uint64(rows[at + ONE]) & mask
            for k in range(size):
                total[begin + k] += rows[weight + k]
            weight += size
            at += TWO


@compiled
def wrap(value: np.int32, bits: int) -> np.int32:
    """Return what is left of a number in a register of some bits and a sign."""
    half = np.int32(1 << bits)
    return np.int32(np.int32(np.int32(value + half) & np.int32(2 * half - 1)) - half)


@compiled
def decay(value: np.int32, keep: np.int32) -> np.int32:
    """Return a value times a share in 1 / 4096, rounded towards zero.

    The product has more than 32 bits, so it's added up from two parts.
    """
    size = np.int32(abs(value))
    high = np.int32(np.int32(size >> DECAY_BITS) * keep)
    low = np.int32(np.int32(size & (2**DECAY_BITS - 1)) * keep)
    kept = np.int32(high + np.int32(low >> DECAY_BITS))
    return kept if value >= 0 else np.int32(-kept)


# The three passes below are apart because the compiler only uses vector instructions
# for loops over few arrays.


@compiled
def advance_current(
    total: np.ndarray, current: np.ndarray, keep: np.int32
) -> tuple[np.int32, np.int32]:
    """Let the current decay, and add the input; return which bits overflowed."""
    lost_of_input = lost_of_current = np.int32(0)
    for i in range(len(total)):
        value = wrap(total[i], INPUT_BITS)
        lost_of_input |= np.int32(value ^ total[i])
        total[i] = value
        value = np.int32(decay(current[i], keep) + value)
        current[i] = wrap(value, CURRENT_BITS)
        lost_of_current |= np.int32(value ^ current[i])
    return lost_of_input, lost_of_current


@compiled
def count_overflows(
    total: np.ndarray,
    current: np.ndarray,
    bias: np.ndarray,
    keep: np.int32,
    count: np.ndarray,
) -> None:
    """Count the numbers that will overflow in this timestep."""
    for i in range(len(total)):
        arriving = wrap(total[i], INPUT_BITS)
        value = np.int32(decay(current[i], keep) + arriving)
        wrapped = wrap(value, CURRENT_BITS)
        biased = np.int32(wrapped + bias[i])
        count[i] += np.int32(arriving != total[i])
        count[i] += np.int32(wrapped != value)
        count[i] += np.int32(wrap(biased, CURRENT_BITS) != biased)


@compiled
def advance_voltage(
    voltage: np.ndarray,
    current: np.ndarray,
    bias: np.ndarray,
    keep: np.int32,
    lowest: np.int32,
    highest: np.int32,
) -> np.int32:
    """Let the voltage decay, and add current and bias; return which bits overflowed."""
    lost = np.int32(0)
    for i in range(len(voltage)):
        value = np.int32(current[i] + bias[i])
        biased = wrap(value, CURRENT_BITS)
        lost |= np.int32(biased ^ value)
        value = np.int32(decay(voltage[i], keep) + biased)
        voltage[i] = min(max(value, lowest), highest)
    return lost


@compiled
def advance_spikes(
    voltage: np.ndarray,
    left: np.ndarray,
    spiked: np.ndarray,
    threshold: np.int32,
    refractory: np.int32,
) -> None:
    """Find out which compartments spike, and reset them."""
    for i in range(len(voltage)):
        value = np.int32(0) if left[i] > 0 else voltage[i]
        spikes = value > threshold
        spiked[i] = spikes
        voltage[i] = np.int32(0) if spikes else value
        steps = refractory if spikes else left[i]
        left[i] = max(np.int32(steps - 1), np.int32(0))


@compiled
def advance(
    compartments: Compartments, state: State, noise: np.ndarray, biased: np.ndarray
) -> int:
    """Advance all compartments by one timestep.

    Parameters
    ----------
    compartments, state
        The state is changed.
    noise : (n_compartments,) or (0,) int32 ndarray
        Noise, if there is any.
    biased : (n_compartments,) int32 ndarray
        Room for bias and noise, if there is any.

    Returns
    -------
    int
        What overflowed, a sum of `INPUT_OVERFLOW` and the like.
    """
    lost_of_input = lost_of_current = lost_of_biased = np.int32(0)
    begin = 0
    for segment in range(len(compartments.end)):
        end = compartments.end[segment]
        here = slice(begin, end)
        total, current = state.input[here], state.current[here]
        bias = compartments.bias[here]
        if len(noise) > 0:
            if compartments.noise_on_bias[segment]:
                biased[here] = bias + noise[here]
                bias = biased[here]
            else:
                total += noise[here]
        voltage = state.voltage[here]
        if len(state.overflow_count) > 0:
            keep = compartments.keep_u[segment]
            count_overflows(total, current, bias, keep, state.overflow_count[here])
        lost = advance_current(total, current, compartments.keep_u[segment])
        lost_of_input |= lost[0]
        lost_of_current |= lost[1]
        lost_of_biased |= advance_voltage(
            voltage,
            current,
            bias,
            compartments.keep_v[segment],
            compartments.lowest[segment],
            compartments.highest[segment],
        )
        advance_spikes(
            voltage,
            state.refractory[here],
            state.spiked[here],
            compartments.threshold[segment],
            compartments.refractory[segment],
        )
        begin = end
    overflow = INPUT_OVERFLOW if lost_of_input != 0 else 0
    overflow |= CURRENT_OVERFLOW if lost_of_current != 0 else 0
    overflow |= BIASED_OVERFLOW if lost_of_biased != 0 else 0
    return overflow


@compiled
def collect_spikes(state: State) -> None:
    """List the compartments that spiked, and count their spikes."""
    for source in state.spikes[: state.spikes[-1]]:
        if state.spiked[source]:
            state.repeat_count[source] += 1
    found = 0
    for i in range(len(state.spiked)):
        if state.spiked[i]:
            state.spikes[found] = i
            state.spike_count[i] += 1
            found += 1
    state.spikes[-1] = found


@compiled
def run(
    routes: Routes,
    compartments: Compartments,
    state: State,
    first_event: np.ndarray,
    events: np.ndarray,
    noise: np.ndarray,
    plan: Plan,
    records: Records,
    overflows: np.ndarray,
    stop_at_overflow: bool,
) -> int:
    """Run some timesteps.

    Parameters
    ----------
    routes, compartments, state
        The network, and its state, which is advanced.
    first_event : (n_steps + 1,) int64 ndarray
        Where the events of each timestep begin.
    events : (n_events,) int32 ndarray
        Neurons of the host's whose spikes arrive.
    noise : (n_steps, n_compartments) or (1, 0) int32 ndarray
        Noise, if there is any.
    plan, records
        What to record, and where.
    overflows : (n_steps,) int32 ndarray
        Is told what overflowed in each timestep.
    stop_at_overflow : bool
        Whether to run no further than a timestep in which something overflows.

    Returns
    -------
    int
        Number of timesteps that were run.
    """
    n_steps, n_compartments = len(first_event) - 1, len(state.input)
    noisy = noise.shape[1] > 0
    biased = np.zeros(noise.shape[1], np.int32)
    for step in range(n_steps):
        state.input[:] = 0
        for event in events[first_event[step] : first_event[step + 1]]:
            state.sent_count[event] += 1
            deliver(routes, n_compartments + event, state.input)
        for source in state.spikes[: state.spikes[-1]]:
            deliver(routes, source, state.input)
        overflows[step] = advance(
            compartments, state, noise[step if noisy else 0], biased
        )
        collect_spikes(state)
        for k in range(len(plan.current)):
            records.current[step, k] = state.current[plan.current[k]]
        for k in range(len(plan.voltage)):
            records.voltage[step, k] = state.voltage[plan.voltage[k]]
        for k in range(len(plan.spiked)):
            records.spiked[step, k] = state.spiked[plan.spiked[k]]
        if stop_at_overflow and overflows[step] != 0:
            return step + 1
    return n_steps


# --- flattening ----------------------------------------------------------------------


@compiled
def count_runs(target: np.ndarray, size: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Count the runs of neighbours in rows of targets.

    Parameters
    ----------
    target : (n_weights,) int32 ndarray
        Targets, row after row.
    size : (n_rows,) int64 ndarray
        Number of targets in each row.
    marks : (n_targets,) int64 ndarray
        Zeros, as many as the largest target allows; overwritten.

    Returns
    -------
    (n_rows,) int64 ndarray
        Number of runs; -1 if a row names a target twice.
    """
    runs = np.zeros(len(size), np.int64)
    at = 0
    for row in range(len(size)):
        previous = -2
        for k in range(at, at + size[row]):
            found = target[k]
            if marks[found] == row + 1:
                runs[row] = -1
                break
            marks[found] = row + 1
            runs[row] += found != previous + 1
            previous = found
        at += size[row]
    return runs


@compiled
def write_rows(
    target: np.ndarray,
    weight: np.ndarray,
    size: np.ndarray,
    runs: np.ndarray,
    begin: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Write rows as `Routes` has them.

    Parameters
    ----------
    target, weight : (n_weights,) int32 ndarray
        Targets and weights, row after row.
    size, runs : (n_rows,) int64 ndarray
        Number of targets and of runs in each row; zero runs to name each target.
    begin : (n_rows,) int64 ndarray
        Where in ``rows`` each row begins; -1 for rows to pass over.
    rows : int16 or int32 ndarray
        Is written to.
    """
    at = 0
    for row in range(len(size)):
        to = begin[row]
        if to < 0:
            at += size[row]
            continue
        rows[to] = runs[row]
        to += 1
        if runs[row] == 0:
            rows[to] = size[row]
            to += 1
            for k in range(size[row]):
                rows[to + k] = target[at + k]
            to += size[row]
        else:
            to -= 2
            previous = -2
            for k in range(at, at + size[row]):
                if target[k] != previous + 1:
                    to += 2
                    rows[to] = target[k]
                    rows[to + 1] = 0
                rows[to + 1] += 1
                previous = target[k]
            to += 2
        for k in range(size[row]):
            rows[to + k] = weight[at + k]
        at += size[row]


@compiled
def group_routes(
    source: np.ndarray, row: np.ndarray, base: np.ndarray, n_sources: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort routes by source.

    Returns
    -------
    first : (n_sources + 1,) int64 ndarray
        First route of each source.
    row, base : (n_routes,) ndarray
        In the order of the sources, and in their own where the source is the same.
    """
    first = np.zeros(n_sources + 1, np.int64)
    for k in range(len(source)):
        first[source[k] + 1] += 1
    for k in range(n_sources):
        first[k + 1] += first[k]
    free = first[:-1].copy()
    rows, bases = np.empty_like(row), np.empty_like(base)
    for k in range(len(source)):
        place = free[source[k]]
        rows[place], bases[place] = row[k], base[k]
        free[source[k]] += 1
    return first, rows, bases


@compiled
def place_rows(row: np.ndarray, n_words: np.ndarray) -> tuple[np.ndarray, int]:
    """Place rows in memory in the order in which routes use them.

    So a spike reads one stretch of memory, where it shares no rows with others.

    Parameters
    ----------
    row : (n_routes,) int64 ndarray
        Row of each route.
    n_words : (n_rows,) int64 ndarray
        Number of elements of each row.

    Returns
    -------
    begin : (n_rows,) int64 ndarray
        Where each row begins; -1 for rows that no route uses.
    end : int
        Number of elements of all of them.
    """
    begin = np.full(len(n_words), -1, np.int64)
    end = 0
    for k in row:
        if begin[k] < 0:
            begin[k] = end
            end += n_words[k]
    return begin, end


@compiled
def route_sizes(routes: Routes) -> np.ndarray:
    """Return the number of synapses of each route, (n_routes,) int64 ndarray."""
    sizes = np.zeros(len(routes.begin), np.int64)
    for route in range(len(sizes)):
        at = np.int64(routes.begin[route])
        n_runs = np.int64(np.uint64(routes.rows[at]) & routes.mask)
        if n_runs == 0:
            sizes[route] = np.int64(np.uint64(routes.rows[at + 1]) & routes.mask)
        for run in range(n_runs):
            size = np.uint64(routes.rows[at + 2 + 2 * run]) & routes.mask
            sizes[route] += np.int64(size)
    return sizes
