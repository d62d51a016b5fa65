"""Import NengoLoihi, with NengoDL beside it and on NumPy 2."""

from __future__ import annotations

import functools
import importlib
import logging
import types
from collections import OrderedDict
from typing import Any

import numpy as np
from nengo.neurons import SpikingRectifiedLinear

from ..common.exceptions import MissingDependencyError
from ..common.optional_imports import import_or_explain
from .imports import import_nengo_dl, locked, untested_versions_accepted
from .neurons import LoihiRectifiedLinear
from .redirect import StandIn

logger = logging.getLogger(__name__)

NUMPY_1_MODULES = ("nengo_loihi.block", "nengo_loihi.dvs", "nengo_loihi.neurons")
"""The modules of NengoLoihi that use what NumPy 2 changed or dropped."""


AXON_NUMBERS = "nengo_loihi.hardware.nxsdk_objects"
"""The module of NengoLoihi that numbers the input axons of a core."""

CONNECTIONS = "nengo_loihi.builder.connection"
"""The module of NengoLoihi that builds connections."""

SPLITTING = "nengo_loihi.builder.split_blocks"
"""The module of NengoLoihi that splits blocks over cores."""


@locked
def import_nengo_loihi() -> types.ModuleType:
    """Return NengoLoihi, made to work with the installed NumPy and NengoDL.

    NengoDL is imported first where it is installed, so that NengoLoihi finds it; where
    the user imported NengoLoihi before, it is told of NengoDL now.

    Raises
    ------
    MissingDependencyError
        NengoLoihi isn't installed.
    """
    nengo_dl: types.ModuleType | None = None
    try:
        nengo_dl = import_nengo_dl()
    except MissingDependencyError as error:
        logger.debug("NengoLoihi goes without NengoDL: %s", error)
    with untested_versions_accepted():
        nengo_loihi = import_or_explain(
            "nengo_loihi", "nengo-loihi", "running on Loihi or its emulator"
        )
    if int(np.__version__.split(".")[0]) >= 2:
        for name in NUMPY_1_MODULES:
            _use_numpy_1_meanings(importlib.import_module(name))
    _number_axons_after_gaps(importlib.import_module(AXON_NUMBERS))
    _let_the_host_learn(importlib.import_module(CONNECTIONS))
    _choose_weights_at_once(importlib.import_module(SPLITTING))
    _build_below_zero(nengo_loihi.builder.Builder)
    if nengo_dl is not None:
        _introduce_nengo_dl(nengo_dl)
    return nengo_loihi


