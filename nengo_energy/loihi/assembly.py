"""Put the parts of a network for NengoLoihi together."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import nengo
import numpy as np

from ..common.exceptions import UnsupportedError
from ..compat import import_nengo_loihi
from ..network.objects import base
from ..network.topology import Projection, Topology
from .blocks import BlockPlan
from .wiring import Wiring, as_array, host_transform


class Assembly:
    """A network that is being prepared.

    Parameters
    ----------
    network : nengo.Network
        The converted network, which lends its nodes and probes; it isn't changed.
    topology : Topology
        What was traced of it, with the neurons that the new network shall have.
    host : set of str
        Populations that run on the host.
    presented : mapping of {nengo.Node: nengo.Process}
        Input nodes that a process takes the place of.
    """

    def __init__(
        self,
        network: nengo.Network,
        topology: Topology,
        host: set[str],
        presented: Mapping[nengo.Node, nengo.Process],
    ):
        self.topology = topology
        self.host = host
        self.prepared = nengo.Network(
            label=f"{network.label or 'network'} on Loihi",
            seed=network.seed,
            add_to_container=False,
        )
        self.nengo_loihi = import_nengo_loihi()
        self.nengo_loihi.add_params(self.prepared)
        self.prepared.ensembles.extend(p.ensemble for p in topology.populations)
        self.ends: dict[Any, Any] = {}
        for node in dict.fromkeys(p.source for p in topology.inputs):
            self.ends[node] = node
            if node in presented:
                self.ends[node] = nengo.Node(
                    presented[node],
                    size_out=node.size_out,
                    label=node.label,
                    add_to_container=False,
                )
        for node in dict.fromkeys(p.target for p in topology.readouts):
            self.ends[node] = node
        for projection in topology.inputs:
            if isinstance(projection.target, nengo.Node):
                self.ends[projection.target] = projection.target
        self.prepared.nodes.extend(self.ends.values())
        self.ends.update({p.ensemble: p.ensemble.neurons for p in topology.populations})

    def connect(self, projection: Projection, wiring: Wiring | None) -> None:
        """Add one projection; those onto the chip come with their form."""
        filters = projection.filters
        if len(filters) > 1:
            raise UnsupportedError(
                f"{projection.name} passes {len(filters)} synaptic filters in a row; "
                "the chip has one for each connection"
            )
        synapse = filters[0] if filters else None
        own = projection.connection
        if wiring is not None:
            if not isinstance(synapse, (nengo.Lowpass, type(None))):
                raise UnsupportedError(
                    f"{projection.name} has the synaptic filter {synapse}; the chip "
                    "has low-pass filters (nengo.Lowpass) alone"
                )
            transform = own.transform if wiring.transform is None else wiring.transform
        elif projection.pre in self.host or isinstance(projection.source, nengo.Node):
            transform = host_transform(projection)
        else:  # NengoLoihi reads out by a matrix
            transform = as_array(projection)
        with self.prepared:
            nengo.Connection(
                self.ends[projection.source],
                self.ends[projection.target],
                transform=transform,
                synapse=synapse,
                label=projection.name,
                seed=None if own is None else own.seed,
            )

    def add_output_biases(self) -> None:
        """Give output nodes what constant nodes gave them."""
        for bias in self.topology.biases:
            with self.prepared:
                node = nengo.Node(np.array(bias.values), label=f"{bias.post}.bias")
                nengo.Connection(node, bias.target, synapse=None)

    def place(self, plans: Mapping[str, BlockPlan]) -> None:
        """Tell NengoLoihi which layers are on the host, and how the others split."""
        for pop in self.topology.populations:
            config = self.prepared.config[pop.ensemble]
            if pop.name in plans:
                partition = plans[pop.name].partition
                config.block_shape = self.nengo_loihi.BlockShape(
                    partition.block, partition.shape
                )
            else:
                config.on_chip = False

    def add_probes(self, outputs: Sequence[nengo.Probe]) -> None:
        """Keep the probes whose objects are in the network."""
        known = set(self.prepared.ensembles) | set(self.prepared.nodes)
        self.prepared.probes.extend(p for p in outputs if base(p.obj) in known)
