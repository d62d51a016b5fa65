"""Reach into a running nengo_loihi.Simulator: reset it, feed it, read its counters."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from typing import Any, Iterator

import nengo
import numpy as np
from nengo.exceptions import ConfigError

from nengo_energy.compat.loihi import import_nengo_loihi
from nengo_energy.compat.loihi_image import note_owners
from nengo_energy.exceptions import UnsupportedError


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
    import_nengo_loihi()
    from nengo_loihi.emulator import EmulatorInterface
    from nengo_loihi.simulator import StepRunner

    emulator = _emulator(sim)
    for spike_input in sim.model.inputs:
        for ti in [t for t in spike_input.spikes if t not in spike_input.permanent]:
            del spike_input.spikes[ti]
    sim.clear_probes()
    for name in ("host_pre", "host"):
        if name in sim.sims:
            sim.sims[name].reset()
    with _casts_accepted():
        sim.sims["emulator"] = EmulatorInterface(sim.model, seed=emulator.seed)
    sim._runner = StepRunner(sim.model, sim.sims, sim.precompute, sim.timers)
    sim._n_steps = 0
    sim._probe_step_time()


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


def chip_spike_counts(sim: Any, ensembles: list[nengo.Ensemble]) -> dict[Any, Any]:
    """Read how often each neuron of some ensembles spiked since the first timestep.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator that runs on the emulator.
    ensembles : list of nengo.Ensemble
        Ensembles that are on the chip.

    Returns
    -------
    dict of {nengo.Ensemble: (n_neurons,) int64 ndarray}
        Spike counts.
    """
    emulator = _emulator(sim)
    spike_count = emulator.compartment.spike_count
    counts = {}
    for ensemble in ensembles:
        total = np.zeros(ensemble.n_neurons, dtype=np.int64)
        # a block that was split holds some of the neurons in each of its pieces
        for block in sim.model.objs[ensemble]["out"]:
            neurons = list(sim.model.block_comp_map[block])
            total[neurons] = spike_count[emulator.block_info.slices[block]]
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
        _emulator(sim)
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
        compartment = _emulator(self.sim).compartment
        self._overflows = np.zeros(compartment.n_compartments, dtype=np.int64)
        self._repeats = np.zeros(compartment.n_compartments, dtype=np.int64)
        previous = np.zeros(compartment.n_compartments, dtype=bool)
        stock = compartment._overflow

        def watched(x: np.ndarray, bits: int, name: Any = None) -> None:
            if name == "q0":  # the first of a timestep: spikes are those of the last
                self._repeats += compartment.spiked & previous
                previous[:] = compartment.spiked
            if np.issubdtype(x.dtype, np.integer):
                self._overflows += (x < -(2**bits)) | (x >= 2**bits)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Overflow")
                stock(x, bits, name=name)

        compartment._overflow = watched

    @property
    def spikes(self) -> np.ndarray:
        """Spikes of each compartment, (n_compartments,) int64 ndarray."""
        count: np.ndarray = _emulator(self.sim).compartment.spike_count
        return count.astype(np.int64)

    @property
    def on_their_way(self) -> np.ndarray:
        """Spikes of the last timestep, which arrive in the next, (n_compartments,)."""
        spiked: np.ndarray = _emulator(self.sim).compartment.spiked
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
        return self._overflows.copy()

    @property
    def repeats(self) -> np.ndarray:
        """Spikes of each compartment that followed one in the timestep before, up to
        the last timestep but one."""
        return self._repeats.copy()


def _counting(add_spikes: Any, sent: np.ndarray) -> Any:
    def add(ti: int, spike_idxs: Any, permanent: bool = False) -> None:
        np.add.at(sent, np.asarray(spike_idxs, dtype=int), 1)
        add_spikes(ti, spike_idxs, permanent)

    return add


def _emulator(sim: Any) -> Any:
    if "emulator" not in sim.sims:
        raise UnsupportedError(
            "the simulator runs on hardware; counting spikes needs the emulator: "
            'pass target="sim"'
        )
    return sim.sims["emulator"]


def _nengo_simulators(sim: Any) -> Iterator[nengo.Simulator]:
    if isinstance(sim, nengo.Simulator):
        yield sim
    else:
        yield from (s for name, s in sim.sims.items() if name.startswith("host"))
