"""Which compartments the probes of NengoLoihi's emulator record, and to whom it goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernels import Plan, Records


class Recorder:
    """Records what probes want inside the compiled loop.

    Parameters
    ----------
    probes : nengo_loihi.emulator.interface.ProbeState
        The probes of an emulator; what is recorded is put into its lists.

    Attributes
    ----------
    plan : Plan
        Compartments to record.
    records_all : bool
        Whether all probes are recorded so. If not, none is: then a probe wants what the
        compiled loop doesn't have, and NengoLoihi records after each timestep.
    """

    def __init__(self, probes: Any):
        wanted: dict[str, list[np.ndarray]] = {key: [] for key in Plan._fields}
        self._parts: list[tuple[str, slice, list]] = []
        self.records_all = True
        ends = dict.fromkeys(Plan._fields, 0)
        for probe, blocks in probes.probes.items():
            for k, part in enumerate(blocks.values()):
                compartments = np.arange(part.start, part.stop)[probe.slice[k]]
                if probe.key not in wanted or compartments.ndim != 1:
                    self.records_all = False
                    continue
                begin = ends[probe.key]
                ends[probe.key] += len(compartments)
                columns = slice(begin, ends[probe.key])
                wanted[probe.key].append(compartments)
                self._parts.append((probe.key, columns, probes.outputs[probe][k]))
        if not self.records_all:
            self._parts.clear()
        self.plan = Plan(
            *(
                np.concatenate([np.zeros(0), *(w if self.records_all else [])]).astype(
                    np.int32
                )
                for w in wanted.values()
            )
        )

    def new_records(self, n_steps: int) -> Records:
        """Return room for what some timesteps record."""
        current, voltage, spiked = (len(wanted) for wanted in self.plan)
        return Records(
            np.zeros((n_steps, current), np.int32),
            np.zeros((n_steps, voltage), np.int32),
            np.zeros((n_steps, spiked), bool),
        )

    def keep(self, records: Records) -> None:
        """Put what was recorded where the probes look for it."""
        for key, columns, output in self._parts:
            output.extend(getattr(records, key)[:, columns])
