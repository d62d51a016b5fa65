"""A NIR graph as plain values: nested graphs taken apart, loops found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from ...common.exceptions import InputError, UnsupportedError
from .reading import MAX_DEPTH

Edge = tuple[str, str]

MAX_NUMBER = 1e100
"""Largest parameter of a node, so that sums and squares are numbers as well."""


@dataclass(frozen=True, eq=False)
class GraphNode:
    """A node of NIR.

    Attributes
    ----------
    name : str
        Unique in the graph; nodes of nested graphs have the graph's name before theirs.
    kind : str
        Name of the primitive, such as ``"LIF"``.
    values : mapping of str to object
        Its parameters.
    """

    name: str
    kind: str
    values: Mapping[str, Any]

    def array(self, key: str, default: Any = None) -> np.ndarray:
        """Return a parameter of real, finite numbers."""
        value = self.values.get(key)
        value = default if value is None else value
        if value is None:
            raise InputError(f"{self} lacks {key!r}")
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError(f"{key!r} of {self} must be numbers: {error}") from error
        if not np.all(np.abs(array) <= MAX_NUMBER):  # neither is NaN
            raise InputError(
                f"{key!r} of {self} holds NaN, infinite values, or numbers beyond "
                f"{MAX_NUMBER:g}"
            )
        return array

    def sizes(self, key: str, n: int, default: Any = None) -> tuple[int, ...]:
        """Return a parameter of n whole numbers, or of one for all axes."""
        array = self.array(key, default).ravel()
        if array.size not in (1, n) or np.any(array != np.rint(array)):
            raise InputError(
                f"{key!r} of {self} must be {n} whole numbers; got {array}"
            )
        return tuple(int(value) for value in np.broadcast_to(array, n))

    def __str__(self) -> str:
        return f"NIR node {self.name!r} ({self.kind})"


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges, without nested graphs.

    Attributes
    ----------
    nodes : mapping of {str: GraphNode}
        By name.
    edges : tuple of (str, str)
        In the order of the file, each once.
    """

    nodes: Mapping[str, GraphNode]
    edges: tuple[Edge, ...]

    def of_kind(self, *kinds: str) -> list[GraphNode]:
        """Return the nodes that are of some primitives."""
        return [node for node in self.nodes.values() if node.kind in kinds]


def flat_graph(found: Any, source: str) -> Graph:
    """Take nested graphs apart.

    Parameters
    ----------
    found : mapping
        As of ``nir.NIRGraph.to_dict()``.
    source : str
        What it is, for messages.

    Raises
    ------
    InputError
        If the parts of a graph don't fit each other.
    UnsupportedError
        If a nested graph has several inputs or outputs.
    """
    nodes: dict[str, GraphNode] = {}
    edges = _flatten(found, "", source, nodes, 0)
    if not nodes:
        raise InputError(f"{source} is a graph without nodes")
    return Graph(nodes, tuple(dict.fromkeys(edges)))


def _flatten(
    found: Any, prefix: str, source: str, nodes: dict[str, GraphNode], depth: int
) -> list[Edge]:
    """Add the nodes of a graph to others, and return its edges."""
    place = f"{source}, graph {prefix[:-1]!r}" if prefix else source
    if depth > MAX_DEPTH:
        raise InputError(f"{place} lies deeper than {MAX_DEPTH} graphs")
    parts, listed = _parts(found, place)
    edges: list[Edge] = []
    entries: dict[str, str] = {}
    exits: dict[str, str] = {}
    for name, values in parts.items():
        full = prefix + name
        kind = values.get("type") if isinstance(values, Mapping) else None
        if not isinstance(kind, str):
            raise InputError(f"{place}: node {name!r} doesn't say what type it is")
        if kind != "NIRGraph":
            if full in nodes:
                raise InputError(f"{place}: two nodes have the name {full!r}")
            # the inputs and outputs of nested graphs only pass on
            inner = depth > 0 and kind in ("Input", "Output")
            nodes[full] = GraphNode(full, "Relay" if inner else kind, values)
            entries[name] = exits[name] = full
            continue
        edges += _flatten(values, f"{full}.", source, nodes, depth + 1)
        inner_nodes = values.get("nodes", {})
        entries[name] = _only_one("Input", inner_nodes, full, place)
        exits[name] = _only_one("Output", inner_nodes, full, place)
    for pre, post in listed:
        # some frameworks write "graph.input" for the input of a nested graph
        pre, post = (_known(end, parts, place) for end in (pre, post))
        edges.append((exits[pre], entries[post]))
    return edges


