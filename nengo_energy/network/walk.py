"""The walk through a network: weights pushed from their sources to where they end."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ..common.exceptions import UnsupportedError
from .linear_maps import LinearMap, SparseMap, sum_maps
from .objects import base, is_decoded, is_passthrough
from .paths import Path, Stage, group_paths, join_stages

Arrivals = dict[tuple[Any, Any], list[tuple[Path, Any]]]
"""Paths by source and target, each with its connection where it is nothing else."""


class Walk:
    """Pushes maps from neurons and nodes through the passthrough nodes in order.

    Parameters
    ----------
    labels : mapping of {nengo.Ensemble or nengo.Node: str}
        All objects, in order, by what errors call them.
    connections : sequence of nengo.Connection
        What the paths are made of.
    weights : callable
        Returns the `LinearMap` of a connection.
    stage : callable
        Returns the `Stage` that a connection is.
    read : mapping of {nengo.Node: ndarray}
        Which values of nodes are probed, (size_out,) bool ndarrays.
    """

    def __init__(
        self,
        labels: Mapping[Any, str],
        connections: Sequence[nengo.Connection],
        weights: Callable[[nengo.Connection], LinearMap],
        stage: Callable[[nengo.Connection], Stage],
        read: Mapping[nengo.Node, np.ndarray],
    ):
        self.labels = labels
        self.connections = connections
        self.weights = weights
        self.stage = stage
        self.read = read
        self.leaving: dict[Any, list[nengo.Connection]] = defaultdict(list)
        for conn in connections:
            self.leaving[base(conn.pre_obj)].append(conn)

    def arrivals(self) -> Arrivals:
        """Push the maps of all sources along, and collect them where they end."""
        ended: Arrivals = defaultdict(list)
        at_node: dict[Any, list[Path]] = defaultdict(list)

        def push(conn: nengo.Connection, incoming: Sequence[Path]) -> None:
            target = base(conn.post_obj)
            for path in self._extend(conn, incoming):
                if is_passthrough(target):
                    at_node[target].append(path)
                else:
                    direct = None if incoming else conn
                    ended[path.source, target].append((path, direct))

        for conn in self.connections:
            if not is_passthrough(base(conn.pre_obj)):
                push(conn, ())
        for node in self._passthrough_in_order():
            paths = [_summed(group) for group in group_paths(at_node[node])]
            if not paths:
                continue
            if node in self.read or not self.leaving[node]:
                for path in self._read(node, paths):
                    ended[path.source, node].append((path, None))
            for conn in self.leaving[node]:
                push(conn, paths)
        return ended

    def _read(self, node: nengo.Node, paths: Sequence[Path]) -> list[Path]:
        """Return what is read of the paths to a node: all, unless probes say which."""
        rows = self.read.get(node)
        if rows is None or rows.all():
            return list(paths)
        kept = [
            replace(path, weights=SparseMap.diagonal(rows) @ path.weights)
            for path in paths
        ]
        return [path for path in kept if path.weights.fan_out.any()]

    def _extend(self, conn: nengo.Connection, incoming: Sequence[Path]) -> list[Path]:
        """Return paths prolonged by a connection; it is the whole path at a source."""
        weights, stage = self.weights(conn), self.stage(conn)
        filters = () if conn.synapse is None else (conn.synapse,)
        if not incoming:
            return [Path(base(conn.pre_obj), weights, filters, (stage,))]
        return [
            Path(
                path.source,
                weights @ path.weights,
                path.filters + filters,
                path.stages + (stage,),
            )
            for path in incoming
        ]

    def _passthrough_in_order(self) -> list[nengo.Node]:
        """Return the passthrough nodes so that each follows those that feed it."""
        nodes = [obj for obj in self.labels if is_passthrough(obj)]
        n_feeds = Counter(
            base(c.post_obj)
            for c in self.connections
            if is_passthrough(base(c.pre_obj))
        )
        ready = [n for n in nodes if n_feeds[n] == 0]
        ordered = []
        while ready:
            node = ready.pop(0)
            ordered.append(node)
            for conn in self.leaving[node]:
                post = base(conn.post_obj)
                n_feeds[post] -= 1
                if is_passthrough(post) and n_feeds[post] == 0:
                    ready.append(post)
        if len(ordered) < len(nodes):
            raise UnsupportedError(
                "passthrough nodes form a loop: "
                f"{', '.join(self.labels[n] for n in self._loops(nodes, ordered))}; "
                "put an ensemble or a node with a function between them"
            )
        return ordered

    def _loops(
        self, nodes: Sequence[nengo.Node], ordered: Sequence[nengo.Node]
    ) -> list[nengo.Node]:
        """Return the nodes that lead to a loop and back, of those in no order."""
        stuck = set(nodes) - set(ordered)
        while ends := {
            node
            for node in stuck
            if stuck.isdisjoint(base(conn.post_obj) for conn in self.leaving[node])
        }:
            stuck -= ends
        return [node for node in nodes if node in stuck]


def merge(paths: Sequence[tuple[Path, Any]]) -> Iterator[tuple[Path, Any]]:
    """Yield direct connections one by one, and sum the others by their filters."""
    for path, direct in paths:
        if direct is not None:
            yield path, None if is_decoded(direct) else direct
    for group in group_paths([path for path, direct in paths if direct is None]):
        yield _summed(group), None


def _summed(group: Sequence[Path]) -> Path:
    """Return the sum of paths with the same source and filters."""
    weights = sum_maps([path.weights for path in group])
    return Path(group[0].source, weights, group[0].filters, join_stages(group))
