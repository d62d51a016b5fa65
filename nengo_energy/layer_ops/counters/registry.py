"""Which function counts which class of layers, and which operation."""

from __future__ import annotations

import dataclasses
import re
from contextlib import contextmanager
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from ...common.assumptions import Assumption
from ...common.exceptions import InputError, UnsupportedError
from ...keras_models.class_table import ClassTable
from ..calls import LayerCall
from ..within import calls_within

PACKAGES = ("keras", "tf_keras", "keras_spiking", "keras_lmu")
"""Packages whose classes the package's own counters serve."""

OPERATION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
"""Layers of Keras 2 that stand for an operation of TensorFlow."""


class Operations(NamedTuple):
    """Operations of one call of a layer, for one sample and one timestep.

    Attributes
    ----------
    connections : int
        Multiply-accumulates: products of two numbers, each with the addition that
        follows it, if any.
    activations : int
        Outputs of a nonlinearity.
    additions : int
        Additions without a product; the division of an average counts as one more.
    assumptions : tuple of Assumption
        What the counts take for granted.
    spiking : bool, optional
        Whether a spiking device runs the layer as it is. By default it does unless
        there are activations.
    forms : tuple of (str, int)
        Connections by kind of layer, where prices differ by it: see `counts.FORMS`.
    kernels : int, optional
        Kernels that a processor starts for the call. By default one for the sums and
        one for the nonlinearity, where there are any.
    """

    connections: int = 0
    activations: int = 0
    additions: int = 0
    assumptions: tuple[Assumption, ...] = ()
    spiking: bool | None = None
    forms: tuple[tuple[str, int], ...] = ()
    kernels: int | None = None

    @property
    def n_kernels(self) -> int:
        """Kernels that a processor starts for the call."""
        if self.kernels is not None:
            return self.kernels
        return bool(self.connections or self.additions) + bool(self.activations)

    @property
    def is_spiking(self) -> bool:
        """Whether a spiking device runs the layer as it is."""
        return not self.activations if self.spiking is None else self.spiking


LayerCounter = Callable[[LayerCall], Operations]


class UncountedClassError(UnsupportedError):
    """A layer or operation that nobody said how to count.

    Attributes
    ----------
    remedy : str
        The call that would say so.
    """

    def __init__(self, reason: str, remedy: str):
        super().__init__(reason)
        self.remedy = remedy


def _is_from_package(cls: type) -> bool:
    """Tell whether a class comes from Keras, KerasSpiking or KerasLMU."""
    return cls.__module__.partition(".")[0] in PACKAGES


_LAYERS: ClassTable[LayerCounter] = ClassTable(
    "layer class", "counter", _is_from_package
)
_OPERATIONS: ClassTable[LayerCounter] = ClassTable(
    "operation", "counter", _is_from_package
)

counts = _LAYERS.serves
"""Register the function below as the counter of Keras's classes of these names."""

counts_operation = _OPERATIONS.serves
"""Register the function below as the counter of the operations of these names."""

_UNCOUNTED: dict[str, str] = {}
"""Classes of Keras without a counter, each with the reason."""


def register_layer(
    layer_class: str | type, counter: LayerCounter, replace: bool = False
) -> None:
    """Say how to count the operations of a layer class.

    Parameters
    ----------
    layer_class : str or type
        The class or its name. Classes are matched by name, so one counter serves
        Keras 2 and Keras 3; a class of your own that has the name of one of Keras's
        is told apart from it. The counter serves subclasses too, unless they define
        ``call``. Cells of recurrent layers are registered in the same way.
    counter : callable
        Takes a ``LayerCall``, returns ``Operations``.
    replace : bool
        Allow a class that already has a counter.

    Raises
    ------
    InputError
        The class has a counter and ``replace`` is false, or an argument has the wrong
        type.

    Examples
    --------
    >>> def count_scaling(call):
    ...     return Operations(connections=call.output_size)
    >>> register_layer("MyScaling", count_scaling)
    """
    _LAYERS.register(layer_class, counter, replace)


def register_operation(
    operation: str, counter: LayerCounter, replace: bool = False
) -> None:
    """Say how to count an operation that is used as a layer.

    Such are the operations of Keras 3 (``keras.ops.erf(x)``, ``x + y``), and those of
    TensorFlow in models of Keras 2 (``tf.math.erf(x)``).

    Parameters
    ----------
    operation : str
        Name of the operation, without its module: ``"erf"``.
    counter : callable
        Takes a ``LayerCall``, returns ``Operations``.
    replace : bool
        Allow an operation that already has a counter.

    Raises
    ------
    InputError
        The operation has a counter and ``replace`` is false, or an argument has the
        wrong type.
    """
    if not isinstance(operation, str):
        raise InputError(f"operation must be given by its name; got {operation!r}")
    _OPERATIONS.register(_snake_case(operation), counter, replace)


