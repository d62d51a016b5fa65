"""Tasks for the workers of a Dask client, whose outcomes are yielded as they come."""

from __future__ import annotations

import importlib
import pickle
from typing import Any, Callable, Iterator

from .exceptions import InputError
from .optional_imports import import_or_explain

SENT_WITH_TASKS = 2**20
"""Bytes of a job up to which each task has it; workers get a larger one just once.

They get it from each other, and wait for one that imports TensorFlow.
"""


class WorkerDied(Exception):
    """Every worker that ran a task died, as one does that runs out of memory."""


def check_client(client: Any) -> None:
    """Check that a client is one of Dask's."""
    if not isinstance(client, import_distributed().Client):
        raise InputError(
            "client must be a dask.distributed.Client; got "
            f"{type(client).__module__}.{type(client).__qualname__}"
        )


def import_distributed() -> Any:
    """Return Dask's package, or say how to install it."""
    return import_or_explain(
        "distributed", '"nengo-energy[sweep]"', "work in several processes"
    )


def run_tasks(
    client: Any,
    function: Callable[[Any, Any], Any],
    job: Any,
    n_tasks: int,
    task: Callable[[int], Any],
) -> Iterator[tuple[int, Any]]:
    """Run tasks by a client's workers, and yield the index of each and its outcome.

    Only as many tasks as there are threads are under way, so data is read when it is
    needed. Where a worker dies, Dask blames all that it had to do; those tasks are run
    again one by one, so that only the one that kills workers fails.

    Parameters
    ----------
    client : dask.distributed.Client
        The client.
    function : callable
        Takes job and task, in a worker; it can be imported there.
    job : object
        What all tasks have in common.
    n_tasks : int
        How many they are.
    task : callable
        Returns a task by its index, when it is needed.

    Yields
    ------
    index, outcome
        What the function returned, or the exception that it ended with.
    """
    distributed = import_distributed()
    # All is pickled here, so that the scheduler needn't know the user's modules.
    dumps = importlib.import_module("cloudpickle").dumps
    held = dumps((function, job))
    if len(held) > SENT_WITH_TASKS:
        # The job is the result of a task: if the worker that has it dies, Dask makes
        # it again, where data that was scattered would be lost.
        held = client.submit(_hold, held, pure=False)
    running: dict[Any, int] = {}
    blamed: list[int] = []

    def submit(index: int) -> Any:
        future = client.submit(_run_pickled, held, dumps(task(index)), pure=False)
        running[future] = index
        return future

    waiting = iter(range(n_tasks))

    def fill() -> list[Any]:
        submitted = []
        for index in waiting:
            submitted.append(submit(index))
            if len(running) >= sum(client.nthreads().values()):
                break
        return submitted

    try:
        completed = distributed.as_completed(fill())
        for future in completed:
            index = running.pop(future)
            outcome = _outcome(future)
            completed.update(fill())  # before the caller takes its time
            if isinstance(outcome, WorkerDied):
                blamed.append(index)
            else:
                yield index, outcome
        for index in blamed:
            future = submit(index)
            yield index, _outcome(future)
            del running[future]
    finally:
        client.cancel([held, *running])  # which passes over what is no future


def _hold(job: bytes) -> bytes:
    return job


def _run_pickled(job: bytes, task: bytes) -> Any:
    function, held = pickle.loads(job)
    return function(held, pickle.loads(task))


def _outcome(future: Any) -> Any:
    """Return what a task gave, or the exception that it ended with."""
    try:
        return future.result()
    except import_distributed().KilledWorker:
        return WorkerDied(WorkerDied.__doc__)
    except Exception as error:  # the worker can't make sense of the task, for example
        return error
