"""Layers of a Keras model in order, each with the shapes of one timestep."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Iterator, Mapping, Optional, Sequence

from ..common.exceptions import InputError
from ..keras_models.graph import KERAS_PACKAGES, Call, is_tensor, leaves, read_graph
from ..keras_models.held import held_by, held_call

Shape = tuple[Optional[int], ...]
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
        Inputs that are passed by keyword stand in the order of the layer's ``call``;
        masks are left out.
    time_lengths : tuple of int or None
        Length of each time axis that the layer runs along, outermost first; None
        where it is open.
    input_offsets : tuple of int
        Number of axes that the layer sees in front of each input shape: 1 for the
        batch axis, 2 where a time axis follows. Inside ``TimeDistributed`` a layer
        doesn't see that time axis.
    args, kwargs
        What the layer is called on, as the graph has it.
    """

    layer: Any
    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]
    time_lengths: tuple[int | None, ...] = ()
    input_offsets: tuple[int, ...] = ()
    args: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def has_time(self) -> bool:
        """Whether the layer runs along a time axis."""
        return bool(self.time_lengths)

    @property
    def n_steps(self) -> int:
        """Number of timesteps of one inference; an open time axis counts as one."""
        return size(tuple(n for n in self.time_lengths if n is not None))

    @property
    def input_size(self) -> int:
        """Number of elements of the first input in one timestep."""
        return size(self.input_shapes[0])

    @property
    def output_size(self) -> int:
        """Number of elements of the first output in one timestep."""
        return size(self.output_shapes[0])

    @property
    def where(self) -> str:
        """Name and class of the layer, for messages."""
        return f"{self.layer.name!r} ({type(self.layer).__name__})"


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


def is_recurrent(layer: Any) -> bool:
    """Tell whether a layer carries a state from one timestep to the next."""
    return _traits(layer).is_recurrent


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

    for member in members(model):
        calls = [held_call(call) for call in calls_of[id(member)]]
        name = prefix + member.name
        layer = held_by(member)
        traits = _traits(layer)
        inner = layer.layer if traits.is_time_distributed else layer
        # a model that is held as it is has no graph to open
        if _traits(inner).is_model and layer is member:
            lengths = [_outer_lengths(call, traits) for call in calls]
            for use in walk_layers(inner, prefix=f"{name}/"):
                yield _repeat(use, lengths)
        else:
            yield LayerUse(
                name=name,
                layer=layer,
                output_shape=_shape(calls[0].outputs[0], layer),
                calls=tuple(one_timestep(call, name) for call in calls),
            )


def members(model: Any) -> Sequence[Any]:
    """Return the layers of a model in the order of its summary, nested models whole.

    Of a Keras 3 model, these are layers and operations that are no layers; a Sequential
    model hides its input.
    """
    operations = getattr(model, "operations", None)
    if _traits(model).is_sequential or operations is None:
        return list(model.layers)
    return list(operations)


@dataclass(frozen=True)
class _Traits:
    """What a class of layers is, as far as its axes are concerned."""

    is_model: bool
    is_sequential: bool
    is_time_distributed: bool
    is_recurrent: bool
    is_keras_spiking: bool

    @property
    def names_time_axis(self) -> bool:
        """Whether the first axis is time, whatever its length."""
        return self.is_recurrent or self.is_keras_spiking


def _traits(layer: Any) -> _Traits:
    """Return what the class of a layer is."""
    cls: Any = type(layer)
    return _traits_of_class(cls)


@lru_cache(maxsize=1024)
def _traits_of_class(cls: type) -> _Traits:
    """Return what a class is, by the names of the classes it derives from."""
    names = {base.__name__ for base in cls.__mro__}
    from_keras = {
        base.__name__
        for base in cls.__mro__
        if base.__module__.partition(".")[0] in KERAS_PACKAGES
    }
    return _Traits(
        is_model="Model" in from_keras,
        is_sequential="Sequential" in from_keras,
        is_time_distributed="TimeDistributed" in names,
        is_recurrent=bool(names & {"RNN", "Bidirectional"}),
        is_keras_spiking="KerasSpikingLayer" in names,
    )


def _parameters(layer: Any) -> tuple[str, ...]:
    """Return the names of what a layer's ``call`` takes, in order."""
    return tuple(inspect.signature(layer.call).parameters)


def _outer_lengths(call: Call, traits: _Traits) -> tuple[int | None, ...]:
    """Return the time axes that a call of a nested model runs along."""
    if not traits.is_time_distributed:
        return ()
    return (_shape(_input_tensors(call)[0], call.layer)[1],)


def _repeat(use: LayerUse, lengths: list[tuple[int | None, ...]]) -> LayerUse:
    """Return the use of a layer in a model that is called along some time axes."""
    calls = tuple(
        replace(call, time_lengths=outer + call.time_lengths) if outer else call
        for outer in lengths
        for call in use.calls
    )
    return replace(use, calls=calls)


