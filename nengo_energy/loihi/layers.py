"""Names by which a ledger lists what cores hold and do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import nengo

from ..compat.loihi_image import AxonImage, BlockImage
from ..network.objects import base, labels
from ..network.topology import Topology


@dataclass(frozen=True)
class LayerNames:
    """Names of populations and layers.

    Attributes
    ----------
    populations : Mapping
        Names of neurons: by ensemble, and by the connection or the probe whose decoded
        values neurons pass on.
    layers : Mapping
        The layers that these, and nodes, are listed under.
    weights : Mapping
        The layers that hold the weights of connections; the others are in the layer
        that they lead to.
    """

    populations: Mapping[Any, str]
    layers: Mapping[Any, str]
    weights: Mapping[Any, str]

    def of_weights(self, axon: AxonImage, target: BlockImage) -> str:
        """Return the layer of the weights that an axon leads to in a block."""
        return self.weights.get(axon.owner) or self.layers[target.owner]

    def of_sender(self, source: nengo.Connection | nengo.Node) -> str:
        """Return the layer that spikes of the host, or of a node, come from."""
        if isinstance(source, nengo.Node):
            return self.layers[source]
        known = self.layers.get(base(source.pre_obj))
        return known or str(source.label).partition(" -> ")[0]


def traced_names(network: nengo.Network, topology: Topology) -> LayerNames:
    """Return the names of a converted network, which its topology has.

    Parameters
    ----------
    network : nengo.Network
        The prepared network, whose connections are labelled by their projections.
    topology : Topology
        What was traced.
    """
    layers = {p.name: p.layer for p in topology.projections + topology.inputs}
    return LayerNames(
        {p.ensemble: p.name for p in topology.populations},
        {p.ensemble: p.layer for p in topology.populations},
        {c: layers[c.label] for c in network.all_connections if c.label in layers},
    )


def labelled_names(network: nengo.Network) -> LayerNames:
    """Return the names of any network: the labels of its objects.

    Neurons by which NengoLoihi passes decoded values on are layers of their own.
    """
    names = dict(labels(network))
    for conn in network.all_connections:
        ends = (
            names.get(base(end), "learning") for end in (conn.pre_obj, conn.post_obj)
        )
        names[conn] = " -> ".join(ends) + DECODED
    for probe in network.all_probes:
        names[probe] = f"probe of {names.get(base(probe.target), probe.target)}"
        names[probe] += DECODED
    return LayerNames(names, names, {})


DECODED = " (decoded)"
"""Added to the names of neurons that pass decoded values on."""
