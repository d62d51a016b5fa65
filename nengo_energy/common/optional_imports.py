"""Packages that are imported where they are used, and may be missing."""

from __future__ import annotations

import importlib
import logging
import time
import types

from .exceptions import MissingDependencyError

logger = logging.getLogger(__name__)


def import_or_explain(package: str, pip_name: str, purpose: str) -> types.ModuleType:
    """Import a package, or say how to get it.

    Parameters
    ----------
    package : str
        The name to import.
    pip_name : str
        The name that pip knows it by.
    purpose : str
        What needs it, for the message.

    Raises
    ------
    MissingDependencyError
        The package isn't installed. Errors inside an installed package pass through.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise MissingDependencyError(
            f"{purpose} needs the package {package!r}, which isn't installed; "
            f"get it with: pip install {pip_name}"
        ) from error


def has_numba(otherwise: str) -> bool:
    """Tell whether numba can be imported; if it can't, warn of what runs otherwise."""
    start = time.perf_counter()
    try:
        import numba  # noqa: F401
    except ImportError as error:
        logger.warning(
            "numba can't be imported (%s), so %s, many times slower; "
            'to install it: pip install "nengo-energy[fast]"',
            error,
            otherwise,
        )
        return False
    logger.debug("imported numba in %.1f s", time.perf_counter() - start)
    return True
