"""Convolutions of every kind."""

from __future__ import annotations

from ..calls import LayerCall, size
from .activations import fused_activations
from .axes import split_channels
from .registry import Operations, counts


@counts("Conv{}D")
def count_conv(call: LayerCall) -> Operations:
    """Connections: kernel size x input channels of a group x outputs.

    Links to padding are included.
    """
    kernel = tuple(call.layer.kernel_size)
    _, n_channels = split_channels(call, call.input_shapes[0], len(kernel))
    form = "depthwise" if call.layer.groups == n_channels > 1 else "convolution"
    return _convolution(
        call, size(kernel) * n_channels // call.layer.groups * call.output_size, form
    )


@counts("LocallyConnected1D", "LocallyConnected2D")
def count_locally_connected(call: LayerCall) -> Operations:
    """Connections: kernel size x input channels x outputs, as a convolution has.

    Weights that aren't shared between positions are more weights, not more products.
    """
    kernel = tuple(call.layer.kernel_size)
    _, n_channels = split_channels(call, call.input_shapes[0], len(kernel))
    return _convolution(call, size(kernel) * n_channels * call.output_size)


@counts("Conv{}DTranspose")
def count_transposed_conv(call: LayerCall) -> Operations:
    """Connections: kernel size x output channels x inputs.

    Links that ``same`` padding or cropping cuts off are included.
    """
    kernel = tuple(call.layer.kernel_size)
    split_channels(call, call.input_shapes[0], len(kernel))
    return _convolution(call, size(kernel) * call.layer.filters * call.input_size)


@counts("DepthwiseConv1D", "DepthwiseConv2D")
def count_depthwise_conv(call: LayerCall) -> Operations:
    """Connections: kernel size x outputs, as each output reads one input channel."""
    kernel = tuple(call.layer.kernel_size)
    split_channels(call, call.input_shapes[0], len(kernel))
    return _convolution(call, size(kernel) * call.output_size, "depthwise")


@counts("SeparableConv1D", "SeparableConv2D")
def count_separable_conv(call: LayerCall) -> Operations:
    """Connections: those of a depthwise convolution and of one of single positions.

    Positions x input channels x depth multiplier x (kernel size + output channels).
    """
    kernel = tuple(call.layer.kernel_size)
    _, n_channels = split_channels(call, call.input_shapes[0], len(kernel))
    n_positions, n_filters = split_channels(call, call.output_shapes[0], len(kernel))
    n_between = n_channels * call.layer.depth_multiplier
    depthwise = n_positions * n_between * size(kernel)
    single = n_positions * n_between * n_filters
    activations = fused_activations(call)
    return Operations(
        connections=depthwise + single,
        activations=activations,
        forms=(("depthwise", depthwise), ("convolution", single)),
        kernels=2 + bool(activations),
    )


def _convolution(
    call: LayerCall, connections: int, form: str = "convolution"
) -> Operations:
    """Return the operations of a convolution with its activation."""
    return Operations(
        connections=connections,
        activations=fused_activations(call),
        forms=((form, connections),),
    )
