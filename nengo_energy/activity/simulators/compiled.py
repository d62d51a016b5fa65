"""Our own simulator: compiled loops, layer after layer, on all cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import numpy as np

from ...common.exceptions import UnsupportedError
from ...common.optional_imports import has_numba
from .runner import BatchCounts, Inputs, Runner, Tick, counter_kinds, sum_up
from .schedule import Means, Schedule
from .sequential import stack


class CompiledRunner(Runner):
    """Networks in which nothing leads back, in compiled loops."""

    name = "compiled"

    def __enter__(self) -> Runner:
        if not has_numba("NengoDL's simulator runs"):
            raise UnsupportedError("there is no numba")
        from ..compiled.program import Program

        ensembles = [pop.ensemble for pop in self.populations]
        self.program = Program(self.network, self.dt, ensembles, self.probes)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        del self.program

    def takes(self, batch_size: int) -> bool:
        return True

    def run(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        from ..compiled.parts import Room
        from ..compiled.program import n_cores, single_threaded_products

        n_images = min((len(x) for x in inputs.values()), default=1)
        segments = list(schedule.segments(self.program.longest))
        longest = max(end - start for start, end in segments)
        size = self.program.group_size(longest)
        size = min(size, -(-n_images // n_cores()))
        groups = [
            {node: x[k : k + size] for node, x in inputs.items()}
            for k in range(0, n_images, size)
        ]

        rooms = [Room() for _ in range(n_cores())]

        def run_group(group: Inputs) -> list[BatchCounts]:
            room = rooms.pop()
            done = self._run_group(group, schedule, segments, tick, room)
            rooms.append(room)
            return done

        with single_threaded_products():
            if len(rooms) == 1:
                done = [run_group(group) for group in groups]
            else:
                with ThreadPoolExecutor(len(rooms)) as pool:
                    try:
                        done = list(pool.map(run_group, groups))
                    except BaseException:
                        pool.shutdown(cancel_futures=True)
                        raise
        for at_mark in zip(*done):
            yield stack(at_mark)

    def _run_group(
        self,
        inputs: Inputs,
        schedule: Schedule,
        segments: list[tuple[int, int]],
        tick: Tick,
        room: Any,
    ) -> list[BatchCounts]:
        """Run some inferences, and return their counts at each mark."""
        n_images = min((len(x) for x in inputs.values()), default=1)
        execution = self.program.open(inputs, n_images, room)
        means = Means(self.probes, schedule)
        batches = []
        for start, end in segments:
            if start == schedule.warmup:
                execution.clear()
            execution.run(start, end)
            means.add(start, end, {p: execution.probed(p) for p in self.probes})
            tick((end - start) * n_images)
            mark = schedule.mark_at(end)
            if mark is not None:
                counts: dict[tuple[str, str], np.ndarray] = {
                    (pop.name, kind): execution.counted(pop.ensemble, kind)
                    for pop in self.populations
                    for kind in counter_kinds(pop)
                }
                batch = sum_up(self.populations, counts, self.dt)
                batch.outputs = means.at(mark)
                batches.append(batch)
        return batches