def _parts(found: Any, place: str) -> tuple[Mapping[str, Any], list[Edge]]:
    """Return the nodes and edges of a graph, checked for their form."""
    kind = found.get("type") if isinstance(found, Mapping) else None
    if not isinstance(kind, str) or kind != "NIRGraph":
        raise InputError(f"{place} isn't a NIRGraph")
    parts, listed = found.get("nodes", {}), found.get("edges", [])
    if not isinstance(parts, Mapping):
        raise InputError(f"{place} has nodes without names")
    pairs = np.atleast_1d(np.asarray(listed, object)).tolist()
    for pair in pairs:
        if (
            np.ndim(pair) != 1
            or len(pair) != 2
            or not all(isinstance(end, str) for end in pair)
        ):
            raise InputError(
                f"{place} has an edge that isn't a pair of names: {pair!r}"
            )
    return parts, [(str(pre), str(post)) for pre, post in pairs]


def _known(end: str, parts: Mapping[str, Any], place: str) -> str:
    for name in (end, end.rpartition(".")[0]):
        if name in parts:
            return name
    known = ", ".join(list(parts)[:20])
    raise InputError(
        f"{place} has an edge of {end!r}, which isn't a node; known: {known}"
    )


def _only_one(kind: str, parts: Mapping[str, Any], full: str, place: str) -> str:
    found = [name for name, values in parts.items() if values.get("type") == kind]
    if len(found) != 1:
        raise UnsupportedError(
            f"{place}: the nested graph {full!r} has {len(found)} {kind} nodes; graphs "
            "with one input and one output are built. Put its nodes in the outer graph"
        )
    return f"{full}.{found[0]}"


def in_order(graph: Graph) -> tuple[list[str], set[Edge]]:
    """Order nodes so that each follows what feeds it, but for edges that lead back.

    Returns
    -------
    tuple of list of str and set of (str, str)
        The order, and the edges that close a loop: those to a node on the way from the
        first input to where they begin.
    """
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for pre, post in graph.edges:
        after[pre].append(post)
    finished: list[str] = []
    seen: set[str] = set()
    back: set[Edge] = set()
    roots = [node.name for node in graph.of_kind("Input")]
    for root in dict.fromkeys([*roots, *graph.nodes]):
        if root in seen:
            continue
        seen.add(root)
        way, on_way = [(root, iter(after[root]))], {root}
        while way:
            name, following = way[-1]
            found = next(following, None)
            if found is None:
                way.pop()
                on_way.discard(name)
                finished.append(name)
            elif found in on_way:
                back.add((name, found))
            elif found not in seen:
                seen.add(found)
                on_way.add(found)
                way.append((found, iter(after[found])))
    return finished[::-1], back


def looped(graph: Graph, edges: set[Edge], without: set[str]) -> set[Edge]:
    """Return the edges that are part of a loop that some nodes are no part of.

    Parameters
    ----------
    graph : Graph
        The graph.
    edges : set of (str, str)
        The edges that are asked about.
    without : set of str
        The nodes.
    """
    numbers = {name: k for k, name in enumerate(graph.nodes)}
    kept = [edge for edge in graph.edges if not without.intersection(edge)]
    rows = [numbers[pre] for pre, _ in kept]
    columns = [numbers[post] for _, post in kept]
    links = sp.coo_matrix((np.ones(len(kept)), (rows, columns)), (len(numbers),) * 2)
    _, part = csgraph.connected_components(links, connection="strong")
    return {
        (pre, post)
        for pre, post in edges.intersection(kept)
        if part[numbers[pre]] == part[numbers[post]]
    }
