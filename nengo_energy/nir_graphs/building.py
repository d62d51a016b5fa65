"""A NIR graph -> a Nengo network: node after node, then the edges between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Collection

import nengo
import numpy as np

from ..common.exceptions import InputError, UnsupportedError
from .graph import Graph, GraphNode, in_order, looped
from .registry import builder_of

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Options:
    """How time, and what NIR leaves open, is taken; see `nengo_energy.from_nir`.

    Attributes
    ----------
    dt : float
        Length of a timestep [s].
    time_unit : float
        Unit of the times in the graph [s].
    integration : {"euler", "exponential"}
        How differential equations are discretised.
    reset : {"value", "subtraction"}
        What a spike does to the voltage.
    inputs : {"values", "spikes"}
        What the inputs hold.
    allow : collection of str
        What may be lost; see `LOSSES`.
    max_values : int
        Most values that a node may put out.
    on_chip : bool
        Whether neurons are those of Loihi, which come close to NIR's.
    """

    dt: float
    time_unit: float = 1.0
    integration: str = "euler"
    reset: str = "value"
    inputs: str = "values"
    allow: Collection[str] = ()
    max_values: int = 2**27
    on_chip: bool = False


LOSSES = ("rounded-delays",)
"""What may be lost where ``allow`` says so."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a node became.

    Attributes
    ----------
    entry : object
        What edges to the node lead to.
    exit : object
        What edges from the node come from.
    shape : tuple of int
        Shape of what it puts out.
    transform : nengo transform or None
        Weights of the edges to it.
    synapse : nengo.synapses.Synapse or None
        Filter of the edges to it.
    """

    entry: Any
    exit: Any
    shape: Shape
    transform: Any = None
    synapse: Any = None


@dataclass(frozen=True, eq=False)
class Build:
    """What a builder knows of its node.

    Attributes
    ----------
    node : GraphNode
        The node.
    options : Options
        How time is taken.
    shape_in : tuple of int or None
        Shape of what feeds it; None if nothing does.
    """

    node: GraphNode
    options: Options
    shape_in: Shape | None

    def relay(self, shape: Shape, part: str = "") -> nengo.Node:
        """Make a passthrough node for values of a shape."""
        return nengo.Node(size_in=self.size(shape), label=self.node.name + part)

    def size(self, shape: Shape) -> int:
        """Return how many values there are in a shape, if that isn't too many."""
        size = math.prod(shape)
        if not 0 < size <= self.options.max_values:
            raise InputError(
                f"{self.node} puts out values of shape {shape}; between 1 and "
                f"{self.options.max_values} are allowed, which max_bytes sets"
            )
        return size

    @property
    def fed(self) -> Shape:
        """Shape of what feeds the node, which must be fed."""
        if self.shape_in is None:
            raise InputError(f"{self.node} needs an edge from a node that feeds it")
        return self.shape_in

    def each(self, *names: str, **defaults: float) -> tuple[dict[str, Any], Shape]:
        """Return parameters with a value for each unit, (n,) ndarray, and their shape.

        Parameters
        ----------
        *names : str
            Parameters that the node must have.
        **defaults : float
            Parameters that it may have, and what they are otherwise.
        """
        found = {name: self.node.array(name) for name in names}
        for name, value in defaults.items():
            found[name] = self.node.array(name, value)
        own = max((a.shape for a in found.values()), key=math.prod)
        shape = own
        if math.prod(own) == 1 and self.shape_in is not None:
            shape = self.shape_in  # one value for all, as scalars are exported
        size = self.size(shape)
        for name, array in found.items():
            if array.size not in (1, size):
                raise InputError(
                    f"{name!r} of {self.node} has the shape {array.shape}, for units "
                    f"of shape {shape}"
                )
            found[name] = np.array(np.broadcast_to(array.ravel(), size))
        return found, shape

    def times(self, parameters: dict[str, Any], *names: str) -> None:
        """Turn parameters that are times into seconds, and check them."""
        for name in names:
            parameters[name] = parameters[name] * self.options.time_unit
            least, dt = parameters[name].min(), self.options.dt
            if least <= 0:
                raise InputError(f"{name!r} of {self.node} must be above 0")
            if self.options.integration == "euler" and least < dt * (1 - 1e-6):
                raise InputError(
                    f"{name!r} of {self.node} is {least:g} s, less than a timestep of "
                    f"{dt:g} s, which the Euler method can't do; give the dt (or the "
                    "time_unit) that the graph is meant for, or take "
                    'integration="exponential"'
                )


