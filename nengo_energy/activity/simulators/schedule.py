"""Which timesteps are run, when counts are read, and where outputs are averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ...common.exceptions import UnsupportedError


@dataclass(frozen=True)
class Schedule:
    """Which timesteps are run, and when the counts are read.

    Attributes
    ----------
    warmup : int
        Timesteps before counting begins.
    marks : tuple of int
        Counted timesteps after which the counts so far are read, ascending. The run
        ends at the last.
    """

    warmup: int
    marks: tuple[int, ...]

    @property
    def total(self) -> int:
        """Timesteps that are run."""
        return self.warmup + self.marks[-1]

    def mark_at(self, end: int) -> int | None:
        """Return the mark that is reached when some timesteps were run, if one is."""
        return end - self.warmup if end - self.warmup in self.marks else None

    def segments(self, longest: int) -> Iterator[tuple[int, int]]:
        """Yield (first, end) of stretches that cross neither warm-up's end nor marks.

        They have one length if they can: TensorFlow traces a graph for each length.
        """
        ends = [0, self.warmup, *(self.warmup + mark for mark in self.marks)]
        common = math.gcd(self.warmup, *self.marks)
        divisors = [n for n in range(1, min(longest, common) + 1) if common % n == 0]
        shortest = min(end - first for first, end in zip(ends[1:], ends[2:]))
        if 4 * divisors[-1] >= min(longest, shortest):
            longest = divisors[-1]
        for first, end in zip(ends, ends[1:]):
            for start in range(first, end, longest):
                yield start, min(start + longest, end)

    def window(self, mark: int) -> range:
        """Return the timesteps over which outputs are averaged: the last half."""
        end = self.warmup + mark
        return range(end - (mark + 1) // 2, end)


class Means:
    """Averages probes over the window of each mark of a schedule.

    Values are added timestep by timestep in double precision, so that the means don't
    depend on the stretches that they came in.
    """

    def __init__(self, probes: Sequence[nengo.Probe], schedule: Schedule):
        self.probes = probes
        self.windows = {mark: schedule.window(mark) for mark in schedule.marks}
        self.sums: dict[tuple[int, nengo.Probe], Any] = {
            (mark, probe): 0.0 for mark in self.windows for probe in probes
        }

    def add(self, start: int, end: int, values: Mapping[Any, np.ndarray]) -> None:
        """Add what probes saw in a stretch of timesteps, (batch, steps, size)."""
        for probe in self.probes:
            if values[probe].shape[1] != end - start:
                raise UnsupportedError(
                    f"{probe} records the chip every {probe.sample_every} s, and means "
                    "are taken over every timestep; leave its sample_every out"
                )
        for (mark, probe), total in self.sums.items():
            window = self.windows[mark]
            for step in range(max(start, window.start), min(end, window.stop)):
                total = total + values[probe][:, step - start].astype(float)
            self.sums[mark, probe] = total

    def at(self, mark: int) -> dict[nengo.Probe, np.ndarray]:
        """Return the means over the window of a mark, (batch, size) each."""
        n_steps = len(self.windows[mark])
        return {probe: self.sums[mark, probe] / n_steps for probe in self.probes}
