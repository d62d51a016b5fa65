"""Loops that numba compiles. Importing this module imports numba."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

import numba
import numpy as np

FOLDERS = ("activity/compiled", "activity/emulator")
"""Where in the package compiled loops are, those of this file aside."""


def compiled(function: Callable) -> Any:
    """Return a function that is compiled at its first call, and releases the GIL.

    Compiled code is kept on disk, where the next process finds it until one of the
    sources of compiled loops has changed.
    """
    try:
        dispatcher = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no folder to keep the compiled code in
        return numba.njit(nogil=True)(function)
    # numba looks at the function's own file, though code of others is compiled into it
    kept: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(kept, "_source_stamp"):
        kept._source_stamp = (kept._source_stamp, _sources())
    return dispatcher


@lru_cache(maxsize=None)
def _sources() -> tuple[tuple[str, int, int], ...]:
    """Return name, time and size of each file that compiled loops may come from."""
    package = Path(__file__).parents[1]
    files = [file for folder in FOLDERS for file in (package / folder).glob("*.py")]
    found = [(file.name, file.stat()) for file in [Path(__file__), *sorted(files)]]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


GATHER = np.uint64(0x0102040810204080)
"""Times eight bytes of zero or one, the highest byte has a bit for each."""

WHICH = np.zeros((256, 8), np.int32)
"""The bits of a byte that are set, in order."""

HOW_MANY = np.array([bin(byte).count("1") for byte in range(256)])
"""How many they are."""

for _byte in range(256):
    _bits = [bit for bit in range(8) if _byte >> bit & 1]
    WHICH[_byte, : len(_bits)] = _bits


@compiled
def list_set(flags: np.ndarray, place: np.ndarray, n_found: int) -> int:
    """List the bytes that are one behind those found before; return how many by now.

    Eight are looked up at once, because the processor can't foresee which of them are
    set, and loses more time by wrong guesses than by writing what is overwritten in the
    next turn.

    Parameters
    ----------
    flags : (n,) uint8 ndarray
        Bytes of zero or one, a multiple of eight.
    place : int32 ndarray
        Is written to; has room for eight more than are found.
    n_found : int
        How many it has already.
    """
    eight = flags.view(np.uint64)
    found = np.uint64(n_found)
    for k in range(len(eight)):
        if eight[k] != 0:
            pattern = (eight[k] * GATHER) >> np.uint64(56)
            begin, which = np.int32(8 * k), WHICH[pattern]
            for i in range(np.uint64(8)):
                place[found + i] = begin + which[i]
            found += np.uint64(HOW_MANY[pattern])
    return int(found)
