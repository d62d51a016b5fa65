"""Tasks for the workers of a Dask client, whose outcomes are yielded as they come."""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib
import logging
import pickle
from typing import Any, Callable, Iterator

from .exceptions import InputError
from .optional_imports import import_or_explain

logger = logging.getLogger(__name__)

SENT_WITH_TASKS = 2**20
"""Bytes of a job up to which each task has it; workers get a larger one just once.

They get it from each other, and wait for one that imports TensorFlow.
"""


LOST_SECONDS = 60.0
"""How long a cluster may be without any worker before it counts as lost."""


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

    Raises
    ------
    InputError
        The client was closed meanwhile, or all its workers are gone.
    """
    # All is pickled here, so that the scheduler needn't know the user's modules.
    dumps = importlib.import_module("cloudpickle").dumps
    held = dumps((function, job))
    if len(held) > SENT_WITH_TASKS:
        # The job is the result of a task: if the worker that has it dies, Dask makes
        # it again, where data that was scattered would be lost.
        held = client.submit(_hold, held, pure=False)
    running: dict[Any, int] = {}
    blamed: list[int] = []

    def submit(index: int) -> None:
        future = client.submit(_run_pickled, held, dumps(task(index)), pure=False)
        running[future] = index

    waiting = iter(range(n_tasks))

    def fill() -> None:
        for index in waiting:
            submit(index)
            if len(running) >= sum(client.nthreads().values()):
                break

    def outcomes() -> Iterator[tuple[int, Any]]:
        while running:
            for future in _wait(client, [*running]):
                index = running.pop(future)
                outcome = _outcome(future)
                fill()  # before the caller takes its time
                yield index, outcome

    try:
        fill()
        for index, outcome in outcomes():
            if isinstance(outcome, WorkerDied):
                blamed.append(index)
            else:
                yield index, outcome
        for index in blamed:
            submit(index)
            yield from outcomes()
    except (concurrent.futures.CancelledError, _closed_error()) as error:
        raise _lost("its client was closed") from error
    finally:
        if client.status == "running":
            client.cancel([held, *running])  # which passes over what is no future


def _wait(client: Any, futures: list[Any]) -> Any:
    """Return those of some futures that are done, when there are some."""
    distributed = import_distributed()
    how = {"timeout": LOST_SECONDS / 4, "return_when": "FIRST_COMPLETED"}
    said = False
    for _ in range(4):
        with contextlib.suppress(distributed.TimeoutError):
            return distributed.wait(futures, **how).done
        while client.nthreads():
            if not said and _all_paused(client):
                said = True
                logger.warning(
                    "all workers of the Dask cluster are paused, as Dask does with "
                    "those that have little memory left; this waits until they go on"
                )
            with contextlib.suppress(distributed.TimeoutError):
                return distributed.wait(futures, **how).done
    raise _lost("all its workers are gone")


def _all_paused(client: Any) -> bool:
    workers = client.scheduler_info()["workers"].values()
    return all(worker.get("status") == "paused" for worker in workers)


def _lost(what: str) -> InputError:
    return InputError(
        f"the Dask cluster was lost: {what}. A sweep's checkpoint holds what was "
        "finished: give another client and the same checkpoint"
    )


def _closed_error() -> type[Exception]:
    """Return what a client raises once it is closed; older ones raise another."""
    client: Any = importlib.import_module("distributed.client")
    return getattr(client, "ClosedClientError", concurrent.futures.CancelledError)


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
    except concurrent.futures.CancelledError:  # by whoever closes the client
        raise
    except Exception as error:  # the worker can't make sense of the task, for example
        return error
