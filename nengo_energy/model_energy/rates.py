"""Run a Keras model on example data -> mean rate at the inputs of every layer.

A rate here is the absolute value of an activation, read as Hz. That is what
KerasSpiking does; see `ModelEnergy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from ..common.progress import progress_bar
from ..keras_models.graph import read_graph
from ..keras_models.running import ModelRunner, Signal
from ..keras_models.weights import check_weights
from .examples import example_batches

BATCH_SIZE = 32
"""Samples that are run at once."""


@dataclass(frozen=True)
class CallRates:
    """Mean rates of one call of a layer, over samples, timesteps and elements.

    Attributes
    ----------
    arriving : float
        Events per second at an element of the layer's inputs [Hz].
    leaving : float
        Events per second at an element of its outputs [Hz].
    """

    arriving: float
    leaving: float


def measure_rates(
    model: Any,
    example_data: Any,
    *,
    follow_events: bool = True,
    progress: bool | None = None,
) -> Mapping[str, tuple[CallRates, ...]]:
    """Return the mean rates of each call of each layer of a model on example data.

    Memory doesn't grow with the number of samples.

    Parameters
    ----------
    model : keras.Model
        A functional or Sequential model of Keras 2 or Keras 3.
    example_data : array_like, list, mapping, or iterable of batches
        See `examples.example_batches`.
    follow_events : bool
        Open models within the model, and carry events through layers that only pass
        them on: pooling, merging, moving. Otherwise the values of each layer's input
        count, and a model within is a layer like others.
    progress : bool, optional
        Show a progress bar; by default in a terminal, on long work.

    Returns
    -------
    mapping of str to tuple of CallRates
        By the layer's name, ``"outer/inner"`` within models; calls in the order of
        the graph.

    Raises
    ------
    InputError
        If the data doesn't fit the model, or a weight is NaN or infinite.
    """
    rates = _Rates()
    runner = ModelRunner(rates.note, follow_events)
    graph = read_graph(model)
    for call in graph.calls:
        check_weights(call.layer)
    n_samples = _n_samples(example_data)
    with progress_bar(n_samples, "running example data", progress, "sample") as tick:
        for arrays in example_batches(example_data, graph.inputs, BATCH_SIZE):
            runner.run_batch(graph, arrays)
            tick(len(arrays[0]))
    return rates.result()


def _n_samples(data: Any) -> int:
    """Return how many samples there are, or 0 if that isn't easily told."""
    while isinstance(data, Mapping) or (isinstance(data, (list, tuple)) and data):
        data = next(iter(data.values())) if isinstance(data, Mapping) else data[0]
        if np.ndim(data) == 0:
            return 0
    return len(data) if isinstance(data, np.ndarray) else 0


class _Sums:
    """Adds up means over batches of any size."""

    def __init__(self) -> None:
        self.totals = {"arriving": 0.0, "leaving": 0.0}
        self.sizes = {"arriving": 0, "leaving": 0}

    def add(self, side: str, signals: Sequence[Signal]) -> None:
        self.totals[side] += sum(float(s.events.sum()) for s in signals)
        self.sizes[side] += sum(s.events.size for s in signals)

    def rates(self) -> CallRates:
        means = {k: self.totals[k] / max(n, 1) for k, n in self.sizes.items()}
        return CallRates(**means)


class _Rates:
    """Adds up the rates of each call of each layer."""

    def __init__(self) -> None:
        self._sums: dict[str, list[_Sums]] = {}

    def note(
        self,
        name: str,
        index: int,
        arriving: Sequence[Signal],
        leaving: Sequence[Signal],
    ) -> None:
        """Add one call on one batch."""
        calls = self._sums.setdefault(name, [])
        if index == len(calls):
            calls.append(_Sums())
        calls[index].add("arriving", arriving)
        calls[index].add("leaving", leaving[:1])

    def result(self) -> dict[str, tuple[CallRates, ...]]:
        """Return the rates over all batches."""
        return {
            name: tuple(sums.rates() for sums in calls)
            for name, calls in self._sums.items()
        }
