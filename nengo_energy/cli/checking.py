"""What can be told to be wrong before TensorFlow is imported and anything simulated."""

from __future__ import annotations

import argparse
import re
from typing import Any, Callable, Iterable, Mapping

import numpy as np

from ..common.checks import check_count, check_positive
from ..common.exceptions import InputError
from .options import limits


def check_options(options: argparse.Namespace) -> None:
    """Refuse numbers, devices and models that no command could work with.

    Raises
    ------
    NengoEnergyError
        Whatever is wrong first; the message names the option.
    """
    given = vars(options)
    for name, check in _NUMBERS.items():
        if given.get(name) is not None:
            check(_flag(name), given[name])
    _check_devices(given.get("device"), given.get("host"))
    if given.get("format") == "html":
        from ..pages.vega import report_package

        for package in ("jinja2", "altair", "vl_convert"):
            report_package(package)
    if isinstance(given.get("model"), str) and not given.get("takes_graphs"):
        check_model_file(given["model"], options)


def check_model_file(path: str, options: argparse.Namespace) -> None:
    """Refuse a path that holds no saved model, or one that takes too much to read."""
    if path.lower().endswith(".nir"):
        raise InputError(
            f"{path} is a NIR graph, which estimate and deploy take; this command "
            "takes Keras models"
        )
    from ..keras_models.files import read_model_file

    read_model_file(path, **limits(options))


def _check_devices(devices: Any, host: str | None) -> None:
    if devices is None and host is None:
        return
    from ..pricing.resolving import resolve_devices, resolve_host

    if devices is not None:
        resolve_devices(devices)
    if host is not None:
        resolve_host(host)


def check_kind(devices: Iterable[str], kind: str, others: str) -> None:
    """Refuse devices of another kind, and say what command takes them."""
    from ..devices import get

    for name in devices:
        found = get(name).kind
        if found != kind:
            raise InputError(
                f"device {name!r} is of kind {found!r}, whose energy hangs on spikes: "
                f"{others} measures them"
            )


def check_grid(grid: Mapping[str, Any]) -> None:
    """Refuse a grid that no sweep could work with."""
    from ..sweeps.grid import plan_grid

    _check_devices(plan_grid(grid).devices, None)


def check_arrays(arrays: Mapping[str, np.ndarray], labels: np.ndarray | None) -> None:
    """Refuse inputs and labels that don't go together, whatever the model."""
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise InputError(
                f"array {name!r} must hold numbers; it holds {array.dtype}"
            )
        if array.ndim == 0 or len(array) == 0:
            raise InputError(f"array {name!r} holds no inferences: {array.shape}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"array {name!r} holds numbers that aren't finite")
    lengths = {name: len(array) for name, array in arrays.items()}
    if labels is not None:
        if labels.dtype.kind not in "biuf":
            raise InputError(
                f"labels must be whole numbers or one-hot; they are {labels.dtype}"
            )
        if labels.dtype.kind == "f" and not np.all(labels == np.floor(labels)):
            raise InputError("labels must be whole numbers or one-hot; got fractions")
        if labels.size and labels.min() < 0:
            raise InputError(f"labels must be 0 or more; got {labels.min():g}")
        lengths["labels"] = len(labels) if labels.ndim else 0
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{n:,} of {name}" for name, n in lengths.items())
        raise InputError(f"inputs and labels must be as many; there are {words}")


def _scale(name: str, value: float | str) -> None:
    if value != "auto":
        check_positive(name, value, "Hz")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InputError(f"{name} must be a share between 0 and 1; got {value!r}")


def _no_less(minimum: int) -> Callable[[str, int], object]:
    return lambda name, value: check_count(name, value, minimum)


def _seconds(name: str, value: float) -> None:
    check_positive(name, value, "s")


_NUMBERS: Mapping[str, Callable[[str, Any], object]] = {
    "timesteps": _no_less(1),
    "warmup": _no_less(0),
    "inferences": _no_less(1),
    "workers": _no_less(1),
    "chunk_size": _no_less(1),
    "batch_size": _no_less(1),
    "seed": _no_less(0),
    "dt": _seconds,
    "synapse": _seconds,
    "seconds": _seconds,
    "scale_firing_rates": _scale,
    "max_accuracy_drop": _share,
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


_ARGUMENT = re.compile(
    r"\b(max_pooling|scale_firing_rates|on_host|host|input_shape|synapse|neurons|"
    r"timesteps|overwrite|temporal_model|piecewise|memory|batch_size|max_bytes|"
    r"max_seconds)=(?:\"(\w+)\"|True|(?=[\s,.;:]|$))"
)


def as_options(message: str) -> str:
    """Return a message of the library in the words of the command line.

    Examples
    --------
    >>> as_options('pass max_pooling="average"')
    'pass --max-pooling average'
    """
    return _ARGUMENT.sub(lambda m: _flag(m[1]) + (f" {m[2]}" if m[2] else ""), message)
