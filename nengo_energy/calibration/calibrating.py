"""Measure what networks cost on the machine at hand, and make a device of it."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..common.checks import check_count, check_positive
from ..common.exceptions import InputError
from ..common.file_output import check_writable, write_text
from ..devices import Device
from ..devices.device import check_name
from ..devices.files import parse_device
from ..devices.writing import format_device_file
from .device_file import device_data, host_name
from .measuring import measure_models, reference_models
from .meters import open_meter


def calibrate(
    path: str | os.PathLike[str],
    models: Any = None,
    *,
    name: str | None = None,
    meter: str | None = None,
    batch_size: int = 1,
    seconds: float = 3.0,
    overwrite: bool = False,
    progress: bool | None = None,
    monitor: Any = None,
) -> Device:
    """Measure Keras models on this machine, and write a device file.

    Each model runs for some seconds while the energy counter of the GPU (NVML) or the
    CPU (RAPL) is read through Zeus. Fixed energy, energy per multiply-accumulate, their
    times, and idle power are fitted, with 95 % confidence intervals. Leave the machine
    alone meanwhile: the counters see whatever else it does.

    Parameters
    ----------
    path : str or path
        Where to write the file, of which the device is named unless ``name`` is given.
        It isn't touched if anything fails.
    models : keras.Model, or sequence or mapping of them, optional
        What to run, of at least two sizes; by default five networks from 172,800 to 37
        million multiply-accumulates. They run as they are, on noise.
    name : str, optional
        Name of the device.
    meter : {"gpu", "cpu"}, optional
        What to read; by default the GPU's counter if there is one.
    batch_size : int
        Inferences that run together.
    seconds : float
        Time of each measurement [s]. Counters of GPUs are updated every 20 to 100 ms,
        so seconds are needed.
    overwrite : bool
        Replace a file that exists.
    progress : bool, optional
        Show a progress bar; by default in a terminal.
    monitor : zeus.monitor.ZeusMonitor, optional
        An open monitor, in place of one that is opened here.

    Returns
    -------
    Device
        The device as written; register it with ``ne.register_device(device)``.

    Raises
    ------
    MissingDependencyError
        When Zeus isn't installed.
    UnsupportedError
        When the machine has no meter that can be read, or a layer can't be counted.
    InputError
        When an argument can't be worked with, or the readings can't be fitted.

    Examples
    --------
    >>> device = calibrate("my-gpu.toml", {"resnet": model})  # doctest: +SKIP
    >>> snn.estimate(activity, [device, "loihi"])  # doctest: +SKIP
    """
    file = check_target(path, overwrite)
    chosen = file.stem if name is None else name
    check_name(chosen)
    check_count("batch_size", batch_size)
    check_positive("seconds", seconds, "s")
    opened = open_meter(meter, monitor)
    named = reference_models() if models is None else _by_name(models)
    readings = measure_models(named, opened, batch_size, seconds, progress)
    data, comment = device_data(readings, chosen, host_name(), datetime.date.today())
    text = format_device_file(data, comment)
    device = parse_device(text, f"device file {str(file)!r}")
    write_text(file, text)
    return device


def check_target(path: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Return the path of a device file that may be written."""
    file = check_writable(path)
    if file.exists() and not overwrite:
        raise InputError(f"{str(file)!r} exists; pass overwrite=True to replace it")
    return file


def _by_name(models: Any) -> dict[str, Any]:
    """Return models by name, two of the same name told apart."""
    if isinstance(models, Mapping):
        return {str(name): model for name, model in models.items()}
    if not isinstance(models, Sequence):
        models = [models]
    named: dict[str, Any] = {}
    for i, model in enumerate(models):
        name = str(getattr(model, "name", f"model {i}"))
        named[name if name not in named else f"{name} ({i})"] = model
    return named
