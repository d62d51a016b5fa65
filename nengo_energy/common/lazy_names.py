"""A package's public names, each loaded from its module when it is first used.

A package lists its names once, as the imports below ``if TYPE_CHECKING:`` in its
``__init__.py``: type checkers and editors read them there, and so does `lazy_names`.
"""

from __future__ import annotations

import ast
import importlib
import sys
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, Callable

CONDITION = "TYPE_CHECKING"
"""What the imports stand below."""


def lazy_names(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return what a package calls ``__getattr__``, ``__dir__`` and ``__all__``.

    Parameters
    ----------
    package : str
        Name of the package, its ``__name__``.
    file : str
        Its source, its ``__file__``.
    """
    homes = _listed_names(package, file)

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, attribute = homes[name]
        if home == package:  # a package of its own
            value: Any = importlib.import_module(f"{home}.{attribute}")
        else:
            value = getattr(importlib.import_module(home), attribute)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names, sorted(homes)


def _listed_names(package: str, file: str) -> dict[str, tuple[str, str]]:
    """Return the module, and the name there, of each name that a file lists."""
    homes = {}
    for block in ast.parse(Path(file).read_text(encoding="utf-8")).body:
        if not (isinstance(block, ast.If) and ast.unparse(block.test) == CONDITION):
            continue
        for node in block.body:
            if isinstance(node, ast.ImportFrom):
                home = resolve_name("." * node.level + (node.module or ""), package)
                for alias in node.names:
                    homes[alias.asname or alias.name] = (home, alias.name)
    return homes
