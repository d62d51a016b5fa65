"""Compiled loops: advance neurons, list and count their spikes; see `kernels`."""

from __future__ import annotations

import numpy as np

from ...common.compiled import compiled, list_set

LOIHI_RELU, LIF, LOIHI_LIF = 0, 1, 2
"""Neurons that spike at most once in a timestep."""

RELU, REGULAR, INTEGRATE = 0, 1, 2
"""Neurons that may spike several times in a timestep."""


@compiled
def loihi_relu(
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    spiked: np.ndarray,
    constants: np.ndarray,
) -> None:
    """Advance neurons as ``LoihiRectifiedLinear.step`` does, and NengoLoihi's."""
    dt, one, zero, gain = constants[0], constants[1], constants[2], constants[3]
    lowest = constants[4]
    for i in range(len(bias)):
        v = voltage[i] + (bias[i] + drive[i] * gain) * dt
        spikes = v > one
        spiked[i] = spikes
        voltage[i] = zero if spikes else max(v, lowest)


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
def add_spiked(spiked: np.ndarray, count: np.ndarray) -> None:
    """Count spikes."""
    for i in range(len(count)):
        count[i] += spiked[i]


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
    constants : (5,) or (8,) ndarray
        Timestep, one, zero, what the drive is multiplied by, and the lowest voltage;
        for LIF both time constants come before that, and after it the share of a
        difference that is left after a timestep, less one.
    unit : float
        What a spike puts out.
    spiked : (n_neurons rounded up to a multiple of 8,) uint8 ndarray
        Room, zero at the end.
    first, source, value
        The spikes, are set; see `kernels.spikes_through_windows`. There is room for all
        neurons to spike in all timesteps, and eight more.
    count : (n_images, n_neurons) int32 ndarray
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
            found = list_set(spiked, source, found)
            add_spiked(spiked, count[image])
            first[image * n_steps + step + 1] = found
    value[:found] = unit


@compiled
def several(
    kind: int,
    bias: np.ndarray,
    drive: np.ndarray,
    voltage: np.ndarray,
    spikes: np.ndarray,
    constants: np.ndarray,
) -> None:
    """Advance neurons as the ``step`` of those in `nengo_energy` and Nengo does."""
    dt, zero, gain = constants[0], constants[2], constants[3]
    for i in range(len(bias)):
        current = bias[i] + drive[i] * gain
        if kind == RELU:
            current = max(current, zero)
        v = voltage[i] + current * dt
        n = np.floor(max(v, zero) if kind == INTEGRATE else v)
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
        `RELU`, `REGULAR` or `INTEGRATE`.
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
