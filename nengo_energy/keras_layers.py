"""Operations of a conventional Keras model, layer by layer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from .assumptions import Assumption, merge_assumptions
from .counts import OpCount
from .exceptions import InputError, UnsupportedError
from .keras_files import as_model
from .layer_calls import LayerUse, Shape, walk_layers
from .layer_counters import Operations, find_counter, register_layer

__all__ = [
    "LayerCount",
    "LayerOps",
    "UncountedLayer",
    "count_layer_ops",
    "register_layer",
]

ONE_TIMESTEP = Assumption(
    "one-timestep",
    "Where the model has a time axis, the conventional network is counted for one "
    "timestep.",
)


@dataclass(frozen=True)
class LayerCount:
    """Operations of one layer for one sample; for a temporal model, one timestep.

    Attributes
    ----------
    layer : str
        Name; a layer inside a nested model is called ``"outer/inner"``.
    class_name : str
        Class of the layer.
    output_shape : tuple of int or None
        Shape of the first output as Keras prints it, batch axis included.
    params : int
        Number of parameters; 0 for a layer that an earlier row already has.
    calls : tuple of Operations
        What each call of the layer takes, in the order of the graph: several for a
        shared layer.
    """

    layer: str
    class_name: str
    output_shape: Shape
    params: int
    calls: tuple[Operations, ...]

    @property
    def connections(self) -> int:
        """Nominal number of connections, over all calls.

        Kernel size x input filters / groups x output size for a convolution, input
        size x output size for ``Dense``. Links to padding are included; biases are
        not.
        """
        return sum(call.connections for call in self.calls)

    @property
    def activations(self) -> int:
        """Outputs of nonlinearities, of the layer itself or of its ``activation``."""
        return sum(call.activations for call in self.calls)

    @property
    def additions(self) -> int:
        """Additions without a weight, in average pooling and merging."""
        return sum(call.additions for call in self.calls)

    @property
    def n_uses(self) -> int:
        """How often the model calls the layer."""
        return len(self.calls)


@dataclass(frozen=True)
class UncountedLayer:
    """A layer that nobody said how to count.

    Attributes
    ----------
    layer, class_name, output_shape, params
        As in `LayerCount`.
    reason : str
        Why it isn't counted.
    """

    layer: str
    class_name: str
    output_shape: Shape
    params: int
    reason: str


@dataclass(frozen=True)
class LayerOps:
    """Operations of a conventional network for one inference.

    Attributes
    ----------
    layers : tuple of LayerCount
        The counted layers, in the order of the model's summary.
    unsupported : tuple of UncountedLayer
        The layers that are missing from the counts.
    assumptions : tuple of Assumption
        What the counts take for granted.
    """

    layers: tuple[LayerCount, ...]
    unsupported: tuple[UncountedLayer, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def coverage(self) -> float:
        """Fraction of the model's layers that is counted."""
        n_layers = len(self.layers) + len(self.unsupported)
        return len(self.layers) / n_layers if n_layers else 1.0

    @property
    def params(self) -> int:
        """Number of parameters of the whole model, uncounted layers included."""
        counted = sum(row.params for row in self.layers)
        return counted + sum(row.params for row in self.unsupported)

    @property
    def connections(self) -> int:
        """Number of connections of the counted layers."""
        return sum(row.connections for row in self.layers)

    @property
    def activations(self) -> int:
        """Number of activations of the counted layers."""
        return sum(row.activations for row in self.layers)

    @property
    def additions(self) -> int:
        """Number of additions of the counted layers."""
        return sum(row.additions for row in self.layers)

    def to_counts(self) -> tuple[OpCount, ...]:
        """Return the counts as rows for one inference; operations never done have none.

        A connection is one ``mac``.
        """
        return tuple(
            OpCount(row.layer, operation, total, n_inferences=1, execution="dense")
            for row in self.layers
            for operation, total in (
                ("mac", row.connections),
                ("activation", row.activations),
                ("addition", row.additions),
            )
            if total
        )


def count_layer_ops(model: Any, on_unsupported: str = "error") -> LayerOps:
    """Count the operations of a conventional Keras model, layer by layer.

    A leading axis without a size, the axis that ``TimeDistributed`` runs along, and the
    first axis of KerasSpiking's layers are time; one timestep is counted. Dropout and
    the like do nothing at inference.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        A functional or Sequential model of Keras 2 or Keras 3, built, or the path of a
        file that holds one; see `nengo_energy.load_model`. Nested models are opened.
    on_unsupported : str
        What to do with a layer that can't be counted: ``"error"``, or ``"warn"`` to
        list it in ``LayerOps.unsupported``.

    Returns
    -------
    LayerOps
        The counts, for one sample.

    Raises
    ------
    UnsupportedError
        A layer's class has no counter, or the model is written as a subclass.
    InputError
        The model isn't a Keras model, isn't built, or has axes without a size.

    Examples
    --------
    >>> model = tf_keras.Sequential([tf_keras.layers.Dense(10, input_shape=(4,))])
    >>> count_layer_ops(model).layers[0].connections
    40
    """
    if on_unsupported not in ("error", "warn"):
        raise InputError(
            f"on_unsupported must be 'error' or 'warn', got {on_unsupported!r}"
        )
    model = as_model(model)
    counted: list[LayerCount] = []
    unsupported: list[UncountedLayer] = []
    assumptions: list[Assumption] = []
    seen: set[int] = set()
    for use in walk_layers(model):
        params = 0 if id(use.layer) in seen else n_params(use.layer)
        seen.add(id(use.layer))
        try:
            operations = _count(use)
        except UnsupportedError as error:
            unsupported.append(_uncounted(use, params, str(error)))
            continue
        counted.append(_counted(use, params, operations))
        assumptions.extend(a for ops in operations for a in ops.assumptions)
        assumptions.extend(ONE_TIMESTEP for call in use.calls if call.has_time)

    if unsupported:
        message = _complain(unsupported)
        if on_unsupported == "error":
            raise UnsupportedError(message)
        warnings.warn(message, stacklevel=2)
    return LayerOps(
        layers=tuple(counted),
        unsupported=tuple(unsupported),
        assumptions=merge_assumptions(assumptions),
    )


def n_params(layer: Any) -> int:
    """Return the number of parameters; an operation that is no layer has none."""
    return int(layer.count_params()) if hasattr(layer, "count_params") else 0


def _count(use: LayerUse) -> list[Operations]:
    """Return the operations of each call of a layer."""
    counter = find_counter(use.calls[0].layer)
    if counter is None:
        raise UnsupportedError("its class has no counter")
    return [counter(call) for call in use.calls]


def _counted(use: LayerUse, params: int, operations: list[Operations]) -> LayerCount:
    """Return the row of a layer."""
    return LayerCount(
        layer=use.name,
        class_name=type(use.layer).__name__,
        output_shape=use.output_shape,
        params=params,
        calls=tuple(operations),
    )


def _uncounted(use: LayerUse, params: int, reason: str) -> UncountedLayer:
    """Return the row of a layer that can't be counted."""
    class_name = type(use.calls[0].layer).__name__
    return UncountedLayer(use.name, class_name, use.output_shape, params, reason)


def _complain(unsupported: list[UncountedLayer]) -> str:
    """Return a message that names the layers, and says what can be done."""
    names = "; ".join(
        f"{row.layer!r} ({row.class_name}): {row.reason}" for row in unsupported
    )
    example = unsupported[0].class_name
    return (
        f"layers that can't be counted: {names}. Say how with "
        f"nengo_energy.keras_layers.register_layer({example!r}, counter), or leave "
        "them out with on_unsupported='warn'"
    )
