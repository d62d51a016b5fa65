"""Dense layers and convolutions of every kind; their weights stay shared."""

from __future__ import annotations

from typing import Any, Sequence

import nengo
import numpy as np

from .activations import finish, start
from .building import LayerBuild
from .host import convert_on_host
from .passing import convert_linear
from .registry import converts


@converts("Dense")
def convert_dense(build: LayerBuild) -> Any:
    """Convert a matrix, applied along the last axis."""
    kernel = np.asarray(build.layer.kernel)
    bias = _bias(build)
    entry = start(build, build.layer.activation, bias)
    transform: Any = kernel.T
    if len(build.input_shape) > 1:
        *places, n_in = build.input_shape
        transform = nengo.Convolution(
            n_filters=kernel.shape[1],
            input_shape=(int(np.prod(places)), n_in),
            kernel_size=(1,),
            strides=(1,),
            init=kernel[None],
        )
    build.connect(build.inputs[0], entry, transform)
    return finish(build, entry, build.layer.activation)


@converts("Conv{}D", "DepthwiseConv{}D")
def convert_convolution(build: LayerBuild) -> Any:
    """Convert a convolution with strides, dilation, groups, any padding or order."""
    layer = build.layer
    entry = start(build, layer.activation, _bias(build))
    if "Depthwise" in type(layer).__name__:
        kernel, groups = _depthwise(layer.depthwise_kernel)
    else:
        kernel, groups = np.asarray(layer.kernel), layer.groups
    _convolve(build, build.inputs[0], entry, kernel, groups)
    return finish(build, entry, layer.activation)


@converts("SeparableConv{}D")
def convert_separable_convolution(build: LayerBuild) -> Any:
    """Convert a depthwise convolution, followed by one of size 1."""
    layer = build.layer
    entry = start(build, layer.activation, _bias(build))
    depthwise, groups = _depthwise(layer.depthwise_kernel)
    pointwise = np.asarray(layer.pointwise_kernel)
    shape = list(build.output_shape)
    shape[_channel_axis(build)] = depthwise.shape[-1]
    middle = build.node(int(np.prod(shape)), "depthwise")
    _convolve(build, build.inputs[0], middle, depthwise, groups)
    transform = nengo.Convolution(
        n_filters=pointwise.shape[-1],
        input_shape=tuple(shape),
        kernel_size=pointwise.shape[:-2],
        strides=(1,) * (pointwise.ndim - 2),
        channels_last=_is_channels_last(build),
        init=pointwise,
    )
    build.connect(middle, entry, transform)
    return finish(build, entry, layer.activation)


@converts("Conv{}DTranspose")
def convert_transposed_convolution(build: LayerBuild) -> Any:
    """Convert a transposed convolution: its input spread out, then a convolution.

    An element of the input at place i reaches the places ``i * stride + offset`` of the
    output, ``offset`` from 0 to the kernel's size, of which padding cuts the ends.
    """
    layer = build.layer
    entry = start(build, layer.activation, _bias(build))
    kernel = _dilated(np.asarray(layer.kernel), layer.dilation_rate)
    n_axes = kernel.ndim - 2
    # from (..., out, in) to (..., in, out), last places first
    kernel = np.swapaxes(np.flip(kernel, tuple(range(n_axes))), -1, -2)
    last = _is_channels_last(build)
    inside, channels = _split(build.input_shape, last)
    outside, _ = _split(build.output_shape, last)
    # what padding cuts from the front: half of what is too much, as TensorFlow does
    same = layer.padding == "same"
    cut = [
        max((n - 1) * stride + reach - n_out, 0) // 2 if same else 0
        for n, stride, reach, n_out in zip(inside, layer.strides, kernel.shape, outside)
    ]
    spread_shape = [n + reach - 1 for n, reach in zip(outside, kernel.shape)]
    spread = build.node(int(np.prod(spread_shape)) * channels, "spread")
    places = [
        np.arange(n) * stride + reach - 1 - left
        for n, stride, reach, left in zip(inside, layer.strides, kernel.shape, cut)
    ]
    kept = [(0 <= p) & (p < n) for p, n in zip(places, spread_shape)]
    numbers = _numbers(tuple(spread_shape), channels, last)
    sources = _numbers(tuple(inside), channels, last)
    axes = range(n_axes) if last else range(1, n_axes + 1)
    for axis, place, keep in zip(axes, places, kept):
        numbers = np.take(numbers, place[keep], axis=axis)
        sources = np.compress(keep, sources, axis=axis)
    build.connect(
        build.inputs[0][np.ravel(sources).tolist()],
        spread[np.ravel(numbers).tolist()],
    )
    shape = (*spread_shape, channels) if last else (channels, *spread_shape)
    transform = nengo.Convolution(
        n_filters=kernel.shape[-1],
        input_shape=shape,
        kernel_size=kernel.shape[:-2],
        strides=(1,) * n_axes,
        padding="valid",
        channels_last=last,
        init=kernel,
    )
    build.connect(spread, entry, transform)
    return finish(build, entry, layer.activation)


