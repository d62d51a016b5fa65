"""Run a network on one simulator, batch by batch, and return integer spike counts.

Each runner leaves the network as it is: what counts is added in a network around it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

import nengo
import numpy as np

from .compat import counting, emulator
from .exceptions import UnsupportedError
from .topology import Population

SIMULATORS = ("nengo", "nengo-dl", "loihi")
"""Names of the simulators that `nengo_energy.measure_activity` can use."""

SINGLE_SPIKE_TYPES = frozenset(
    "LIF AdaptiveLIF Izhikevich LoihiLIF LoihiSpikingRectifiedLinear".split()
)
"""Neuron types that spike at most once in a timestep."""

MAX_CHUNK = 1000
"""Most timesteps that are accumulated in single precision, far below its limits."""

CHUNK_BYTES = 8 * 2**20
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
        """Yield (first, end) of stretches that don't cross the end of the warm-up.

        They have one length if they can: TensorFlow traces a graph for each length.
        """
        common = math.gcd(self.warmup, self.timesteps)
        divisors = [n for n in range(1, min(longest, common) + 1) if common % n == 0]
        if 4 * divisors[-1] >= min(longest, common):
            longest = divisors[-1]
        for first, end in ((0, self.warmup), (self.warmup, self.total)):
            for start in range(first, end, longest):
                yield start, min(start + longest, end)

    def averaged(self, start: int, end: int) -> slice:
        """Return which timesteps of a stretch are in the window, from its start."""
        return slice(max(0, self.total - self.window - start), end - start)


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
    """Return what to accumulate of a population; see `counting.KINDS`."""
    total = "magnitude" if population.ensemble.neuron_type.negative else "sum"
    if not population.spiking or population.neuron_type in SINGLE_SPIKE_TYPES:
        return (total,)
    return (total, "active", "peak")


def wanted_counters(
    populations: Sequence[Population], dt: float
) -> tuple[list[tuple[str, str]], list[tuple[nengo.Ensemble, str, float]]]:
    """Return the names of all counts, and what `counting.add_counters` is to be told.

    A neuron is active when it puts out more than half a spike.
    """
    pairs = [(pop, kind) for pop in populations for kind in counter_kinds(pop)]
    names = [(pop.name, kind) for pop, kind in pairs]
    return names, [(pop.ensemble, k, pop.amplitude / dt / 2) for pop, k in pairs]


def sum_up(
    populations: Sequence[Population],
    counts: Mapping[tuple[str, str], np.ndarray],
    dt: float,
) -> BatchCounts:
    """Turn accumulated outputs, (batch, n_neurons) each, into spikes."""
    batch = BatchCounts()
    for pop in populations:
        first, *others = counter_kinds(pop)
        spikes = counts[pop.name, first] * (dt / pop.amplitude)
        batch.spikes[pop.name] = spikes
        if others:
            batch.active[pop.name] = counts[pop.name, "active"].sum(axis=-1)
            peak = np.max(counts[pop.name, "peak"], initial=0) * (dt / pop.amplitude)
            batch.peak[pop.name] = round(peak)
        else:
            # one spike a timestep at most; rate neurons are taken the same way
            batch.active[pop.name] = spikes.sum(axis=-1)
            batch.peak[pop.name] = int(np.any(spikes))
    return batch


class NengoDLRunner(Runner):
    """NengoDL: minibatches in TensorFlow, counted inside its graph."""

    def __enter__(self) -> Runner:
        self.names, wanted = wanted_counters(self.populations, self.dt)
        self.sim, self.totals = counting.open_nengo_dl(
            self.network, self.dt, self.batch_size, wanted
        )
        if not self.sim.stateful:
            self.sim.close()
            raise UnsupportedError(
                "the network was configured with stateful=False, which forgets what "
                "was counted; use nengo_dl.configure_settings(stateful=True)"
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
            node: np.concatenate([x, np.repeat(x[-1:], padding, axis=0)], dtype="f4")
            for node, x in inputs.items()
        }
        row = sum(x.shape[0] * x.shape[2] * 4 for x in padded.values())
        longest = min(MAX_CHUNK, max(1, CHUNK_BYTES // max(1, row)))
        self.sim.reset(
            include_trainable=False, include_probes=False, include_processes=False
        )
        counts = {
            name: np.zeros((self.batch_size, *total.shape))
            for name, total in zip(self.names, self.totals)
        }
        means = _Means(self.probes, schedule)
        for start, end in schedule.segments(longest):
            data = {node: _steps(x, start, end) for node, x in padded.items()}
            values = self.sim.predict_on_batch(
                data or None, n_steps=end - start, stateful=True
            )
            for (pop, kind), total in zip(self.names, self.totals):
                count = counting.read_and_clear(self.sim, total)
                if start < schedule.warmup:
                    continue
                if kind == "peak":
                    np.maximum(counts[pop, kind], count, out=counts[pop, kind])
                else:
                    counts[pop, kind] += count
            means.add(start, end, values)
            tick((end - start) * n_inferences)
        counts = {name: count[:n_inferences] for name, count in counts.items()}
        batch = sum_up(self.populations, counts, self.dt)
        batch.outputs = {p: mean[:n_inferences] for p, mean in means.result().items()}
        return batch


class SequentialRunner(Runner):
    """A simulator that runs one inference after the other."""

    sim: Any

    @abstractmethod
    def reset(self) -> None:
        """Go back to the first timestep."""

    @abstractmethod
    def run_steps(self, n_steps: int) -> None:
        """Run some timesteps."""

    @abstractmethod
    def read(self) -> dict[tuple[str, str], np.ndarray]:
        """Return what was accumulated since the first timestep, (n_neurons,) each."""

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

    def _run_one(
        self,
        inputs: Mapping[nengo.Node, np.ndarray],
        schedule: Schedule,
        tick: Callable[[int], None],
    ) -> BatchCounts:
        varying = any(len(x) > 1 for x in inputs.values())
        self.reset()
        before = self.read()
        means = _Means(self.probes, schedule)
        for start, end in schedule.segments(1 if varying else 100):
            if start == schedule.warmup:
                before = self.read()
            for node, x in inputs.items():
                if start == 0 or len(x) > 1:
                    emulator.set_input(self.sim, node, x[min(start, len(x) - 1)])
            self.run_steps(end - start)
            means.add(start, end, {p: self.sim.data[p][None] for p in self.probes})
            self.sim.clear_probes()
            tick(end - start)
        counts = {
            # what a warm-up's peak was can't be taken away again
            (pop, kind): (count if kind == "peak" else count - before[pop, kind])[None]
            for (pop, kind), count in self.read().items()
        }
        batch = sum_up(self.populations, counts, self.dt)
        batch.outputs = means.result()
        return batch


class NengoRunner(SequentialRunner):
    """Nengo's own simulator."""

    def __enter__(self) -> Runner:
        self.names, wanted = wanted_counters(self.populations, self.dt)
        self.sim, self.totals = counting.open_nengo(self.network, self.dt, wanted)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.close()

    def reset(self) -> None:
        self.sim.reset()

    def run_steps(self, n_steps: int) -> None:
        self.sim.run_steps(n_steps, progress_bar=False)

    def read(self) -> dict[tuple[str, str], np.ndarray]:
        return {
            name: self.sim.signals[total].copy()
            for name, total in zip(self.names, self.totals)
        }


