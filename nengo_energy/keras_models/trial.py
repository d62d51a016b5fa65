"""Read a saved model in a process that can be ended, before it is read in this one.

There are damaged HDF5 files in which the HDF5 library searches for ever, or dies, or
asks for all the memory there is.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from ..common import exceptions
from ..common.exceptions import InputError, NengoEnergyError
from .formats import WEIGHTS, find_format, read_archive, unpacked

CODE = "import sys; from nengo_energy.keras_models.trial import main; main(sys.argv)"
"""What the process runs."""

SLACK = 2**28
"""What reading a file may take beside what the file holds [bytes]."""


def read_in_time(path: Path, max_bytes: float | None, max_seconds: float) -> None:
    """Read a saved model and all its weights, and forget them.

    Parameters
    ----------
    path : Path
        Of the file.
    max_bytes : int or None
        How much memory it may take; None for any.
    max_seconds : float
        How long it may take.

    Raises
    ------
    NengoEnergyError
        What reading it raises, and InputError if it takes too long, or the process
        dies of it.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        found = subprocess.run(
            [sys.executable, "-c", CODE, str(path), json.dumps(max_bytes)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max_seconds,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{path} isn't read within {max_seconds:g} s, so it may be damaged; allow "
            "more: nengo_energy.load_model(path, max_seconds=...), or --max-seconds on "
            "the command line"
        ) from None
    try:
        result = json.loads(found.stdout)
    except ValueError:
        raise InputError(
            f"{path} is damaged: the process that read it ended with "
            f"{found.returncode}"
        ) from None
    if result is not None:
        kind, message = result
        raise getattr(exceptions, kind)(message)


def main(arguments: list[str]) -> None:
    """Read the file, and print what came of it as JSON: null, or an error."""
    path, max_bytes = Path(arguments[1]), json.loads(arguments[2])
    try:
        result = None
        read(path, max_bytes)
    except NengoEnergyError as error:
        result = [type(error).__name__, str(error)]
    except Exception as error:  # whatever reading it does is an answer
        reason = str(error).strip() or type(error).__name__
        result = ["InputError", f"{path} can't be read as a saved model: {reason}"]
    print(json.dumps(result))


def read(path: Path, max_bytes: float | None) -> None:
    """Read what a file says of its model, then all values, in as much memory as needed.

    What the file says is no more than it holds, and the values are as many as it says;
    of a damaged file, HDF5 asks for anything.
    """
    read_format, _ = find_format(path)
    if max_bytes is not None:
        _limit_memory(min(max_bytes, 2 * path.stat().st_size))
    saved = read_format(path, max_bytes)
    if max_bytes is not None:
        _limit_memory(16 * saved.n_values)  # of 8 bytes, once more in a chunk
    if read_format is not read_archive:
        _read_values(path)
        return
    with zipfile.ZipFile(path) as archive:
        for name in set(WEIGHTS).intersection(archive.namelist()):
            with unpacked(archive, name) as copy:
                if name.endswith(".h5"):
                    _read_values(copy)


def _limit_memory(n_bytes: float) -> None:
    """Have what asks for more than this beside what is taken fail, where that works."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        resource: Any = importlib.import_module("resource")
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        taken = pages * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + int(n_bytes) + SLACK, most))


def _read_values(file: Any) -> None:
    """Read all values of an HDF5 file, one dataset after the other."""
    import h5py

    def read_value(name: str, value: Any) -> None:
        if isinstance(value, h5py.Dataset):
            value[()]

    with h5py.File(file, "r") as opened:
        opened.visititems(read_value)
