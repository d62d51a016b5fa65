"""Nengo and NengoLoihi: one inference after the other, each as if it were alone."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ...common.assumptions import Assumption
from ...common.exceptions import UnsupportedError
from ...compat import counting, emulator
from ...network.learning import Learning, learned_on_chip
from ...network.objects import base, is_tensor_node
from ...network.topology import Population
from ..emulator import open_prepared
from ..on_loihi.names import Names
from ..on_loihi.preparing import prepare_network
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

LEFT_TO_HOST = Assumption(
    "left-to-host", "The host runs what the chip doesn't have: {}."
)

LONGEST = 100
"""Most timesteps that are run, and recorded by probes, in one go."""


class SequentialRunner(Runner):
    """A simulator that runs one inference after the other.

    Attributes
    ----------
    sim : nengo.Simulator or nengo_loihi.Simulator
        The simulator.
    counts : dict of {(population, kind): (n_neurons,) ndarray}
        What was accumulated since the first timestep, as it is.
    recorded : dict of {nengo.Probe: list of ndarray}
        What probes on the host saw since they were cleared.
    """

    sim: Any

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.counts: dict[tuple[str, str], np.ndarray] = {}
        self.recorded: dict[nengo.Probe, list[np.ndarray]] = {}

    @abstractmethod
    def reset(self) -> None:
        """Go back to the first timestep."""

    @abstractmethod
    def run_steps(self, n_steps: int) -> None:
        """Run some timesteps."""

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
            means.add(start, end, self.seen())
            self.clear_seen()
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

    def count_and_record(
        self, host: nengo.Simulator, populations: Sequence[Population]
    ) -> None:
        """Count and record in a simulator of Nengo what there is in it."""
        names, wanted = wanted_counters(populations, self.dt)
        self.counts.update(zip(names, counting.count_in(host, wanted)))
        probes = [p for p in self.probes if p in host.model.probes]
        self.recorded.update(counting.record_in(host, probes))

    def seen(self) -> dict[nengo.Probe, np.ndarray]:
        """Return what probes saw since they were cleared, (1, n_steps, size) each."""
        return {
            probe: np.asarray(
                self.recorded[probe] if probe in self.recorded else self.sim.data[probe]
            )[None]
            for probe in self.probes
        }

    def clear_seen(self) -> None:
        """Forget what probes saw, those of the network too."""
        for rows in self.recorded.values():
            rows.clear()
        self.sim.clear_probes()

    def clear_peaks(self) -> None:
        """Forget the largest outputs so far."""
        for (_, kind), count in self.counts.items():
            if kind == "peak":
                count[...] = 0

    def read(self) -> dict[tuple[str, str], np.ndarray]:
        """Return what was accumulated since the first timestep, (n_neurons,) each."""
        return {name: count.copy() for name, count in self.counts.items()}


class NengoRunner(SequentialRunner):
    """Nengo's own simulator."""

    name = "nengo"

    def __enter__(self) -> Runner:
        refuse_volumes(self.network)
        for node in filter(is_tensor_node, self.network.all_nodes):
            raise UnsupportedError(
                f"{Names(self.network)[node]} is a TensorNode, which runs on NengoDL "
                "alone; measure with simulator='nengo-dl'"
            )
        self.sim = counting.open_nengo(self.network, self.dt)
        self.count_and_record(self.sim, self.populations)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.close()

    def reset(self) -> None:
        self.sim.reset()

    def run_steps(self, n_steps: int) -> None:
        self.sim.run_steps(n_steps, progress_bar=False)


class LoihiRunner(SequentialRunner):
    """NengoLoihi's emulators: the chip's own counters, and ours on the host.

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
        form = prepare_network(self.network)
        self.left = [str(change) for change in form.changes if change.kind == "host"]
        self.on_chip = [p for p in self.populations if p.ensemble not in form.on_host]
        on_host = [p for p in self.populations if p.ensemble in form.on_host]
        self.sim = open_prepared(form, emulator=self.emulator, dt=self.dt, target="sim")
        for sim in emulator.nengo_simulators(self.sim):
            here = [p for p in on_host if p.ensemble.neurons in sim.model.sig]
            self.count_and_record(sim, here)
        self.sim.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.sim.__exit__(*exc_info)

    def reset(self) -> None:
        emulator.reset_emulator(self.sim)
        self.earlier = self._chip_spikes()

    def clear_peaks(self) -> None:
        super().clear_peaks()
        self.earlier = self._chip_spikes()

    def run_steps(self, n_steps: int) -> None:
        self.sim.run_steps(n_steps)

    def read(self) -> dict[tuple[str, str], np.ndarray]:
        counts = super().read()
        spikes = self._chip_spikes()
        for pop in self.on_chip:
            count, earlier = spikes[pop.ensemble], self.earlier[pop.ensemble]
            counts.update(self.chip_counts(pop, count, count > earlier))
        return counts

    def assumptions(self) -> tuple[Assumption, ...]:
        """Return which ensembles the host runs, as the chip can't."""
        if not self.left:
            return ()
        text = LEFT_TO_HOST.text.format("; ".join(self.left))
        return (Assumption(LEFT_TO_HOST.code, text),)

    def learned(self, learning: Learning, start: int, end: int) -> dict[str, int]:
        if learning.place in {pop.name for pop in self.on_chip}:
            return learned_on_chip(learning.shape, start, end)
        return super().learned(learning, start, end)

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


def refuse_volumes(network: nengo.Network) -> None:
    """Refuse convolutions along three axes, which Nengo's own simulator can't compute.

    Raises
    ------
    UnsupportedError
        Names the object that such a convolution leads to.
    """
    for conn in network.all_connections:
        if getattr(conn.transform, "dimensions", 0) > 2:
            raise UnsupportedError(
                f"{base(conn.post_obj).label or conn.post_obj}: Nengo's own simulator "
                f"has convolutions along one axis or two, and this has "
                f"{conn.transform.dimensions}; take the simulator 'compiled' or "
                "'nengo-dl'"
            )


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
