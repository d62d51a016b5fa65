"""Passthrough nodes between neurons of the chip -> connections from neurons to neurons.

What NengoLoihi makes of them leaves out nodes that are probed and lead nowhere, and
takes a TensorNode for one of them, so it is done here: the linear maps along all ways
are added up, as `nengo_energy.network.tracing` does.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ...common.plain_text import plain_line
from ...network.fanout import SparseMap, transform_map
from ...network.linear_maps import LinearMap, sum_maps
from ...network.objects import base, is_passthrough
from .changes import Change
from .names import Names
from .neurons import HOST_NEURON_TYPES
from .wires import Wire, from_map


@dataclass
class Cluster:
    """Passthrough nodes that lead to each other, and the connections around them."""

    nodes: list[nengo.Node] = field(default_factory=list)
    into: list[nengo.Connection] = field(default_factory=list)
    within: list[nengo.Connection] = field(default_factory=list)
    out: list[nengo.Connection] = field(default_factory=list)


@dataclass(frozen=True)
class Merged:
    """What takes the place of the passthrough nodes of a network.

    Attributes
    ----------
    nodes : set of nengo.Node
        Nodes that are no longer needed.
    connections : set of nengo.Connection
        Connections that are no longer needed.
    wires : list of Wire
        Connections that are needed instead.
    changes : list of Change
        What was done, by node.
    """

    nodes: set[nengo.Node]
    connections: set[nengo.Connection]
    wires: list[Wire]
    changes: list[Change]


class _Kept(Exception):
    """Why the nodes of a cluster stay on the host."""


def merge_passthrough(
    network: nengo.Network,
    on_chip: Callable[[Any], bool],
    seeds: Mapping[Any, int],
    names: Names,
) -> Merged:
    """Merge the passthrough nodes that spikes go through on their way to the chip.

    Those of the chip stay there, and those of the host arrive as they are; else the
    host would encode their weighted sum anew, and the chip filter it.

    Parameters
    ----------
    network : nengo.Network
        It isn't changed.
    on_chip : callable
        Tells whether an ensemble or a node is on the chip.
    seeds : mapping of {nengo.Connection: int}
        Seeds that weights are drawn with.
    names : Names
        Names of the network's objects.
    """
    probed = {base(probe.target) for probe in network.all_probes}
    merged = Merged(set(), set(), [], [])
    for cluster in _clusters(network):
        kept = [node for node in cluster.nodes if node in probed]
        dead = not cluster.out and not kept
        from_chip = any(on_chip(base(c.pre_obj)) for c in cluster.into)
        as_spikes = from_chip or _are_spikes(cluster)
        to_chip = any(
            not isinstance(c.post_obj, LearningRule) and on_chip(base(c.post_obj))
            for c in cluster.out
        )
        if not cluster.into or not (dead or (as_spikes and to_chip)):
            continue
        try:
            wires = _wires(cluster, kept, on_chip, seeds, names)
        except _Kept as reason:
            merged.changes.extend(
                Change("host", names[node], "stays on the host", str(reason))
                for node in cluster.nodes
            )
            continue
        merged.wires.extend(wires)
        merged.nodes.update(set(cluster.nodes) - set(kept))
        merged.connections.update(cluster.into + cluster.within + cluster.out)
        merged.changes.extend(
            Change(
                "merged",
                names[node],
                "was merged into the connections through it",
                "activity stays on the chip" if from_chip else "spikes stay spikes",
            )
            for node in cluster.nodes
            if node not in kept
        )
    return merged


def _are_spikes(cluster: Cluster) -> bool:
    """Tell whether spikes that can be sent are all that leads through, to neurons."""
    return all(
        isinstance(conn.pre_obj, Neurons)
        and type(conn.pre_obj.ensemble.neuron_type).__name__ in HOST_NEURON_TYPES
        for conn in cluster.into
    ) and all(isinstance(conn.post_obj, Neurons) for conn in cluster.out)


def _clusters(network: nengo.Network) -> Iterable[Cluster]:
    nodes = [n for n in dict.fromkeys(network.all_nodes) if is_passthrough(n)]
    number = {node: k for k, node in enumerate(nodes)}
    connections = list(dict.fromkeys(network.all_connections))
    ends = [(c, base(c.pre_obj), base(c.post_obj)) for c in connections]
    links = [(number[a], number[b]) for _, a, b in ends if a in number and b in number]
    pairs = np.array(links, dtype=int).reshape(-1, 2)
    graph = coo_matrix(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(nodes),) * 2
    )
    n_clusters, label = connected_components(graph, directed=False)
    clusters = [Cluster() for _ in range(n_clusters)]
    for node, k in zip(nodes, label):
        clusters[k].nodes.append(node)
    for conn, pre, post in ends:
        if pre in number:
            cluster = clusters[label[number[pre]]]
            (cluster.within if post in number else cluster.out).append(conn)
        elif post in number:
            clusters[label[number[post]]].into.append(conn)
    return clusters


def _wires(
    cluster: Cluster,
    kept: list[nengo.Node],
    on_chip: Callable[[Any], bool],
    seeds: Mapping[Any, int],
    names: Names,
) -> list[Wire]:
    """Return connections that do what those into and out of a cluster do."""
    for conn in cluster.into + cluster.within + cluster.out:
        if conn.learning_rule_type is not None:
            raise _Kept(f"{names[conn]} learns")
        if isinstance(conn.post_obj, LearningRule):
            raise _Kept(f"it gives its error to {names[conn.post_obj]}")
    leaving: dict[nengo.Node, list[nengo.Connection]] = defaultdict(list)
    for conn in cluster.within + cluster.out:
        leaving[conn.pre_obj].append(conn)
    # at each node or end, the maps by which connections into the cluster get there
    arrived: dict[Any, dict[Any, list[LinearMap]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for conn in cluster.into:
        arrived[conn.post_obj][conn, _synapses(conn)].append(_map(conn, seeds))
    for node in _in_order(cluster, leaving):
        for key, maps in arrived[node].items():
            arrived[node][key] = [sum_maps(maps)]
        for conn in leaving[node]:
            taken = np.arange(node.size_out)[conn.pre_slice]
            step = _map(conn, seeds) @ SparseMap.gather(taken, node.size_out)
            for (origin, passed), (linear,) in arrived[node].items():
                key = (origin, passed + _synapses(conn))
                arrived[conn.post_obj][key].append(step @ linear)
    merged_nodes = set(cluster.nodes) - set(kept)
    ways = [
        (origin, target, synapses, sum_maps(maps))
        for target, there in arrived.items()
        if target not in merged_nodes
        for (origin, synapses), maps in there.items()
    ]
    for origin, _, synapses, _ in ways:
        if len(synapses) > 1 and not all(
            isinstance(s, nengo.Lowpass) for s in synapses
        ):
            filters = " and ".join(map(str, synapses))
            raise _Kept(f"{names[origin]} passes {filters} on its way")
    return [
        Wire(
            origin,
            target,
            from_map(linear, _both_neurons(origin, target, on_chip)),
            _merged_synapse(synapses, names[origin]),
        )
        for origin, target, synapses, linear in ways
        if linear.fan_out.any()
    ]


def _in_order(
    cluster: Cluster, leaving: Mapping[nengo.Node, list[nengo.Connection]]
) -> list[nengo.Node]:
    """Return the nodes so that each follows those that feed it."""
    n_feeds = {node: 0 for node in cluster.nodes}
    for conn in cluster.within:
        n_feeds[conn.post_obj] += 1
    ready = [node for node in cluster.nodes if n_feeds[node] == 0]
    for node in ready:
        for conn in leaving[node]:
            if conn.post_obj in n_feeds:
                n_feeds[conn.post_obj] -= 1
                if n_feeds[conn.post_obj] == 0:
                    ready.append(conn.post_obj)
    if len(ready) < len(cluster.nodes):
        raise _Kept("passthrough nodes lead to each other in a loop")
    return ready


def _map(conn: nengo.Connection, seeds: Mapping[Any, int]) -> LinearMap:
    """Return the map from what a connection's function returns to all of its end."""
    rng = np.random.RandomState(seeds[conn])
    linear = transform_map(conn.transform, conn.size_mid, rng)
    post = np.arange(conn.post_obj.size_in)[conn.post_slice]
    return SparseMap.scatter(post, conn.post_obj.size_in) @ linear


def _synapses(conn: nengo.Connection) -> tuple[Any, ...]:
    return () if conn.synapse is None else (conn.synapse,)


def _merged_synapse(synapses: tuple[Any, ...], name: str) -> Any:
    if len(synapses) < 2:
        return synapses[0] if synapses else None
    tau = sum(synapse.tau for synapse in synapses)
    warnings.warn(
        f"{plain_line(name)} passes {len(synapses)} low-pass filters in a row; the "
        f"chip has one for each connection, so one of {tau:g} s takes their place. To "
        "have all, on the host, pass remove_passthrough=False",
        stacklevel=2,
    )
    return nengo.Lowpass(tau)


def _both_neurons(
    origin: nengo.Connection, target: Any, on_chip: Callable[[Any], bool]
) -> bool:
    """Tell whether a matrix with zeros can be stored without them."""
    ends = (origin.pre_obj, target)
    return all(isinstance(end, nengo.ensemble.Neurons) for end in ends) and on_chip(
        base(target)
    )
