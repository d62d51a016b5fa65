"""Packages that are imported where they are used, and may be missing."""

from __future__ import annotations

import importlib
import types

from .exceptions import MissingDependencyError


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
