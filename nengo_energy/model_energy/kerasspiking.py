"""The counts of KerasSpiking 0.3.0, mistakes included, for those who must compare.

Known mistakes, which `ModelEnergy` makes only with ``strict_compat=True``: models
within a model count as nothing, and so do pooling and whatever class isn't named here;
a transposed convolution counts as if its kernel were a convolution's; a layer that is
called n times has n times the rate as well as n times the connections.
"""

from __future__ import annotations

import warnings
from typing import Any, Callable, Mapping, Sequence

from ..common.exceptions import InputError
from ..keras_models.graph import KerasGraph, read_graph
from ..layer_ops.calls import LayerCall, Shape, size
from ..layer_ops.counters import Operations, is_linear
from ..layer_ops.counting import n_params
from ..layer_ops.layer_ops import LayerCount, LayerOps
from .statistics import StatsCounter, registered_counter

Shapes = Sequence[Shape]

_WITHOUT_A_WORD = frozenset(
    "Add Dropout Flatten GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalAveragePooling3D InputLayer Reshape".split()
)
"""Classes that count as nothing; of others that do, there is a warning."""


def count_like_kerasspiking(model: Any) -> LayerOps:
    """Count connections and neurons of a Keras model as KerasSpiking 0.3.0 does.

    Parameters
    ----------
    model : keras.Model
        A functional or Sequential model of Keras 2 or Keras 3.

    Returns
    -------
    LayerOps
        A row per layer of the model; layers that KerasSpiking doesn't know, and warns
        of, have zero.

    Raises
    ------
    InputError
        If axes other than the batch axis and one time axis have no size.
    """
    rows: dict[int, LayerCount] = {}
    graph = read_graph(model)
    for call in graph.calls:
        layer, name = call.layer, call.layer.name
        operations = _count(layer, _shapes(call.tensors), _shapes(call.outputs), name)
        before = rows.get(id(layer))
        rows[id(layer)] = LayerCount(
            layer=name,
            class_name=type(layer).__name__,
            output_shape=tuple(call.outputs[0].shape),
            params=n_params(layer),
            calls=(*(before.calls if before else ()), operations),
        )
    _warn_of_ignored(graph)
    return LayerOps(tuple(rows.values()))


def _warn_of_ignored(graph: KerasGraph) -> None:
    """Name the layers that KerasSpiking counts as nothing, with a warning."""
    ignored: dict[str, None] = {}
    for call in graph.calls:
        inner = call.layer
        while type(inner).__name__ == "TimeDistributed":
            inner = inner.layer
        classes = [cls.__name__ for cls in type(inner).__mro__]
        is_known = registered_counter(inner) or any(c in _KNOWN for c in classes)
        if not is_known and not _WITHOUT_A_WORD.intersection(classes):
            ignored[f"{call.layer.name} ({classes[0]})"] = None
    if ignored:
        warnings.warn(
            "with strict_compat these layers count as nothing, as in KerasSpiking: "
            f"{', '.join(ignored)}",
            stacklevel=4,
        )


def check_one_width(model: Any) -> None:
    """Refuse models on which KerasSpiking fails when it is given example data."""
    for call in read_graph(model).calls:
        shapes = {tuple(tensor.shape) for tensor in call.tensors}
        if len(shapes) > 1:
            raise InputError(
                f"layer {call.layer.name!r} merges inputs of the shapes "
                f"{', '.join(map(str, sorted(shapes, key=str)))}, on which "
                "KerasSpiking fails; leave strict_compat out to get its rate"
            )


def _shapes(tensors: Sequence[Any]) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape) for tensor in tensors)


def _count(layer: Any, inputs: Shapes, outputs: Shapes, name: str) -> Operations:
    counter = registered_counter(layer)
    if counter is not None:
        return _count_registered(counter, layer, inputs, outputs, name)
    for class_name in (cls.__name__ for cls in type(layer).__mro__):
        if class_name in _KNOWN:
            return _KNOWN[class_name](layer, inputs, outputs, name)
    return Operations(spiking=True)


def _count_registered(
    counter: StatsCounter, layer: Any, inputs: Shapes, outputs: Shapes, name: str
) -> Operations:
    call = LayerCall(
        layer,
        tuple(_sizes(shape, name) for shape in inputs),
        tuple(_sizes(shape, name) for shape in outputs),
    )
    return counter(call)


def _count_in_time(
    layer: Any, inputs: Shapes, outputs: Shapes, name: str
) -> Operations:
    """``TimeDistributed``: the layer inside, without the axis after the batch axis."""
    inputs, outputs = (
        [(shape[0], *shape[2:]) for shape in shapes] for shapes in (inputs, outputs)
    )
    return _count(layer.layer, inputs, outputs, name)


def _count_spiking(
    layer: Any, inputs: Shapes, outputs: Shapes, name: str
) -> Operations:
    """``SpikingActivation``: all but the batch axis and the time axis."""
    return Operations(activations=size(_known(inputs[0][2:], name)), spiking=True)


def _count_activation(
    layer: Any, inputs: Shapes, outputs: Shapes, name: str
) -> Operations:
    is_fixed = not hasattr(layer, "activation")  # ReLU is, Activation isn't
    if not is_fixed and is_linear(layer.activation):
        return Operations(spiking=True)
    return Operations(activations=size(_sizes(outputs[0], name)), spiking=False)


def _count_weights(
    layer: Any, inputs: Shapes, outputs: Shapes, name: str
) -> Operations:
    """Output size x the kernel's size without its last axis, whatever that axis is."""
    n_outputs = size(_sizes(outputs[0], name))
    linear = is_linear(layer.activation)
    return Operations(
        connections=n_outputs * size(tuple(layer.kernel.shape)[:-1]),
        activations=0 if linear else n_outputs,
        spiking=linear,
    )


def _sizes(shape: Shape, name: str) -> tuple[int, ...]:
    """Return a shape without batch axis, and without a time axis of open length."""
    rest = shape[1:]
    return _known(rest[1:] if rest and rest[0] is None else rest, name)


def _known(shape: Shape, name: str) -> tuple[int, ...]:
    sizes = tuple(length for length in shape if length is not None)
    if len(sizes) < len(shape):
        raise InputError(
            f"layer {name!r} has axes without a size, output shape {shape}; only the "
            "batch axis and one time axis after it may have none"
        )
    return sizes


_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU")

# Keras 3 doesn't derive the transposed convolutions from the others, Keras 2 does
_CONVOLUTIONS = [f"Conv{n}D{suffix}" for n in (1, 2, 3) for suffix in ("", "Transpose")]

_KNOWN: Mapping[str, Callable[[Any, Shapes, Shapes, str], Operations]] = {
    "TimeDistributed": _count_in_time,
    "SpikingActivation": _count_spiking,
    **dict.fromkeys(_ACTIVATIONS, _count_activation),
    **dict.fromkeys(("Dense", *_CONVOLUTIONS), _count_weights),
}
"""How each class is counted; classes derived from it are as well."""
