"""The compiled Loihi emulator: many inferences side by side."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping

import numpy as np

from ...compat import emulator, loihi_host
from .runner import BatchCounts, Inputs, Tick, sum_up
from .schedule import Means, Schedule
from .sequential import LONGEST, LoihiRunner, stack

GROUP_BYTES = 2**28
"""Most memory for the states of a group of inferences, and what passes between host and
chip."""

STATE_BYTES = 25
"""Memory for the state of one compartment."""

Counts = Mapping[Any, np.ndarray]


class BatchedLoihiRunner(LoihiRunner):
    """NengoLoihi's emulators; the compiled one runs many inferences side by side.

    Where the host's part can be done before and after the chip's, it is run for one
    inference after the other, and the chip's for all of them at once. Otherwise one
    inference is run after the other.
    """

    def __enter__(self) -> BatchedLoihiRunner:
        super().__enter__()
        self.recorder = self._recorder()
        return self

    def run(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        n_inferences = min((len(x) for x in inputs.values()), default=1)
        size = self._group_size(schedule)
        if size < 1:
            yield from super().run(inputs, schedule, tick)
            return
        each: list[Inputs] = [
            {n: x[k] for n, x in inputs.items()} for k in range(n_inferences)
        ]
        groups = (each[k : k + size] for k in range(0, n_inferences, size))
        done = [b for group in groups for b in self._run(group, schedule, tick)]
        for at_mark in zip(*done):
            yield stack(at_mark)

    def _recorder(self) -> Any:
        """Return what records the chip's output, or None if it can't be batched."""
        program = emulator.watched_emulator(self.sim).program
        if program is None or not self.sim.precompute:
            return None
        chip = emulator.chip_emulator(self.sim)
        if not all(
            loihi_host.is_probed_on_host(self.sim, probe) for probe in self.probes
        ):
            return None
        from ..emulator.recording import Recorder

        probes = loihi_host.host_probes(self.sim)
        recorder = Recorder({p: chip.probes.probes[p].values() for p in probes})
        return recorder if recorder.complete else None

    def _group_size(self, schedule: Schedule) -> int:
        """Return how many inferences fit in memory; zero for one after the other."""
        if self.recorder is None:
            return 0
        program = emulator.chip_emulator(self.sim).program
        step = 4 * program.n_host_sources + self.recorder.row_bytes
        each = STATE_BYTES * program.n_compartments + schedule.total * step
        return min(self.batch_size, GROUP_BYTES // each)

    def _run(
        self, inputs: list[Inputs], schedule: Schedule, tick: Tick
    ) -> Iterator[list[BatchCounts]]:
        """Run a group of inferences, and yield the counts of each, mark by mark."""
        from ..emulator.batch import ChipBatch, arriving
        from ..emulator.kernels import Records

        chip = emulator.chip_emulator(self.sim)
        varying = any(len(x) > 1 for each in inputs for x in each.values())
        segments = list(schedule.segments(1 if varying else LONGEST))
        before, events = [], []
        for each in inputs:
            spikes = loihi_host.permanent_spikes(self.sim)

            def send(start: int, end: int, spikes: Any = spikes) -> None:
                spikes += loihi_host.run_before_chip(self.sim, end - start)

            before.append(self._run_host("host_pre", each, segments, schedule, send))
            events.append(arriving(chip, spikes, schedule.total))
        batch = ChipBatch(chip, self.recorder, len(inputs))
        stretches, spikes_at = [], {}
        for start, end in schedule.segments(LONGEST):
            if start == schedule.warmup:
                uncounted = batch.spike_counts
            here = [(first[start : end + 1], sent) for first, sent in events]
            stretches.append(batch.run(here, end - start))
            tick((end - start) * len(inputs))
            mark = schedule.mark_at(end)
            if mark is not None:
                spikes_at[mark] = self._by_population(batch.spike_counts - uncounted)
        records = [
            Records(*map(np.concatenate, zip(*each))) for each in zip(*stretches)
        ]
        for k, each in enumerate(inputs):
            means = Means(self.probes, schedule)

            def receive(
                start: int, end: int, means: Means = means, seen: Records = records[k]
            ) -> None:
                part = Records(*(values[start:end] for values in seen))
                outputs = self.recorder.outputs(part)
                loihi_host.run_after_chip(self.sim, start, end - start, outputs)
                means.add(start, end, self.seen())

            after = self._run_host("host", each, segments, schedule, receive)
            results = []
            for mark in schedule.marks:
                # each population of the host's runs either before or after
                totals = {
                    name: count + after[mark][name]
                    for name, count in before[k][mark].items()
                }
                for pop in self.on_chip:
                    count = spikes_at[mark][pop.ensemble][k]
                    totals.update(self.chip_counts(pop, count, count > 0))
                each_total = {name: count[None] for name, count in totals.items()}
                result = sum_up(self.populations, each_total, self.dt)
                result.outputs = means.at(mark)
                results.append(result)
            yield results

    def _by_population(self, spike_counts: np.ndarray) -> Counts:
        ensembles = [pop.ensemble for pop in self.on_chip]
        return emulator.chip_spike_counts(self.sim, ensembles, spike_counts)

    def _run_host(
        self,
        name: str,
        inputs: Inputs,
        segments: list[tuple[int, int]],
        schedule: Schedule,
        run_segment: Callable[[int, int], None],
    ) -> dict[int, Counts]:
        """Run one of the hosts from its first timestep, and return what it counted
        up to each mark."""
        loihi_host.restart_host(self.sim, name)
        for count in self.counts.values():
            count[...] = 0
        counted: dict[int, Counts] = {}
        for start, end in segments:
            if start == schedule.warmup:
                self.clear_peaks()
                uncounted = {name: count.copy() for name, count in self.counts.items()}
            for node, x in inputs.items():
                if start == 0 or len(x) > 1:
                    emulator.set_input(self.sim, node, x[min(start, len(x) - 1)])
            run_segment(start, end)
            self.clear_seen()
            mark = schedule.mark_at(end)
            if mark is not None:
                counted[mark] = {
                    name: count - uncounted[name] for name, count in self.counts.items()
                }
        return counted
