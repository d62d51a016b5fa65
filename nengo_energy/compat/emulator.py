"""Reach into a running nengo_loihi.Simulator: reset it, feed it, read its counters."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from typing import Any, Callable, Iterator, Mapping

import nengo
import numpy as np
from nengo.exceptions import ConfigError

from nengo_energy.common.exceptions import UnsupportedError
from nengo_energy.compat.loihi import import_nengo_loihi
from nengo_energy.compat.loihi_image import note_owners

HOSTS = ("host_pre", "host")
"""NengoLoihi's simulators of what runs on the host: of what the chip's input depends
on, if it can be computed ahead, and of the rest."""


def open_emulator(network: nengo.Network, **options: Any) -> Any:
    """Return a nengo_loihi.Simulator of a network.

    Its emulator fills arrays of integers with NaN before it sets them, of which NumPy
    would warn each time.
    """
    nengo_loihi = import_nengo_loihi()
    if options.get("model") is None:
        dt = float(options.get("dt", 0.001))
        options["model"] = nengo_loihi.builder.Model(dt=dt, label=str(network))
    note_owners(options["model"])
    with _casts_accepted():
        return nengo_loihi.Simulator(network, **options)


def allocator(n_chips: int) -> Any:
    """Return NengoLoihi's allocator of blocks to cores.

    One chip is filled core by core; several so that few spikes pass between them.

    Parameters
    ----------
    n_chips : int
        Number of chips.
    """
    import_nengo_loihi()
    from nengo_loihi.hardware.allocators import Greedy, GreedyInterchip

    if n_chips == 1:
        return Greedy()
    return GreedyInterchip()


@contextlib.contextmanager
def _casts_accepted() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in cast")
        yield


def reset_emulator(sim: Any) -> None:
    """Bring a simulator that runs on the emulator back to its first timestep.

    The network isn't built again: chip and host keep their weights, and every state,
    spike in flight and recorded probe value is cleared.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator.
    """
    emulator = chip_emulator(sim)
    for spike_input in sim.model.inputs:
        for ti in [t for t in spike_input.spikes if t not in spike_input.permanent]:
            del spike_input.spikes[ti]
    sim.clear_probes()
    for name in HOSTS:
        if name in sim.sims:
            sim.sims[name].reset()
    with _casts_accepted():
        if hasattr(emulator, "restarted"):
            fresh = emulator.restarted(sim.model)
        else:
            fresh = type(emulator)(sim.model, seed=emulator.seed)
    _install(sim, fresh)
    sim._n_steps = 0
    sim._probe_step_time()


def replace_emulator(sim: Any, emulator_type: Callable) -> None:
    """Let a simulator that has run no timestep run on another emulator.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator.
    emulator_type : callable
        Takes a ``nengo_loihi.builder.Model`` and ``seed``, and returns what can do all
        that NengoLoihi's ``EmulatorInterface`` can.
    """
    own = chip_emulator(sim)
    with _casts_accepted():
        emulator = emulator_type(sim.model, seed=own.seed)
    own.close()
    _install(sim, emulator)


def _install(sim: Any, emulator: Any) -> None:
    from nengo_loihi.simulator import StepRunner

    sim.sims["emulator"] = emulator
    sim._runner = StepRunner(sim.model, sim.sims, sim.precompute, sim.timers)


def set_input(sim: Any, node: nengo.Node, value: np.ndarray) -> None:
    """Set the output of a constant node, in Nengo's or in NengoLoihi's simulator.

    Parameters
    ----------
    sim : nengo.Simulator or nengo_loihi.Simulator
        An open simulator; a reset brings the node's own constant back.
    node : nengo.Node
        A node with constant output.
    value : (node.size_out,) ndarray
        Its output from the next timestep on.
    """
    n_found = 0
    for host in _nengo_simulators(sim):
        signals = host.model.sig.get(node, {})
        with contextlib.suppress(
            KeyError
        ):  # NengoLoihi has two hosts, one has the node
            host.signals[signals["out"]][...] = value
            n_found += 1
    if n_found == 0:
        raise UnsupportedError(f"{node} isn't part of the simulation, or has no output")


def host_ensembles(network: nengo.Network) -> set[nengo.Ensemble]:
    """Return the ensembles that NengoLoihi would run on the host."""
    import_nengo_loihi()
    from nengo_loihi.splitter import HostChipSplit

    split = HostChipSplit(network)
    return {ens for ens in network.all_ensembles if not split.on_chip(ens)}


def copy_placement(source: nengo.Network, target: nengo.Network) -> None:
    """Copy what NengoLoihi is told about each object to a network around the other.

    NengoLoihi reads these settings from the outermost network.
    """
    import_nengo_loihi().add_params(target)
    options = {
        ("on_chip", "block_shape"): source.all_ensembles,
        ("pop_type",): source.all_connections,
    }
    for names, objects in options.items():
        for obj, name in itertools.product(objects, names):
            with contextlib.suppress(ConfigError):
                value = getattr(source.config[obj], name)
                if value is not None:
                    setattr(target.config[obj], name, value)


def chip_spike_counts(
    sim: Any, ensembles: list[nengo.Ensemble], spike_count: np.ndarray | None = None
) -> dict[Any, Any]:
    """Read how often each neuron of some ensembles spiked since the first timestep.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator that runs on the emulator.
    ensembles : list of nengo.Ensemble
        Ensembles that are on the chip.
    spike_count : (..., n_compartments) ndarray, optional
        How often each compartment spiked; by default the emulator's own count.

    Returns
    -------
    dict of {nengo.Ensemble: (..., n_neurons) int64 ndarray}
        Spike counts.
    """
    emulator = chip_emulator(sim)
    if spike_count is None:
        spike_count = emulator.compartment.spike_count
    counts = {}
    for ensemble in ensembles:
        shape = (*spike_count.shape[:-1], ensemble.n_neurons)
        total = np.zeros(shape, dtype=np.int64)
        # a block that was split holds some of the neurons in each of its pieces
        for block in sim.model.objs[ensemble]["out"]:
            neurons = list(sim.model.block_comp_map[block])
            total[..., neurons] = spike_count[..., emulator.block_info.slices[block]]
        counts[ensemble] = total
    return counts


class SpikeMeter:
    """Counts what happens on the emulator from reset on, in numbers for each unit.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator that runs on the emulator.
    """

    def __init__(self, sim: Any):
        chip_emulator(sim)
        self.sim = sim
        self._sent = []
        for spike_input in sim.model.inputs:
            sent = np.zeros(spike_input.n_neurons, dtype=np.int64)
            self._sent.append(sent)
            spike_input.add_spikes = _counting(spike_input.add_spikes, sent)
        self.reset()

    def reset(self) -> None:
        """Go back to the first timestep, and forget what was counted."""
        reset_emulator(self.sim)
        for sent in self._sent:
            sent[:] = 0
        emulator = chip_emulator(self.sim)
        emulator.compartment.error = _accept
        watch = _StockWatch if not hasattr(emulator, "watch") else _CompiledWatch
        self._watch = watch(emulator)

    @property
    def spikes(self) -> np.ndarray:
        """Spikes of each compartment, (n_compartments,) int64 ndarray."""
        count: np.ndarray = chip_emulator(self.sim).compartment.spike_count
        return count.astype(np.int64)

    @property
    def on_their_way(self) -> np.ndarray:
        """Spikes of the last timestep, which arrive in the next, (n_compartments,)."""
        spiked: np.ndarray = chip_emulator(self.sim).compartment.spiked
        return spiked.astype(np.int64)

    @property
    def sent(self) -> list[np.ndarray]:
        """Spikes that the host sent, for each input, (n_units,) int64 ndarrays."""
        return [sent.copy() for sent in self._sent]

    @property
    def waiting(self) -> list[np.ndarray]:
        """Spikes of these that the chip hasn't taken yet."""
        found = []
        for spike_input, sent in zip(self.sim.model.inputs, self._sent):
            count = np.zeros_like(sent)
            for indices in spike_input.spikes.values():
                np.add.at(count, np.asarray(indices, dtype=int), 1)
            found.append(count)
        return found

    @property
    def overflows(self) -> np.ndarray:
        """Times that a number of each compartment exceeded its bits."""
        return self._watch.overflows

    @property
    def repeats(self) -> np.ndarray:
        """Spikes of each compartment that followed one in the timestep before."""
        return self._watch.repeats


