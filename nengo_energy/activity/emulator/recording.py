"""What probes want of the compartments, recorded inside the compiled loop."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import numpy as np

from .kernels import Plan, Records


class Recorder:
    """Records what probes want.

    Parameters
    ----------
    probes : mapping of {nengo_loihi.probe.LoihiProbe: sequence of slice}
        Probes, and which compartments the blocks have that each looks at.

    Attributes
    ----------
    plan : Plan
        Compartments to record.
    complete : bool
        Whether all probes are in the plan. If not, none is: one wants what the compiled
        loop doesn't record.
    """

    def __init__(self, probes: Mapping[Any, Any]):
        self.complete = True
        self._places: list[tuple[Any, int, slice]] = []
        wanted: dict[str, list[np.ndarray]] = {key: [] for key in Plan._fields}
        for probe, blocks in probes.items():
            for k, part in enumerate(blocks):
                compartments = np.arange(part.start, part.stop)[probe.slice[k]]
                if probe.key not in wanted or compartments.ndim != 1:
                    self.complete = False
                    continue
                begin = sum(map(len, wanted[probe.key]))
                place = slice(begin, begin + len(compartments))
                self._places.append((probe, k, place))
                wanted[probe.key].append(compartments)
        if not self.complete:
            self._places.clear()
            wanted = {key: [] for key in wanted}
        self.plan = Plan(*map(_join, wanted.values()))

    @property
    def row_bytes(self) -> int:
        """Memory of what is recorded of a timestep [bytes]."""
        plan = self.plan
        return 4 * len(plan.current) + 4 * len(plan.voltage) + len(plan.spiked)

    def new_records(self, n_steps: int) -> Records:
        """Return room for what some timesteps record."""
        current, voltage, spiked = (len(wanted) for wanted in self.plan)
        return Records(
            np.zeros((n_steps, current), np.int32),
            np.zeros((n_steps, voltage), np.int32),
            np.zeros((n_steps, spiked), bool),
        )

    def split(self, records: Records) -> Iterator[tuple[Any, int, np.ndarray]]:
        """Yield probe, number of its block, and the block's (n_steps, n) ndarray."""
        for probe, k, place in self._places:
            yield probe, k, getattr(records, probe.key)[:, place]

    def outputs(self, records: Records) -> dict[Any, np.ndarray]:
        """Return what each probe puts out, (n_steps, size) by probe."""
        parts: dict[Any, list[np.ndarray]] = {}
        for probe, _, values in self.split(records):
            parts.setdefault(probe, []).append(np.ascontiguousarray(values))
        return {probe: probe.weight_outputs(each) for probe, each in parts.items()}


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, int), *parts]).astype(np.uint32)
