"""Layers that no spiking network computes: the host does, on decoded values."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import nengo
import numpy as np
from nengo.params import NumberParam

from ...common.exceptions import UnsupportedError
from ...compat import import_tensorflow
from ...compat.batched_process import BatchedProcess
from .building import LayerBuild

TensorFunction = Callable[..., Any]
"""Takes (n, size) tensors, one for each input, returns an (n, size) tensor."""


class HostLayer(BatchedProcess):
    """A function of decoded values, computed in every timestep.

    What arrives is averaged first, with weights that fall off by a time constant:
    spikes are too coarse for products and quotients. The mean counts from the first
    timestep on, so that it has no bias at the start.

    Parameters
    ----------
    function : callable
        See `TensorFunction`.
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
        self,
        function: TensorFunction,
        sizes: Sequence[int],
        size_out: int,
        tau: float,
    ):
        super().__init__(default_size_in=sum(sizes), default_size_out=size_out)
        self.function = function
        self.sizes = tuple(sizes)
        self.tau = tau

    def make_state(
        self, shape_in: Any, shape_out: Any, dt: float, dtype: Any = None
    ) -> dict[str, np.ndarray]:
        """Return the weighted sum so far, and the sum of its weights."""
        return {"total": np.zeros(shape_in), "weight": np.zeros(1)}

    def make_step(
        self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Mapping
    ) -> Callable[[float, np.ndarray], np.ndarray]:
        """Return the function that takes a timestep, for Nengo's simulator."""
        total, weight = state["total"], state["weight"]
        known: list[np.ndarray] = []
        kept = self._kept(dt)

        def step(t: float, x: np.ndarray) -> np.ndarray:
            total[...] = kept * total + x
            weight[...] = kept * weight + 1
            mean = total / weight
            if not known or not np.allclose(mean, known[0], rtol=1e-6, atol=0):
                known[:] = [mean, self.apply(mean[None])[0]]
            return known[1]

        return step

    def step_tensors(
        self, x: Any, states: list[Any], dt: float
    ) -> tuple[Any, list[Any]]:
        """Return output and states of a timestep, for NengoDL."""
        kept = self._kept(dt)
        total, weight = kept * states[0] + x, kept * states[1] + 1
        return self._output(total / weight), [total, weight]

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Apply the function to rows of all inputs, (n, size_in) -> (n, size_out)."""
        tf = import_tensorflow()
        return np.asarray(self._output(tf.constant(rows, tf.float32)))

    def _output(self, rows: Any) -> Any:
        tf = import_tensorflow()
        return self.function(*tf.split(rows, self.sizes, axis=1))

    def _kept(self, dt: float) -> float:
        return float(np.exp(-dt / self.tau)) if self.tau else 0.0

    def with_tau(self, tau: float) -> HostLayer:
        """Return the same with another time constant."""
        return type(self)(self.function, self.sizes, self.default_size_out, tau)

    def __deepcopy__(self, memo: dict) -> HostLayer:
        # a copied network, of rate neurons say, calls the same layer
        return self.with_tau(self.tau)


def on_host(
    build: LayerBuild,
    entries: Sequence[Any],
    function: TensorFunction,
) -> nengo.Node:
    """Return a node that applies a function to what objects put out.

    Parameters
    ----------
    build : LayerBuild
        The layer.
    entries : sequence of NengoObject
        Where the function's arguments come from.
    function : callable
        See `TensorFunction`.
    """
    sizes = [entry.size_out for entry in entries]
    build.on_host()
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
    for tensor in (*build.call.tensors, *build.call.outputs):
        dtype = tensor.dtype
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            raise UnsupportedError(
                f"it works on values of type {dtype.name}, and a network on numbers. "
                "Apply it to the data, and begin the model behind it"
            )
    run = build.run

    def function(*rows: Any) -> Any:
        return import_tensorflow().cast(run.tensors(*rows), "float32")

    return on_host(build, [*build.inputs, *build.mask_inputs], function)
