"""Which timesteps are run, which are counted, and over which outputs are averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ..exceptions import UnsupportedError


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
        if 4 * divisors[-1] >= min(longest, self.timesteps):
            longest = divisors[-1]
        for first, end in ((0, self.warmup), (self.warmup, self.total)):
            for start in range(first, end, longest):
                yield start, min(start + longest, end)

    def averaged(self, start: int, end: int) -> slice:
        """Return which timesteps of a stretch are in the window, from its start."""
        return slice(max(0, self.total - self.window - start), end - start)


class Means:
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
