"""How many timesteps layers on the chip lag behind a simulation by Nengo or NengoDL."""

from __future__ import annotations

import math
from typing import Any, Collection

import nengo

from ...common.assumptions import Assumption
from ...network.topology import Projection, Topology

ENCODING_TAU = 0.005
"""Time constant by which NengoLoihi filters what it encodes as spikes, its
``Model.decode_tau`` [s]."""

SETTLED = 3
"""Time constants of a filter after which 5 % of a step are missing."""


def pipeline_delays(
    topology: Topology, on_host: Collection[str], dt: float
) -> dict[str, float]:
    """Return by how many timesteps each population on the chip lags behind simulation.

    A spike takes a timestep to a population on the chip. Simulation by Nengo and
    NengoDL takes none, or as many where the connection has a low-pass filter. Analog
    input is encoded as spikes, which pass a low-pass filter of NengoLoihi's own on the
    chip: of a step in the input, ``1 / (1 - exp(-dt / tau))`` timesteps are missing.

    Parameters
    ----------
    topology : Topology
        The network.
    on_host : collection of str
        Populations that run on the host, as they do in simulation.
    dt : float
        Length of a timestep [s].

    Returns
    -------
    dict of {str: float}
        Timesteps along the longest way to each population.
    """
    delays = {name: 0.0 for name in on_host}
    onto_chip = [
        p
        for p in topology.inputs + topology.projections
        if p.post not in on_host and not isinstance(p.target, nengo.Node)
    ]
    for _ in topology.populations:  # each pass reaches one layer further, at least
        for p in onto_chip:
            lag = delays.get(p.pre, 0.0) + _own_delay(p, dt)
            delays[p.post] = max(delays.get(p.post, 0.0), lag)
    chip = {p.post for p in onto_chip}
    return {p.name: delays[p.name] for p in topology.populations if p.name in chip}


def pipeline_assumption(
    topology: Topology, on_host: Collection[str], dt: float
) -> tuple[Assumption, ...]:
    """Return what is said of the delays of a network on the chip, if it has any."""
    delays = pipeline_delays(topology, on_host, dt)
    late = {name: delay for name, delay in delays.items() if delay}
    if not late:
        return ()
    listed = ", ".join(f"{name} {delay:.3g}" for name, delay in late.items())
    sentences = [
        "On the chip, layers are behind simulation by some timesteps, which their "
        f"counts lack at the start: {listed}."
    ]
    encoded = [p.post for p in topology.inputs if p.post in delays]
    if encoded:
        warmup = math.ceil(max(late.values()) + SETTLED * ENCODING_TAU / dt)
        sentences.append(
            f"NengoLoihi encodes the input of {', '.join(dict.fromkeys(encoded))} as "
            f"spikes, and filters it by {1000 * ENCODING_TAU:g} ms; warmup={warmup} on "
            "both sides leaves the start out."
        )
    if set(late) - set(encoded):
        sentences.append(
            "A spike takes one to a layer on the chip, and in simulation only with a "
            "synaptic filter, such as synapse=0.005."
        )
    text = " ".join(sentences)
    return (Assumption("loihi-pipeline", text),)


def _own_delay(projection: Projection, dt: float) -> float:
    """Return how much longer a connection takes on the chip than in simulation."""
    # a filter of Nengo's passes nothing on within a timestep
    in_simulation = 1.0 if any(_tau(f) > 0 for f in projection.filters) else 0.0
    if isinstance(projection.source, nengo.Node):
        return 1 / (1 - math.exp(-dt / ENCODING_TAU)) - in_simulation
    return 1.0 - in_simulation


def _tau(synapse: Any) -> float:
    return float(getattr(synapse, "tau", 0.0))
