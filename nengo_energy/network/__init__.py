"""Nengo network -> topology: populations, projections and their exact fan-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.network.fanout import fan_out as fan_out
    from nengo_energy.network.topology import (
        Population as Population,
        Projection as Projection,
        Topology as Topology,
    )
    from nengo_energy.network.tracing import trace_topology as trace_topology

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
