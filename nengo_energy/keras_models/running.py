"""Run a Keras model call by call -> the values and events that each call passes on."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from .check import as_array, call_arguments
from .graph import (
    Call,
    KerasGraph,
    in_order_of_inputs,
    is_model,
    leaves,
    read_graph,
    tensor_key,
)
from .relays import relay_events


class Signal(NamedTuple):
    """What a tensor of the graph holds for one batch."""

    value: Any
    events: np.ndarray


Note = Callable[[str, int, Sequence[Signal], Sequence[Signal]], None]
"""Takes a layer's name, the index of its call, and signals that arrive and leave."""


class ModelRunner:
    """Runs the calls of a model one by one, and tells what came and went.

    Parameters
    ----------
    note : callable
        Told after each call the layer's name (``"outer/inner"`` within models), how
        often it was called before on this batch, and the signals that arrived and left.
    follow_events : bool
        Open models within the model, and carry events through layers that only pass
        them on; see `measure_rates`.
    """

    def __init__(self, note: Note, follow_events: bool = True) -> None:
        self._follow = follow_events
        self._note_call = note
        self._graphs: dict[int, KerasGraph] = {}
        self._n_calls: dict[str, int] = {}

    def run_batch(
        self, graph: KerasGraph, arrays: Sequence[np.ndarray]
    ) -> list[Signal]:
        """Run a model on one batch, (batch, ...) for each of its inputs.

        Returns
        -------
        list of Signal
            The model's outputs.
        """
        self._n_calls = {}
        return self._run_graph(graph, [self._emit(array) for array in arrays], "")

    def _run_graph(
        self, graph: KerasGraph, inputs: Sequence[Signal], prefix: str
    ) -> list[Signal]:
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
        kwargs: dict[str, Any],
        arriving: list[Signal],
        name: str,
    ) -> list[Signal]:
        layer = call.layer
        wraps_time = type(layer).__name__ == "TimeDistributed"
        inner = layer.layer if wraps_time else layer
        if self._follow and is_model(inner):
            return self._run_model(inner, call, arriving, wraps_time, f"{name}/")
        values = leaves(layer(*args, **kwargs))
        if self._follow and len(values) == 1:
            events = relay_events(layer, inner, [s.events for s in arriving])
            if events is not None:
                return [Signal(values[0], events)]
        return [self._emit(value) for value in values]

    def _run_model(
        self,
        model: Any,
        call: Call,
        arriving: list[Signal],
        wraps_time: bool,
        prefix: str,
    ) -> list[Signal]:
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

    def _emit(self, value: Any) -> Signal:
        """Return a signal whose events are as many as its values say."""
        return Signal(value, np.abs(as_array(value)))

    def _note(
        self, name: str, arriving: Sequence[Signal], leaving: Sequence[Signal]
    ) -> None:
        index = self._n_calls.get(name, 0)
        self._n_calls[name] = index + 1
        self._note_call(name, index, arriving, leaving)


def _fold_time(signal: Signal) -> Signal:
    """Return (batch, time, ...) as (batch x time, ...)."""
    value = as_array(signal.value).astype(np.float32)
    return Signal(*(a.reshape(-1, *a.shape[2:]) for a in (value, signal.events)))


def _unfold_time(signal: Signal, n_batch: int, n_time: int) -> Signal:
    """Return (batch x time, ...) as (batch, time, ...)."""
    value = as_array(signal.value).astype(np.float32)
    shape = (n_batch, n_time, *value.shape[1:])
    return Signal(value.reshape(shape), signal.events.reshape(shape))
