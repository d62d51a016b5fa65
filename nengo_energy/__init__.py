"""Energy of neural networks on neuromorphic and conventional hardware, and deployment.

Importing the package imports neither TensorFlow, NengoDL, NengoLoihi nor pandas: each
name below is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names
from nengo_energy.common.version import __version__ as __version__

if TYPE_CHECKING:
    from nengo_energy import devices as devices
    from nengo_energy.activity.measuring import (
        Activity as Activity,
        measure_activity as measure_activity,
        measure_activity_at as measure_activity_at,
    )
    from nengo_energy.calibration.calibrating import calibrate as calibrate
    from nengo_energy.common.assumptions import Assumption as Assumption
    from nengo_energy.common.exceptions import (
        InputError as InputError,
        MissingDependencyError as MissingDependencyError,
        NengoEnergyError as NengoEnergyError,
        NotFoundError as NotFoundError,
        UnsupportedError as UnsupportedError,
    )
    from nengo_energy.comparison.results import Comparison as Comparison
    from nengo_energy.conversion.converting import convert as convert
    from nengo_energy.conversion.spiking_model import SpikingModel as SpikingModel
    from nengo_energy.counts import (
        OPERATIONS as OPERATIONS,
        OpCount as OpCount,
        OpCounts as OpCounts,
        count_ops as count_ops,
    )
    from nengo_energy.devices import load as load_device, register as register_device
    from nengo_energy.devices.device import Device as Device
    from nengo_energy.devices.quantity import Quantity as Quantity
    from nengo_energy.estimates.differences import (
        EstimateDiff as EstimateDiff,
        diff as diff,
    )
    from nengo_energy.estimates.estimate import (
        EnergyEstimate as EnergyEstimate,
        EnergyRow as EnergyRow,
    )
    from nengo_energy.estimates.serialization import load_estimate as load_estimate
    from nengo_energy.keras_models.files import load_model as load_model
    from nengo_energy.layer_ops.counters import register_layer as register_layer
    from nengo_energy.layer_ops.counting import count_layer_ops as count_layer_ops
    from nengo_energy.layer_ops.layer_ops import LayerOps as LayerOps
    from nengo_energy.loihi.ledger import Ledger as Ledger
    from nengo_energy.loihi.prepared import LoihiNetwork as LoihiNetwork
    from nengo_energy.model_energy.estimator import ModelEnergy as ModelEnergy
    from nengo_energy.network.fanout import fan_out as fan_out
    from nengo_energy.network.topology import (
        Population as Population,
        Projection as Projection,
        Topology as Topology,
    )
    from nengo_energy.network.tracing import trace_topology as trace_topology
    from nengo_energy.pages.writing import write_report as write_report
    from nengo_energy.pricing.energy import estimate_energy as estimate_energy
    from nengo_energy.sweeps.exploring import sweep as sweep
    from nengo_energy.sweeps.results import Sweep as Sweep, SweepPoint as SweepPoint

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
