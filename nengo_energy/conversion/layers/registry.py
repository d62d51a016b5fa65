"""Which function converts which class of layers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator

from ...common.exceptions import InputError
from ...compat import import_tf_keras
from ...keras_models.graph import is_class_of_keras, is_from_keras
from ...keras_models.held import held_by, is_held

if TYPE_CHECKING:
    from .building import LayerBuild

LayerConversion = Callable[["LayerBuild"], Any]
"""Takes a `LayerBuild`, returns the Nengo object that puts out what the layer does."""

_CONVERSIONS: dict[tuple[str, bool], LayerConversion] = {}
"""By name of the class, and by whether the class is one of Keras's."""


def register_converter(
    layer_class: str | type, conversion: LayerConversion, replace: bool = False
) -> None:
    """Say how a layer class becomes Nengo objects, for `nengo_energy.convert` alone.

    Parameters
    ----------
    layer_class : str or type
        The class or its name. Subclasses are served too, unless they define ``call``.
    conversion : callable
        Takes a `LayerBuild`, which has the layer, the objects that feed it, and what
        makes nodes, neurons and connections; returns the object whose output is the
        layer's.
    replace : bool
        Allow a class that has a conversion already.

    Raises
    ------
    InputError
        The class has a conversion and ``replace`` is false, or an argument has the
        wrong type.

    Examples
    --------
    >>> def convert_doubling(build):
    ...     output = build.node()
    ...     build.connect(build.inputs[0], output, transform=2.0)
    ...     return output
    >>> register_converter("Doubling", convert_doubling)
    """
    name = layer_class.__name__ if isinstance(layer_class, type) else layer_class
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"expected a layer class or the name of one, got {name!r}")
    if not callable(conversion):
        raise InputError(
            f"the conversion of {name!r} must be callable, got {conversion!r}"
        )
    origins = [True, False]
    if isinstance(layer_class, type):
        origins = [is_class_of_keras(layer_class)]
    keys = [(name, origin) for origin in origins]
    if any(key in _CONVERSIONS for key in keys) and not replace:
        raise InputError(f"class {name!r} has a conversion; pass replace=True")
    _CONVERSIONS.update(dict.fromkeys(keys, conversion))


def converts(*names: str) -> Callable[[LayerConversion], LayerConversion]:
    """Register the function below for Keras's classes of these names.

    ``{}`` in a name stands for 1, 2 and 3.
    """

    def register(conversion: LayerConversion) -> LayerConversion:
        for name in names:
            for n in (1, 2, 3):
                _CONVERSIONS[name.format(n), True] = conversion
        return conversion

    return register


def find_conversion(layer: Any) -> LayerConversion | None:
    """Return the conversion of a layer's class, or of the class it has ``call`` from.

    A subclass that defines ``call`` may compute anything, so it isn't taken for the
    class that it derives from. Of a held layer, the class of what it holds counts.
    """
    source = held_by(layer)
    is_keras3s = is_held(layer) and is_from_keras(source)
    if is_keras3s and hasattr(import_tf_keras().layers, type(source).__name__):
        return None  # it is something else than tf_keras's of that name
    for base in type(source).__mro__:
        found = _CONVERSIONS.get((base.__name__, is_class_of_keras(base)))
        if found is not None:
            return found
        if "call" in vars(base):
            return None
    return None


@contextmanager
def isolated() -> Iterator[None]:
    """Undo on leaving what was registered inside."""
    before = dict(_CONVERSIONS)
    try:
        yield
    finally:
        _CONVERSIONS.clear()
        _CONVERSIONS.update(before)
