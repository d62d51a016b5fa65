"""NIR graphs on the command line: estimated and deployed as Keras models are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.defaults import DT
from ..common.exceptions import InputError
from ..common.frame_records import frame_records, to_json
from .options import BATCH_AND_MEMORY, CONVERSION, ON_HOST
from .preparing import load_data, print_csv

if TYPE_CHECKING:
    from ..conversion.nir_graphs.model import NIRModel
    from ..estimates.estimate import EnergyEstimate

SUFFIX = ".nir"
"""How the names of graphs' files end."""

FOR_MODELS = (*CONVERSION, ON_HOST, *BATCH_AND_MEMORY)
"""Options that say what becomes of a Keras model, or how it is priced."""


def is_graph(options: argparse.Namespace) -> bool:
    """Tell whether the model that was given is a NIR graph."""
    return str(options.model).lower().endswith(SUFFIX)


def estimate_graph(options: argparse.Namespace) -> EnergyEstimate:
    """Estimate the energy of a NIR graph from measured spikes."""
    model, x = _read(options)
    activity = model.measure(
        x,
        _timesteps(options, model, x),
        simulator=options.simulator,
        warmup=options.warmup,
        progress=False if options.quiet else None,
    )
    return model.estimate(activity, options.device, host=options.host)


def deploy_graph(options: argparse.Namespace) -> None:
    """Print what Loihi's cores do for a NIR graph, and what it costs."""
    model, x = _read(options)
    timesteps = _timesteps(options, model, x) or x.shape[1]
    ledger = model.ledger(x, timesteps, progress=False if options.quiet else None)
    if options.format == "csv":
        print_csv(ledger.to_frame())
    elif options.format == "json":
        content = {
            "settings": ledger.settings,
            "ledger": frame_records(ledger.to_frame()),
            "costs": frame_records(ledger.costs().to_frame()),
            "assumptions": [str(assumption) for assumption in ledger.assumptions],
        }
        print(to_json("deployment", content))
    else:
        print(f"{ledger}\n\n{ledger.costs()}")


def _read(options: argparse.Namespace) -> tuple[NIRModel, np.ndarray]:
    """Return the network of a graph, and its inputs.

    Inputs that are 0 or 1 throughout are spikes, which arrive on the device.
    """
    from ..conversion.nir_graphs.loading import from_nir

    given = [
        flag for flag, settings in FOR_MODELS if _is_given(options, flag, settings)
    ]
    if given:
        raise InputError(
            f"{', '.join(given)} is for Keras models, and {options.model} is a NIR "
            "graph. Leave it out"
        )
    options.takes_graphs = True
    x, _ = load_data(options)
    if isinstance(x, list):
        raise InputError("a NIR graph takes one array of inputs; give --x once")
    model = from_nir(
        options.model,
        dt=None if options.dt == DT else options.dt,
        inputs="spikes" if np.isin(x, (0, 1)).all() else "values",
        max_bytes=int(options.max_bytes),
    )
    return model, x


def _is_given(options: argparse.Namespace, flag: str, settings: dict[str, Any]) -> bool:
    default = settings.get("default")
    if settings.get("action") == "store_true":
        default = False
    value = getattr(options, flag.strip("-").replace("-", "_"), default)
    return bool(value != default)


def _timesteps(options: argparse.Namespace, model: NIRModel, x: Any) -> int | None:
    """Return the timesteps of an inference, None where the input says how many."""
    sizes = {node.size_out for node in model.inputs.values()}
    return options.timesteps if {x[0].size} == sizes else None
