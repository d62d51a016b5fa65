"""Primitives of NIR with a state: neurons, integrators and delays."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from ...common.defaults import N_EVAL_POINTS
from ...common.exceptions import UnsupportedError
from ...compat import import_nengo_loihi
from ...compat.neurons import LoihiRectifiedLinear
from .building import Build, Part, Shape
from .neurons import (
    CubaLIFNeurons,
    IFNeurons,
    LIFNeurons,
    NIRNeurons,
    ThresholdNeurons,
)
from .registry import builds
from .states import Delays, Integration

LOWEST_VOLTAGE = -50.0
"""Thresholds below rest that neurons of the chip can get: NIR's have no floor,
and voltages of the chip have 23 bits, of which thresholds take up to 17."""


@builds("IF")
def build_if(build: Build) -> Part:
    """Make neurons that integrate without a leak."""
    found, shape = build.each("r", "v_threshold", v_reset=0.0)
    found["r"] = found["r"] / build.options.time_unit
    if build.options.on_chip:
        return _chip_neurons(build, found, shape)
    return _neurons(build, IFNeurons, found, shape)


@builds("LIF")
def build_lif(build: Build) -> Part:
    """Make leaky neurons."""
    found, shape = build.each("tau", "r", "v_leak", "v_threshold", v_reset=0.0)
    build.times(found, "tau")
    if build.options.on_chip:
        return _chip_neurons(build, found, shape)
    return _neurons(build, LIFNeurons, found, shape)


@builds("CubaLIF")
def build_cuba_lif(build: Build) -> Part:
    """Make leaky neurons with a synaptic current."""
    found, shape = build.each(
        *("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"), v_reset=0.0, w_in=1.0
    )
    build.times(found, "tau_syn", "tau_mem")
    if build.options.on_chip:
        return _chip_neurons(build, found, shape)
    return _neurons(build, CubaLIFNeurons, found, shape)


@builds("Threshold")
def build_threshold(build: Build) -> Part:
    """Make a spike of each value above a threshold."""
    found, shape = build.each("threshold")
    if build.options.on_chip:
        raise UnsupportedError(
            f"{build.node} has no memory, and Loihi's neurons have; exchange it for IF"
        )
    neurons = ThresholdNeurons(found["threshold"], build.options.dt)
    return _ensemble(build, neurons, shape)


def spikes_of_input(build: Build, shape: Shape) -> Any:
    """Make neurons that spike for each 1 of an input, in the same timestep."""
    dt = build.options.dt
    if not build.options.on_chip:
        half = np.full(build.size(shape), 0.5)
        return _ensemble(build, ThresholdNeurons(half, dt), shape).exit
    loihi = import_nengo_loihi().neurons
    # half as much again as a spike takes: exactly that much wouldn't do
    neurons = loihi.LoihiSpikingRectifiedLinear(amplitude=dt)
    found = _ensemble(build, neurons, shape, gain=1.5 / dt).exit
    network = nengo.Network.context[-1]
    import_nengo_loihi().add_params(network)
    network.config[found.ensemble].on_chip = False
    return found


@builds("I")
def build_integrator(build: Build) -> Part:
    """Make a node that integrates."""
    found, shape = build.each("r")
    found["r"] = found["r"] / build.options.time_unit
    return _integration(build, found, shape)


@builds("LI")
def build_li(build: Build) -> Part:
    """Make a node that integrates with a leak."""
    found, shape = build.each("tau", "r", "v_leak")
    build.times(found, "tau")
    return _integration(build, found, shape)


@builds("CubaLI")
def build_cuba_li(build: Build) -> Part:
    """Make a node that integrates a synaptic current with a leak."""
    found, shape = build.each("tau_syn", "tau_mem", "r", "v_leak", w_in=1.0)
    build.times(found, "tau_syn", "tau_mem")
    return _integration(build, found, shape)


@builds("Delay")
def build_delay(build: Build) -> Part:
    """Make values late by whole timesteps."""
    found, shape = build.each("delay")
    exact = found["delay"] * build.options.time_unit / build.options.dt
    steps = np.rint(exact)
    if np.any(steps < 0):
        raise UnsupportedError(f"{build.node} has delays below 0")
    if (
        np.any(abs(exact - steps) > 1e-6)
        and "rounded-delays" not in build.options.allow
    ):
        raise UnsupportedError(
            f"{build.node} has delays that are no multiples of the timestep of "
            f'{build.options.dt:g} s; allow=["rounded-delays"] rounds them, or give '
            "another dt"
        )
    node = build.relay(shape)
    if not np.any(steps):
        return Part(node, node, shape)
    if np.all(steps):
        return Part(node, node, shape, synapse=Delays(steps))
    # Nengo's synapses are late by one timestep at least
    entry = build.relay(shape, ".entry")
    for part, synapse in (
        (np.flatnonzero(steps == 0), None),
        (np.flatnonzero(steps), Delays(steps[steps > 0])),
    ):
        units = part.tolist()
        nengo.Connection(entry[units], node[units], synapse=synapse)
    return Part(entry, node, shape)


def _neurons(
    build: Build, neuron_type: type[NIRNeurons], found: dict[str, Any], shape: Shape
) -> Part:
    """Make neurons as NIR has them; a spike puts out 1 for a timestep."""
    options = build.options
    neurons = neuron_type(found, options.dt, options.reset, options.integration)
    return _ensemble(build, neurons, shape)


def _ensemble(
    build: Build, neurons: Any, shape: Shape, gain: Any = 1.0, synapse: Any = None
) -> Part:
    n = build.size(shape)
    ensemble = nengo.Ensemble(
        n,
        1,
        neuron_type=neurons,
        gain=np.broadcast_to(gain, n).copy(),
        bias=np.zeros(n),
        label=build.node.name,
        n_eval_points=N_EVAL_POINTS,
    )
    return Part(ensemble.neurons, ensemble.neurons, shape, synapse=synapse)


def _integration(build: Build, found: dict[str, Any], shape: Shape) -> Part:
    n = build.size(shape)
    process = Integration(found, build.options.integration)
    node = nengo.Node(process, size_in=n, size_out=n, label=build.node.name)
    return Part(node, node, shape)


def _chip_neurons(build: Build, found: dict[str, Any], shape: Shape) -> Part:
    """Make neurons of Loihi's that come close: one time constant, reset to rest."""
    rest = found.get("v_leak", np.zeros(1))
    if build.options.reset != "value" or np.any(found["v_reset"] != rest):
        raise UnsupportedError(
            f"{build.node} doesn't reset to its resting voltage, as Loihi's neurons do"
        )
    span = found["v_threshold"] - rest
    if np.any(span <= 0):
        raise UnsupportedError(
            f"{build.node} has thresholds that aren't above the resting voltage"
        )
    gain = found["r"] * found.get("w_in", 1.0) / span
    dt = build.options.dt
    if build.node.kind == "IF":
        neurons = LoihiRectifiedLinear(LOWEST_VOLTAGE, amplitude=dt)
        return _ensemble(build, neurons, shape, gain)
    tau = _same(build, found, "tau" if build.node.kind == "LIF" else "tau_mem")
    neurons = import_nengo_loihi().neurons.LoihiLIF(
        tau, tau_ref=0, amplitude=dt, min_voltage=LOWEST_VOLTAGE
    )
    if build.node.kind == "LIF":
        return _ensemble(build, neurons, shape, gain)
    synapse = nengo.Lowpass(_same(build, found, "tau_syn"))
    return _ensemble(build, neurons, shape, gain, synapse)


def _same(build: Build, found: dict[str, Any], name: str) -> float:
    """Return the value that all units share."""
    if np.ptp(found[name]) > 1e-9 * abs(found[name]).max():
        raise UnsupportedError(
            f"{build.node} has a {name!r} for each neuron, and NengoLoihi one for all "
            "neurons of an ensemble; split the layer, or give them one time constant"
        )
    return float(found[name][0])
