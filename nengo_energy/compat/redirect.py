"""Import packages written for Keras 2 while ``import keras`` means Keras 3.

A module's ``import`` statements call the function ``__import__`` that they find in
the module's own ``__builtins__``. The loader here runs the modules of a package with
builtins whose ``__import__`` answers the names ``tensorflow`` and ``keras`` with
stand-ins that lead to Keras 2. Nothing is exchanged in ``sys.modules`` or in the
modules of TensorFlow and Keras, so whoever else imports them, also in another thread,
gets what they always got.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, Callable, Iterator, Mapping, Sequence

ImportFunction = Callable[..., Any]


class StandIn(types.ModuleType):
    """A module that answers for another one, but for some names of its own.

    Parameters
    ----------
    name : str
        What the stand-in calls itself.
    real : module
        Answers for every name that isn't among ``own``.
    own : mapping of str to object
        The names that the stand-in answers itself.
    """

    def __init__(
        self, name: str, real: types.ModuleType, own: Mapping[str, Any]
    ) -> None:
        super().__init__(name, f"Stand-in for the module {real.__name__!r}.")
        self._real = real
        vars(self).update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *dir(self._real)})


def keras2_standins(
    tensorflow: types.ModuleType, keras2: types.ModuleType
) -> dict[str, types.ModuleType]:
    """Return what ``tensorflow`` and ``keras`` shall mean for a Keras 2 package.

    Parameters
    ----------
    tensorflow : module
        TensorFlow as it is.
    keras2 : module
        The top of a Keras 2 package whose sources lie in its subpackage ``src``:
        ``tf_keras``, or ``keras`` 2.13 to 2.15.
    """
    own = {
        "keras": keras2,
        "losses": keras2.losses,
        "metrics": keras2.metrics,
        "optimizers": keras2.optimizers,
        "initializers": keras2.initializers,
    }
    # up to Keras 2.12 ``keras.layers`` and ``keras.engine`` were the sources
    # themselves, which is what packages of that time import names from
    sources = importlib.import_module(f"{keras2.__name__}.src")
    return {
        "tensorflow": StandIn("tensorflow", tensorflow, own),
        "keras": StandIn("keras", keras2, vars(sources)),
    }


def redirecting_import(
    standins: Mapping[str, types.ModuleType], prefixes: Mapping[str, str]
) -> ImportFunction:
    """Return an ``__import__`` that answers some names differently.

    Parameters
    ----------
    standins : mapping of str to module
        Top-level names, and the modules that the name shall mean.
    prefixes : mapping of str to str
        Starts of dotted names, and the starts that they are replaced with; the
        first that fits counts.
    """

    def translated(name: str) -> str:
        for start, replacement in prefixes.items():
            if name == start or name.startswith(start + "."):
                return replacement + name[len(start) :]
        return name

    def import_name(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        top = name.partition(".")[0]
        if level or top not in standins:
            return builtins.__import__(name, globals, locals, fromlist, level)
        if name == top:
            return standins[top]
        module = builtins.__import__(translated(name), globals, locals, fromlist or "*")
        return module if fromlist else standins[top]

    return import_name


class _RedirectingLoader(importlib.abc.Loader):
    """Run a module with our ``__import__``, and leave the module to its own loader."""

    def __init__(self, loader: Any, import_name: ImportFunction) -> None:
        self._loader = loader
        self._import_name = import_name

    def create_module(
        self, spec: importlib.machinery.ModuleSpec
    ) -> types.ModuleType | None:
        module: types.ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        own = {**vars(builtins), "__import__": self._import_name}
        vars(module)["__builtins__"] = own
        self._loader.exec_module(module)


class _RedirectingFinder(importlib.abc.MetaPathFinder):
    """Find the modules of some packages, to be loaded with our ``__import__``."""

    def __init__(self, packages: Sequence[str], import_name: ImportFunction) -> None:
        self._packages = packages
        self._import_name = import_name

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in self._packages:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                # extension modules and namespace packages have no imports to redirect
                if hasattr(spec.loader, "get_code"):
                    spec.loader = _RedirectingLoader(spec.loader, self._import_name)
                return spec
        return None


@contextlib.contextmanager
def redirected(packages: Sequence[str], import_name: ImportFunction) -> Iterator[None]:
    """Load the modules of ``packages`` with ``import_name`` as their ``__import__``.

    Holds within the ``with`` block, for modules that aren't loaded yet; they keep the
    function for imports that they make later.
    """
    finder = _RedirectingFinder(packages, import_name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
