"""Run a network on one simulator, batch by batch, and return integer spike counts.

Each runner leaves the network as it is: what counts is added in a network around it.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

import nengo
import numpy as np

from .compat import counting, emulator, import_nengo_dl, import_nengo_loihi
from .topology import Population

SIMULATORS = ("nengo", "nengo-dl", "loihi")
"""Names of the simulators that `nengo_energy.measure_activity` can use."""

SINGLE_SPIKE_TYPES = frozenset(
    "LIF AdaptiveLIF Izhikevich LoihiLIF LoihiSpikingRectifiedLinear".split()
)
"""Neuron types that spike at most once in a timestep."""

CHUNK_BYTES = 16 * 2**20
"""Most memory that the repeated inputs of a batch may take at once."""


@dataclass(frozen=True)
class Schedule:
    """Which timesteps are run, and which of them count.

    Attributes
    ----------
    warmup : int
        Timesteps before counting begins.
    timesteps : int
        Timesteps that are counted.
    window : int
        Timesteps at the end over which outputs are averaged.
    """

    warmup: int
    timesteps: int
    window: int

    @property
    def total(self) -> int:
        """Timesteps that are run."""
        return self.warmup + self.timesteps

    def segments(self, longest: int) -> Iterator[tuple[int, int]]:
        """Yield (first, end) of stretches that cross no boundary of the schedule."""
        marks = sorted({0, self.warmup, self.total - self.window, self.total})
        for first, end in zip(marks, marks[1:]):
            for start in range(first, end, longest):
                yield start, min(start + longest, end)

    def in_window(self, start: int) -> bool:
        """Tell whether outputs of a stretch that begins here are averaged."""
        return start >= self.total - self.window


@dataclass
class BatchCounts:
    """What a batch of inferences did.

    Attributes
    ----------
    spikes : dict of {str: (batch, n_neurons) ndarray}
        Spikes of each neuron, by population; not yet rounded for rate neurons.
    active : dict of {str: (batch,) ndarray}
        Neurons x timesteps with at least one spike, by population.
    peak : dict of {str: int}
        Most spikes of a neuron in a timestep, by population.
    outputs : dict of {nengo.Probe: (batch, size) ndarray}
        Mean of the probes over the window.
    """

    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    active: dict[str, np.ndarray] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    outputs: dict[Any, np.ndarray] = field(default_factory=dict)


class Runner(ABC):
    """One open simulator. Use as a context manager.

    Parameters
    ----------
    network : nengo.Network
        The network to run.
    populations : sequence of Population
        The populations to count.
    probes : sequence of nengo.Probe
        Probes of the network whose mean is wanted.
    dt : float
        Length of a timestep [s].
    batch_size : int
        Inferences that are run side by side.
    """

    def __init__(
        self,
        network: nengo.Network,
        populations: Sequence[Population],
        probes: Sequence[nengo.Probe],
        dt: float,
        batch_size: int,
    ):
        self.network = network
        self.populations = populations
        self.probes = probes
        self.dt = dt
        self.batch_size = batch_size
        self.counting = False

    @abstractmethod
    def __enter__(self) -> Runner:
        """Build the simulator."""

    @abstractmethod
    def __exit__(self, *exc_info: Any) -> None:
        """Close the simulator."""

    @abstractmethod
    def run(
        self,
        inputs: Mapping[nengo.Node, np.ndarray],
        schedule: Schedule,
        tick: Callable[[int], None],
    ) -> BatchCounts:
        """Run one batch from the first timestep.

        Parameters
        ----------
        inputs : mapping of {nengo.Node: ndarray}
            (batch, 1, size) for constant, (batch, total timesteps, size) for
            time-varying input.
        schedule : Schedule
            What to run and count.
        tick : callable
            Told how many inferences x timesteps were done since the last call.
        """


def counter_kinds(population: Population) -> tuple[str, ...]:
    """Return the counts that a population needs; see `counting.SpikeCounter`."""
    if not population.spiking:
        return ("rate",)
    if population.neuron_type in SINGLE_SPIKE_TYPES:
        return ("spikes",)
    return ("spikes", "active", "peak")


def add_counts(
    batch: BatchCounts, population: Population, counts: Mapping[str, np.ndarray]
) -> None:
    """Write the counts of one population, one for each kind, into the batch's."""
    spikes = counts["rate" if "rate" in counts else "spikes"]
    batch.spikes[population.name] = spikes
    if "active" in counts:
        batch.active[population.name] = counts["active"].sum(axis=-1)
        batch.peak[population.name] = int(np.max(counts["peak"], initial=0))
    else:
        # one spike a timestep at most; rate neurons are taken the same way
        batch.active[population.name] = spikes.sum(axis=-1)
        batch.peak[population.name] = int(np.any(spikes))


