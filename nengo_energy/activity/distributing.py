"""Measure on the workers of a Dask client: a batch of inferences is a task.

Workers add a batch up before they send it back, so that what is sent doesn't grow with
neurons x inferences, and all is merged in the order of the batches, to the same sums
as in one process. Our own simulator is opened before it is sent: workers that run it
need neither the network nor TensorFlow.
"""

from __future__ import annotations

import contextlib
import copy
import threading
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ..common.assumptions import Assumption
from ..common.clients import WorkerDied, run_tasks
from ..common.exceptions import InputError, UnsupportedError
from ..network.topology import Population, Topology
from .run import Run
from .simulators import Runner, Simulators, Tick
from .simulators.compiled import CompiledRunner
from .simulators.opening import check_room
from .totals import Totals


@dataclass(frozen=True)
class Job:
    """What all batches of a measurement have in common.

    Attributes
    ----------
    network, topology, probes, nodes
        The network, as it was traced; its probes, and its nodes that have inputs. Where
        the simulator is open, just the positions of probes and nodes.
    run : Run
        What is to be run.
    batch_size : int
        Inferences that are run side by side.
    spikes_wanted : bool
        Whether the spikes of each neuron in each inference are sent back as well.
    opened : Opened or None
        The simulator, if it was opened before.
    key : str
        Tells jobs apart.
    """

    network: nengo.Network | None
    topology: Topology | None
    probes: Sequence[Any]
    nodes: Sequence[Any]
    run: Run
    batch_size: int
    spikes_wanted: bool
    opened: Opened | None = None
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def open(self, simulators: Simulators) -> contextlib.AbstractContextManager[Runner]:
        """Lend a simulator that the batches run on."""
        run = self.run
        options: dict[str, Any] = {}
        if run.emulator is not None:
            options["emulator"] = run.emulator
        return simulators.runner(run.simulator, *self._described(), **options)

    def _described(self) -> tuple[Any, Sequence[Population], Sequence[Any], float, int]:
        """Return what a runner has to know."""
        assert self.topology is not None
        populations = self.topology.populations
        return self.network, populations, self.probes, self.run.dt, self.batch_size

    def new_totals(self) -> list[Totals]:
        """Return what each mark's counts are to be added to."""
        assert self.topology is not None
        marks = self.run.schedule.marks
        return [Totals(self.topology, mark, self.run.dt) for mark in marks]

    def sent(self) -> Job:
        """Return the job as workers get it, with the simulator if it is our own."""
        job = replace(self, run=replace(self.run, client=None, progress=False))
        if self.run.simulator != "compiled":
            return job
        try:
            runner = CompiledRunner(*self._described())
            runner.__enter__()
        except UnsupportedError:  # a worker says why, and takes another
            return job
        totals = [total.portable() for total in self.new_totals()]
        return replace(
            job,
            network=None,
            topology=None,
            probes=range(len(self.probes)),
            nodes=range(len(self.nodes)),
            opened=Opened(runner.portable(self.nodes), totals, self.ask(runner)),
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
        assert self.topology is not None
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
class Opened:
    """A simulator that runs in any process, empty totals, and how it is run."""

    runner: Runner
    totals: list[Totals]
    conduct: Conduct


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

    early: dict[int, BatchResult] = {}
    due = 0
    n_tasks = -(-n_inferences // size)
    for index, result in run_tasks(client, _run, job.sent(), n_tasks, task):
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
        if job.opened is not None:
            runner = job.opened.runner
            check_room(runner.name, runner.populations, job.batch_size)
            totals = copy.deepcopy(job.opened.totals)
            spikes = job.run_batch(runner, inputs, totals, lambda n: None)
            conduct = job.opened.conduct
        else:
            job, simulators = _opened_by(job)
            totals = job.new_totals()
            with job.open(simulators) as runner:
                spikes = job.run_batch(runner, inputs, totals, lambda n: None)
                conduct = job.ask(runner)
    states = [total.state(job.probes) for total in totals]
    if not job.spikes_wanted:
        return BatchResult(conduct, states, None)
    return BatchResult(conduct, states, {pop: _narrow(n) for pop, n in spikes.items()})


def _opened_by(job: Job) -> tuple[Job, Simulators]:
    """Return the job as it came first, and its simulators."""
    if job.key not in _opened:
        for _, simulators in _opened.values():
            simulators.close()
        _opened.clear()
        _opened[job.key] = job, Simulators()
    return _opened[job.key]


def _narrow(spikes: np.ndarray) -> np.ndarray:
    """Return counts in as few bytes as hold them."""
    if spikes.dtype.kind != "i":
        return spikes
    return spikes.astype(np.min_scalar_type(int(spikes.max(initial=0))))
