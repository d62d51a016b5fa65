"""Reach into a running nengo_loihi.Simulator: reset it, feed it, read its counters."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, Callable, Iterator, Mapping, Protocol, cast
from weakref import WeakKeyDictionary

import nengo
import numpy as np

from ..common.defaults import DT
from ..common.exceptions import UnsupportedError
from .counting import make_repeatable
from .loihi import import_nengo_loihi
from .loihi_building import building
from .loihi_image import note_owners
from .loihi_probes import allow_sample_every

HOSTS = ("host_pre", "host")
"""NengoLoihi's simulators of what runs on the host: of what the chip's input depends
on, if it can be computed ahead, and of the rest."""

TRACE_EVERY = 2
"""Timesteps from one update of filtered spikes to the next, where NengoLoihi learns:
``train_epoch`` of nengo_loihi.block.Synapse."""

LEARN_EVERY = 4
"""Timesteps from one update of weights to the next: ``learn_epoch``."""


_first_weights: WeakKeyDictionary[Any, list[tuple[np.ndarray, np.ndarray]]]
_first_weights = WeakKeyDictionary()
"""Weights that learn, by simulator, each beside what they were before it learnt."""


def open_emulator(
    network: nengo.Network,
    *,
    seeds: Mapping[Any, int] | None = None,
    seeded: Mapping[Any, bool] | None = None,
    stands_for: Mapping[Any, Any] | None = None,
    pieces: Mapping[Any, int] | None = None,
    **options: Any,
) -> Any:
    """Return a nengo_loihi.Simulator of a network.

    Its emulator fills arrays of integers with NaN before it sets them, of which NumPy
    would warn each time.

    Parameters
    ----------
    network : nengo.Network
        The network to build.
    seeds, seeded : mapping of {object: int} and {object: bool}, optional
        Seeds of its objects, and whether they were set, by default as Nengo has them.
    stands_for : mapping, optional
        Objects of the network -> those by which they are asked for in ``sim.data``.
    pieces : mapping, optional
        See `nengo_energy.compat.loihi_building.building`.
    **options
        Passed on to ``nengo_loihi.Simulator``.

    Raises
    ------
    BuildFailure
        If NengoLoihi doesn't build an object of the network.
    """
    nengo_loihi = import_nengo_loihi()
    if options.get("model") is None:
        dt = float(options.get("dt", DT))
        options["model"] = nengo_loihi.builder.Model(dt=dt, label=str(network))
    model = options["model"]
    model.seeds.update(seeds or {})
    model.seeded.update(seeded or {})
    note_owners(model, network)
    with _casts_accepted(), building(model, network, pieces or {}):
        sim = nengo_loihi.Simulator(network, **options)
    seed = options.get("seed")
    if seed is None and network.seed is not None:
        seed = network.seed + 1
    _seed_hosts(sim, seed)
    _first_weights[sim] = [
        (weights, weights.copy())
        for block in model.blocks
        for synapse in block.synapses
        if synapse.learning
        for weights in synapse.weights
    ]
    allow_sample_every(sim, model)
    for new, old in (stands_for or {}).items():
        if isinstance(new, nengo.Ensemble) and new in model.objs:
            model.objs[old] = model.objs[new]
        hosts = (host.model.params for host in nengo_simulators(sim))
        for params in (model.params, *hosts):
            if new in params:
                params.setdefault(old, params[new])
    return sim


def _seed_hosts(sim: Any, seed: int | None) -> None:
    """Give hosts the seed that Nengo's simulator would have, if there is one.

    NengoLoihi gives it to the chip alone. The second host gets the next one, so that
    its noise isn't that of the first.
    """
    hosts = list(nengo_simulators(sim))
    for k, host in enumerate(hosts):
        make_repeatable(host, None if seed is None else seed + k)
    if hosts:
        _renew_runner(sim)


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

    The network isn't built again: chip and host keep their weights, those that learn
    become what they were, and every state, spike in flight and recorded probe value is
    cleared.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator.
    """
    for spike_input in sim.model.inputs:
        for ti in [t for t in spike_input.spikes if t not in spike_input.permanent]:
            del spike_input.spikes[ti]
    sim.clear_probes()
    for weights, first in _first_weights.get(sim, []):
        weights[...] = first
    for name in HOSTS:
        if name in sim.sims:
            sim.sims[name].reset()
    with _casts_accepted():
        fresh = watched_emulator(sim).restarted(sim.model)
    install_emulator(sim, fresh)
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
    install_emulator(sim, emulator)


def install_emulator(sim: Any, emulator: Any) -> None:
    """Let a simulator run on an emulator from here on."""
    sim.sims["emulator"] = emulator
    _renew_runner(sim)


def _renew_runner(sim: Any) -> None:
    """Let what passes between hosts and chip go the way that they have now."""
    from nengo_loihi.simulator import StepRunner

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
    for host in nengo_simulators(sim):
        signals = host.model.sig.get(node, {})
        with contextlib.suppress(
            KeyError
        ):  # NengoLoihi has two hosts, one has the node
            host.signals[signals["out"]][...] = value
            n_found += 1
    if n_found == 0:
        raise UnsupportedError(f"{node} isn't part of the simulation, or has no output")


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


def chip_emulator(sim: Any) -> Any:
    """Return the emulator that a simulator runs on."""
    if "emulator" not in sim.sims:
        raise UnsupportedError(
            "the simulator runs on hardware; counting spikes needs the emulator: "
            'pass target="sim"'
        )
    return sim.sims["emulator"]


class Watch(Protocol):
    """What an emulator counts while it is watched, (n_compartments,) int64 ndarrays."""

    @property
    def overflows(self) -> np.ndarray:
        """Times that a number of each compartment exceeded its bits."""

    @property
    def repeats(self) -> np.ndarray:
        """Spikes of each compartment that followed one in the timestep before."""


class WatchedEmulator(Protocol):
    """What we ask of an emulator beside what NengoLoihi does.

    The compiled emulator is one; NengoLoihi's own becomes one as `StockEmulator`.
    """

    program: Any
    """The flattened network that inferences can run on side by side, None without."""

    def restarted(self, model: Any) -> Any:
        """Return an emulator of the same model at its first timestep."""

    def watch(self) -> Watch:
        """Count overflows and repeats of each compartment from now on."""


class StockEmulator:
    """NengoLoihi's own emulator as a `WatchedEmulator`."""

    program = None

    def __init__(self, own: Any):
        self._own = own

    def restarted(self, model: Any) -> Any:
        """Return an emulator of the same model at its first timestep."""
        return type(self._own)(model, seed=self._own.seed)

    def watch(self) -> Watch:
        """Count overflows and repeats of each compartment from now on."""
        return _StockWatch(self._own)


def watched_emulator(sim: Any) -> WatchedEmulator:
    """Return the emulator that a simulator runs on, with what we ask of it beside."""
    from nengo_loihi.emulator import EmulatorInterface

    emulator = chip_emulator(sim)
    if type(emulator) is EmulatorInterface:
        return StockEmulator(emulator)
    return cast(WatchedEmulator, emulator)


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


def nengo_simulators(sim: Any) -> Iterator[nengo.Simulator]:
    """Yield the simulator itself if it is Nengo's, or the hosts of NengoLoihi's."""
    if isinstance(sim, nengo.Simulator):
        yield sim
    else:
        yield from (sim.sims[name] for name in HOSTS if name in sim.sims)