class LoihiRunner(SequentialRunner):
    """NengoLoihi's emulator: the chip's own counters, and nodes for the host.

    Spikes of the chip are read from the emulator, so that nothing is probed there.
    """

    def __enter__(self) -> Runner:
        host = emulator.host_ensembles(self.network)
        self.on_chip = [p for p in self.populations if p.ensemble not in host]
        self.on_host = [p for p in self.populations if p.ensemble in host]
        outer, self.counts = _with_counting_nodes(self.network, self.on_host, self.dt)
        emulator.copy_placement(self.network, outer)
        self.sim = emulator.open_emulator(outer, dt=self.dt, target="sim")
        self.sim.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.__exit__(*exc_info)

    def reset(self) -> None:
        emulator.reset_emulator(self.sim)
        for count in self.counts.values():
            count[...] = 0

    def run_steps(self, n_steps: int) -> None:
        self.sim.run_steps(n_steps)

    def read(self) -> dict[tuple[str, str], np.ndarray]:
        counts = {name: count.copy() for name, count in self.counts.items()}
        ensembles = [pop.ensemble for pop in self.on_chip]
        spikes = emulator.chip_spike_counts(self.sim, ensembles)
        for pop in self.on_chip:
            # the chip spikes once in a timestep at most, whatever Nengo's neurons do
            count = spikes[pop.ensemble] * (pop.amplitude / self.dt)
            for kind in counter_kinds(pop):
                values = {
                    "active": spikes[pop.ensemble],
                    "peak": (spikes[pop.ensemble] > 0) * (pop.amplitude / self.dt),
                }
                counts[pop.name, kind] = values.get(kind, count)
        return counts