class _CompiledWatch:
    """Reads what the compiled emulator counts."""

    def __init__(self, emulator: Any):
        self._emulator = emulator
        emulator.watch()

    @property
    def overflows(self) -> np.ndarray:
        count: np.ndarray = self._emulator.state.overflow_count
        return count.astype(np.int64)

    @property
    def repeats(self) -> np.ndarray:
        count: np.ndarray = self._emulator.state.repeat_count
        return count.astype(np.int64)


class _StockWatch:
    """Counts in NengoLoihi's emulator, where it looks for overflows."""

    def __init__(self, emulator: Any):
        self._compartment = compartment = emulator.compartment
        n = compartment.n_compartments
        self._overflows = np.zeros(n, dtype=np.int64)
        self._repeats = np.zeros(n, dtype=np.int64)
        self._previous = np.zeros(n, dtype=bool)
        stock = compartment._overflow

        def watched(x: np.ndarray, bits: int, name: Any = None) -> None:
            if name == "q0":  # the first of a timestep: spikes are those of the last
                self._repeats += compartment.spiked & self._previous
                self._previous[:] = compartment.spiked
            if np.issubdtype(x.dtype, np.integer):
                self._overflows += (x < -(2**bits)) | (x >= 2**bits)
            stock(x, bits, name=name)

        compartment._overflow = watched

    @property
    def overflows(self) -> np.ndarray:
        return self._overflows.copy()

    @property
    def repeats(self) -> np.ndarray:
        # the last timestep wasn't followed by another
        return self._repeats + (self._compartment.spiked & self._previous)


