"""Run what NengoLoihi leaves to the host apart from the chip: before, and after it."""

from __future__ import annotations

from typing import Any, Mapping

import nengo
import numpy as np
from nengo.builder.signal import Signal

from .emulator import chip_emulator, install_emulator, nengo_simulators


class _Collector:
    """Stands for a chip where NengoLoihi hands over the host's spikes."""

    spikes: list[tuple[Any, int, np.ndarray]]

    def host2chip(self, spikes: Any, errors: Any) -> None:
        self.spikes = spikes


class _Player:
    """Stands for a chip where NengoLoihi takes the chip's output."""

    def __init__(self, dt: float, first_step: int, outputs: Mapping[Any, np.ndarray]):
        self.dt, self.first_step, self.outputs = dt, first_step, outputs

    def chip2host(self, probes_receivers: Mapping[Any, Any]) -> None:
        for probe, receiver in probes_receivers.items():
            for k, output in enumerate(self.outputs[probe]):
                # read by the host in the timestep after the one of the chip
                receiver.receive(self.dt * (self.first_step + k + 2), output)


def host_parts(sim: Any) -> list[nengo.builder.Model]:
    """Return the models of Nengo that the hosts run."""
    return [host.model for host in nengo_simulators(sim)]


def encoding_ensembles(sim: Any) -> dict[nengo.Ensemble, nengo.Connection]:
    """Return the ensembles by which the host encodes values, and what they encode."""
    found = sim.model.connection_decode_neurons.items()
    return {made: conn for conn, made in found if isinstance(made, nengo.Ensemble)}


def host_probes(sim: Any) -> list[Any]:
    """Return the probes of the chip, of NengoLoihi's, whose values go to the host."""
    return list(sim._runner.probes_receivers)


def is_probed_on_host(sim: Any, probe: nengo.Probe) -> bool:
    """Tell whether a probe records what the host does after the chip."""
    return "host" in sim.sims and probe in sim.sims["host"].model.probes


def permanent_spikes(sim: Any) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """Return spikes that were given when the network was built.

    Returns
    -------
    list of (SpikeInput, ndarray, ndarray)
        See `run_before_chip`.
    """
    return [
        (spike_input, *_at(t, spike_input.spike_idxs(t)))
        for spike_input in sim.model.inputs
        for t in sorted(spike_input.permanent)
    ]


def _at(step: int, neurons: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.full(len(neurons), step), np.asarray(neurons, int)


def sent_signals(sim: Any) -> list[tuple[Any, Signal]]:
    """Return where the host's spikes go, and the signal that they are the non-zeros of
    before the chip runs."""
    if "host_pre" not in sim.sims:
        return []
    signals = sim.sims["host_pre"].model.sig
    return [
        (sim.model.spike_targets[receiver], signals[sender]["in"])
        for sender, receiver in sim.model.host2chip_senders.items()
    ]


def received_signals(sim: Any) -> dict[Any, Signal]:
    """Return the signals of the host that hold what probes of the chip put out in the
    timestep before; see `host_probes`."""
    return {
        sim.model.objs[probe]["out"]: sim.sims["host"].model.sig[receiver]["out"]
        for probe, receiver in sim.model.chip2host_receivers.items()
    }


def restart_host(sim: Any, name: str) -> None:
    """Bring one of the hosts back to its first timestep."""
    if name in sim.sims:
        sim.sims[name].reset()
    install_emulator(sim, chip_emulator(sim))


def run_before_chip(sim: Any, n_steps: int) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """Run what the chip's input depends on.

    Returns
    -------
    list of (SpikeInput, ndarray, ndarray)
        Where spikes go, the timestep in which each was sent, and its neuron.
    """
    if "host_pre" not in sim.sims:
        return []
    sim.sims["host_pre"].run_steps(n_steps)
    collector = _Collector()
    sim._runner._host2chip(collector)
    return [(target, *_at(t, neurons)) for target, t, neurons in collector.spikes]


def run_after_chip(
    sim: Any, first_step: int, n_steps: int, outputs: Mapping[Any, np.ndarray]
) -> None:
    """Run what depends on the chip's output.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator.
    first_step, n_steps : int
        Timesteps that were run before, and are run now.
    outputs : mapping of {nengo_loihi.probe.LoihiProbe: (n_steps, size) ndarray}
        What the chip put out in these timesteps, by `host_probes`.
    """
    if "host" in sim.sims:
        sim._runner._chip2host(_Player(sim.dt, first_step, outputs))
        sim.sims["host"].run_steps(n_steps)