RUNNERS: Mapping[str, type[Runner]] = {
    "nengo": NengoRunner,
    "nengo-dl": NengoDLRunner,
    "loihi": LoihiRunner,
}


class _Means:
    """Averages probes over the window of a schedule."""

    def __init__(self, probes: Sequence[nengo.Probe], schedule: Schedule):
        self.schedule = schedule
        self.sums: dict[nengo.Probe, Any] = {probe: 0.0 for probe in probes}

    def add(self, start: int, end: int, values: Mapping[Any, np.ndarray]) -> None:
        """Add what probes saw in a stretch of timesteps, (batch, steps, size)."""
        part = self.schedule.averaged(start, end)
        for probe in self.sums:
            if values[probe].shape[1] != end - start:
                raise UnsupportedError(
                    f"{probe} doesn't record every timestep; set keep_history=True and "
                    "sample_every=None on it"
                )
            self.sums[probe] = self.sums[probe] + values[probe][:, part].sum(axis=1)

    def result(self) -> dict[nengo.Probe, np.ndarray]:
        """Return the means, (batch, size) each."""
        return {p: total / self.schedule.window for p, total in self.sums.items()}


def _with_counting_nodes(
    network: nengo.Network, populations: Sequence[Population], dt: float
) -> tuple[nengo.Network, dict[tuple[str, str], np.ndarray]]:
    """Put nodes beside a network that count what some populations put out."""
    outer = nengo.Network(label="measurement", seed=0, add_to_container=False)
    outer.networks.append(network)
    counts = {}
    for pop in populations:
        totals = {kind: np.zeros(pop.n_neurons) for kind in counter_kinds(pop)}
        counts.update({(pop.name, kind): total for kind, total in totals.items()})

        def count(
            t: float, x: np.ndarray, totals: Any = totals, a: float = pop.amplitude
        ) -> None:
            for kind, total in totals.items():
                total[...] = counting.accumulate(np, kind, total, x, a / dt / 2)

        with outer:
            node = nengo.Node(count, size_in=pop.n_neurons, label=f"count {pop.name}")
            nengo.Connection(pop.ensemble.neurons, node, synapse=None)
    return outer, counts


def _steps(x: np.ndarray, start: int, end: int) -> np.ndarray:
    """Return an input's values in some timesteps, (batch, end - start, size)."""
    if x.shape[1] > 1:
        return x[:, start:end]
    return np.broadcast_to(x, (x.shape[0], end - start, x.shape[2]))


def _stack(each: Sequence[BatchCounts]) -> BatchCounts:
    """Join single inferences into a batch."""
    batch = BatchCounts()
    for name in each[0].spikes:
        batch.spikes[name] = np.concatenate([b.spikes[name] for b in each])
        batch.active[name] = np.concatenate([b.active[name] for b in each])
        batch.peak[name] = max(b.peak[name] for b in each)
    for probe in each[0].outputs:
        batch.outputs[probe] = np.concatenate([b.outputs[probe] for b in each])
    return batch
