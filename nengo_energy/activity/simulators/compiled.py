"""Our own simulator: compiled loops, layer after layer, on all cores."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Iterator, Sequence

import nengo
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
        from ..compiled.program import network_program

        ensembles = [pop.ensemble for pop in self.populations]
        self.program = network_program(self.network, self.dt, ensembles, self.probes)
        self.kinds = {pop.name: counter_kinds(pop) for pop in self.populations}
        return self

    def __exit__(self, *exc_info: Any) -> None:
        del self.program

    def takes(self, batch_size: int) -> bool:
        return True

    def portable(self, nodes: Sequence[nengo.Node]) -> CompiledRunner:
        """Return this open simulator for a process that needn't know the network.

        Nodes whose values are given, and probes, are called by their positions there.
        """
        other = copy.copy(self)
        other.network = None
        other.probes = range(len(self.probes))
        other.populations = [
            replace(pop, ensemble=pop.name) for pop in self.populations
        ]
        names: dict[Any, Any] = {pop.ensemble: pop.name for pop in self.populations}
        names.update({probe: k for k, probe in enumerate(self.probes)})
        names.update({node: str(k) for k, node in enumerate(self.program.inputs)})
        names.update({node: k for k, node in enumerate(nodes)})
        other.program = self.program.renamed(names)
        return other

    def run(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        from ..compiled.program import n_cores, run_on_cores

        n_images = min((len(x) for x in inputs.values()), default=1)
        segments = list(schedule.segments(self.program.longest))
        longest = max(end - start for start, end in segments)
        size = self.program.group_size(longest)
        size = min(size, -(-n_images // n_cores()))
        groups = [
            {node: x[k : k + size] for node, x in inputs.items()}
            for k in range(0, n_images, size)
        ]

        def run_group(group: Inputs, room: Any) -> list[BatchCounts]:
            return self._run_group(group, schedule, segments, tick, room)

        done = run_on_cores(run_group, groups)
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
                    for kind in self.kinds[pop.name]
                }
                batch = sum_up(self.populations, counts, self.dt)
                batch.outputs = means.at(mark)
                batches.append(batch)
        return batches
