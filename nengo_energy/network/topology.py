"""Populations of neurons, the projections between them, and what they stand for.

What a part of the network becomes (DESIGN: "what a converted network holds"):

* an ensemble is a population; it is updated every timestep;
* all paths from one population to another through passthrough nodes are one projection,
  and a direct connection is a projection of its own;
* paths to a node that is probed, ends there or computes something are a readout, and so
  are the decoders of an ensemble that is probed;
* passthrough nodes in a loop with a synapse compute: paths end there, and begin anew;
* paths from an input node, or one that computes, are host work, not synapses;
* an ensemble of Nengo's Direct neurons has no neurons: it is a node that computes;
* what a learning rule does is counted apart, and paths to one are readouts;
* paths from a node that holds constants are a bias of the neurons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import nengo
import numpy as np

from ..common.assumptions import Assumption
from ..common.exceptions import UnsupportedError
from ..common.shown import Shown
from ..common.tables import format_table, plural
from .learning import Learning
from .linear_maps import LinearMap

INPUT_ON_HOST = Assumption(
    "input-on-host",
    "Analog inputs are multiplied by the first weights on the host; "
    "its multiply-accumulates are counted apart from the device's synops.",
)
READOUT_ON_DEVICE = Assumption(
    "readout-on-device",
    "A linear output is read out by synapses of the device, charged as synops.",
)
STATES_ON_HOST = Assumption(
    "states-on-host",
    "Passthrough nodes in loops with a synapse hold a state, which the host computes: "
    "spikes are read out to them, and the host multiplies what they give in every "
    "timestep: {}.",
)
DECODED_AS_WEIGHTS = Assumption(
    "decoded-as-weights",
    "Decoded connections are counted as full weights between neurons "
    "(encoders times transform times decoders).",
)
DECODED_AS_FACTORS = Assumption(
    "decoded-as-factors",
    "Decoded connections are counted as decoders driven by spikes (synops) and "
    "encoders applied to every neuron every timestep (multiply-accumulates).",
)
UNSEEDED_WEIGHTS = Assumption(
    "unseeded-weights",
    "Weights of the network are drawn at random without a seed; fan-out was counted "
    "on one draw, and the simulation has another.",
)


@dataclass(frozen=True)
class Population:
    """Neurons of one ensemble.

    Attributes
    ----------
    name : str
        Unique in its topology.
    layer : str
        Layer that the neuron updates are reported under.
    n_neurons : int
        Number of neurons.
    neuron_type : str
        Nengo's name of the neuron type.
    spiking : bool
        Whether the neurons emit spikes; else their output is a rate.
    amplitude : float
        Output of one spike times dt.
    ensemble : nengo.Ensemble
        The neurons themselves.
    """

    name: str
    layer: str
    n_neurons: int
    neuron_type: str
    spiking: bool
    amplitude: float
    ensemble: nengo.Ensemble = field(repr=False, compare=False)


@dataclass(frozen=True)
class Projection:
    """All synapses from one population to one target.

    Attributes
    ----------
    name : str
        ``"pre -> post"``, unique in its topology.
    pre : str
        Name of the presynaptic population, or of the input node.
    post : str
        Name of the postsynaptic population, or of the node that is read out.
    layer : str
        Layer that holds the weights.
    weights : LinearMap
        From all units of ``pre`` to all neurons (or dimensions) of ``post``.
    filters : tuple of nengo.synapses.Synapse
        Synaptic filters along the way.
    source, target : nengo.Ensemble or nengo.Node
        Nengo objects that the projection leaves and ends in; a nengo.Probe that decodes
        is a target, too.
    connection : nengo.Connection or None
        The connection itself, where the projection is nothing else.
    values, encoders : LinearMap or None
        What ``weights`` are made of, where encoders make currents of decoded values.
    decoded : bool
        Whether decoders of neurons are the first of the weights.
    """

    name: str
    pre: str
    post: str
    layer: str
    weights: LinearMap = field(repr=False, compare=False)
    filters: tuple[Any, ...] = ()
    source: Any = field(default=None, repr=False, compare=False)
    target: Any = field(default=None, repr=False, compare=False)
    connection: Any = field(default=None, repr=False, compare=False)
    values: LinearMap | None = field(default=None, repr=False, compare=False)
    encoders: LinearMap | None = field(default=None, repr=False, compare=False)
    decoded: bool = field(default=False, repr=False, compare=False)

    @property
    def fan_out(self) -> np.ndarray:
        """Synapses driven by each presynaptic unit, (n_pre,) int64 ndarray."""
        return self.weights.fan_out

    @property
    def n_synapses(self) -> int:
        """Number of non-zero weights."""
        return int(self.fan_out.sum())


@dataclass(frozen=True)
class Bias:
    """Constant input that a node gives to a target.

    Attributes
    ----------
    post : str
        Name of the population, or of the node.
    values : (n_post,) ndarray
        What arrives, before the neurons' gain.
    source : nengo.Node
        Node that holds the constants.
    target : nengo.Ensemble or nengo.Node
        Object that receives them.
    n_encoded : int
        Values that reach encoders of the target; the others reach its neurons.
    """

    post: str
    values: np.ndarray = field(repr=False, compare=False)
    source: nengo.Node = field(repr=False, compare=False)
    target: Any = field(repr=False, compare=False)
    n_encoded: int = 0


@dataclass(frozen=True, repr=False)
class Topology(Shown):
    """Populations and projections of a network.

    Attributes
    ----------
    populations : tuple of Population
        In the order of the network.
    projections : tuple of Projection
        From neurons to neurons.
    readouts : tuple of Projection
        From neurons to nodes, or to probes that decode them.
    inputs : tuple of Projection
        From input nodes, and nodes that compute, to neurons and to nodes.
    biases : tuple of Bias
        What constant nodes give to neurons and to nodes.
    learning : tuple of Learning
        What learning rules do.
    encoder_macs : Mapping
        Multiply-accumulates per timestep that encoders cost, by population; only with
        ``decoded="factors"``.
    omitted : tuple of str
        Objects that were left out because ``on_unsupported="omit"`` was asked for.
    assumptions : tuple of Assumption
        What was taken for granted.
    fingerprint : str
        The same for the same network, so that activity of another one is noticed.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    readouts: tuple[Projection, ...]
    inputs: tuple[Projection, ...]
    biases: tuple[Bias, ...] = field(repr=False)
    learning: tuple[Learning, ...] = ()
    encoder_macs: Mapping[str, int] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    fingerprint: str = ""

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return sum(p.n_neurons for p in self.populations)

    @property
    def n_synapses(self) -> int:
        """Number of synapses, readouts included."""
        return sum(p.n_synapses for p in self.projections + self.readouts)

    @property
    def coverage(self) -> float:
        """Share of the network's objects that could be counted, 0 to 1."""
        n_counted = len(self.populations)
        return n_counted / max(1, n_counted + len(self.omitted))

    @property
    def changing_nodes(self) -> frozenset[nengo.Node]:
        """Nodes in the middle of the network whose output changes with every timestep.

        Those that depend on neurons, and those that nobody says depend on their input
        alone.
        """
        ends = (nengo.Node, nengo.Ensemble)  # of Nengo's Direct neurons
        nodes = {p.source for p in self.inputs if p.source.size_in > 0}
        nodes |= {p.target for p in self.readouts if isinstance(p.target, ends)}
        changing = {
            node
            for node in nodes
            if any(p.target is node for p in self.readouts)
            or not getattr(getattr(node, "output", None), "follows_input", False)
        }
        while True:
            reached = {p.target for p in self.inputs if p.source in changing} & nodes
            if reached <= changing:
                return frozenset(changing)
            changing |= reached

    def outgoing(self, name: str) -> tuple[Projection, ...]:
        """Return the projections and readouts that a population drives."""
        return tuple(p for p in self.projections + self.readouts if p.pre == name)

    def __str__(self) -> str:
        body = [
            [p.pre, p.post, f"{p.fan_out.size:,}", f"{p.n_synapses:,}"]
            for p in self.projections + self.readouts
        ]
        title = (
            f"{plural(len(self.populations), 'population')}, "
            f"{plural(self.n_neurons, 'neuron')}, {plural(self.n_synapses, 'synapse')}"
        )
        header = ["from", "to", "neurons", "synapses"]
        return f"{title}\n\n{format_table([header], body)}"


def require_supported(topology: Topology, what: str) -> None:
    """Raise an error if parts of the network were left out."""
    if topology.omitted:
        raise UnsupportedError(
            f"{what} needs the whole network, but these parts can't be expressed: "
            + ", ".join(topology.omitted)
        )
