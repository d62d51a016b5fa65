"""Open a simulator, and keep it open for the next call."""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Iterator, Sequence

import nengo

from ...common.available_memory import check_memory
from ...common.exceptions import UnsupportedError
from ...common.plain_text import plain_line
from ...compat.counting import nengo_dl_setting
from ...network.fingerprint import fingerprint
from ...network.topology import Population
from .batched_loihi import BatchedLoihiRunner
from .compiled import CompiledRunner
from .minibatch import NengoDLRunner
from .runner import Runner
from .sequential import NengoRunner

logger = logging.getLogger(__name__)

RUNNERS: dict[str, type[Runner]] = {
    "compiled": CompiledRunner,
    "nengo": NengoRunner,
    "nengo-dl": NengoDLRunner,
    "loihi": BatchedLoihiRunner,
}
"""The runner of each simulator."""

STATE_BYTES = {"compiled": 16, "nengo": 16, "nengo-dl": 48, "loihi": 16}
"""Memory that a neuron takes at least in each inference of a minibatch [bytes]."""

KEPT = 2
"""Most simulators of a model that are kept open."""


def open_runner(name: str, *args: Any, **options: Any) -> Runner:
    """Open a simulator; NengoDL's, or Nengo's, in place of our own if that can't run.

    Parameters
    ----------
    name : str
        One of `RUNNERS`.
    *args, **options
        See `Runner`.

    Returns
    -------
    Runner
        Open; its ``name`` tells which simulator it is.
    """
    runner = RUNNERS[name](*args, **options)
    if name != "compiled":
        return runner.__enter__()
    try:
        return runner.__enter__()
    except UnsupportedError as reason:
        words = plain_line(str(reason))
        logger.info("NengoDL runs in place of the compiled simulator, as %s", words)
    try:
        return open_runner("nengo-dl", *args, **options)
    except UnsupportedError as reason:
        words = plain_line(str(reason))
        logger.info("Nengo runs in place of NengoDL, as %s", words)
    return open_runner("nengo", *args, **options)


def check_room(name: str, populations: Sequence[Population], batch_size: int) -> None:
    """Refuse to run more inferences side by side than can fit in memory."""
    n_neurons = sum(population.n_neurons for population in populations)
    check_memory(
        f"running {n_neurons:,} neurons on {batch_size:,} inferences side by side with "
        f"simulator {name!r}",
        STATE_BYTES[name] * n_neurons * batch_size,
        "give a smaller minibatch_size, or a smaller network",
    )


class Simulators:
    """Simulators that stay open between calls, until they are closed.

    A simulator in use is nobody else's: a second thread opens one of its own.
    """

    def __init__(self) -> None:
        self.idle: dict[Any, Runner] = {}

    def __reduce__(self) -> Any:
        return Simulators, ()  # open simulators stay where they are

    @contextlib.contextmanager
    def runner(
        self,
        name: str,
        network: nengo.Network,
        populations: Sequence[Population],
        probes: Sequence[nengo.Probe],
        dt: float,
        batch_size: int,
        **options: Any,
    ) -> Iterator[Runner]:
        """Lend the simulator of a network, opened before or now; see `open_runner`.

        Raises
        ------
        InputError
            More inferences than before are to be run, which can't fit in memory.
        """
        precision = nengo_dl_setting(network, "dtype", None)
        settings = (name, dt, precision, *probes, *options.items())
        key = (network, fingerprint(network), settings)
        largest = self.idle[key].batch_size if key in self.idle else 0
        if batch_size > largest:
            check_room(name, populations, batch_size)
        runner = self.idle.pop(key, None)
        if runner is not None and not runner.takes(batch_size):
            runner.__exit__(None, None, None)
            runner = None
        if runner is None:
            runner = open_runner(
                name, network, populations, probes, dt, batch_size, **options
            )
        runner.batch_size = max(runner.batch_size, batch_size)
        try:
            yield runner
        except BaseException:
            runner.__exit__(None, None, None)
            raise
        self._keep(key, runner)

    def _keep(self, key: Any, runner: Runner) -> None:
        extra = self.idle.pop(key, None)
        self.idle[key] = runner
        if len(self.idle) > KEPT:
            extra = self.idle.pop(next(iter(self.idle)))
        if extra is not None:
            extra.__exit__(None, None, None)

    def close(self) -> None:
        """Close all of them."""
        while self.idle:
            _, runner = self.idle.popitem()
            runner.__exit__(None, None, None)