def _accept(message: str, *args: Any, **kwargs: Any) -> None:
    """Take an overflow without a word: it is counted."""


def _counting(add_spikes: Any, sent: np.ndarray) -> Any:
    def add(ti: int, spike_idxs: Any, permanent: bool = False) -> None:
        np.add.at(sent, np.asarray(spike_idxs, dtype=int), 1)
        add_spikes(ti, spike_idxs, permanent)

    return add


def chip_emulator(sim: Any) -> Any:
    """Return the emulator that a simulator runs on."""
    if "emulator" not in sim.sims:
        raise UnsupportedError(
            "the simulator runs on hardware; counting spikes needs the emulator: "
            'pass target="sim"'
        )
    return sim.sims["emulator"]


# --- the host apart from the chip ----------------------------------------------------


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


def host_probes(sim: Any) -> list[Any]:
    """Return the probes of the chip, of NengoLoihi's, whose values go to the host."""
    return list(sim._runner.probes_receivers)


def is_probed_on_host(sim: Any, probe: nengo.Probe) -> bool:
    """Tell whether a probe records what the host does after the chip."""
    return "host" in sim.sims and probe in sim.sims["host"].model.probes


def permanent_spikes(sim: Any) -> list[tuple[Any, int, np.ndarray]]:
    """Return spikes that were given when the network was built.

    Returns
    -------
    list of (SpikeInput, int, ndarray)
        See `run_before_chip`.
    """
    return [
        (spike_input, t, spike_input.spike_idxs(t))
        for spike_input in sim.model.inputs
        for t in sorted(spike_input.permanent)
    ]


def restart_host(sim: Any, name: str) -> None:
    """Bring one of the hosts back to its first timestep."""
    if name in sim.sims:
        sim.sims[name].reset()
    _install(sim, chip_emulator(sim))


def run_before_chip(sim: Any, n_steps: int) -> list[tuple[Any, int, np.ndarray]]:
    """Run what the chip's input depends on.

    Returns
    -------
    list of (SpikeInput, int, ndarray)
        Where spikes go, the timestep in which they were sent, and the neurons.
    """
    if "host_pre" not in sim.sims:
        return []
    sim.sims["host_pre"].run_steps(n_steps)
    collector = _Collector()
    sim._runner._host2chip(collector)
    return collector.spikes


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


def _nengo_simulators(sim: Any) -> Iterator[nengo.Simulator]:
    if isinstance(sim, nengo.Simulator):
        yield sim
    else:
        yield from (s for name, s in sim.sims.items() if name.startswith("host"))
