"""Which function converts which class of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ...compat import import_tf_keras
from ...keras_models.class_table import ClassTable
from ...keras_models.graph import is_class_of_keras, is_from_keras
from ...keras_models.held import held_by, is_held

if TYPE_CHECKING:
    from .building import LayerBuild

LayerConversion = Callable[["LayerBuild"], Any]
"""Takes a `LayerBuild`, returns the Nengo object that puts out what the layer does."""

_CONVERSIONS: ClassTable[LayerConversion] = ClassTable(
    "layer class", "conversion", is_class_of_keras
)

converts, isolated = _CONVERSIONS.serves, _CONVERSIONS.isolated


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
    _CONVERSIONS.register(layer_class, conversion, replace)


def find_conversion(layer: Any) -> LayerConversion | None:
    """Return the conversion of a layer's class, or of the class it has ``call`` from.

    A subclass that defines ``call`` may compute anything, so it isn't taken for the
    class that it derives from. Of a held layer, the class of what it holds counts.
    """
    source = held_by(layer)
    is_keras3s = is_held(layer) and is_from_keras(source)
    if is_keras3s and hasattr(import_tf_keras().layers, type(source).__name__):
        return None  # it is something else than tf_keras's of that name
    return _CONVERSIONS.find(type(source))
