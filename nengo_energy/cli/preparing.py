"""Options of the command line -> checked arrays, converted model, shown results."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Iterable

from ..common.assumptions import Assumption
from ..common.plain_text import plain_csv, plain_line
from ..common.vital_signs import alerts
from ..compat.quiet import import_tensorflow_quietly
from .checking import as_options, check_arrays, check_options
from .data_files import array_names, load_arrays

if TYPE_CHECKING:
    import pandas

    from ..conversion.spiking_model import SpikingModel

DEFAULT_X, DEFAULT_Y = "x", "y"
"""Arrays that are taken unless others are named."""


def load_data(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return inputs, an array or a list of several, and labels, None without any."""
    check_options(options)
    names = options.x or [DEFAULT_X]
    known = array_names(options.data)
    y = options.y or (DEFAULT_Y if DEFAULT_Y in known else None)
    wanted = [*names, *([y] if y else [])]
    arrays = load_arrays(options.data, wanted, options.max_bytes)
    arrays = [a if a.ndim == 0 else a[: options.inferences] for a in arrays]
    labels = arrays.pop() if y else None
    check_arrays(dict(zip(names, arrays)), labels)
    return (arrays[0] if len(arrays) == 1 else arrays), labels


def read_model(options: argparse.Namespace) -> Any:
    """Return the model in a file that `check_options` found to be one."""
    from ..keras_models.files import load_model

    return load_model(options.model, max_bytes=options.max_bytes)


def convert_model(options: argparse.Namespace, x: Any) -> SpikingModel:
    """Return the converted model; what can be wrong without it was checked before."""
    import_tensorflow_quietly()
    from ..conversion.converting import convert
    from ..keras_models.sizes import has_open_sizes

    model = read_model(options)
    by_data = options.scale_firing_rates == "auto" or has_open_sizes(model)
    return convert(
        model,
        scale_firing_rates=options.scale_firing_rates,
        example_data=x if by_data else None,
        synapse=options.synapse,
        neurons=options.neurons,
        max_pooling=options.max_pooling,
        piecewise=options.piecewise,
        progress=False if options.quiet else None,
    )


def timing(options: argparse.Namespace) -> dict[str, Any]:
    """Return how long a network is run, and whether it shows how far it is."""
    return {
        "timesteps": options.timesteps,
        "dt": options.dt,
        "warmup": options.warmup,
        "progress": False if options.quiet else None,
    }


def print_csv(frame: pandas.DataFrame) -> None:
    """Print a frame as comma-separated values."""
    print(plain_csv(frame), end="")


def warn(assumptions: Iterable[Assumption]) -> None:
    """Say on the error stream what makes a result worthless that is no table."""
    for alert in alerts(assumptions):
        words = as_options(plain_line(alert.text))
        print(f"nengo-energy: warning: {words}", file=sys.stderr)
