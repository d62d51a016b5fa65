"""Nengo and NengoLoihi: one inference after the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ...compat import counting, emulator
from ...network.topology import Population
from ..emulator import open_simulator
from .runner import (
    BatchCounts,
    Inputs,
    Runner,
    Tick,
    counter_kinds,
    sum_up,
    wanted_counters,
)
from .schedule import Means, Schedule

LONGEST = 100
"""Most timesteps that are run, and recorded by probes, in one go."""


class SequentialRunner(Runner):
    """A simulator that runs one inference after the other."""

    sim: Any

    @abstractmethod
    def reset(self) -> None:
        """Go back to the first timestep."""

    @abstractmethod
    def clear_peaks(self) -> None:
        """Forget the largest outputs so far."""

    @abstractmethod
    def run_steps(self, n_steps: int) -> None:
        """Run some timesteps."""

    @abstractmethod
    def read(self) -> dict[tuple[str, str], np.ndarray]:
        """Return what was accumulated since the first timestep, (n_neurons,) each."""

    def run(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        n_inferences = min((len(x) for x in inputs.values()), default=1)
        each = [
            list(self._run_one({n: x[k] for n, x in inputs.items()}, schedule, tick))
            for k in range(n_inferences)
        ]
        for at_mark in zip(*each):
            yield stack(at_mark)

    def _run_one(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        varying = any(len(x) > 1 for x in inputs.values())
        self.reset()
        before = self.read()
        means = Means(self.probes, schedule)
        for start, end in schedule.segments(1 if varying else LONGEST):
            if start == schedule.warmup:
                self.clear_peaks()
                before = self.read()
            for node, x in inputs.items():
                if start == 0 or len(x) > 1:
                    emulator.set_input(self.sim, node, x[min(start, len(x) - 1)])
            self.run_steps(end - start)
            means.add(start, end, {p: self.sim.data[p][None] for p in self.probes})
            self.sim.clear_probes()
            tick(end - start)
            mark = schedule.mark_at(end)
            if mark is not None:
                batch = sum_up(self.populations, self._counted(before), self.dt)
                batch.outputs = means.at(mark)
                yield batch

    def _counted(
        self, before: Mapping[tuple[str, str], np.ndarray]
    ) -> dict[tuple[str, str], np.ndarray]:
        """Return what was accumulated since the warm-up, (1, n_neurons) each."""
        return {
            (pop, kind): (count if kind == "peak" else count - before[pop, kind])[None]
            for (pop, kind), count in self.read().items()
        }


class NengoRunner(SequentialRunner):
    """Nengo's own simulator."""

    name = "nengo"

    def __enter__(self) -> Runner:
        self.names, wanted = wanted_counters(self.populations, self.dt)
        self.sim, self.totals = counting.open_nengo(self.network, self.dt, wanted)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.close()

    def reset(self) -> None:
        self.sim.reset()

    def clear_peaks(self) -> None:
        for (_, kind), total in zip(self.names, self.totals):
            if kind == "peak":
                self.sim.signals[total][...] = 0

    def run_steps(self, n_steps: int) -> None:
        self.sim.run_steps(n_steps, progress_bar=False)

    def read(self) -> dict[tuple[str, str], np.ndarray]:
        return {
            name: self.sim.signals[total].copy()
            for name, total in zip(self.names, self.totals)
        }


class LoihiRunner(SequentialRunner):
    """NengoLoihi's emulators: the chip's own counters, and nodes for the host.

    Spikes of the chip are read from the emulator, so that nothing is probed there.

    Parameters
    ----------
    *args
        See `Runner`.
    emulator : str, optional
        See `nengo_energy.activity.emulator.open_simulator`.
    """

    name = "loihi"

    def __init__(self, *args: Any, emulator: str | None = None):
        super().__init__(*args)
        self.emulator = emulator

    def __enter__(self) -> Runner:
        host = emulator.host_ensembles(self.network)
        self.on_chip = [p for p in self.populations if p.ensemble not in host]
        self.on_host = [p for p in self.populations if p.ensemble in host]
        outer, self.counts = _with_counting_nodes(self.network, self.on_host, self.dt)
        emulator.copy_placement(self.network, outer)
        self.sim = open_simulator(
            outer, emulator=self.emulator, dt=self.dt, target="sim"
        )
        self.sim.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.__exit__(*exc_info)

    def reset(self) -> None:
        emulator.reset_emulator(self.sim)
        for count in self.counts.values():
            count[...] = 0
        self.earlier = self._chip_spikes()

    def clear_peaks(self) -> None:
        for (_, kind), count in self.counts.items():
            if kind == "peak":
                count[...] = 0
        self.earlier = self._chip_spikes()

    def run_steps(self, n_steps: int) -> None:
        self.sim.run_steps(n_steps)

    def read(self) -> dict[tuple[str, str], np.ndarray]:
        counts = {name: count.copy() for name, count in self.counts.items()}
        spikes = self._chip_spikes()
        for pop in self.on_chip:
            count, earlier = spikes[pop.ensemble], self.earlier[pop.ensemble]
            counts.update(self.chip_counts(pop, count, count > earlier))
        return counts

    def chip_counts(
        self, pop: Population, count: np.ndarray, spiked: np.ndarray
    ) -> dict[tuple[str, str], np.ndarray]:
        """Return what a population on the chip would have accumulated on the host.

        Parameters
        ----------
        pop : Population
            A population that is on the chip.
        count : (n_neurons,) int ndarray
            Spikes of each neuron.
        spiked : (n_neurons,) bool ndarray
            Whether each neuron spiked after the warm-up.
        """
        # the chip spikes once in a timestep at most, whatever Nengo's neurons do
        output = pop.amplitude / self.dt
        values = {"active": count, "peak": spiked * output}
        return {
            (pop.name, kind): values.get(kind, count * output)
            for kind in counter_kinds(pop)
        }

    def _chip_spikes(self) -> dict[nengo.Ensemble, np.ndarray]:
        ensembles = [pop.ensemble for pop in self.on_chip]
        return emulator.chip_spike_counts(self.sim, ensembles)


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


def stack(each: Sequence[BatchCounts]) -> BatchCounts:
    """Join single inferences into a batch."""
    batch = BatchCounts()
    for name in each[0].spikes:
        batch.spikes[name] = np.concatenate([b.spikes[name] for b in each])
        batch.active[name] = np.concatenate([b.active[name] for b in each])
        batch.peak[name] = max(b.peak[name] for b in each)
    for probe in each[0].outputs:
        batch.outputs[probe] = np.concatenate([b.outputs[probe] for b in each])
    return batch
