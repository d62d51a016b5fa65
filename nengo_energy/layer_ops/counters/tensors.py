"""Operations on whole tensors, as Keras 3 and TensorFlow name them."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from ...common.exceptions import InputError, UnsupportedError
from ...keras_models.graph import is_tensor, leaves
from ..calls import LayerCall, Shape, size
from .axes import axis_sizes, full_shape
from .einsum import count_products
from .elementwise import argument
from .normalization import normalize
from .registry import Operations, counts_operation
from .resizing import interpolate


@counts_operation("reshape", "transpose", "squeeze", "expand_dims", "ravel")
@counts_operation("concat", "concatenate", "stack", "unstack", "split", "hstack")
@counts_operation("vstack", "getitem", "get_item", "slice", "strided_slice", "gather")
@counts_operation("take", "take_along_axis", "repeat", "tile", "pad", "broadcast_to")
@counts_operation("moveaxis", "swapaxes", "flip", "reverse", "roll", "one_hot")
@counts_operation("cast", "identity", "copy", "stop_gradient", "convert_to_tensor")
@counts_operation("zeros_like", "ones_like", "full_like", "shape", "ensure_shape")
@counts_operation("depth_to_space", "space_to_depth", "extract_patches", "bias_add")
def count_rearrangement(call: LayerCall) -> Operations:
    """Nothing: values are moved, copied or described; biases are free."""
    return Operations()


@counts_operation("mean", "reduce_mean")
def count_mean(call: LayerCall) -> Operations:
    """Additions: inputs, the division as one of each mean's."""
    return Operations(additions=call.input_size)


@counts_operation("sum", "reduce_sum")
def count_reduction(call: LayerCall) -> Operations:
    """Additions: inputs - outputs, one less than there are addends in each sum.

    In a sum over time of open length, each timestep adds all its inputs.
    """
    n_additions = call.input_size - call.output_size
    if not n_additions and call.input_offsets[0] > 1:
        n_additions = call.input_size
    return Operations(additions=n_additions)


@counts_operation("l2_normalize", "normalize")
def count_normalization(call: LayerCall) -> Operations:
    """As the layer that brings vectors to length one."""
    if getattr(call.layer, "order", 2) != 2:
        raise UnsupportedError(f"norm of order {call.layer.order}; allowed: 2")
    axis = argument(call, 1, "axis")
    n_group = call.input_size if axis is None else size(axis_sizes(call, axis))
    return normalize(call.input_size, n_group)


@counts_operation("matmul", "dot")
def count_matmul(call: LayerCall) -> Operations:
    """Connections: outputs x length of the axis that is summed over."""
    first = _shapes(call, call.args[:1])[0]
    axis = -2 if argument(call, 2, "transpose_a", False) is True else -1
    n_summed = first[axis]
    if n_summed is None:
        raise InputError(
            f"layer {call.where} sums over a time axis of open length, shape "
            f"{(None, *first[1:])}; give the model's Input a fixed length"
        )
    return Operations(connections=call.output_size * n_summed)


@counts_operation("einsum")
def count_einsum(call: LayerCall) -> Operations:
    """Connections: product of the sizes of all axes in the equation, of two operands.

    One operand is summed: additions are that product less the number of outputs.
    """
    # TensorFlow has the equation as first argument, Keras 3 as attribute
    equation = getattr(call.layer, "subscripts", call.args[0])
    operands = [arg for arg in leaves(call.args) if not isinstance(arg, str)]
    shapes = _shapes(call, operands)
    if len(shapes) > 2:
        raise UnsupportedError(
            f"einsum of {len(shapes)} operands can be done in several orders; use one "
            "for each two"
        )
    n_products = count_products(call, equation, shapes)
    if len(shapes) == 1:
        return Operations(additions=n_products - call.output_size)
    return Operations(connections=n_products)


@counts_operation("conv", "conv1d", "conv2d", "conv3d", "convolution")
def count_convolution(call: LayerCall) -> Operations:
    """Connections: kernel size x input channels of a group x outputs."""
    kernel = argument(call, 1, "filters")
    sizes = [int(length) for length in kernel.shape[:-1]]
    return Operations(connections=size(tuple(sizes)) * call.output_size)


@counts_operation("resize", "resize_images")
def count_resize(call: LayerCall) -> Operations:
    """As the layers that resize."""
    method = getattr(call.layer, "interpolation", argument(call, 2, "method"))
    return interpolate(
        call,
        "bilinear" if method is None else method,
        bool(argument(call, 4, "antialias", False)),
        getattr(call.layer, "data_format", ""),
    )


def _shapes(call: LayerCall, operands: Sequence[Any]) -> list[Shape]:
    """Return the shapes of operands, constants too, with batch and time axes."""
    shapes, n_tensors = [], 0
    for operand in operands:
        if is_tensor(operand):
            shapes.append(full_shape(call, n_tensors))
            n_tensors += 1
        else:
            shapes.append(tuple(np.shape(operand)))
    return shapes
