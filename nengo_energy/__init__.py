"""Energy of neural networks on neuromorphic and conventional hardware, and deployment.

Importing the package imports neither TensorFlow, NengoDL, NengoLoihi nor pandas: each
name below is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .common.lazy_names import lazy_names
from .common.old_paths import keep_old_paths
from .common.version import __version__ as __version__

if TYPE_CHECKING:
    from . import devices as devices
    from .activity.activity import Activity as Activity
    from .activity.measuring import (
        measure_activity as measure_activity,
        measure_activity_at as measure_activity_at,
    )
    from .calibration.calibrating import calibrate as calibrate
    from .common.assumptions import Assumption as Assumption
    from .common.exceptions import (
        ExtrapolationWarning as ExtrapolationWarning,
        InputError as InputError,
        MissingDependencyError as MissingDependencyError,
        NengoEnergyError as NengoEnergyError,
        NotFoundError as NotFoundError,
        UnsupportedError as UnsupportedError,
    )
    from .comparison.results import Comparison as Comparison
    from .compat.neurons import IntegrateAndFire as IntegrateAndFire
    from .conversion.checking import (
        LayerCheck as LayerCheck,
        ModelCheck as ModelCheck,
        check_model as check_model,
    )
    from .conversion.converting import convert as convert
    from .conversion.layers.building import LayerBuild as LayerBuild
    from .conversion.layers.registry import register_converter as register_converter
    from .conversion.nir_graphs.loading import from_nir as from_nir
    from .conversion.nir_graphs.model import NIRModel as NIRModel
    from .conversion.nir_graphs.writing import to_nir as to_nir
    from .conversion.spiking_model import SpikingModel as SpikingModel
    from .counts import (
        OPERATIONS as OPERATIONS,
        OpCount as OpCount,
        OpCounts as OpCounts,
        count_ops as count_ops,
    )
    from .devices import (
        load_device as load_device,
        register_device as register_device,
    )
    from .devices.device import Device as Device
    from .devices.quantity import Quantity as Quantity
    from .estimates.differences import EstimateDiff as EstimateDiff, diff as diff
    from .estimates.estimate import EnergyEstimate as EnergyEstimate
    from .estimates.rows import EnergyRow as EnergyRow
    from .estimates.serialization import load_estimate as load_estimate
    from .keras_models.files import load_model as load_model
    from .layer_ops.counters import register_layer as register_layer
    from .layer_ops.counting import count_layer_ops as count_layer_ops
    from .layer_ops.layer_ops import LayerOps as LayerOps
    from .loihi.any_network import (
        PreparedNetwork as PreparedNetwork,
        loihi_network as loihi_network,
    )
    from .loihi.ledger import Ledger as Ledger
    from .loihi.prepared import LoihiNetwork as LoihiNetwork
    from .model_energy.estimator import ModelEnergy as ModelEnergy
    from .model_energy.logger import EnergyLogger as EnergyLogger
    from .network.fanout import fan_out as fan_out
    from .network.topology import (
        Population as Population,
        Projection as Projection,
        Topology as Topology,
    )
    from .network.tracing import trace_topology as trace_topology
    from .pages.writing import write_report as write_report
    from .pricing.energy import estimate_energy as estimate_energy
    from .pricing.opponent import (
        FairOpponent as FairOpponent,
        fair_opponent as fair_opponent,
    )
    from .sweeps.exploring import sweep as sweep
    from .sweeps.results import Sweep as Sweep, SweepPoint as SweepPoint

keep_old_paths()
__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
