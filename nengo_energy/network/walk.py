"""The walk through a network: weights pushed from their sources to where they end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Sequence

import nengo
import numpy as np

from .keras_maps import layer_map
from .linear_maps import LinearMap, SparseMap, sum_maps
from .loops import held_nodes, in_order
from .objects import base, has_neurons, is_decoded, is_tensor_node
from .paths import Path, Stage, group_paths, join_stages

Arrivals = dict[tuple[Any, Any], list[tuple[Path, Any]]]
"""Paths by source and target, each with its connection where it is nothing else."""


class Walk:
    """Pushes maps from neurons and nodes through the passthrough nodes in order.

    Nodes that hold a state are no longer passed through: they are ends and sources.

    Parameters
    ----------
    labels : mapping of {nengo.Ensemble or nengo.Node: str}
        All objects, in order, by what errors call them.
    connections : sequence of nengo.Connection
        What the paths are made of.
    weights : callable
        Returns the `LinearMap` of a connection, and the one before encoders that take
        part in it, else None.
    stage : callable
        Returns the `Stage` that a connection is.
    read : mapping of {nengo.Node: ndarray}
        Which values of nodes are probed, (size_out,) bool ndarrays.

    Attributes
    ----------
    held : list of nengo.Node
        See `nengo_energy.network.loops.held_nodes`.
    """

    def __init__(
        self,
        labels: Mapping[Any, str],
        connections: Sequence[nengo.Connection],
        weights: Callable[[nengo.Connection], tuple[LinearMap, LinearMap | None]],
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
        self.held = held_nodes(labels, connections)

    def arrivals(self) -> Arrivals:
        """Push the maps of all sources along, and collect them where they end."""
        ended: Arrivals = defaultdict(list)
        order = in_order(self.labels, self.connections, self.held)
        at_node: dict[Any, list[Path]] = {node: [] for node in order}

        def push(conn: nengo.Connection, incoming: Sequence[Path]) -> None:
            target = base(conn.post_obj)
            for path in self._extend(conn, incoming):
                if target in at_node:
                    at_node[target].append(path)
                else:
                    direct = None if incoming else conn
                    ended[path.source, target].append((path, direct))

        for conn in self.connections:
            if base(conn.pre_obj) not in at_node:
                push(conn, ())
        for node in order:
            paths = [_summed(group) for group in group_paths(at_node[node])]
            if is_tensor_node(node):
                paths = self._through_layer(node, paths)
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

    def _through_layer(self, node: Any, paths: Sequence[Path]) -> list[Path]:
        """Return paths that end behind the weights of the layer that a node holds."""
        layer = layer_map(node)
        assert layer is not None  # else they would have ended at the node
        stage = Stage(self.labels[node], rank=2)
        return [
            replace(path, weights=layer @ path.weights, stages=path.stages + (stage,))
            for path in paths
        ]

    def _extend(self, conn: nengo.Connection, incoming: Sequence[Path]) -> list[Path]:
        """Return paths prolonged by a connection; it is the whole path at a source."""
        (weights, values), stage = self.weights(conn), self.stage(conn)
        filters = () if conn.synapse is None else (conn.synapse,)
        if not incoming:
            source = base(conn.pre_obj)
            function = None if has_neurons(source) else conn.function
            decoded = has_neurons(conn.pre_obj) and not conn.solver.weights
            return [Path(source, weights, filters, (stage,), function, values, decoded)]
        return [
            self._prolonged(path, weights, values, filters, stage) for path in incoming
        ]

    @staticmethod
    def _prolonged(
        path: Path,
        weights: LinearMap,
        values: LinearMap | None,
        filters: tuple[Any, ...],
        stage: Stage,
    ) -> Path:
        through = weights @ path.weights
        if values is not None:
            values = through if values is weights else values @ path.weights
        return replace(
            path,
            weights=through,
            filters=path.filters + filters,
            stages=path.stages + (stage,),
            values=values,
        )


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
    known = [path.values for path in group if path.values is not None]
    values = sum_maps(known) if len(known) == len(group) else None
    if all(path.values is path.weights for path in group):
        values = weights
    return replace(group[0], weights=weights, stages=join_stages(group), values=values)
