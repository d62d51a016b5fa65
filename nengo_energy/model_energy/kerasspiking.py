"""The counts of KerasSpiking 0.3.0, mistakes included, for those who must compare.

Known mistakes, which `ModelEnergy` makes only with ``strict_compat=True``: models
within a model count as nothing, and so do pooling and whatever class isn't named here;
a transposed convolution counts as if its kernel were a convolution's; a layer that is
called n times has n times the rate as well as n times the connections.
"""

from __future__ import annotations

import warnings
from typing import Any, Sequence

from ..exceptions import InputError
from ..keras_graph import read_graph
from ..keras_layers import LayerCount, LayerOps, n_params
from ..layer_calls import LayerCall, Shape, size
from ..layer_counters import Operations, is_linear
from .statistics import StatsCounter, registered_counter

_WITHOUT_A_WORD = frozenset(
    "Add Dropout Flatten GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalAveragePooling3D InputLayer Reshape".split()
)
"""Classes that count as nothing; of others that do, there is a warning."""

_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU")

# Keras 3 doesn't derive the transposed convolutions from the others, Keras 2 does
_CONVOLUTIONS = tuple(
    f"Conv{n}D{suffix}" for n in (1, 2, 3) for suffix in ("", "Transpose")
)


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
    for call in read_graph(model).calls:
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
    return LayerOps(tuple(rows.values()))


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


def _count(
    layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape], name: str
) -> Operations:
    counter = registered_counter(layer)
    if counter is not None:
        return _count_registered(counter, layer, inputs, outputs, name)
    classes = [cls.__name__ for cls in type(layer).__mro__]
    known = {
        "TimeDistributed": _count_in_time,
        "SpikingActivation": _count_spiking,
        "Dense": _count_weights,
        **dict.fromkeys(_ACTIVATIONS, _count_activation),
        **dict.fromkeys(_CONVOLUTIONS, _count_weights),
    }
    for class_name in classes:
        if class_name in known:
            return known[class_name](layer, inputs, outputs, name)
    if not _WITHOUT_A_WORD.intersection(classes):
        warnings.warn(
            f"with strict_compat, layer {name!r} of class {classes[0]} counts as "
            "nothing, as in KerasSpiking",
            stacklevel=2,
        )
    return Operations(spiking=True)


def _count_registered(
    counter: StatsCounter,
    layer: Any,
    inputs: Sequence[Shape],
    outputs: Sequence[Shape],
    name: str,
) -> Operations:
    call = LayerCall(
        layer,
        tuple(_sizes(shape, name) for shape in inputs),
        tuple(_sizes(shape, name) for shape in outputs),
    )
    return counter(call)


def _count_in_time(
    layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape], name: str
) -> Operations:
    """``TimeDistributed``: the layer inside, without the axis after the batch axis."""
    inputs, outputs = (
        [(shape[0], *shape[2:]) for shape in shapes] for shapes in (inputs, outputs)
    )
    return _count(layer.layer, inputs, outputs, name)


def _count_spiking(
    layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape], name: str
) -> Operations:
    """``SpikingActivation``: all but the batch axis and the time axis."""
    return Operations(activations=size(_known(inputs[0][2:], name)), spiking=True)


def _count_activation(
    layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape], name: str
) -> Operations:
    is_fixed = not hasattr(layer, "activation")  # ReLU is, Activation isn't
    if not is_fixed and is_linear(layer.activation):
        return Operations(spiking=True)
    return Operations(activations=size(_sizes(outputs[0], name)), spiking=False)


def _count_weights(
    layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape], name: str
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
