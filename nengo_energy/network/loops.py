"""Loops of passthrough nodes: which nodes hold a state, and in which order to go."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Any, Mapping, Sequence

import nengo
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ..common.exceptions import UnsupportedError
from .objects import base, is_passthrough


def held_nodes(
    labels: Mapping[Any, str], connections: Sequence[nengo.Connection]
) -> list[nengo.Node]:
    """Return the passthrough nodes that hold a state.

    A synapse in a loop of passthrough nodes makes a memory of it, as in an integrator
    or a filter of higher order. The value behind the synapse hangs on all that came
    before, so that paths end at the node that it leads to, and begin there anew.

    Parameters
    ----------
    labels : mapping of {nengo.Ensemble or nengo.Node: str}
        All objects, in order.
    connections : sequence of nengo.Connection
        Of the network.
    """
    nodes = [obj for obj in labels if is_passthrough(obj)]
    numbers = {node: k for k, node in enumerate(nodes)}
    inner = [conn for conn in connections if _ends(conn) <= numbers.keys()]
    ends = [(numbers[base(c.pre_obj)], numbers[base(c.post_obj)]) for c in inner]
    rows, columns = np.array(ends, dtype=int).reshape(-1, 2).T
    shape = (len(nodes), len(nodes))
    graph = sp.csr_matrix((np.ones(len(ends)), (rows, columns)), shape=shape)
    _, loop = connected_components(graph, connection="strong")
    held = {
        post
        for conn, (pre, post) in zip(inner, ends)
        if loop[pre] == loop[post] and conn.synapse is not None
    }
    return [nodes[k] for k in sorted(held)]


def in_order(
    labels: Mapping[Any, str],
    connections: Sequence[nengo.Connection],
    held: Sequence[nengo.Node],
) -> list[nengo.Node]:
    """Return the passthrough nodes that hold nothing, each behind those that feed it.

    Raises
    ------
    UnsupportedError
        If some form a loop without a synapse, so that values hang on themselves within
        a timestep.
    """
    feeds: dict[Any, list[Any]] = {
        obj: [] for obj in labels if is_passthrough(obj) and obj not in held
    }
    for conn in connections:
        if _ends(conn) <= feeds.keys():
            feeds[base(conn.post_obj)].append(base(conn.pre_obj))
    try:
        return list(TopologicalSorter(feeds).static_order())
    except CycleError as error:
        members = ", ".join(labels[node] for node in feeds if node in error.args[1])
        raise UnsupportedError(
            f"passthrough nodes form a loop without a synapse: {members}; its values "
            "hang on themselves. Give one of its connections a synapse, or put an "
            "ensemble or a node with a function into it"
        ) from error


def _ends(conn: nengo.Connection) -> set[Any]:
    return {base(conn.pre_obj), base(conn.post_obj)}
