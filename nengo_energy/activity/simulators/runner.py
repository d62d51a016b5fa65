"""What all runners of simulators have in common."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ...common.assumptions import Assumption
from ...network.learning import Learning
from ...network.topology import Population
from .schedule import Schedule

Inputs = Mapping[nengo.Node, np.ndarray]
"""By node, (batch, 1, size) for an input that stays, (batch, total timesteps, size) for
one that changes."""

Tick = Callable[[int], None]
"""Told how many inferences x timesteps were done since the last call."""

SINGLE_SPIKE_TYPES = frozenset(
    "LIF AdaptiveLIF Izhikevich LoihiLIF LoihiSpikingRectifiedLinear "
    "LoihiRectifiedLinear".split()
)
"""Neuron types that spike at most once in a timestep."""


@dataclass
class BatchCounts:
    """What a batch of inferences did.

    Attributes
    ----------
    spikes : dict of {str: (batch, n_neurons) ndarray}
        Spikes of each neuron, by population: int64, or float for rate neurons.
    active : dict of {str: (batch,) ndarray}
        Neurons x timesteps with at least one spike, by population, likewise.
    peak : dict of {str: int}
        Most spikes of a neuron in a timestep, by population.
    outputs : dict of {nengo.Probe: (batch, size) ndarray}
        Mean of the probes over the last half of the counted timesteps.
    """

    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    active: dict[str, np.ndarray] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    outputs: dict[Any, np.ndarray] = field(default_factory=dict)


class Runner(ABC):
    """One open simulator. Use as a context manager.

    Parameters
    ----------
    network : nengo.Network
        The network to run.
    populations : sequence of Population
        The populations to count.
    probes : sequence of nengo.Probe
        Probes of the network whose mean is wanted.
    dt : float
        Length of a timestep [s].
    batch_size : int
        Inferences that are run side by side.

    Attributes
    ----------
    name : str
        Of the simulator.
    """

    name: str

    def __init__(
        self,
        network: nengo.Network,
        populations: Sequence[Population],
        probes: Sequence[nengo.Probe],
        dt: float,
        batch_size: int,
    ):
        self.network = network
        self.populations = populations
        self.probes = probes
        self.dt = dt
        self.batch_size = batch_size

    @abstractmethod
    def __enter__(self) -> Runner:
        """Build the simulator."""

    @abstractmethod
    def __exit__(self, *exc_info: Any) -> None:
        """Close the simulator."""

    def takes(self, batch_size: int) -> bool:
        """Tell whether as many inferences as this can be run, once it is open."""
        return batch_size == self.batch_size

    def assumptions(self) -> tuple[Assumption, ...]:
        """Return what the simulator takes for granted."""
        return ()

    def learned(self, learning: Learning, start: int, end: int) -> dict[str, int]:
        """Return what a learning rule does from one timestep to before another."""
        steps = end - start
        return {operation: n * steps for operation, n in learning.operations.items()}

    @abstractmethod
    def run(
        self, inputs: Inputs, schedule: Schedule, tick: Tick
    ) -> Iterator[BatchCounts]:
        """Run one batch from the first timestep.

        Parameters
        ----------
        inputs : Inputs
            Of the batch.
        schedule : Schedule
            What to run and count.
        tick : Tick
            Told of progress.

        Yields
        ------
        BatchCounts
            The counts so far, at each mark of the schedule.
        """


def counter_kinds(population: Population) -> tuple[str, ...]:
    """Return what to accumulate of a population; see `counting.KINDS`."""
    total = "magnitude" if population.ensemble.neuron_type.negative else "sum"
    if population.neuron_type in SINGLE_SPIKE_TYPES:
        return (total,)
    return (total, "active", "peak")


def wanted_counters(
    populations: Sequence[Population], dt: float
) -> tuple[list[tuple[str, str]], list[tuple[nengo.Ensemble, str, float]]]:
    """Return the names of all counts, and what `counting` is to accumulate."""
    pairs = [(pop, kind) for pop in populations for kind in counter_kinds(pop)]
    names = [(pop.name, kind) for pop, kind in pairs]
    return names, [(pop.ensemble, kind, pop.amplitude / dt) for pop, kind in pairs]


def sum_up(
    populations: Sequence[Population],
    counts: Mapping[tuple[str, str], np.ndarray],
    dt: float,
) -> BatchCounts:
    """Turn accumulated outputs, (batch, n_neurons) each, into spikes.

    Those of spiking neurons are integers. Of rate neurons they are expected values.
    """
    batch = BatchCounts()
    for pop in populations:
        per_output = dt / pop.amplitude
        total = "magnitude" if (pop.name, "magnitude") in counts else "sum"
        spikes = counts[pop.name, total] * per_output
        # without other counters, there is one spike a timestep at most
        active = counts.get((pop.name, "active"), spikes)
        peak = float(np.any(spikes))
        if (pop.name, "peak") in counts:
            peak = float(np.max(counts[pop.name, "peak"], initial=0) * per_output)
        if pop.spiking:
            batch.spikes[pop.name] = np.rint(spikes).astype(np.int64)
            batch.active[pop.name] = np.rint(active).astype(np.int64).sum(axis=-1)
            batch.peak[pop.name] = round(peak)
        else:
            batch.spikes[pop.name] = spikes
            batch.active[pop.name] = active.sum(axis=-1)
            # a rate of 2.5 spikes a timestep takes 3 in some; 1 + 1e-7 is of rounding
            batch.peak[pop.name] = math.ceil(peak * (1 - 1e-6))
    return batch
