"""NengoDL: many inferences side by side."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from ...common.exceptions import UnsupportedError
from ...compat import counting
from .runner import BatchCounts, Inputs, Runner, Tick, sum_up, wanted_counters
from .schedule import Means, Schedule

MAX_CHUNK = 1000
"""Most timesteps that are accumulated in single precision, far below its limits."""

CHUNK_BYTES = 8 * 2**20
"""Most memory that the repeated inputs of a batch may take at once."""


class NengoDLRunner(Runner):
    """NengoDL: minibatches in TensorFlow, counted inside its graph."""

    name = "nengo-dl"

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
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
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
        means = Means(self.probes, schedule)
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
            mark = schedule.mark_at(end)
            if mark is not None:
                so_far = {name: count[:n_inferences] for name, count in counts.items()}
                batch = sum_up(self.populations, so_far, self.dt)
                means_at = means.at(mark).items()
                batch.outputs = {p: mean[:n_inferences] for p, mean in means_at}
                yield batch


def _steps(x: np.ndarray, start: int, end: int) -> np.ndarray:
    """Return an input's values in some timesteps, (batch, end - start, size)."""
    if x.shape[1] > 1:
        return x[:, start:end]
    return np.broadcast_to(x, (x.shape[0], end - start, x.shape[2]))
