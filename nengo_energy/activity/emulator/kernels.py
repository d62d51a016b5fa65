"""Compiled loops: advance compartments, and record what probes want.

Importing this module imports numba; only `nengo_energy.activity.emulator` does, when an
emulator is opened.

All arithmetic is in integers that wrap as the chip's and NumPy's do, so the order in
which spikes are added up doesn't matter, and every result equals that of NengoLoihi's
emulator. Numbers are cast to 32 bits again and again because numba computes in 64 bits
where it can, which takes twice as many instructions; indices are unsigned because numba
lets signed ones count from the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...common.compiled import compiled, list_set
from .delivery import LANES, Routes, deliver

INPUT_BITS = 21
"""Bits of the sum of a compartment's weights in a timestep, without the sign."""

CURRENT_BITS = 23
"""Bits of a compartment's current, without the sign."""

DECAY_BITS = 12
"""Bits of the fraction that decays are multiples of."""

INPUT_OVERFLOW, CURRENT_OVERFLOW, BIASED_OVERFLOW = 1, 2, 4
"""What overflowed in a timestep: input, current, or current with bias."""


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
    spikes : (n_compartments + 9,) int32 ndarray
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
    """Compartments whose current, voltage and spikes are recorded, (n,) uint32 each."""

    current: np.ndarray
    voltage: np.ndarray
    spiked: np.ndarray


class Records(NamedTuple):
    """What is recorded, (n_steps, n) each: int32, int32 and bool."""

    current: np.ndarray
    voltage: np.ndarray
    spiked: np.ndarray


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
        state.repeat_count[source] += state.spiked[source]
    state.spike_count[:] += state.spiked
    found: Any = 0
    whole = len(state.spiked) // 8 * 8
    if whole > 0:
        spiked = state.spiked[:whole].view(np.uint8)
        found = np.int64(list_set(spiked, state.spikes, 0))
    for i in range(whole, len(state.spiked)):
        if state.spiked[i]:
            state.spikes[found] = i
            found += 1
    state.spikes[-1] = found


@compiled
def record(values: np.ndarray, wanted: np.ndarray, out: np.ndarray) -> None:
    """Record some of the values."""
    for k in range(len(wanted)):
        out[k] = values[wanted[k]]


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
    total = np.zeros(n_compartments + LANES, np.int32)
    for step in range(n_steps):
        total[:] = 0
        for event in events[first_event[step] : first_event[step + 1]]:
            state.sent_count[event] += 1
            deliver(routes, n_compartments + event, total)
        for source in state.spikes[: state.spikes[-1]]:
            deliver(routes, source, total)
        record(total, routes.place, state.input)
        overflows[step] = advance(
            compartments, state, noise[step if noisy else 0], biased
        )
        collect_spikes(state)
        record(state.current, plan.current, records.current[step])
        record(state.voltage, plan.voltage, records.voltage[step])
        record(state.spiked, plan.spiked, records.spiked[step])
        if stop_at_overflow and overflows[step] != 0:
            return step + 1
    return n_steps
