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

OWN_MEMORY = 4 * 1024**3
"""Address space that the process takes itself, most of it for libraries [bytes]."""


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
    _limit_memory(max_bytes)
    try:
        result = None
        _read(path, max_bytes)
    except NengoEnergyError as error:
        result = [type(error).__name__, str(error)]
    except Exception as error:  # whatever reading it does is an answer
        reason = str(error).strip() or type(error).__name__
        result = ["InputError", f"{path} can't be read as a saved model: {reason}"]
    print(json.dumps(result))


def _limit_memory(max_bytes: float | None) -> None:
    """Have what asks for more memory fail, where the system can."""
    if max_bytes is None:
        return
    with contextlib.suppress(ImportError, OSError, ValueError):
        resource: Any = importlib.import_module("resource")
        limit = int(max_bytes) + OWN_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _read(path: Path, max_bytes: float | None) -> None:
    read, _ = find_format(path)
    read(path, max_bytes)
    if read is not read_archive:
        _read_values(path)
        return
    with zipfile.ZipFile(path) as archive:
        for name in set(WEIGHTS).intersection(archive.namelist()):
            with unpacked(archive, name) as copy:
                if name.endswith(".h5"):
                    _read_values(copy)


def _read_values(file: Any) -> None:
    """Read all values of an HDF5 file, one dataset after the other."""
    import h5py

    def read(name: str, value: Any) -> None:
        if isinstance(value, h5py.Dataset):
            value[()]

    with h5py.File(file, "r") as opened:
        opened.visititems(read)