def leave_uncounted(reasons: dict[str, str]) -> None:
    """Say why classes of Keras have no counter, by their names."""
    _UNCOUNTED.update(reasons)


def uncounted_classes() -> dict[str, str]:
    """Return the classes of Keras without a counter, each with the reason."""
    return dict(_UNCOUNTED)


@contextmanager
def isolated() -> Iterator[None]:
    """Undo on leaving what was registered inside."""
    with _LAYERS.isolated(), _OPERATIONS.isolated():
        yield


def find_counter(layer: Any) -> LayerCounter | None:
    """Return the counter of a layer's class or of a class it inherits ``call`` from.

    None if there is none. A subclass that defines ``call`` may compute anything, so it
    isn't taken for the class it derives from. For an operation that is used as a
    layer, it is the operation's counter.
    """
    if type(layer).__name__ in OPERATION_LAYERS:
        return _OPERATIONS.get((operation_name(layer), True))
    cls: Any = type(layer)
    if _is_operation(cls):
        return _OPERATIONS.get((_snake_case(cls.__name__), _is_from_package(cls)))
    return _LAYERS.find(cls)


def count_call(call: LayerCall) -> Operations:
    """Return the operations of a call.

    A layer of somebody's own that has no counter does what it calls.

    Raises
    ------
    UncountedClassError
        Nobody said how to count the layer.
    """
    counter = find_counter(call.layer)
    if counter is not None:
        return counter(call)
    within = calls_within(call) if _runs_own_code(call.layer) else None
    if within is None:
        raise _no_counter(call.layer)
    return _together([(count_call(inner), inner.n_steps) for inner in within])


def count_wrapped(call: LayerCall, layer: Any) -> Operations:
    """Return the operations of a call whose work another layer does."""
    return count_call(dataclasses.replace(call, layer=layer))


def operation_name(layer: Any) -> str:
    """Return the name of an operation that is used as a layer, without its module."""
    if type(layer).__name__ in OPERATION_LAYERS:
        # TensorFlow's public name, such as math.add or __operators__.getitem; a
        # function without one has no symbol
        symbol = layer.symbol or layer.function.__name__
        return str(symbol).rpartition(".")[2]
    return _snake_case(type(layer).__name__)


def _runs_own_code(layer: Any) -> bool:
    """Tell whether a layer runs what its user wrote, and Keras can look at it."""
    cls = type(layer)
    if _is_operation(cls) or cls.__name__ in OPERATION_LAYERS:
        return False
    return cls.__name__ == "Lambda" or not _is_from_package(cls)


def _together(parts: Sequence[tuple[Operations, int]]) -> Operations:
    """Return the operations of calls that make up one, each with its timesteps."""
    return Operations(
        connections=sum(n * ops.connections for ops, n in parts),
        activations=sum(n * ops.activations for ops, n in parts),
        additions=sum(n * ops.additions for ops, n in parts),
        assumptions=tuple(a for ops, _ in parts for a in ops.assumptions),
        spiking=all(ops.is_spiking for ops, _ in parts),
        forms=tuple((form, n * count) for ops, n in parts for form, count in ops.forms),
        kernels=sum(n * ops.n_kernels for ops, n in parts),
    )


def _no_counter(layer: Any) -> UncountedClassError:
    """Return the error that says why a layer can't be counted, and what helps."""
    cls = type(layer)
    if _is_operation(cls) or cls.__name__ in OPERATION_LAYERS:
        name = operation_name(layer)
        return UncountedClassError(
            f"operation {name!r} has no counter",
            f"register_operation({name!r}, counter)",
        )
    reason = f"class {cls.__name__} has no counter"
    if _is_from_package(cls) and cls.__name__ in _UNCOUNTED:
        reason += f" ({_UNCOUNTED[cls.__name__]})"
    return UncountedClassError(reason, f"register_layer({cls.__name__!r}, counter)")


def _is_operation(cls: type) -> bool:
    """Whether a class is an operation of Keras 3 that is no layer."""
    names = {base.__name__ for base in cls.__mro__}
    # an operation, such as Add, may share its name with a layer
    return "Operation" in names and "Layer" not in names


def _snake_case(name: str) -> str:
    """Return a name as functions are spelt: ``ExpandDims`` as ``expand_dims``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