@converts("EinsumDense", "LocallyConnected{}D")
def convert_affine(build: LayerBuild) -> Any:
    """Convert weights that are read off by running the layer without its activation."""
    layer = build.layer
    function = layer.activation
    layer.activation = lambda x: x  # the layer is our own
    try:
        sums = convert_linear(build)
    finally:
        layer.activation = function
    if sums is None:
        return convert_on_host(build)
    entry = start(build, function)
    build.connect(sums, entry)
    return finish(build, entry, function)


def _convolve(
    build: LayerBuild, pre: Any, post: Any, kernel: np.ndarray, groups: int
) -> None:
    """Connect by a convolution with a layer's strides, dilation and padding."""
    layer = build.layer
    kernel = _dilated(kernel, layer.dilation_rate)
    last = _is_channels_last(build)
    padding, shape = layer.padding, build.input_shape
    if padding == "causal":
        (n,), channels = _split(shape, last)
        pad = kernel.shape[0] - 1
        padded = build.node((n + pad) * channels, "padded")
        numbers = _numbers((n + pad,), channels, last)
        inside = numbers[pad:] if last else numbers[:, pad:]
        build.connect(pre, padded[np.ravel(inside).tolist()])
        pre, padding, shape = padded, "valid", numbers.shape
    if kernel.ndim == 5:  # TensorFlow has no groups in 3-D
        kernel, groups = _ungrouped(kernel, groups), 1
    options = {} if groups == 1 else {"groups": groups}
    transform = nengo.Convolution(
        n_filters=kernel.shape[-1],
        input_shape=shape,
        kernel_size=kernel.shape[:-2],
        strides=tuple(layer.strides),
        padding=padding,
        channels_last=last,
        init=kernel,
        **options,
    )
    build.connect(pre, post, transform)


def _bias(build: LayerBuild) -> np.ndarray | None:
    """Return the bias of each unit, (size,) ndarray."""
    if not build.layer.use_bias:
        return None
    bias = np.asarray(build.layer.bias, dtype=float)
    if not _is_channels_last(build):
        bias = bias.reshape(-1, *(1 for _ in build.output_shape[1:]))
    return np.ravel(np.broadcast_to(bias, build.output_shape))


def _depthwise(weights: Any) -> tuple[np.ndarray, int]:
    """Return a depthwise kernel, (..., channels, multiplier), as one of groups."""
    kernel = np.asarray(weights)
    *size, channels, multiplier = kernel.shape
    return kernel.reshape(*size, 1, channels * multiplier), channels


def _ungrouped(kernel: np.ndarray, groups: int) -> np.ndarray:
    """Return a kernel, (..., in / groups, out), with zeros between the groups."""
    *size, n_in, n_out = kernel.shape
    whole = np.zeros((*size, n_in * groups, n_out), kernel.dtype)
    each = n_out // groups
    for k in range(groups):
        outputs = slice(k * each, (k + 1) * each)
        whole[..., k * n_in : (k + 1) * n_in, outputs] = kernel[..., outputs]
    return whole


def _dilated(kernel: np.ndarray, rates: int | Sequence[int]) -> np.ndarray:
    """Return a kernel with zeros between its places."""
    size = kernel.shape[:-2]
    steps = [int(rate) for rate in np.broadcast_to(rates, len(size))]
    if all(step == 1 for step in steps):
        return kernel
    grown = [(n - 1) * step + 1 for n, step in zip(size, steps)]
    dilated = np.zeros((*grown, *kernel.shape[-2:]), kernel.dtype)
    dilated[tuple(slice(None, None, step) for step in steps)] = kernel
    return dilated


def _is_channels_last(build: LayerBuild) -> bool:
    return bool(getattr(build.layer, "data_format", "channels_last") == "channels_last")


def _channel_axis(build: LayerBuild) -> int:
    return -1 if _is_channels_last(build) else 0


def _split(shape: tuple[int, ...], last: bool) -> tuple[tuple[int, ...], int]:
    """Return the spatial sizes and the number of channels."""
    return (shape[:-1], shape[-1]) if last else (shape[1:], shape[0])


def _numbers(spatial: tuple[int, ...], channels: int, last: bool) -> np.ndarray:
    """Return the number of each element of an image."""
    shape = (*spatial, channels) if last else (channels, *spatial)
    return np.arange(int(np.prod(shape))).reshape(shape)
