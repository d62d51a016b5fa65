"""Layers that no spiking network computes: the host does, on decoded values."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import nengo
import numpy as np
from nengo.params import NumberParam

from ...network.objects import base
from .building import LayerBuild

Rows = Callable[..., np.ndarray]
"""Takes (n, size) ndarrays, one for each input, returns an (n, size) ndarray."""


class HostLayer(nengo.Process):
    """A function of decoded values, computed in every timestep.

    What arrives is averaged first, with weights that fall off by a time constant:
    spikes are too coarse for products and quotients. The mean counts from the first
    timestep on, so that it has no bias at the start.

    Parameters
    ----------
    function : callable
        See `Rows`.
    sizes : sequence of int
        Sizes of the inputs, which arrive one after the other.
    size_out : int
        Size of the output.
    tau : float
        Time constant [s]; at 0 the function is applied to what arrives.
    """

    follows_input = True
    """Its output stays while its input does."""

    tau = NumberParam("tau", low=0)

    def __init__(
        self, function: Rows, sizes: Sequence[int], size_out: int, tau: float
    ):
        super().__init__(
            default_size_in=sum(sizes), default_size_out=size_out, default_dt=0.001
        )
        self.function = function
        self.splits = np.cumsum(sizes)[:-1]
        self.tau = tau

    def make_state(
        self, shape_in: Any, shape_out: Any, dt: float, dtype: Any = None
    ) -> dict[str, np.ndarray]:
        """Return the weighted sum so far, and the sum of its weights."""
        return {"total": np.zeros(shape_in), "weight": np.zeros(1)}

    def make_step(
        self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Mapping
    ) -> Callable[[float, np.ndarray], np.ndarray]:
        """Return the function that takes a timestep."""
        kept = np.exp(-dt / self.tau) if self.tau else 0.0
        total, weight = state["total"], state["weight"]

        def step(t: float, x: np.ndarray) -> np.ndarray:
            total[...] = kept * total + x
            weight[...] = kept * weight + 1
            return self.apply(total[None] / weight)[0]

        return step

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Apply the function to rows of all inputs, (n, size_in) -> (n, size_out)."""
        return self.function(*np.split(rows, self.splits, axis=1))


def on_host(build: LayerBuild, entries: Sequence[Any], function: Rows) -> nengo.Node:
    """Return a node that applies a function to what objects put out.

    Parameters
    ----------
    build : LayerBuild
        The layer.
    entries : sequence of NengoObject
        Where the function's arguments come from.
    function : callable
        See `Rows`.
    """
    sizes = [entry.size_out for entry in entries]
    build.host_layers.append(build.label)
    process = HostLayer(function, sizes, build.size, build.options.host_synapse)
    node = nengo.Node(
        process, size_in=sum(sizes), size_out=build.size, label=build.label
    )
    start = 0
    for entry, size in zip(entries, sizes):
        build.connect(entry, node[start : start + size])
        start += size
    return node


def convert_on_host(build: LayerBuild) -> Any:
    """Leave a layer to the host, whatever it computes."""
    return on_host(build, build.inputs, build.run)


def is_host_node(obj: Any) -> bool:
    """Tell whether an object is a layer that the host computes."""
    found = base(obj)
    return isinstance(found, nengo.Node) and isinstance(found.output, HostLayer)
