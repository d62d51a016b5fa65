"""Fold constant nodes into the biases of the neurons they feed.

NengoDL's converter gives a convolution its bias by a constant node and a relay, so that
it could be trained. NengoLoihi refuses the relay, and simulators spend time on it.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.dists import get_samples

from ..common.exceptions import UnsupportedError
from .objects import once
from .topology import Topology


def fold_biases(network: nengo.Network, topology: Topology) -> list[str]:
    """Move what constant nodes give to neurons into the neurons' own biases.

    A node that also feeds an output, or any node that computes, stays.

    Parameters
    ----------
    network : nengo.Network
        A network that the caller owns; it is changed.
    topology : Topology
        What was traced of it, before the change.

    Returns
    -------
    list of str
        Names of the populations whose biases changed.
    """
    foldable = [
        source
        for source in dict.fromkeys(bias.source for bias in topology.biases)
        if all(
            isinstance(bias.target, nengo.Ensemble)
            for bias in topology.biases
            if bias.source is source
        )
    ]
    folded = []
    for bias in topology.biases:
        if bias.source in foldable:
            ens = bias.target
            ens.bias = fixed_samples(ens, "bias") + (
                fixed_samples(ens, "gain") * bias.values
            )
            folded.append(bias.post)
    _prune(network, foldable)
    return list(dict.fromkeys(folded))


def fixed_samples(ens: nengo.Ensemble, attribute: str) -> np.ndarray:
    """Return the gain or bias of each neuron, (n_neurons,) ndarray.

    Raises
    ------
    UnsupportedError
        If they are drawn at random, or derived from other parameters, at build time.
    """
    value = getattr(ens, attribute)
    if value is not None:
        draws = [
            get_samples(value, ens.n_neurons, rng=np.random.RandomState(seed))
            for seed in (0, 1)
        ]
        if np.array_equal(*draws):
            return np.asarray(draws[0], dtype=float)
    raise UnsupportedError(
        f"{ens} has no fixed {attribute}: it is drawn when the network is built. "
        f"Give it as an array"
    )


def _prune(network: nengo.Network, nodes: list[nengo.Node]) -> None:
    """Remove nodes, and the relays that nothing else feeds."""
    networks = [network, *network.all_networks]
    probed = {probe.obj for probe in network.all_probes}
    while nodes:
        gone = set(nodes)
        for net in networks:
            _remove(net.nodes, lambda node: node in gone)
            _remove(net.connections, lambda conn: conn.pre_obj in gone)
        fed = {conn.post_obj for conn in network.all_connections}
        nodes = [
            node
            for node in once(network.all_nodes)
            if node.output is None
            and node.size_in > 0
            and node not in fed
            and node not in probed
        ]


def _remove(items: list[Any], unwanted: Any) -> None:
    items[:] = [item for item in items if not unwanted(item)]
