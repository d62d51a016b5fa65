"""Files that the command line takes: inputs and labels in NPZ, grids in TOML."""

from __future__ import annotations

import contextlib
import os
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, Iterator, Sequence, Union

import numpy as np

from ..common.declared_sizes import MAX_BYTES, check_npz
from ..common.exceptions import InputError, NengoEnergyError, NotFoundError
from ..common.text_files import parse_toml, read_text

PathLike = Union[str, "os.PathLike[str]"]

NPZ_ERRORS = (
    EOFError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and numpy raise on damaged files."""

NOTHING = "none"
"""What a TOML file says for None, which TOML has no word for."""


def load_arrays(
    path: PathLike, names: Sequence[str], max_bytes: float | None = MAX_BYTES
) -> list[np.ndarray]:
    """Return arrays of an NPZ file, without running code that it holds.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    names : sequence of str
        Which arrays.
    max_bytes : int or None
        How much memory the file may unpack to; None for any.

    Raises
    ------
    NotFoundError
        If there is no file, or no array of a name; the message lists those there are.
    InputError
        If the file isn't an NPZ file, is damaged, holds objects, or is too much.
    """
    with _open_archive(path) as archive:
        for name in names:
            if name not in archive.files:
                raise NotFoundError(
                    f"array {name!r} not found in {path}; known: "
                    f"{', '.join(archive.files) or 'none'}"
                )
        check_npz(archive.zip, f"data {path}", max_bytes)
        return [archive[name] for name in names]


def array_names(path: PathLike) -> list[str]:
    """Return the names of the arrays in an NPZ file; see `load_arrays`."""
    with _open_archive(path) as archive:
        return list(archive.files)


@contextlib.contextmanager
def _open_archive(path: PathLike) -> Iterator[Any]:
    """Open an NPZ file, and put complaints about it in our words."""
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(
                    f"data {path} is one array; it must be an NPZ file, of np.savez"
                )
            yield archive
    except NengoEnergyError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"data {path} not found") from error
    except NPZ_ERRORS as error:
        raise InputError(
            f"data {path} can't be read as an NPZ file: {error}"
        ) from error


def load_grid(path: PathLike) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the grid of a sweep, and options of the conversion, from a TOML file.

    The table ``[grid]`` holds values, or lists of values, by name; ``[convert]`` holds
    further arguments of `nengo_energy.convert`. ``"none"`` stands for None.

    Raises
    ------
    NotFoundError
        If there is no file.
    InputError
        If it isn't TOML, or holds something else than these two tables.
    """
    try:
        content = parse_toml(read_text(f"grid {path}", Path(path)))
    except NotFoundError:
        raise
    except InputError as error:
        raise InputError(f"grid {path} can't be read as TOML: {error}") from error
    unknown = sorted(set(content) - {"grid", "convert"})
    tables = [content.get(name, {}) for name in ("grid", "convert")]
    if unknown or not all(isinstance(table, dict) for table in tables):
        raise InputError(
            f"grid {path} must hold the tables [grid] and, if need be, [convert]; got "
            f"{', '.join(content)}"
        )
    grid = {
        name: (
            [None if v == NOTHING else v for v in value]
            if isinstance(value, list)
            else (None if value == NOTHING else value)
        )
        for name, value in tables[0].items()
    }
    return grid, tables[1]
