"""Batches of spike counts -> what each population did, summed up as they come."""

from __future__ import annotations

import copy
import math
from typing import Any, Sequence

import numpy as np

from ..common.assumptions import Assumption
from ..network.topology import Population, Topology
from .activity import PopulationActivity
from .simulators import BatchCounts
from .simulators.runner import SINGLE_SPIKE_TYPES

RATE_AS_SPIKING = "rate-neurons-as-spiking"
MULTI_SPIKE = "several-spikes-per-timestep"

NEARLY = 0.9
"""Share of the spikes that a neuron can give from which on it is saturated: the first
timesteps of an inference, in which nothing arrives yet, aren't held against it."""


class Totals:
    """Sums batches up: what is kept doesn't grow with neurons x inferences."""

    def __init__(self, topology: Topology, timesteps: int, dt: float):
        self.topology = topology
        self.most = {
            p.name: most_spikes(p, timesteps, dt) for p in topology.populations
        }
        self.saturated = {p.name: 0 for p in topology.populations}
        self.outgoing = {
            p.name: {each.name: each.fan_out for each in topology.outgoing(p.name)}
            for p in topology.populations
        }
        self.spikes = {
            p.name: np.zeros(p.n_neurons, np.int64 if p.spiking else float)
            for p in topology.populations
        }
        self.series: dict[tuple[str, str], list[np.ndarray]] = {}
        self.peak = {p.name: 0 for p in topology.populations}
        self.probed: dict[Any, list[np.ndarray]] = {}

    def add(self, batch: BatchCounts) -> None:
        """Add a batch."""
        for name, spikes in batch.spikes.items():
            self.spikes[name] += spikes.sum(axis=0)
            self.peak[name] = max(self.peak[name], batch.peak[name])
            self.saturated[name] += int((spikes >= self.most[name]).sum())
            self._append(name, "spikes", spikes.sum(axis=1))
            self._append(name, "active", batch.active[name])
            driving = np.zeros(spikes.shape[1], dtype=bool)
            for projection, fan_out in self.outgoing[name].items():
                self._append(name, projection, spikes @ fan_out)
                driving |= fan_out > 0
            self._append(name, "sent", spikes[:, driving].sum(axis=1))
        for probe, value in batch.outputs.items():
            self.probed.setdefault(probe, []).append(value)

    def portable(self) -> Totals:
        """Return a copy for another process, to add batches to for `state` alone."""
        other = copy.copy(self)
        del other.topology
        return other

    def state(self, probes: Sequence[Any]) -> tuple[Any, ...]:
        """Return what was added so far, for `merge` in another process."""
        outputs = [self.probed.get(probe, []) for probe in probes]
        return self.spikes, self.series, self.peak, self.saturated, outputs

    def merge(self, state: tuple[Any, ...], probes: Sequence[Any]) -> None:
        """Add what was added elsewhere; see `state`."""
        spikes, series, peak, saturated, outputs = state
        for name, count in spikes.items():
            self.spikes[name] += count
            self.peak[name] = max(self.peak[name], peak[name])
            self.saturated[name] += saturated[name]
        for key, parts in series.items():
            self.series.setdefault(key, []).extend(parts)
        for probe, parts in zip(probes, outputs):
            self.probed.setdefault(probe, []).extend(parts)

    def _append(self, name: str, key: str, values: np.ndarray) -> None:
        self.series.setdefault((name, key), []).append(values)

    def populations(self) -> dict[str, PopulationActivity]:
        """Return the activity of each population."""
        series = {key: np.concatenate(parts) for key, parts in self.series.items()}
        return {
            pop.name: PopulationActivity(
                spikes=self.spikes[pop.name],
                spikes_per_inference=series[pop.name, "spikes"],
                active_per_inference=series[pop.name, "active"],
                sent_per_inference=series[pop.name, "sent"],
                synops_per_inference={
                    name: series[pop.name, name] for name in self.outgoing[pop.name]
                },
                peak=self.peak[pop.name],
                saturated=self.saturated[pop.name],
            )
            for pop in self.topology.populations
        }

    def outputs(self) -> dict[Any, np.ndarray]:
        """Return the mean of each probe over the window, for each inference."""
        return {probe: np.concatenate(parts) for probe, parts in self.probed.items()}

    def assumptions(self) -> tuple[Assumption, ...]:
        """Return what the neurons' kinds make us assume."""
        found = []
        rates = [p.name for p in self.topology.populations if not p.spiking]
        if rates:
            text = (
                f"{', '.join(rates)} don't spike; their output in Hz is taken as the "
                "rate that spiking neurons in their place would have, and their counts "
                "are expected values."
            )
            found.append(Assumption(RATE_AS_SPIKING, text))
        many = [f"{name} (up to {k})" for name, k in self.peak.items() if k > 1]
        if many:
            text = (
                "Some neurons spike several times in a timestep, which Loihi's can't: "
                f"{', '.join(many)}."
            )
            found.append(Assumption(MULTI_SPIKE, text))
        return tuple(found)


def most_spikes(population: Population, timesteps: int, dt: float) -> float:
    """Return how many spikes of an inference make a neuron a saturated one."""
    if population.neuron_type not in SINGLE_SPIKE_TYPES:
        return math.inf
    rest = getattr(population.ensemble.neuron_type, "tau_ref", 0.0)
    return NEARLY * timesteps * dt / (dt + rest)
