"""Explore settings: energy against accuracy over a grid, from few simulations."""

from __future__ import annotations

from .exploring import sweep
from .results import Sweep, SweepPoint

__all__ = ["Sweep", "SweepPoint", "sweep"]
