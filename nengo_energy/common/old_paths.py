"""Old paths of modules that moved, and that the documentation named, still work."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

PACKAGE = __name__.partition(".")[0]

MOVED = {
    "demo": ("cli.demo",),
    "exceptions": ("common.exceptions",),
    "firing_rates": ("network.firing_rates", "activity.rates"),
    "html_report": ("pages.writing",),
    "keras_layers": ("layer_ops",),
    "loihi.emulator": ("activity.emulator",),
    "plots": ("estimates.plot", "comparison.plot", "sweeps.plot"),
    "report": ("estimates.report", "activity.report"),
}
"""Where the names of each are now."""


class OldPaths(MetaPathFinder, Loader):
    """Finds modules that moved, after all others: what asks for them is warned."""

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Return a specification for an old path, None for any other."""
        package, _, old = name.partition(".")
        moved = package == PACKAGE and old in MOVED
        return ModuleSpec(name, self) if moved else None

    def exec_module(self, module: types.ModuleType) -> None:
        """Let the names of a module be looked up where they are now."""
        homes = [f"{PACKAGE}.{new}" for new in MOVED[module.__name__.partition(".")[2]]]
        warnings.warn(
            f"{module.__name__} is now {' and '.join(homes)}",
            DeprecationWarning,
            stacklevel=2,
        )

        def look_up(name: str) -> Any:
            for home in map(importlib.import_module, homes):
                if hasattr(home, name):
                    return getattr(home, name)
            raise AttributeError(f"{module.__name__} has no attribute {name!r}")

        module.__getattr__ = look_up  # type: ignore[method-assign]


def keep_old_paths() -> None:
    """Let old paths be imported."""
    if not any(isinstance(finder, OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(OldPaths())
