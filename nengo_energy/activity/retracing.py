"""The activity of a network by another tracing of it: other names, other synapses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..common.assumptions import Assumption, merge_assumptions
from ..common.exceptions import InputError
from ..network.fingerprint import differing_aspects
from ..network.topology import Topology
from .activity import Activity, PopulationActivity

SPREAD_OF_SPIKES = "spread-of-spikes"


def as_traced(activity: Activity, topology: Topology) -> Activity:
    """Return an activity as if it had been measured with a topology of its network.

    Spikes don't depend on how a network is traced, but what they drive does: decoded
    connections, for one, are counted as weights or as factors.

    Parameters
    ----------
    activity : Activity
        Measured with the same topology, or with any other of the same network.
    topology : Topology
        Whose names and synapses are wanted.

    Returns
    -------
    Activity
        Its totals are exact. How they spread over inferences is, too, where that was
        measured, or where all neurons that spiked drive equally many synapses; else it
        is taken as the spread of the population's spikes, and an assumption says so.

    Raises
    ------
    InputError
        If the activity was measured on another network.
    """
    if activity.fingerprint != topology.fingerprint:
        found = {name: pop.n_neurons for name, pop in activity.populations.items()}
        wanted = {pop.name: pop.n_neurons for pop in topology.populations}
        sizes = f" (populations {found} against {wanted})" if found != wanted else ""
        differing = differing_aspects(topology.fingerprint, activity.fingerprint)
        raise InputError(
            "the activity was measured on another network than the topology; they "
            f"differ in {', '.join(differing)}{sizes}. Trace and measure the same "
            "network, as it is now"
        )
    populations, guessed = {}, []
    for pop, measured in zip(topology.populations, activity.populations.values()):
        drives = np.zeros(pop.n_neurons, dtype=np.int64)
        synops = {}
        for projection in topology.outgoing(pop.name):
            drives |= projection.fan_out > 0
            known = measured.synops_per_inference.get(projection.name)
            synops[projection.name], exact = _spread(
                measured, projection.fan_out, known
            )
            if not exact:
                guessed.append(projection.name)
        sent, _ = _spread(measured, drives, measured.sent_per_inference)
        populations[pop.name] = replace(
            measured, sent_per_inference=sent, synops_per_inference=synops
        )
    assumptions = activity.assumptions
    if guessed:
        text = (
            "The activity was measured with another tracing of the network. Totals are "
            "exact, but synops are spread over inferences as the population's spikes: "
            f"{', '.join(guessed)}."
        )
        said = (Assumption(SPREAD_OF_SPIKES, text),)
        assumptions = merge_assumptions(activity.assumptions, said)
    return replace(activity, populations=populations, assumptions=assumptions)


def _spread(
    measured: PopulationActivity, per_spike: np.ndarray, known: np.ndarray | None
) -> tuple[np.ndarray, bool]:
    """Return how many events spikes cause in each inference, and whether that is exact.

    Parameters
    ----------
    measured : PopulationActivity
        The spikes.
    per_spike : (n_neurons,) int64 ndarray
        Events that a spike of each neuron causes.
    known : (n_inferences,) ndarray, optional
        What was measured, perhaps of other events.
    """
    total = measured.spikes @ per_spike
    if known is not None and math.isclose(known.sum(), total, rel_tol=1e-12):
        return known, True
    levels = np.unique(per_spike[measured.spikes > 0])
    spikes = measured.spikes_per_inference
    if len(levels) <= 1:
        return spikes * levels.sum(), True
    reached = np.cumsum(spikes) * (total / spikes.sum())
    if np.issubdtype(spikes.dtype, np.integer):
        reached = np.rint(reached).astype(np.int64)
    return np.diff(reached, prepend=0), len(spikes) == 1