def _shape(tensor: Any, layer: Any) -> Shape:
    """Return the shape of a symbolic tensor of either Keras."""
    try:
        return tuple(tensor.shape)
    except ValueError as error:  # TensorFlow's, of a shape that isn't known at all
        raise InputError(
            f"layer {layer.name!r} ({type(layer).__name__}) takes or gives a tensor "
            "whose number of axes isn't known; give the model's Input a fixed shape, "
            "and operations such as squeeze their axis"
        ) from error


def _input_tensors(call: Call) -> list[Any]:
    """Return the tensors that a layer is called on, without masks.

    Those passed by keyword stand where the layer's ``call`` has them.
    """
    kwargs = {key: value for key, value in call.kwargs.items() if _has_tensor(value)}
    if not kwargs and len(call.args) == 1:
        return [leaf for leaf in leaves(call.args) if is_tensor(leaf)]
    parameters = _parameters(call.layer)
    # what goes to *args has no name of its own
    named = [*zip_longest(parameters[: len(call.args)], call.args, fillvalue="")]
    named += sorted(kwargs.items(), key=lambda item: _position(item[0], parameters))
    values = [value for name, value in named if not name.endswith("mask")]
    return [leaf for leaf in leaves(values) if is_tensor(leaf)]


def _position(name: str, names: tuple[str, ...]) -> int:
    """Return where a name stands among others; at the end if it doesn't."""
    return names.index(name) if name in names else len(names)


def _has_tensor(structure: Any) -> bool:
    """Whether a structure holds a symbolic tensor."""
    return any(is_tensor(leaf) for leaf in leaves(structure))


def one_timestep(call: Call, name: str) -> LayerCall:
    """Return a call with the shapes of one timestep."""
    layer = call.layer
    where = f"{name!r} ({type(layer).__name__})"
    inputs = [_shape(tensor, layer) for tensor in _input_tensors(call)]
    outputs = [_shape(tensor, layer) for tensor in call.outputs]
    lengths: list[int | None] = []
    while _traits(layer).is_time_distributed:
        lengths.append(inputs[0][1])
        inputs = [_without_time(shape) for shape in inputs]
        outputs = [_without_time(shape) for shape in outputs]
        layer = layer.layer

    if _traits(layer).names_time_axis:
        n_inputs, n_outputs = _count_sequences(layer, len(inputs), len(outputs))
        lengths.append(inputs[0][0 if _is_time_major(layer) else 1])
    else:
        if any(_starts_open(shape) for shape in inputs + outputs):
            lengths.append(None)
        n_inputs = n_outputs = 0
    input_offsets = _offsets(inputs, n_inputs)
    return LayerCall(
        layer=layer,
        input_shapes=_sizes(inputs, input_offsets, where),
        output_shapes=_sizes(outputs, _offsets(outputs, n_outputs), where),
        time_lengths=tuple(lengths),
        input_offsets=input_offsets,
        args=call.args,
        kwargs=call.kwargs,
    )


def _count_sequences(layer: Any, n_inputs: int, n_outputs: int) -> tuple[int, int]:
    """Return how many inputs and outputs of a layer are sequences; those stand first.

    The other ones of a recurrent layer are states. KerasSpiking's have none.
    """
    if not getattr(layer, "return_sequences", True):
        n_outputs = 0
    if not is_recurrent(layer):
        return n_inputs, n_outputs
    # a bidirectional layer may leave its two outputs apart
    n_merged = 2 if getattr(layer, "merge_mode", "concat") is None else 1
    return 1, min(n_outputs, n_merged)


def _is_time_major(layer: Any) -> bool:
    """Whether a layer has its time axis before the batch axis, as some of Keras 2."""
    return getattr(getattr(layer, "forward_layer", layer), "time_major", False)


def _starts_open(shape: Shape) -> bool:
    """Whether the axis after the batch axis has no size, which makes it time."""
    return len(shape) > 1 and shape[1] is None


def _without_time(shape: Shape) -> Shape:
    """Return a shape without the axis after the batch axis."""
    return shape[:1] + shape[2:]


def _offsets(shapes: list[Shape], n_sequences: int) -> tuple[int, ...]:
    """Return how many axes of each shape are batch and time; sequences stand first."""
    return tuple(
        2 if i < n_sequences or _starts_open(shape) else 1
        for i, shape in enumerate(shapes)
    )


def _sizes(
    shapes: list[Shape], offsets: tuple[int, ...], where: str
) -> tuple[tuple[int, ...], ...]:
    """Return shapes without their batch and time axes."""
    return tuple(_known(shape, offset, where) for shape, offset in zip(shapes, offsets))


def _known(shape: Shape, offset: int, where: str) -> tuple[int, ...]:
    """Return the sizes of the axes from an offset on, all of which must be known."""
    sizes = tuple(length for length in shape[offset:] if length is not None)
    if len(sizes) < len(shape[offset:]):
        raise InputError(
            f"layer {where} has axes without a size, shape {shape}; only the batch "
            "axis and one time axis after it may have none, so give the model's Input "
            "a fixed shape"
        )
    return sizes
