"""What every core does in single timesteps: which is the busiest changes."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ..activity.emulator.meter import SpikeMeter
from .traffic import Traffic

RECORDED_TIMESTEPS = 1000
"""Timesteps that are recorded, the first of a run, so that memory doesn't grow."""


class TimestepRecorder:
    """Records operations of each core, timestep by timestep.

    Parameters
    ----------
    traffic : Traffic
        What a spike of each unit does.
    """

    def __init__(self, traffic: Traffic):
        self.traffic = traffic
        sizes = [len(block.neurons) for block in traffic.image.blocks]
        self._neurons = np.array(sizes, dtype=np.int64)
        self._forms = {axon.form for axon in traffic.image.axons}
        self._rows: list[dict[str, np.ndarray]] = []
        self._before = np.zeros(traffic.n_units, dtype=np.int64)

    @property
    def is_full(self) -> bool:
        """Whether it has recorded enough."""
        return len(self._rows) >= RECORDED_TIMESTEPS

    def restart(self) -> None:
        """Begin with an inference."""
        self._before = np.zeros(self.traffic.n_units, dtype=np.int64)

    def add(self, meter: SpikeMeter) -> None:
        """Add the timestep that was run since the last call, while there is room."""
        if self.is_full:
            return
        emitted = np.concatenate([meter.spikes, *meter.sent])
        spikes, self._before = emitted - self._before, emitted
        traffic = self.traffic
        n = traffic.n_compartments
        active = traffic.by_core(spikes)
        left, arrived = spikes @ traffic.leads, spikes @ traffic.weights
        row = {
            "neuron_update_active": active,
            "neuron_update_inactive": self._neurons - active,
            "spike": traffic.by_core(np.where(traffic.drives, spikes[:n], 0)),
            "message": traffic.between_cores(left).sum(axis=1),
            "message_in": traffic.into_cores(left),
        }
        for form in self._forms:
            has_form = np.array([axon.form == form for axon in traffic.image.axons])
            row[f"synop_{form}"] = traffic.into_cores(np.where(has_form, arrived, 0))
        self._rows.append(row)

    def loads(self, order: Sequence[int]) -> dict[str, np.ndarray]:
        """Return operations by name, (n_timesteps, n_cores) int64 ndarrays.

        Parameters
        ----------
        order : sequence of int
            Numbers of the cores, in the order of the columns.
        """
        if not self._rows:
            return {}
        columns = np.asarray(order, dtype=int)
        return {
            name: np.stack([row[name] for row in self._rows])[:, columns]
            for name in self._rows[0]
        }
