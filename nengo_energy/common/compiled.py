"""Loops that numba compiles. Importing this module imports numba."""

from __future__ import annotations

from typing import Any, Callable

import numba


def compiled(function: Callable) -> Any:
    """Return a function that is compiled at its first call, and releases the GIL.

    Compiled code is kept on disk, where the next process finds it.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no folder to keep the compiled code in
        return numba.njit(nogil=True)(function)