def _array(obj: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """``numpy.array`` for which ``copy=False`` means to copy only if needed."""
    if kwargs.get("copy") is False:
        kwargs["copy"] = None
    return np.array(obj, *args, **kwargs)


def _fromstring(data: bytes, dtype: Any = float) -> np.ndarray:
    """``numpy.fromstring`` of binary data: a writable copy."""
    return np.frombuffer(data, dtype=dtype).copy()


def _use_numpy_1_meanings(module: Any) -> None:
    """Let a module's global ``np`` mean NumPy with the functions it was written for."""
    if not isinstance(module.np, StandIn):
        module.np = StandIn("numpy", np, {"array": _array, "fromstring": _fromstring})


def _number_axons_after_gaps(module: Any) -> None:
    """Let a core number its axons also after one that leads nowhere.

    NengoLoihi goes on from the number of the last axon of the synapses before. That is
    None where the last pixel of a convolution meets no neuron, as it does where the
    stride exceeds the kernel.
    """
    stock = module.Core.add_synapse
    if stock.__module__ == __name__:
        return

    def add_synapse(core: Any, synapse: Any) -> None:
        own = core.synapse_axons
        taken = [k for axons in own.values() for k in axons if k is not None]
        if own:
            core.synapse_axons = OrderedDict(before=[max(taken, default=-1)])
        try:
            stock(core, synapse)
            own[synapse] = core.synapse_axons[synapse]
        finally:
            core.synapse_axons = own

    module.Core.add_synapse = add_synapse


def _let_the_host_learn(module: Any) -> None:
    """Let an error lead to a rule whose connection is all on the host.

    NengoLoihi sends each error to the chip, also where nothing learns there.
    """
    stock = module.build_host_to_learning_rule
    if stock.__module__ == __name__:
        return

    def build(model: Any, conn: Any) -> None:
        learnt = conn.post_obj.connection
        if model.split.on_chip(module.base_obj(learnt.pre)):
            stock(model, conn)
            return
        host = model.host_model(module.base_obj(conn.pre))
        module._inherit_seed(host, conn, model, conn)
        host.build(conn)

    module.build_host_to_learning_rule = build


def _choose_weights_at_once(module: Any) -> None:
    """Let the weights that lead to a core be found without a look at each.

    NengoLoihi asks of each weight of a layer, for each core, whether it leads there:
    77 s for the 8.5 million that lead from pixels to 5,408 neurons on 78 cores. It
    doesn't where all do.
    """
    stock = module.set_new_synapse_weights
    if stock.__module__ == __name__:
        return

    @functools.wraps(stock)
    def set_weights(
        old: Any, axons: Any, new: Any, chosen: Any, overlaps: Any, ids: Any, **kw: Any
    ) -> None:
        is_chosen = np.zeros(1 + max(np.max(axons[k][2], initial=0) for k in ids), bool)
        is_chosen[[c for c in chosen if c < len(is_chosen)]] = True
        part = types.SimpleNamespace(
            weights={},
            indices={},
            axon_to_weight_map=old.axon_to_weight_map,
            synapse_cfg=old.synapse_cfg,
            pop_type=old.pop_type,
        )
        parts = {}
        for k in ids:
            number, base, targets, all_targets = axons[k]
            kept = is_chosen[targets]
            part.weights[k] = old.weights[number][:, kept]
            part.indices[k] = old.indices[number][:, kept]
            parts[k] = (k, base, targets[kept], all_targets)
        stock(part, parts, new, chosen, overlaps, ids, **kw)

    set_weights.__module__ = __name__
    module.set_new_synapse_weights = set_weights


def _build_below_zero(builder: Any) -> None:
    """Let NengoLoihi build `LoihiRectifiedLinear` neurons."""
    if LoihiRectifiedLinear in builder.builders:
        return

    def build(model: Any, kind: Any, neurons: Any, block: Any) -> None:
        builder.builders[SpikingRectifiedLinear](model, kind, neurons, block)
        block.compartment.vmin = kind.min_voltage * block.compartment.vth[0]

    builder.register(LoihiRectifiedLinear)(build)


def _introduce_nengo_dl(nengo_dl: types.ModuleType) -> None:
    """Tell NengoLoihi of NengoDL, and NengoDL of NengoLoihi's neurons."""
    loihi_compat: Any = importlib.import_module("nengo_loihi.compat")
    neurons: Any = importlib.import_module("nengo_loihi.neurons")
    loihi_compat.HAS_DL = neurons.HAS_DL = True
    loihi_compat.nengo_dl = neurons.nengo_dl = nengo_dl
    builders: Any = importlib.import_module("nengo_energy.compat.loihi_builders")
    base = nengo_dl.neuron_builders.TFNeuronBuilder
    for neuron_type, builder in builders.BUILDERS.items():
        # a builder that works came with nengo-extras; otherwise the name holds a class
        # that only raises
        name = f"{neuron_type.__name__}Builder"
        if not issubclass(getattr(neurons, name), base):
            setattr(neurons, name, builder)
    # NengoLoihi's own installer registers what stands under these names, once
    neurons.install_dl_builders.installed = False
    neurons.install_dl_builders()
    nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL.setdefault(
        LoihiRectifiedLinear, builders.LoihiSpikingRectifiedLinearBuilder
    )