@dataclass(frozen=True, eq=False)
class Built:
    """A network, and its way in and out.

    Attributes
    ----------
    network : nengo.Network
        The network.
    inputs, outputs : dict of {str: nengo.Node} and {str: nengo.Probe}
        By the names of the graph's nodes.
    parts : dict of {str: Part}
        What each node became.
    shapes : dict of {str: tuple of int}
        Shapes of the inputs.
    """

    network: nengo.Network
    inputs: dict[str, nengo.Node] = field(default_factory=dict)
    outputs: dict[str, nengo.Probe] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)


def build_graph(graph: Graph, options: Options, label: str) -> Built:
    """Build the network of a graph.

    Raises
    ------
    InputError
        If parts of the graph don't fit each other.
    UnsupportedError
        If a primitive isn't known, or a loop has nothing in it that keeps a state.
    """
    for node in graph.nodes.values():
        builder_of(node)  # an unknown type is refused before anything is built
    order, back = in_order(graph)
    stateful = graph.of_kind(*STATEFUL, "Delay")
    _check_loops(graph, back, {node.name for node in stateful})
    before: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for pre, post in graph.edges:
        if (pre, post) not in back:
            before[post].append(pre)
    network = nengo.Network(label=label, seed=0)
    built = Built(network)
    with network:
        for name in order:
            if _is_watched(name, graph, before[name], built, options):
                built.parts[name] = built.parts[before[name][0]]
                continue
            fed = [built.parts[pre].shape for pre in before[name]]
            build = Build(graph.nodes[name], options, fed[0] if fed else None)
            built.parts[name] = builder_of(build.node)(build)
        delays = {
            name
            for name, part in built.parts.items()
            if graph.nodes[name].kind == "Delay" and part.synapse is not None
        }
        late = looped(graph, back, delays)
        _connect(graph, built, set() if options.on_chip else late)
        for node in graph.of_kind("Input"):
            built.inputs[node.name] = built.parts[node.name].entry
            built.shapes[node.name] = built.parts[node.name].shape
        for node in graph.of_kind("Output"):
            source = built.parts[node.name].exit
            pres = [pre for pre, post in graph.edges if post == node.name]
            if not pres:
                raise InputError(f"{node} needs an edge from a node that feeds it")
            built.outputs[node.name] = nengo.Probe(source, label=node.name)
    if not (built.inputs and built.outputs):
        raise InputError("the graph needs an Input and an Output node")
    return built


def _is_watched(
    name: str, graph: Graph, before: list[str], built: Built, options: Options
) -> bool:
    """Tell whether an output is the spikes of neurons, which a probe sees as they are.

    NengoLoihi reads them by a node.
    """
    if graph.nodes[name].kind != "Output" or len(before) != 1 or options.on_chip:
        return False
    return isinstance(built.parts[before[0]].exit, nengo.ensemble.Neurons)


STATEFUL = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Threshold")
"""Primitives of neurons; a loop through one has a meaning from timestep to timestep."""


def _check_loops(graph: Graph, back: set[tuple[str, str]], stateful: set[str]) -> None:
    for pre, post in sorted(looped(graph, back, stateful)):
        raise UnsupportedError(
            f"{graph.nodes[pre]} and {graph.nodes[post]} are in a loop without neurons "
            "or delays, which has no meaning in time; put one of them into it"
        )


def _connect(graph: Graph, built: Built, late: set[tuple[str, str]]) -> None:
    """Connect the parts; what leads back arrives one timestep later."""
    for pre, post in graph.edges:
        source, target = built.parts[pre], built.parts[post]
        if source is target:
            continue
        synapse = target.synapse
        if (pre, post) in late and synapse is None:
            synapse = nengo.Lowpass(0)
        needed = _size_in(target)
        if source.exit.size_out != needed:
            raise InputError(
                f"{graph.nodes[pre]} puts out {source.exit.size_out} values of shape "
                f"{source.shape}, but {graph.nodes[post]} takes {needed}"
            )
        options = {} if target.transform is None else {"transform": target.transform}
        nengo.Connection(
            source.exit,
            target.entry,
            synapse=synapse,
            label=f"{pre} -> {post}",
            **options,
        )


def _size_in(part: Part) -> int:
    if part.transform is None:
        return int(part.entry.size_in)
    size = part.transform.size_in
    return int(part.entry.size_in if size is None else size)
