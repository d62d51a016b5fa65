"""Layers of a Keras model in order, each with the shapes of one timestep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterator, Optional, Sequence, Tuple

from .exceptions import InputError
from .keras_graph import Call, is_model, is_tensor, leaves, read_graph

Shape = Tuple[Optional[int], ...]
"""Shape as Keras has it: batch axis first, None for a size that isn't known."""


@dataclass(frozen=True)
class LayerCall:
    """One layer, and one set of shapes that it is called with.

    Attributes
    ----------
    layer : keras layer
        The layer that computes; for ``TimeDistributed``, the layer inside.
    input_shapes, output_shapes : tuple of tuple of int
        Shapes of all inputs and outputs in one timestep: no batch axis, no time axis.
    has_time : bool
        Whether an input or output has a time axis.
    """

    layer: Any
    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]
    has_time: bool = False

    @property
    def input_size(self) -> int:
        """Number of elements of the first input in one timestep."""
        return size(self.input_shapes[0])

    @property
    def output_size(self) -> int:
        """Number of elements of the first output in one timestep."""
        return size(self.output_shapes[0])


@dataclass(frozen=True)
class LayerUse:
    """One layer of a model with everything it is called with.

    Attributes
    ----------
    name : str
        Name of the layer; a layer of a nested model is called ``"outer/inner"``.
    layer : keras layer
        The layer as the model lists it.
    output_shape : tuple of int or None
        Shape of the first output of the first call, batch axis included.
    calls : tuple of LayerCall
        One per call in the graph, so several for a shared layer.
    """

    name: str
    layer: Any
    output_shape: Shape
    calls: tuple[LayerCall, ...]


def size(shape: tuple[int, ...]) -> int:
    """Return the number of elements of a shape, exactly however large."""
    product = 1
    for length in shape:
        product *= length
    return product


def walk_layers(model: Any, prefix: str = "") -> Iterator[LayerUse]:
    """Yield the layers of a model in the order of its summary, nested models opened.

    Parameters
    ----------
    model : keras.Model
        A functional or Sequential model of Keras 2 or 3 that has been built.
    prefix : str
        Start of the names: the models around this one, each with a slash.

    Raises
    ------
    InputError
        The model isn't a Keras model, isn't built, or has axes without a size.
    UnsupportedError
        The model, or one inside it, is written as a subclass, so it has no graph.
    """
    calls_of: dict[int, list[Call]] = {}
    for call in read_graph(model).calls:
        calls_of.setdefault(id(call.layer), []).append(call)

    for layer in members(model):
        calls = calls_of[id(layer)]
        name = prefix + layer.name
        inner = layer.layer if _is_a(layer, "TimeDistributed") else layer
        if is_model(inner):
            for use in walk_layers(inner, prefix=f"{name}/"):
                yield _repeat(use, len(calls), has_time=inner is not layer)
        else:
            yield LayerUse(
                name=name,
                layer=layer,
                output_shape=_shape(calls[0].outputs[0]),
                calls=tuple(one_timestep(call, inner, name) for call in calls),
            )


def members(model: Any) -> Sequence[Any]:
    """Return the layers of a model in the order of its summary, nested models whole.

    Of a Keras 3 model, these are layers and operations that are no layers; a Sequential
    model hides its input.
    """
    if _is_a(model, "Sequential"):
        return list(model.layers)
    operations = getattr(model, "operations", None)
    return list(model.layers if operations is None else operations)


def _repeat(use: LayerUse, n_uses: int, has_time: bool) -> LayerUse:
    """Return the use of a layer in a model that is itself used several times."""
    calls = (replace(call, has_time=call.has_time or has_time) for call in use.calls)
    return replace(use, calls=tuple(calls) * n_uses)


def _is_a(obj: object, class_name: str) -> bool:
    """Whether a class of that name is among the classes of an object."""
    return any(cls.__name__ == class_name for cls in type(obj).__mro__)


def _shape(tensor: Any) -> Shape:
    """Return the shape of a symbolic tensor of either Keras."""
    return tuple(tensor.shape)


def one_timestep(call: Call, inner: Any, name: str) -> LayerCall:
    """Return a call with the shapes of one timestep; ``inner`` does the computing."""
    layer = call.layer
    # dicts are ordered by key, so inputs that are passed by keyword come last
    tensors = [t for t in leaves([*call.args, call.kwargs]) if is_tensor(t)]
    inputs = [_shape(tensor) for tensor in tensors]
    outputs = [_shape(tensor) for tensor in call.outputs]
    # These layers say that the first axis is time, whatever its length; with
    # return_sequences=False, KerasSpiking's return the last timestep only.
    timed = _is_a(layer, "TimeDistributed") or _is_a(layer, "KerasSpikingLayer")
    timed_out = timed and getattr(layer, "return_sequences", True)
    where = f"{name!r} ({type(layer).__name__})"
    return LayerCall(
        layer=inner,
        input_shapes=tuple(_drop_axes(shape, timed, where) for shape in inputs),
        output_shapes=tuple(_drop_axes(shape, timed_out, where) for shape in outputs),
        has_time=timed or any(_starts_open(shape) for shape in inputs + outputs),
    )


def _starts_open(shape: Shape) -> bool:
    """Whether the axis after the batch axis has no size, which makes it time."""
    return len(shape) > 1 and shape[1] is None


def _drop_axes(shape: Shape, timed: bool, where: str) -> tuple[int, ...]:
    """Return a shape without its batch axis and, if it has one, its time axis."""
    rest = shape[2:] if timed or _starts_open(shape) else shape[1:]
    sizes = tuple(length for length in rest if length is not None)
    if len(sizes) < len(rest):
        raise InputError(
            f"layer {where} has axes without a size, shape {shape}; only the batch "
            "axis and one time axis after it may have none, so give the model's Input "
            "a fixed shape"
        )
    return sizes
