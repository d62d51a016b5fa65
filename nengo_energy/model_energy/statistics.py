"""KerasSpiking's way to count: a function from a node to connections and neurons."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import Any, Callable, Mapping, NamedTuple

from ..common.exceptions import InputError, UnsupportedError
from ..keras_models.graph import read_node
from ..layer_ops.calls import LayerCall, Shape, one_timestep
from ..layer_ops.counters import (
    Operations,
    UncountedClassError,
    count_call,
    find_counter,
    register_layer as register_counter,
)

STATS = ("connections", "neurons", "spiking")
"""What a function that counts may return."""

StatsFunction = Callable[["Node"], Mapping[str, Any]]


class Node(NamedTuple):
    """One call of a layer, as functions that count it see it.

    Attributes
    ----------
    layer : keras layer
        The layer; for ``TimeDistributed``, the layer inside.
    input_shapes, output_shapes : tuple, or list of tuple
        Shapes of one timestep, batch axis first as None and no time axis; a list where
        there are several inputs or outputs.
    """

    layer: Any
    input_shapes: Shape | list
    output_shapes: Shape | list


class StatsCounter:
    """Counts the operations of a layer class by a function of `Node`."""

    def __init__(self, class_name: str, function: StatsFunction) -> None:
        self.class_name = class_name
        self.function = function

    def __call__(self, call: LayerCall) -> Operations:
        """Return the operations of one call."""
        node = Node(
            call.layer, _with_batch(call.input_shapes), _with_batch(call.output_shapes)
        )
        stats = dict(self.function(node))
        counts = {}
        for key, value in stats.items():
            if key not in STATS:
                raise InputError(
                    f"the function that counts {self.class_name} returned an invalid "
                    f"stat {key!r}; allowed are {', '.join(STATS)}"
                )
            if key != "spiking":
                counts[key] = _check_size(self.class_name, key, value)
        return Operations(
            connections=counts.get("connections", 0),
            activations=counts.get("neurons", 0),
            spiking=bool(stats.get("spiking", True)),
        )


def register_stats(layer_class: Any, function: StatsFunction) -> None:
    """Count a layer class by a function of `Node`, in place of any other way.

    Warns where the class has been counted by another way.
    """
    if not isinstance(layer_class, type):
        raise InputError(f"register_layer takes a layer class; got {layer_class!r}")
    name = layer_class.__name__
    counter = StatsCounter(name, function)
    try:
        register_counter(layer_class, counter)
    except InputError:
        warnings.warn(
            f"Layer {name!r} already registered; the new function replaces the way it "
            "was counted",
            stacklevel=3,
        )
        register_counter(layer_class, counter, replace=True)


def registered_counter(layer: Any) -> StatsCounter | None:
    """Return the function that a user registered for a layer's class, None if none."""
    counter = find_counter(layer)
    return counter if isinstance(counter, StatsCounter) else None


def layer_stats(layer: Any, node: Any = None) -> dict[str, Any]:
    """Return the counts of one call; see `ModelEnergy.compute_layer_stats`."""
    nodes = getattr(layer, "_inbound_nodes", None)
    if nodes is None:
        raise InputError(
            f"Cannot compute stats for layer of type {type(layer).__name__!r}; give a "
            "Keras layer"
        )
    if node is None:
        if not nodes:
            raise InputError(
                f"Layer {layer.name!r} has never been applied to any inputs, so it has "
                "no shapes to count"
            )
        node = nodes[0]
    call = read_node(node)
    try:
        return as_stats(count_call(one_timestep(call, layer.name)))
    except UncountedClassError as error:
        raise UnsupportedError(
            f"Cannot compute stats for layer {layer.name!r}: {error}; say how with "
            "ModelEnergy.register_layer"
        ) from error


def as_stats(operations: Operations) -> dict[str, Any]:
    """Return operations by KerasSpiking's names."""
    return {
        "connections": operations.connections,
        "neurons": operations.activations,
        "spiking": operations.is_spiking,
    }


def _with_batch(shapes: tuple[tuple[int, ...], ...]) -> Shape | list:
    with_batch: list = [(None, *shape) for shape in shapes]
    return with_batch[0] if len(with_batch) == 1 else with_batch


def _check_size(class_name: str, key: str, value: Any) -> int:
    """Return a count as an integer, whatever type of number it came as."""
    is_number = isinstance(value, Real) and math.isfinite(value)
    if not is_number or value < 0 or value != int(value):
        raise InputError(
            f"the function that counts {class_name} returned {key}={value!r}; allowed "
            "is a whole number of at least 0"
        )
    return int(value)
