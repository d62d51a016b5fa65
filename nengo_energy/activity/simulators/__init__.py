"""Run a network on a simulator, batch by batch, and return spike counts.

No runner changes the network: what counts is added beside it.
"""

from __future__ import annotations

from typing import Mapping

from .batched_loihi import BatchedLoihiRunner
from .compiled import CompiledRunner
from .minibatch import NengoDLRunner
from .runner import BatchCounts, Runner
from .schedule import Schedule
from .sequential import NengoRunner

__all__ = ["RUNNERS", "SIMULATORS", "BatchCounts", "Runner", "Schedule"]

RUNNERS: Mapping[str, type[Runner]] = {
    "compiled": CompiledRunner,
    "nengo": NengoRunner,
    "nengo-dl": NengoDLRunner,
    "loihi": BatchedLoihiRunner,
}
"""The runner of each simulator."""

SIMULATORS = tuple(RUNNERS)
"""Names of the simulators that `nengo_energy.measure_activity` can use."""
