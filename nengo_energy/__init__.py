"""Energy of neural networks on neuromorphic and conventional hardware, and deployment.

Importing the package imports neither TensorFlow, NengoDL, NengoLoihi nor pandas: each
name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .lazy_names import lazy_getattr

if TYPE_CHECKING:
    from . import devices
    from .activity import Activity, measure_activity, measure_activity_at
    from .assumptions import Assumption
    from .calibration import calibrate
    from .comparison import Comparison
    from .conversion import convert
    from .counts import OPERATIONS, OpCount, OpCounts, count_ops
    from .devices import load as load_device
    from .devices import register as register_device
    from .devices.device import Device, Quantity
    from .differences import EstimateDiff, diff
    from .energy import estimate_energy
    from .estimate import EnergyEstimate, EnergyRow
    from .exceptions import (
        InputError,
        MissingDependencyError,
        NengoEnergyError,
        NotFoundError,
        UnsupportedError,
    )
    from .fanout import fan_out
    from .html_report import write_report
    from .keras_files import load_model
    from .keras_layers import LayerOps, count_layer_ops, register_layer
    from .loihi import Ledger, LoihiNetwork
    from .model_energy import ModelEnergy
    from .serialization import load_estimate
    from .spiking_model import SpikingModel
    from .sweeps import Sweep, SweepPoint, sweep
    from .topology import Population, Projection, Topology
    from .tracing import trace_topology

__version__ = "0.1.0"

_HOMES = {
    "activity": ("Activity", "measure_activity", "measure_activity_at"),
    "assumptions": ("Assumption",),
    "calibration": ("calibrate",),
    "comparison": ("Comparison",),
    "conversion": ("convert",),
    "counts": ("OPERATIONS", "OpCount", "OpCounts", "count_ops"),
    "devices.device": ("Device", "Quantity"),
    "differences": ("EstimateDiff", "diff"),
    "energy": ("estimate_energy",),
    "estimate": ("EnergyEstimate", "EnergyRow"),
    "exceptions": (
        "InputError",
        "MissingDependencyError",
        "NengoEnergyError",
        "NotFoundError",
        "UnsupportedError",
    ),
    "fanout": ("fan_out",),
    "html_report": ("write_report",),
    "keras_files": ("load_model",),
    "keras_layers": ("LayerOps", "count_layer_ops", "register_layer"),
    "loihi": ("Ledger", "LoihiNetwork"),
    "model_energy": ("ModelEnergy",),
    "serialization": ("load_estimate",),
    "spiking_model": ("SpikingModel",),
    "sweeps": ("Sweep", "SweepPoint", "sweep"),
    "topology": ("Population", "Projection", "Topology"),
    "tracing": ("trace_topology",),
}
_LOCATIONS = {name: (home, name) for home, names in _HOMES.items() for name in names}
_LOCATIONS["register_device"] = ("devices", "register")
_LOCATIONS["load_device"] = ("devices", "load")

__all__ = sorted([*_LOCATIONS, "devices"])


_load = lazy_getattr(__name__, _LOCATIONS)


def __getattr__(name: str) -> Any:
    if name == "devices":
        return importlib.import_module(f"{__name__}.devices")
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