class NengoDLRunner(Runner):
    """NengoDL: minibatches in TensorFlow, counted inside its graph."""

    def __enter__(self) -> Runner:
        nengo_dl = import_nengo_dl()
        counting.install_spike_counter()
        outer = _around(self.network)
        with outer:
            nengo_dl.configure_settings(**_nengo_dl_settings(self.network))
            self.counters = {
                (pop.name, kind): nengo.Probe(
                    pop.ensemble.neurons,
                    synapse=counting.SpikeCounter(kind, pop.amplitude),
                )
                for pop in self.populations
                for kind in counter_kinds(pop)
            }
            # a probe reads a filter before it takes in the timestep's own spikes
            self.latest = {
                pop.name: nengo.Probe(pop.ensemble.neurons, synapse=None)
                for pop in self.populations
            }
        for probe in [*self.counters.values(), *self.latest.values()]:
            outer.config[probe].keep_history = False
        with warnings.catch_warnings():
            # NengoDL wants a GPU, and its own warnings are for its developers
            warnings.simplefilter("ignore")
            self.sim = nengo_dl.Simulator(
                outer, dt=self.dt, minibatch_size=self.batch_size, progress_bar=False
            )
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.close()

    def run(
        self,
        inputs: Mapping[nengo.Node, np.ndarray],
        schedule: Schedule,
        tick: Callable[[int], None],
    ) -> BatchCounts:
        n_inferences = min((len(x) for x in inputs.values()), default=self.batch_size)
        padding = self.batch_size - n_inferences
        padded = {
            node: np.concatenate([x, np.repeat(x[-1:], padding, axis=0)])
            for node, x in inputs.items()
        }
        row = sum(x.shape[0] * x.shape[2] * 4 for x in padded.values())
        longest = max(1, CHUNK_BYTES // max(1, row))
        self.sim.reset(
            include_trainable=False, include_probes=False, include_processes=False
        )
        batch = BatchCounts()
        sums = {probe: 0.0 for probe in self.probes}
        before: dict[tuple[str, str], np.ndarray] = {}
        values: dict[Any, np.ndarray] = {}
        for start, end in schedule.segments(longest):
            if start == schedule.warmup > 0:
                before = self._read(values)
            data = {node: _steps(x, start, end) for node, x in padded.items()}
            values = self.sim.predict_on_batch(
                data or None, n_steps=end - start, stateful=True
            )
            if schedule.in_window(start):
                for probe in self.probes:
                    sums[probe] = sums[probe] + values[probe].sum(axis=1)
            tick((end - start) * n_inferences)
        after = self._read(values)
        for pop in self.populations:
            counts = {}
            for kind in counter_kinds(pop):
                count = after[pop.name, kind]
                if before and kind != "peak":
                    count = count - before[pop.name, kind]
                counts[kind] = count[:n_inferences]
            add_counts(batch, pop, counts)
        for probe in self.probes:
            mean = np.asarray(sums[probe]) / schedule.window
            batch.outputs[probe] = mean[:n_inferences]
        return batch

    def _read(self, values: Mapping[Any, np.ndarray]) -> dict[tuple[str, str], Any]:
        """Return the counts up to the last timestep, (batch, n_neurons) each."""
        counts = {}
        for pop in self.populations:
            latest = values[self.latest[pop.name]][:, -1] * (self.dt / pop.amplitude)
            for kind in counter_kinds(pop):
                total = values[self.counters[pop.name, kind]][:, -1].astype(float)
                counts[pop.name, kind] = counting.accumulate(np, kind, total, latest)
        return counts


class NengoRunner(Runner):
    """Nengo's own simulator: one inference after the other."""

    def __enter__(self) -> Runner:
        outer, self.counts = _with_counting_nodes(self.network, self.populations, self)
        self.sim = nengo.Simulator(outer, dt=self.dt, progress_bar=False)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.close()

    def run(
        self,
        inputs: Mapping[nengo.Node, np.ndarray],
        schedule: Schedule,
        tick: Callable[[int], None],
    ) -> BatchCounts:
        n_inferences = min((len(x) for x in inputs.values()), default=1)
        each = [
            self._run_one({n: x[k] for n, x in inputs.items()}, schedule, tick)
            for k in range(n_inferences)
        ]
        return _stack(each)

    def _reset(self) -> None:
        self.sim.reset()

    def _chip_counts(self) -> dict[Any, np.ndarray]:
        """Return the counts of neurons that no node can watch."""
        return {}

    def _run_one(
        self,
        inputs: Mapping[nengo.Node, np.ndarray],
        schedule: Schedule,
        tick: Callable[[int], None],
    ) -> BatchCounts:
        varying = any(len(x) > 1 for x in inputs.values())
        self._reset()
        for count in self.counts.values():
            count[...] = 0
        sums: dict[Any, Any] = {probe: 0.0 for probe in self.probes}
        on_chip: dict[Any, np.ndarray] = {}
        for start, end in schedule.segments(1 if varying else 100):
            if start == schedule.warmup:
                on_chip = self._chip_counts()
            self.counting = start >= schedule.warmup
            for node, x in inputs.items():
                if start == 0 or len(x) > 1:
                    emulator.set_input(self.sim, node, x[min(start, len(x) - 1)])
            self.sim.run_steps(end - start, **self._run_options)
            if schedule.in_window(start):
                for probe in self.probes:
                    sums[probe] = sums[probe] + self.sim.data[probe].sum(axis=0)
            self.sim.clear_probes()
            tick(end - start)
        batch = BatchCounts()
        after = self._chip_counts()
        for pop in self.populations:
            if pop.ensemble in after:
                spikes = after[pop.ensemble] - on_chip[pop.ensemble]
                counts = {"spikes": spikes}
            else:
                counts = {k: self.counts[pop.name, k] for k in counter_kinds(pop)}
            add_counts(batch, pop, {k: v[None].copy() for k, v in counts.items()})
        for probe in self.probes:
            batch.outputs[probe] = np.atleast_1d(sums[probe] / schedule.window)[None]
        return batch

    _run_options: Mapping[str, Any] = {"progress_bar": False}


class LoihiRunner(NengoRunner):
    """NengoLoihi's emulator: the chip's own counters, and nodes for what is on the host.

    Spikes of the chip are read from the emulator, so that nothing is probed there.
    """

    _run_options: Mapping[str, Any] = {}

    def __enter__(self) -> Runner:
        nengo_loihi = import_nengo_loihi()
        on_host = emulator.host_ensembles(self.network)
        outer, self.counts = _with_counting_nodes(
            self.network, [p for p in self.populations if p.ensemble in on_host], self
        )
        emulator.copy_placement(self.network, outer)
        self.sim = nengo_loihi.Simulator(outer, dt=self.dt, target="sim")
        self.sim.__enter__()
        self.on_chip = [
            p.ensemble for p in self.populations if p.ensemble not in on_host
        ]
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.__exit__(*exc_info)

    def _reset(self) -> None:
        emulator.reset_emulator(self.sim)

    def _chip_counts(self) -> dict[Any, np.ndarray]:
        return emulator.chip_spike_counts(self.sim, self.on_chip)


RUNNERS: Mapping[str, type[Runner]] = {
    "nengo": NengoRunner,
    "nengo-dl": NengoDLRunner,
    "loihi": LoihiRunner,
}


def _around(network: nengo.Network) -> nengo.Network:
    """Return a new network that holds the given one, which doesn't notice."""
    outer = nengo.Network(label="measurement", seed=0, add_to_container=False)
    outer.networks.append(network)
    return outer


def _with_counting_nodes(
    network: nengo.Network, populations: Sequence[Population], switch: Any
) -> tuple[nengo.Network, dict[tuple[str, str], np.ndarray]]:
    """Put nodes beside a network that count while ``switch.counting`` is true."""
    outer = _around(network)
    counts = {}
    for pop in populations:
        totals = {k: np.zeros(pop.n_neurons) for k in counter_kinds(pop)}
        counts.update({(pop.name, kind): total for kind, total in totals.items()})

        def count(
            t: float, x: np.ndarray, totals: Any = totals, a: float = pop.amplitude
        ) -> None:
            if switch.counting:
                for kind, total in totals.items():
                    counting.accumulate(np, kind, total, x * (switch.dt / a))

        with outer:
            node = nengo.Node(count, size_in=pop.n_neurons, label=f"count {pop.name}")
            nengo.Connection(pop.ensemble.neurons, node, synapse=None)
    return outer, counts


def _nengo_dl_settings(network: nengo.Network) -> dict[str, Any]:
    """Return the settings of a network that was built for NengoDL."""
    if nengo.Network not in network.config.params:
        return {"keep_history": True, "stateful": True}
    params = network.config[nengo.Network].extra_params
    settings = {name: getattr(network.config[nengo.Network], name) for name in params}
    return {**settings, "keep_history": True, "stateful": True}


def _steps(x: np.ndarray, start: int, end: int) -> np.ndarray:
    """Return an input's values in some timesteps, (batch, end - start, size)."""
    if x.shape[1] > 1:
        return x[:, start:end]
    return np.broadcast_to(x, (x.shape[0], end - start, x.shape[2]))


def _stack(each: Sequence[BatchCounts]) -> BatchCounts:
    """Join single inferences into a batch."""
    batch = BatchCounts()
    if not each:
        return batch
    for name in each[0].spikes:
        batch.spikes[name] = np.concatenate([b.spikes[name] for b in each])
        batch.active[name] = np.concatenate([b.active[name] for b in each])
        batch.peak[name] = max(b.peak[name] for b in each)
    for probe in each[0].outputs:
        batch.outputs[probe] = np.concatenate([b.outputs[probe] for b in each])
    return batch
