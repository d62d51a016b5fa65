"""NengoDL: many inferences side by side."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from ...compat import nengo_dl
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
        self.sim, self.counters = nengo_dl.open_nengo_dl(
            self.network, self.dt, self.batch_size, wanted
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
        nengo_dl.restart(self.sim)
        counts: dict[tuple[str, str], Any] = {}
        means = Means(self.probes, schedule)
        for start, end in schedule.segments(longest):
            data = {node: _steps(x, start, end) for node, x in padded.items()}
            values = nengo_dl.predict(
                self.sim, data or None, n_steps=end - start, stateful=True
            )
            for name, count in zip(self.names, self.counters.read_and_clear()):
                if start >= schedule.warmup:
                    add = np.maximum if name[1] == "peak" else np.add
                    counts[name] = add(counts.get(name, 0.0), count, dtype=float)
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
