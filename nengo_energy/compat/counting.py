"""Count spikes inside a simulation, in one number for each neuron.

`SpikeCounter` is a filter for a probe: its output is the count so far, so only the last
value is ever needed, and memory doesn't grow with time.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.params import EnumParam, NumberParam

from nengo_energy.compat.imports import import_nengo_dl, import_tensorflow, locked


class SpikeCounter(nengo.synapses.Synapse):
    """Accumulate what neurons put out, as counts.

    Parameters
    ----------
    kind : {"spikes", "active", "peak", "rate"}
        ``"spikes"``: number of spikes; ``"active"``: timesteps with a spike; ``"peak"``:
        most spikes in a timestep; ``"rate"``: rate times dt, not rounded, for neurons
        that don't spike.
    amplitude : float
        Output of one spike times dt.
    """

    kind = EnumParam("kind", values=("spikes", "active", "peak", "rate"))
    amplitude = NumberParam("amplitude", low=0, low_open=True)

    def __init__(self, kind: str, amplitude: float = 1.0):
        super().__init__(default_size_in=1, default_size_out=1)
        self.kind = kind
        self.amplitude = amplitude

    def make_state(
        self,
        shape_in: tuple[int, ...],
        shape_out: tuple[int, ...],
        dt: float,
        dtype: Any = None,
    ) -> dict[str, np.ndarray]:
        """Return no state: the output itself is what accumulates."""
        return {}

    def make_step(
        self,
        shape_in: tuple[int, ...],
        shape_out: tuple[int, ...],
        dt: float,
        rng: Any,
        state: dict[str, np.ndarray],
    ) -> Any:
        """Return the function that takes one timestep's output of the neurons."""
        total = np.zeros(shape_out)

        def step(t: float, x: np.ndarray) -> np.ndarray:
            return accumulate(np, self.kind, total, x * (dt / self.amplitude))

        return step


def accumulate(lib: Any, kind: str, total: Any, events: Any) -> Any:
    """Add one timestep's events to a count.

    Parameters
    ----------
    lib : module
        NumPy, or TensorFlow's math module with the same names.
    kind : str
        See `SpikeCounter`.
    total : array
        Count so far; NumPy arrays are updated in place.
    events : array
        Output of the neurons in units of spikes.
    """
    if kind == "rate":
        new = total + lib.abs(events)
    else:
        spikes = lib.round(lib.abs(events))
        if kind == "spikes":
            new = total + spikes
        elif kind == "active":
            new = total + lib.minimum(spikes, lib.ones_like(spikes))
        else:
            new = lib.maximum(total, spikes)
    if isinstance(total, np.ndarray):
        total[...] = new
        return total
    return new


@locked
def install_spike_counter() -> None:
    """Teach NengoDL to run `SpikeCounter` inside TensorFlow's graph."""
    import_nengo_dl()
    from nengo_dl.builder import OpBuilder
    from nengo_dl.process_builders import SimProcessBuilder

    if SpikeCounter in SimProcessBuilder.TF_PROCESS_IMPL:
        return
    tf = import_tensorflow()

    class SpikeCounterBuilder(OpBuilder):  # type: ignore[misc, valid-type]
        """Build a group of `SpikeCounter` operators of one kind."""

        def build_pre(self, signals: Any, config: Any) -> None:
            super().build_pre(signals, config)
            self.input_data = signals.combine([op.input for op in self.ops])
            self.output_data = signals.combine([op.output for op in self.ops])
            to_events = np.concatenate(
                [
                    np.full(op.input.shape[0], signals.dt_val / op.process.amplitude)
                    for op in self.ops
                ]
            )
            self.kind = self.ops[0].process.kind
            self.to_events = tf.constant(to_events[None], dtype=signals.dtype)

        def build_step(self, signals: Any) -> None:
            events = signals.gather(self.input_data) * self.to_events
            total = signals.gather(self.output_data)
            lib = _TensorFlowMath(tf)
            new = accumulate(lib, self.kind, total, events)
            signals.scatter(self.output_data, new)

    stock_mergeable = SimProcessBuilder.mergeable

    def mergeable(x: Any, y: Any) -> bool:
        kinds = [getattr(op.process, "kind", None) for op in (x, y)]
        counters = [isinstance(op.process, SpikeCounter) for op in (x, y)]
        if any(counters):
            return all(counters) and kinds[0] == kinds[1]
        return bool(stock_mergeable(x, y))

    SimProcessBuilder.TF_PROCESS_IMPL[SpikeCounter] = SpikeCounterBuilder
    SimProcessBuilder.mergeable = staticmethod(mergeable)


class _TensorFlowMath:
    """The few functions of NumPy that `accumulate` needs, by TensorFlow."""

    def __init__(self, tf: Any):
        self.abs, self.round = tf.abs, tf.round
        self.minimum, self.maximum = tf.minimum, tf.maximum
        self.ones_like = tf.ones_like
