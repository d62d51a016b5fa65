"""The compiled Loihi emulator: many inferences side by side."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from ...compat import emulator, loihi_host
from .runner import BatchCounts, Inputs, Tick, sum_up
from .schedule import Schedule
from .sequential import LONGEST, LoihiRunner, stack

GROUP_BYTES = 2**28
"""Most memory for the states of a group of inferences, and what passes between host and
chip."""

STATE_BYTES = 25
"""Memory for the state of one compartment."""


class BatchedLoihiRunner(LoihiRunner):
    """NengoLoihi's emulators; the compiled one runs many inferences side by side.

    Where the host's part can be done before and after the chip's, each is run for all
    of them at once. Otherwise one inference is run after the other.
    """

    def __enter__(self) -> BatchedLoihiRunner:
        super().__enter__()
        self.recorder = self._recorder()
        if self.recorder is not None:
            from .hosts import open_hosts  # needs numba

            self.hosts = open_hosts(self, self.recorder)
        return self

    def run(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        n_inferences = min((len(x) for x in inputs.values()), default=1)
        size = self._group_size(schedule)
        if size < 1:
            yield from super().run(inputs, schedule, tick)
            return
        done = [
            list(self._run(here, min(size, n_inferences - k), schedule, tick))
            for k in range(0, n_inferences, size)
            for here in [{node: x[k : k + size] for node, x in inputs.items()}]
        ]
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
        self, inputs: Inputs, n_inferences: int, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        """Run a group of inferences, and yield their counts at each mark."""
        from ..emulator.batch import ChipBatch, arriving
        from ..emulator.kernels import Records

        chip = emulator.chip_emulator(self.sim)
        sent, before = self.hosts.before(inputs, n_inferences, schedule)
        events = [arriving(chip, spikes, schedule.total) for spikes in sent]
        batch = ChipBatch(chip, self.recorder, n_inferences)
        stretches, spikes_at = [], {}
        for start, end in schedule.segments(LONGEST):
            if start == schedule.warmup:
                uncounted = batch.spike_counts
            here = [(first[start : end + 1], sources) for first, sources in events]
            stretches.append(batch.run(here, end - start))
            tick((end - start) * n_inferences)
            mark = schedule.mark_at(end)
            if mark is not None:
                spikes_at[mark] = batch.spike_counts - uncounted
        records = [
            Records(*map(np.concatenate, zip(*each))) for each in zip(*stretches)
        ]
        means, after = self.hosts.after(inputs, records, schedule)
        ensembles = [pop.ensemble for pop in self.on_chip]
        for mark in schedule.marks:
            counts = {**before[mark], **after[mark]}
            spikes = emulator.chip_spike_counts(self.sim, ensembles, spikes_at[mark])
            for pop in self.on_chip:
                count = spikes[pop.ensemble]
                counts.update(self.chip_counts(pop, count, count > 0))
            result = sum_up(self.populations, counts, self.dt)
            result.outputs = dict(means[mark])
            yield result
