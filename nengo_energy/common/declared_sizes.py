"""What zip and NPZ files say of their size, checked before anything is unpacked."""

from __future__ import annotations

import math
import zipfile
from typing import Any

import numpy as np

from .exceptions import InputError

MAX_BYTES = 2 * 1024**3
"""What a file may unpack to unless its reader says otherwise [bytes]."""

MAX_NAME = 10_000
"""Bytes of a header in an NPZ file; numpy has the same bound."""


def check_size(what: str, n_bytes: float, max_bytes: float | None) -> None:
    """Refuse what would take more memory than it may.

    Parameters
    ----------
    what : str
        What would, for the message.
    n_bytes : int
        How much it says that it takes.
    max_bytes : int or None
        How much it may; None for any.

    Raises
    ------
    InputError
        It's too much.
    """
    if max_bytes is not None and n_bytes > max_bytes:
        raise InputError(
            f"{what} would take {size_text(n_bytes)} of memory; allowed are "
            f"{size_text(max_bytes)}. If you trust the file, allow more: "
            "nengo_energy.load_model(path, max_bytes=...), or --max-bytes on the "
            "command line"
        )


def size_text(n_bytes: float) -> str:
    """Return a number of bytes in words, such as ``"1.5 GB"``."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:,.3g} {unit}"
    return f"{n_bytes:.0f} bytes"


def check_zip(
    archive: zipfile.ZipFile, source: str, max_bytes: float | None = MAX_BYTES
) -> None:
    """Refuse an archive whose members are too much; none is unpacked.

    What is read of a member never exceeds the size that is checked here.
    """
    check_size(source, sum(info.file_size for info in archive.infolist()), max_bytes)


def check_npz(
    archive: zipfile.ZipFile, source: str, max_bytes: float | None = MAX_BYTES
) -> int:
    """Refuse an NPZ file whose arrays are too much, or not what it holds.

    Returns
    -------
    int
        Number of values in its arrays.

    Raises
    ------
    InputError
        An array is larger than the part of the file that holds it, or all are too
        large, or a header is damaged.
    """
    check_zip(archive, source, max_bytes)
    n_values = 0
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        with archive.open(info) as member:
            shape, dtype = _read_header(member)
            size = math.prod(shape)
            if size < 0 or size * dtype.itemsize + member.tell() > info.file_size:
                raise InputError(
                    f"{source} is damaged: array {info.filename[:-4]!r} says that its "
                    f"shape is {shape}, but the file holds {info.file_size} bytes of it"
                )
        n_values += size
    return n_values


def _read_header(member: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(member, MAX_NAME)
    else:
        header = np.lib.format.read_array_header_2_0(member, MAX_NAME)
    shape, _, dtype = header
    return shape, dtype
