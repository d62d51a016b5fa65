"""Names of a package that are loaded from its modules when they are first used."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, Mapping, Tuple


def lazy_getattr(
    package: str, locations: Mapping[str, Tuple[str, str]]
) -> Callable[[str], Any]:
    """Return a package's ``__getattr__`` that loads names from its modules.

    Parameters
    ----------
    package : str
        Name of the package.
    locations : mapping of str to (str, str)
        The module within the package, and the name there, of each name.
    """

    def load(name: str) -> Any:
        if name not in locations:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, attribute = locations[name]
        value = getattr(importlib.import_module(f"{package}.{home}"), attribute)
        setattr(sys.modules[package], name, value)
        return value

    return load
