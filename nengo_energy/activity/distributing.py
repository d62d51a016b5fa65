"""Measure on the workers of a Dask client: a batch of inferences is a task.

Workers add a batch up before they send it back, so that what is sent doesn't grow with
neurons x inferences, and all is merged in the order of the batches, to the same sums
as in one process.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ..common.assumptions import Assumption
from ..common.clients import WorkerDied, run_tasks
from ..common.exceptions import InputError
from ..network.topology import Topology
from .run import Run
from .simulators import Runner, Simulators, Tick
from .totals import Totals


@dataclass(frozen=True)
class Job:
    """What all batches of a measurement have in common.

    Attributes
    ----------
    network, topology, probes, nodes
        The network, as it was traced; its probes, and its nodes that have inputs.
    run : Run
        What is to be run.
    batch_size : int
        Inferences that are run side by side.
    spikes_wanted : bool
        Whether the spikes of each neuron in each inference are sent back as well.
    key : str
        Tells jobs apart.
    """

    network: nengo.Network
    topology: Topology
    probes: tuple[nengo.Probe, ...]
    nodes: tuple[nengo.Node, ...]
    run: Run
    batch_size: int
    spikes_wanted: bool
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def open(self, simulators: Simulators) -> contextlib.AbstractContextManager[Runner]:
        """Lend a simulator that the batches run on."""
        run = self.run
        options = {} if run.emulator is None else {"emulator": run.emulator}
        return simulators.runner(
            run.simulator,
            self.network,
            self.topology.populations,
            self.probes,
            run.dt,
            self.batch_size,
            **options,
        )

    def run_batch(
        self,
        runner: Runner,
        inputs: Sequence[np.ndarray],
        totals: Sequence[Totals],
        tick: Tick,
    ) -> Mapping[str, np.ndarray]:
        """Run a batch, add what was counted up to each mark to its total, and return
        the spikes of each neuron in each inference."""
        data = dict(zip(self.nodes, inputs))
        for counts, total in zip(runner.run(data, self.run.schedule, tick), totals):
            total.add(counts)
        return counts.spikes

    def ask(self, runner: Runner) -> Conduct:
        """Return how a simulator runs the network."""
        warmup = self.run.warmup
        return Conduct(
            runner.name,
            runner.assumptions(),
            [
                {
                    each.name: runner.learned(each, warmup, warmup + mark)
                    for each in self.topology.learning
                }
                for mark in self.run.schedule.marks
            ],
        )


@dataclass(frozen=True)
class Conduct:
    """How a simulator runs a network: its name, what it takes for granted, and by mark
    and rule what it does to learn."""

    simulator: str
    assumptions: tuple[Assumption, ...]
    learning: list[dict[str, dict[str, int]]]


@dataclass(frozen=True)
class BatchResult:
    """What a worker sends back: how the batch was run, what was added up until each
    mark, and the spikes of each neuron in each inference if they are wanted."""

    conduct: Conduct
    states: list[Any]
    spikes: Mapping[str, np.ndarray] | None


def run_batches(
    client: Any, job: Job, data: Mapping[nengo.Node, np.ndarray], n_inferences: int
) -> Iterator[tuple[int, BatchResult]]:
    """Run batches by a client's workers, and yield their results in order.

    Yields
    ------
    start, result
        The index of the batch's first inference, and what came of it.
    """
    size = job.batch_size

    def task(index: int) -> list[np.ndarray]:
        return [data[node][index * size : (index + 1) * size] for node in job.nodes]

    job = replace(job, run=replace(job.run, client=None, progress=False))
    early: dict[int, BatchResult] = {}
    due = 0
    for index, result in run_tasks(client, _run, job, -(-n_inferences // size), task):
        if isinstance(result, WorkerDied):
            raise InputError(
                f"inferences {index * size} to {min((index + 1) * size, n_inferences)} "
                "killed each worker that ran them, as what needs more memory than it "
                "has does; give a smaller minibatch_size, or workers of more memory"
            ) from result
        if isinstance(result, Exception):
            raise result
        early[index] = result
        while due in early:
            yield due * size, early.pop(due)
            due += 1


# The last job of this worker, and its simulators, which stay open from batch to batch.
_opened: dict[str, tuple[Job, Simulators]] = {}
_LOCK = threading.Lock()


def _run(job: Job, inputs: Sequence[np.ndarray]) -> BatchResult:
    """Run a batch in a worker."""
    with _LOCK:  # Nengo's global state is one thread's at a time
        if job.key not in _opened:
            for _, simulators in _opened.values():
                simulators.close()
            _opened.clear()
            _opened[job.key] = job, Simulators()
        opened, simulators = _opened[job.key]
        run = opened.run
        totals = [Totals(opened.topology, n, run.dt) for n in run.schedule.marks]
        with opened.open(simulators) as runner:
            spikes = opened.run_batch(runner, inputs, totals, lambda n: None)
            conduct = opened.ask(runner)
    return BatchResult(
        conduct,
        [total.state(opened.probes) for total in totals],
        (
            {pop: _narrow(n) for pop, n in spikes.items()}
            if opened.spikes_wanted
            else None
        ),
    )


def _narrow(spikes: np.ndarray) -> np.ndarray:
    """Return counts in as few bytes as hold them."""
    if spikes.dtype.kind != "i":
        return spikes
    return spikes.astype(np.min_scalar_type(int(spikes.max(initial=0))))
