"""Processes that NengoDL runs inside of TensorFlow's graph, all inferences at once."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import nengo
from nengo.builder import Model
from nengo.builder.operator import Operator
from nengo.builder.processes import SimProcess

from .imports import import_nengo_dl, import_tensorflow, locked


class BatchedProcess(nengo.Process):
    """A process whose timestep is written in TensorFlow as well."""

    @abstractmethod
    def step_tensors(
        self, x: Any, states: list[Any], dt: float
    ) -> tuple[Any, list[Any]]:
        """Return the output, (minibatch, size_out) tensor, and the new states.

        Parameters
        ----------
        x : (minibatch, size_in) tensor
            What arrives.
        states : list of (minibatch, ...) tensor
            In the order of ``make_state``.
        dt : float
            Length of a timestep [s].
        """


class BatchedStep(Operator):
    """A timestep of a `BatchedProcess`, in place of Nengo's own operator for it."""

    def __init__(self, process: SimProcess):
        super().__init__(tag=process.tag)
        self.process = process.process
        self.sets, self.incs = list(process.sets), list(process.incs)
        self.reads, self.updates = list(process.reads), list(process.updates)
        self.input, self.output = process.input, process.output
        self.states = list(process.state.values())

    def make_step(self, signals: Any, dt: float, rng: Any) -> Any:
        """Return nothing: Nengo's simulator runs the process itself."""
        raise NotImplementedError("Nengo runs processes by their own make_step")


def batch_processes(model: Model) -> None:
    """Exchange the operators of such processes in a model that NengoDL is to run."""
    _teach_nengo_dl()
    model.operators[:] = [
        (
            BatchedStep(op)
            if isinstance(op, SimProcess) and isinstance(op.process, BatchedProcess)
            else op
        )
        for op in model.operators
    ]


@locked
def _teach_nengo_dl() -> None:
    """Let NengoDL run `BatchedStep` in TensorFlow's graph."""
    import_nengo_dl()
    tf = import_tensorflow()
    from nengo_dl.builder import Builder, OpBuilder

    if BatchedStep in Builder.builders:
        return

    @Builder.register(BatchedStep)
    class BatchedStepBuilder(OpBuilder):
        """Build one `BatchedStep` operator."""

        def build_step(self, signals: Any) -> None:
            (op,) = self.ops
            places = [signals[state] for state in op.states]
            output, states = op.process.step_tensors(
                signals.gather(signals[op.input]),
                [signals.gather(place) for place in places],
                float(signals.dt_val),
            )
            leaving = signals[op.output]
            output = tf.ensure_shape(tf.cast(output, leaving.dtype), leaving.full_shape)
            for place, value in zip([leaving, *places], [output, *states]):
                signals.scatter(place, value)
