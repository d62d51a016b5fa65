"""Functions by class of layer: one for a class of Keras's, another for a namesake."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Tuple, TypeVar

from ..common.exceptions import InputError

Function = TypeVar("Function", bound=Callable[..., Any])


class ClassTable(Dict[Tuple[str, bool], Function]):
    """Functions by name, and by whether the class is one that the package knows.

    Parameters
    ----------
    what, function : str
        What is named, such as ``"layer class"``, and what its function is called.
    is_known : callable
        Tells of a class whether it is one of those that the package's own functions
        serve, and not somebody's own of the same name.
    """

    def __init__(self, what: str, function: str, is_known: Callable[[type], bool]):
        super().__init__()
        self.what, self.function, self.is_known = what, function, is_known

    def serves(self, *names: str) -> Callable[[Function], Function]:
        """Register the function below for known classes of these names.

        ``{}`` in a name stands for 1, 2 and 3.
        """

        def register(function: Function) -> Function:
            for name in names:
                for n in (1, 2, 3):
                    self[name.format(n), True] = function
            return function

        return register

    def register(self, named: str | type, function: Function, replace: bool) -> None:
        """Add a function that a user gives for a class, or for all of a name."""
        name = named.__name__ if isinstance(named, type) else named
        if not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"{self.what} must be given by its name; got {name!r}")
        what = f"{self.what} {name!r}"
        if not callable(function):
            raise InputError(
                f"the {self.function} of {what} must be callable, got {function!r}"
            )
        known = isinstance(named, type) and [self.is_known(named)]
        keys = [(name, origin) for origin in known or (True, False)]
        if not replace and any(key in self for key in keys):
            raise InputError(f"{what} has a {self.function}; pass replace=True")
        self.update(dict.fromkeys(keys, function))

    def find(self, cls: type) -> Function | None:
        """Return the function of a class, or of the class that it has ``call`` from.

        A subclass that defines ``call`` may compute anything, so it isn't taken for the
        class that it derives from.
        """
        for base in cls.__mro__:
            found = self.get((base.__name__, self.is_known(base)))
            if found is not None or "call" in vars(base):
                return found
        return None

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Undo on leaving what was registered inside."""
        before = dict(self)
        try:
            yield
        finally:
            self.clear()
            self.update(before)
