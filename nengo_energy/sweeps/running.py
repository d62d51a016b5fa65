"""Run the chunks of all simulations: in this process, or by the workers of Dask."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from types import MappingProxyType
from typing import Any, Callable, Iterator, Mapping, Sequence

from ..common import clients
from ..common.clients import WorkerDied, import_distributed, run_tasks
from ..common.exceptions import InputError, MissingDependencyError
from ..compat.quiet import quiet_logger, quieten_tensorflow
from .data import Chunk
from .grid import Simulation
from .work import ChunkResult, Job, describe_error, forget, run_chunk

SCHEDULERS = ("processes", "synchronous")

START_SECONDS = 120
"""How long workers of our own may take to start."""

ORPHAN_SECONDS = 120
"""How long workers of our own wait for work before they end."""

WORKER_DIED = (
    "KilledWorker: every worker that ran it died, as one does that runs out of memory"
)

WORKER_ENVIRONMENT = {
    # one worker a core: threads of one would take the time of the others
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Dask has freed memory given back at once, and arrays are asked for all the time
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(64 * 2**20),
    # and looks a hundred times a second at what workers do, which interrupts them
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}


def run_here(
    job: Job,
    tasks: Sequence[tuple[Simulation, tuple[int, int]]],
    read: Callable[[int, int], Chunk],
) -> Iterator[tuple[int, tuple[ChunkResult, ...] | str]]:
    """Run tasks one after the other, and yield the index of each and its outcome."""
    try:
        for index, (simulation, span) in enumerate(tasks):
            yield index, run_chunk(job, simulation, read(*span))
    finally:
        forget()


def run_by_client(
    client: Any,
    job: Job,
    tasks: Sequence[tuple[Simulation, tuple[int, int]]],
    read: Callable[[int, int], Chunk],
) -> Iterator[tuple[int, tuple[ChunkResult, ...] | str]]:
    """Run tasks by a client's workers, and yield outcomes as they come."""

    def task(index: int) -> Any:
        simulation, span = tasks[index]
        return simulation, read(*span)

    for index, outcome in run_tasks(client, _run_task, job, len(tasks), task):
        if isinstance(outcome, WorkerDied):
            outcome = WORKER_DIED
        elif isinstance(outcome, Exception):
            outcome = describe_error(outcome)
        yield index, outcome


def _run_task(
    job: Job, task: tuple[Simulation, Chunk]
) -> tuple[ChunkResult, ...] | str:
    return run_chunk(job, *task)


def count_processors() -> int:
    """Return how many processors this process has: containers may share a computer."""
    _import_distributed()
    count: int = importlib.import_module("dask.system").cpu_count()
    return count


@contextlib.contextmanager
def local_client(
    n_workers: int, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Any]:
    """Start worker processes on this computer, and yield a client of them.

    They have some variables of the environment beside `WORKER_ENVIRONMENT`.

    They are processes of their own, not forks of this one and not copies of its main
    script, so that neither TensorFlow nor a script without ``if __name__ ==
    "__main__"`` is in the way.
    """
    distributed = _import_distributed()
    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet_logger("distributed", logging.CRITICAL))
        try:
            # what can be imported here can be there
            path = os.pathsep.join(path for path in sys.path if path)
            variables = {**WORKER_ENVIRONMENT, **environment, "PYTHONPATH": path}
            with _environment(variables):
                cluster = stack.enter_context(_open_cluster(n_workers))
            client = stack.enter_context(distributed.Client(cluster))
            client.wait_for_workers(n_workers, timeout=START_SECONDS)
            client.run(quieten_tensorflow)
            _spread(client, n_workers)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"{n_workers} workers can't be started on this computer: {error}; "
                'scheduler="synchronous" does without'
            ) from error
        yield client


def _spread(client: Any, n_workers: int) -> None:
    """Keep each worker on a processor of its own, if there is one worker for each.

    Left to itself, the operating system may for a while let two take turns on one
    processor with another idle, and does so anew after each pause that a worker makes.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    processors = os.sched_getaffinity(0)
    if n_workers != len(processors):
        return
    for worker, processor in zip(client.nthreads(), processors):
        for nanny in (True, False):  # workers that a nanny starts again inherit it
            client.run(
                os.sched_setaffinity, 0, {processor}, workers=[worker], nanny=nanny
            )


def _open_cluster(n_workers: int) -> Any:
    options: dict[str, Any] = {
        "n_workers": n_workers,
        "threads_per_worker": 1,
        "dashboard_address": None,
        "silence_logs": logging.ERROR,
    }
    if sys.platform == "win32":  # Dask has no subprocesses there
        from distributed import LocalCluster

        return LocalCluster(memory_limit=0, **options)
    from distributed.deploy.subprocess import SubprocessCluster

    return SubprocessCluster(
        # if this process is killed, they end by themselves
        scheduler_kwargs={"idle_timeout": f"{ORPHAN_SECONDS}s"},
        worker_kwargs={"memory_limit": 0, "death_timeout": f"{ORPHAN_SECONDS}s"},
        **options,
    )


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_client(client: Any) -> None:
    """Check that a client is one of Dask's, which has to be there."""
    _import_distributed()
    clients.check_client(client)


def _import_distributed() -> Any:
    try:
        return import_distributed()
    except MissingDependencyError as error:
        raise MissingDependencyError(
            f'{error}; scheduler="synchronous" does without'
        ) from error
