"""What NengoLoihi leaves to the host, before the chip runs and after it.

In compiled loops where they can, for many inferences at once; otherwise by Nengo's
simulators, for one inference after the other. Both do the same to the last bit.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from ...common.exceptions import UnsupportedError
from ...common.plain_text import plain_line
from ...compat import emulator, loihi_host
from ..emulator.kernels import Records
from .runner import Inputs, counter_kinds
from .schedule import Means, Schedule
from .sequential import LONGEST, LoihiRunner

logger = logging.getLogger(__name__)

Counts = dict[Any, np.ndarray]
"""What populations on the host put out, (n_inferences, n_neurons) ndarrays."""

Outputs = dict[Any, np.ndarray]
"""Means of probes, (n_inferences, size) ndarrays."""

Sent = list[list[tuple[Any, np.ndarray, np.ndarray]]]
"""For each inference, see `loihi_host.run_before_chip`."""


def open_hosts(runner: LoihiRunner, recorder: Any) -> Hosts:
    """Return the hosts of an open simulator, compiled if they can be.

    Parameters
    ----------
    runner : LoihiRunner
        Has the simulator.
    recorder : Recorder
        Records the chip's output.
    """
    try:
        return CompiledHosts(runner, recorder)
    except UnsupportedError as reason:
        words = plain_line(str(reason))
        logger.info("Nengo runs what is on the host, as %s", words)
        return NengoHosts(runner, recorder)


class Hosts(ABC):
    """Run what is on the host for some inferences; see `open_hosts`."""

    def __init__(self, runner: LoihiRunner, recorder: Any):
        self.runner, self.sim, self.recorder = runner, runner.sim, recorder
        on_host = [pop for pop in runner.populations if pop not in runner.on_chip]
        self.populations = {
            name: [p for p in on_host if p.ensemble.neurons in host.model.sig]
            for name, host in self.sim.sims.items()
            if name in emulator.HOSTS
        }

    @abstractmethod
    def before(
        self, inputs: Inputs, n_inferences: int, schedule: Schedule
    ) -> tuple[Sent, dict[int, Counts]]:
        """Return what is sent to the chip, and what was put out up to each mark."""

    @abstractmethod
    def after(
        self, inputs: Inputs, records: Sequence[Records], schedule: Schedule
    ) -> tuple[dict[int, Outputs], dict[int, Counts]]:
        """Return the means of the probes, and what was put out, up to each mark.

        Parameters
        ----------
        inputs, schedule
            See `before`.
        records : sequence of Records
            What was recorded of the chip in all timesteps, for each inference.
        """


class CompiledHosts(Hosts):
    """The hosts in compiled loops."""

    def __init__(self, runner: LoihiRunner, recorder: Any):
        from ..compiled.program import Program, constant_nodes

        super().__init__(runner, recorder)
        self.sent = loihi_host.sent_signals(self.sim)
        self.programs: dict[str, Any] = {}
        for name, populations in self.populations.items():
            for pop in populations:
                if not pop.spiking:
                    raise UnsupportedError(f"{pop.name} puts out rates, not spikes")
            host = self.sim.sims[name]
            signals = host.model.sig
            inputs: dict[Any, Any] = dict(constant_nodes(runner.network, host.model))
            wanted: dict[Any, Any] = {
                pop.name: signals[pop.ensemble.neurons]["out"] for pop in populations
            }
            if name == "host":
                received = loihi_host.received_signals(self.sim)
                inputs.update({signal: probe for probe, signal in received.items()})
                wanted.update({probe: signals[probe]["in"] for probe in runner.probes})
            else:
                wanted.update({k: signal for k, (_, signal) in enumerate(self.sent)})
            self.programs[name] = Program(host.model, inputs, wanted, like=host)

    def before(
        self, inputs: Inputs, n_inferences: int, schedule: Schedule
    ) -> tuple[Sent, dict[int, Counts]]:
        from ..compiled.program import run_on_cores

        permanent = loihi_host.permanent_spikes(self.sim)
        if "host_pre" not in self.programs:
            return [permanent] * n_inferences, {mark: {} for mark in schedule.marks}
        size = self.programs["host_pre"].group_size(schedule.total)
        groups = [
            {node: x[k : k + size] for node, x in inputs.items()}
            for k in range(0, n_inferences, size)
        ]

        def run(group: Inputs, room: Any) -> tuple[Sent, dict[int, Counts]]:
            n_here = min(map(len, group.values()), default=n_inferences)
            found: list[list[Any]] = [list(permanent) for _ in range(n_here)]

            def look(execution: Any, start: int, end: int) -> None:
                for k, (target, _) in enumerate(self.sent):
                    for each, (steps, units) in zip(found, execution.nonzero(k)):
                        each.append((target, start + 1 + steps, units))

            return found, self._run("host_pre", group, n_here, schedule, room, look)

        done = run_on_cores(run, groups)
        sent = [each for found, _ in done for each in found]
        return sent, _joined([counts for _, counts in done])

    def after(
        self, inputs: Inputs, records: Sequence[Records], schedule: Schedule
    ) -> tuple[dict[int, Outputs], dict[int, Counts]]:
        from ..compiled.parts import Room

        if "host" not in self.programs:
            nothing: dict[int, Counts] = {mark: {} for mark in schedule.marks}
            return nothing, nothing
        means = Means(self.runner.probes, schedule)
        each = [self._received(record, inputs, schedule) for record in records]
        given = dict(inputs)
        for probe in each[0]:
            given[probe] = np.stack([received[probe] for received in each])

        def look(execution: Any, start: int, end: int) -> None:
            seen = {probe: execution.probed(probe) for probe in self.runner.probes}
            means.add(start, end, seen)

        counts = self._run("host", given, len(records), schedule, Room(), look)
        return {mark: means.at(mark) for mark in schedule.marks}, counts

    def _received(
        self, records: Records, inputs: Inputs, schedule: Schedule
    ) -> dict[Any, np.ndarray]:
        """Return what the host reads of one inference, (total timesteps, size) each."""
        parts = [
            self.recorder.outputs(_part(records, start, end))
            for start, end in _stretches(inputs, schedule)
        ]
        received = {}
        for probe in parts[0]:
            values = np.concatenate([part[probe] for part in parts])
            # the host reads it in the timestep after the chip's
            received[probe] = np.concatenate([np.zeros_like(values[:1]), values[:-1]])
        return received

    def _run(
        self,
        name: str,
        inputs: Inputs,
        n_inferences: int,
        schedule: Schedule,
        room: Any,
        look: Callable[[Any, int, int], None],
    ) -> dict[int, Counts]:
        """Run a host, look at it after each stretch, and return its counts."""
        program = self.programs[name]
        execution = program.open(inputs, n_inferences, room)
        counted: dict[int, Counts] = {}
        longest = max(1, program.longest // n_inferences)
        for start, end in schedule.segments(longest):
            if start == schedule.warmup:
                execution.clear()
            execution.run(start, end)
            look(execution, start, end)
            mark = schedule.mark_at(end)
            if mark is not None:
                counted[mark] = {
                    (pop.name, kind): execution.counted(pop.name, kind)
                    for pop in self.populations[name]
                    for kind in counter_kinds(pop)
                }
        return counted


class NengoHosts(Hosts):
    """The hosts by Nengo's simulators, one inference after the other."""

    def before(
        self, inputs: Inputs, n_inferences: int, schedule: Schedule
    ) -> tuple[Sent, dict[int, Counts]]:
        sent, counts = [], []
        for each in _one_by_one(inputs, n_inferences):
            spikes = loihi_host.permanent_spikes(self.sim)

            def run(start: int, end: int, spikes: Any = spikes) -> None:
                spikes += loihi_host.run_before_chip(self.sim, end - start)

            counts.append(self._run("host_pre", each, schedule, run))
            sent.append(spikes)
        return sent, _joined(counts)

    def after(
        self, inputs: Inputs, records: Sequence[Records], schedule: Schedule
    ) -> tuple[dict[int, Outputs], dict[int, Counts]]:
        found, counts = [], []
        for each, record in zip(_one_by_one(inputs, len(records)), records):
            means = Means(self.runner.probes, schedule)

            def run(
                start: int, end: int, means: Means = means, record: Records = record
            ) -> None:
                outputs = self.recorder.outputs(_part(record, start, end))
                loihi_host.run_after_chip(self.sim, start, end - start, outputs)
                means.add(start, end, self.runner.seen())

            counts.append(self._run("host", each, schedule, run))
            found.append({mark: means.at(mark) for mark in schedule.marks})
        return _joined(found), _joined(counts)

    def _run(
        self,
        host: str,
        inputs: Inputs,
        schedule: Schedule,
        run: Callable[[int, int], None],
    ) -> dict[int, Counts]:
        """Run one of the hosts from its first timestep, and return its counts."""
        runner = self.runner
        names = {pop.name for pop in self.populations.get(host, ())}
        loihi_host.restart_host(self.sim, host)
        for count in runner.counts.values():
            count[...] = 0
        counted: dict[int, Counts] = {}
        for start, end in _stretches(inputs, schedule):
            if start == schedule.warmup:
                runner.clear_peaks()
                uncounted = {name: c.copy() for name, c in runner.counts.items()}
            for node, x in inputs.items():
                if start == 0 or x.shape[1] > 1:
                    value = x[0, min(start, x.shape[1] - 1)]
                    emulator.set_input(self.sim, node, value)
            run(start, end)
            runner.clear_seen()
            mark = schedule.mark_at(end)
            if mark is not None:
                counted[mark] = {
                    name: (count - uncounted[name])[None]
                    for name, count in runner.counts.items()
                    if name[0] in names
                }
        return counted


def _one_by_one(inputs: Inputs, n_inferences: int) -> Iterator[Inputs]:
    for k in range(n_inferences):
        yield {node: x[k : k + 1] for node, x in inputs.items()}


def _stretches(inputs: Inputs, schedule: Schedule) -> Iterator[tuple[int, int]]:
    """Yield the stretches that NengoLoihi's host and chip meet after."""
    varying = any(x.shape[1] > 1 for x in inputs.values())
    return schedule.segments(1 if varying else LONGEST)


def _part(records: Records, start: int, end: int) -> Records:
    return Records(*(values[start:end] for values in records))


def _joined(each: Sequence[dict[int, Counts]]) -> dict[int, Counts]:
    """Join what is known at each mark of some inferences each."""
    return {
        mark: {
            name: np.concatenate([found[mark][name] for found in each])
            for name in each[0][mark]
        }
        for mark in each[0]
    }
