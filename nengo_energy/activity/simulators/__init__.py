"""Run a network on a simulator, batch by batch, and return spike counts.

No runner changes the network: what counts is added beside it.
"""

from __future__ import annotations

from .opening import RUNNERS, Simulators
from .runner import BatchCounts, Runner
from .schedule import Schedule

__all__ = ["SIMULATORS", "BatchCounts", "Runner", "Schedule", "Simulators"]

SIMULATORS = tuple(RUNNERS)
"""Names of the simulators that `nengo_energy.measure_activity` can use."""
