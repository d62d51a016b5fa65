"""Axes of what a layer is called on: channels, positions, numbered axes."""

from __future__ import annotations

from typing import Any, Iterable

from ...common.exceptions import InputError
from ..calls import LayerCall, Shape, size


def full_shape(call: LayerCall, index: int = 0) -> Shape:
    """Return an input shape as the layer sees it: batch axis 1, time axis None."""
    before: Shape = (1, None)[: call.input_offsets[index]]
    return before + call.input_shapes[index]


def axis_sizes(call: LayerCall, axes: int | Iterable[int]) -> tuple[int, ...]:
    """Return the sizes of numbered axes of the first input.

    Raises
    ------
    InputError
        An axis is the batch axis, or a time axis.
    """
    shape = full_shape(call)
    numbers = [axes] if isinstance(axes, int) else list(axes)
    sizes = []
    for number in numbers:
        length = shape[number] if -len(shape) <= number < len(shape) else None
        if length is None or number % len(shape) == 0:
            raise InputError(
                f"layer {call.where} works along axis {number} of its input, shape "
                f"{(None, *shape[1:])}, which is no axis of known size in one sample; "
                "give the model's Input a fixed shape"
            )
        sizes.append(length)
    return tuple(sizes)


def split_channels(
    call: LayerCall,
    shape: tuple[int, ...],
    n_spatial: int,
    data_format: str | None = None,
) -> tuple[int, int]:
    """Return (number of positions, number of channels) of the image in a shape.

    Raises
    ------
    InputError
        The shape has another number of axes.
    """
    positions, n_channels = split_image(call, shape, n_spatial, data_format)
    return size(positions), n_channels


def split_image(
    call: LayerCall,
    shape: tuple[int, ...],
    n_spatial: int,
    data_format: str | None = None,
) -> tuple[tuple[int, ...], int]:
    """Return (sizes of the spatial axes, number of channels) of the image in a shape.

    Raises
    ------
    InputError
        The shape has another number of axes.
    """
    if len(shape) != n_spatial + 1:
        raise InputError(
            f"layer {call.where} needs {n_spatial} axes of known size and one of "
            f"channels, but has {shape} in one timestep; give the model's Input a "
            "fixed shape, or wrap the layer in TimeDistributed"
        )
    layer: Any = call.layer
    if (data_format or getattr(layer, "data_format", None)) == "channels_first":
        return shape[1:], shape[0]
    return shape[:-1], shape[-1]


def require_whole_sequences(call: LayerCall) -> None:
    """Refuse a time axis of open length, along which a layer can't go step by step.

    Raises
    ------
    InputError
        An input has such an axis.
    """
    for index, offset in enumerate(call.input_offsets):
        if offset > 1:
            raise InputError(
                f"layer {call.where} works on whole sequences, but the length of those "
                f"of shape {(None, *full_shape(call, index)[1:])} isn't known; give "
                "the model's Input a fixed length"
            )
