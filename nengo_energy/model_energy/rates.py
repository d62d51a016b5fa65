"""Run a Keras model on example data -> mean rate at the inputs of every layer.

A rate here is the absolute value of an activation, read as Hz. That is what
KerasSpiking does; see `ModelEnergy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from ..keras_check import as_array, call_arguments
from ..keras_graph import (
    Call,
    KerasGraph,
    is_model,
    leaves,
    read_graph,
    tensor_key,
)
from ..keras_models import in_order_of_inputs
from ..progress import progress_bar
from .examples import example_batches
from .relays import relay_events

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
) -> Mapping[str, Tuple[CallRates, ...]]:
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
        If the data doesn't fit the model.
    """
    runner = _Runner(follow_events)
    graph = read_graph(model)
    n_samples = _n_samples(example_data)
    with progress_bar(n_samples, "running example data", progress, "sample") as tick:
        for arrays in example_batches(example_data, graph.inputs, BATCH_SIZE):
            runner.run_batch(graph, arrays)
            tick(len(arrays[0]))
    return runner.rates()


def _n_samples(data: Any) -> int:
    """Return how many samples there are, or 0 if that isn't easily told."""
    while isinstance(data, Mapping) or (isinstance(data, (list, tuple)) and data):
        data = next(iter(data.values())) if isinstance(data, Mapping) else data[0]
        if np.ndim(data) == 0:
            return 0
    return len(data) if isinstance(data, np.ndarray) else 0


class _Signal(NamedTuple):
    """What a tensor of the graph holds for one batch."""

    value: Any
    events: np.ndarray


class _Sums:
    """Adds up means over batches of any size."""

    def __init__(self) -> None:
        self.totals = {"arriving": 0.0, "leaving": 0.0}
        self.sizes = {"arriving": 0, "leaving": 0}

    def add(self, side: str, signals: Sequence[_Signal]) -> None:
        self.totals[side] += sum(float(s.events.sum()) for s in signals)
        self.sizes[side] += sum(s.events.size for s in signals)

    def rates(self) -> CallRates:
        means = {k: self.totals[k] / max(n, 1) for k, n in self.sizes.items()}
        return CallRates(**means)


class _Runner:
    """Runs the calls of a model one by one, and adds up rates."""

    def __init__(self, follow_events: bool) -> None:
        self._follow = follow_events
        self._graphs: Dict[int, KerasGraph] = {}
        self._sums: Dict[str, List[_Sums]] = {}
        self._n_calls: Dict[str, int] = {}

    def run_batch(self, graph: KerasGraph, arrays: Sequence[np.ndarray]) -> None:
        """Run a model on one batch, (batch, ...) for each of its inputs."""
        self._n_calls = {}
        self._run_graph(graph, [self._emit(array) for array in arrays], "")

    def rates(self) -> Dict[str, Tuple[CallRates, ...]]:
        """Return the rates over all batches."""
        return {
            name: tuple(sums.rates() for sums in calls)
            for name, calls in self._sums.items()
        }

    def _run_graph(
        self, graph: KerasGraph, inputs: Sequence[_Signal], prefix: str
    ) -> List[_Signal]:
        signals = {tensor_key(t): s for t, s in zip(graph.inputs, inputs)}
        for call in graph.calls:
            keys = [tensor_key(tensor) for tensor in call.outputs]
            arriving = [signals[tensor_key(tensor)] for tensor in call.tensors]
            name = prefix + call.layer.name
            if keys[0] not in signals:
                values = {key: signal.value for key, signal in signals.items()}
                args, kwargs = call_arguments(call, values)
                left = self._run_call(call, args, kwargs, arriving, name)
                signals.update(zip(keys, left))
            leaving = [signals[key] for key in keys]
            self._note(name, arriving or leaving, leaving)
        return [signals[tensor_key(tensor)] for tensor in graph.outputs]

    def _run_call(
        self,
        call: Call,
        args: Any,
        kwargs: Dict[str, Any],
        arriving: List[_Signal],
        name: str,
    ) -> List[_Signal]:
        layer = call.layer
        wraps_time = type(layer).__name__ == "TimeDistributed"
        inner = layer.layer if wraps_time else layer
        if self._follow and is_model(inner):
            return self._run_model(inner, call, arriving, wraps_time, f"{name}/")
        values = leaves(layer(*args, **kwargs))
        if self._follow and len(values) == 1:
            events = relay_events(layer, inner, [s.events for s in arriving])
            if events is not None:
                return [_Signal(values[0], events)]
        return [self._emit(value) for value in values]

    def _run_model(
        self,
        model: Any,
        call: Call,
        arriving: List[_Signal],
        wraps_time: bool,
        prefix: str,
    ) -> List[_Signal]:
        graph = self._graphs.setdefault(id(model), read_graph(model))
        if wraps_time:
            (signal,) = arriving
            n_batch, n_time = signal.events.shape[:2]
            left = self._run_graph(graph, [_fold_time(signal)], prefix)
            return [_unfold_time(s, n_batch, n_time) for s in left]
        by_key = {tensor_key(t): s for t, s in zip(call.tensors, arriving)}
        ordered = leaves(in_order_of_inputs(call.args[0], graph))
        inputs = [by_key[tensor_key(tensor)] for tensor in ordered]
        return self._run_graph(graph, inputs, prefix)

    def _emit(self, value: Any) -> _Signal:
        """Return a signal whose events are as many as its values say."""
        return _Signal(value, np.abs(as_array(value)))

    def _note(
        self, name: str, arriving: Sequence[_Signal], leaving: Sequence[_Signal]
    ) -> None:
        calls = self._sums.setdefault(name, [])
        index = self._n_calls.get(name, 0)
        self._n_calls[name] = index + 1
        if index == len(calls):
            calls.append(_Sums())
        calls[index].add("arriving", arriving)
        calls[index].add("leaving", leaving[:1])


def _fold_time(signal: _Signal) -> _Signal:
    """Return (batch, time, ...) as (batch x time, ...)."""
    value = as_array(signal.value).astype(np.float32)
    return _Signal(*(a.reshape(-1, *a.shape[2:]) for a in (value, signal.events)))


def _unfold_time(signal: _Signal, n_batch: int, n_time: int) -> _Signal:
    """Return (batch x time, ...) as (batch, time, ...)."""
    value = as_array(signal.value).astype(np.float32)
    shape = (n_batch, n_time, *value.shape[1:])
    return _Signal(value.reshape(shape), signal.events.reshape(shape))
