"""Primitives of NIR that only multiply and add: weights, convolutions, pooling."""

from __future__ import annotations

import math

import nengo
import numpy as np
import scipy.sparse as sp

from ..common.exceptions import InputError
from .building import Build, Part, Shape
from .registry import builds
from .units import spikes_of_input


@builds("Input")
def build_input(build: Build) -> Part:
    """Make the node that inputs are given to."""
    shape = build.node.sizes("shape", np.size(build.node.array("shape")))
    zeros = np.zeros(build.size(shape))
    if build.options.inputs == "values":
        node = nengo.Node(zeros, label=build.node.name)
        return Part(node, node, shape)
    node = nengo.Node(zeros, label=f"{build.node.name}.values")
    neurons = spikes_of_input(build, shape)
    nengo.Connection(node, neurons, synapse=None)
    return Part(node, neurons, shape)


@builds("Output", "Relay")
def build_relay(build: Build) -> Part:
    """Pass values on; an output's are probed."""
    node = build.relay(build.fed)
    return Part(node, node, build.fed)


@builds("Linear", "Affine")
def build_affine(build: Build) -> Part:
    """``y = weight @ x + bias``, for each of the leading axes if there are some."""
    weight = build.node.array("weight")
    if weight.ndim < 2:
        raise InputError(f"'weight' of {build.node} must have two axes at least")
    shape = weight.shape[:-1]
    node = build.relay(shape)
    if build.node.kind == "Affine":
        add_bias(build, node, build.node.array("bias"), shape)
    if weight.ndim == 2:
        transform: nengo.transforms.Transform = nengo.Dense(weight.shape, init=weight)
    else:
        blocks = sp.block_diag(list(weight.reshape(-1, *weight.shape[-2:])))
        transform = nengo.Sparse(blocks.shape, init=blocks.tocsr())
    return Part(node, node, shape, transform)


@builds("Scale")
def build_scale(build: Build) -> Part:
    """``y = scale * x``, value by value."""
    found, shape = build.each("scale")
    node = build.relay(shape)
    factors = sp.diags(found["scale"]).tocsr()
    return Part(node, node, shape, nengo.Sparse(factors.shape, init=factors))


@builds("Flatten")
def build_flatten(build: Build) -> Part:
    """Join axes; their values keep their order."""
    n = len(build.fed)
    (start,) = build.node.sizes("start_dim", 1, 1)
    (end,) = build.node.sizes("end_dim", 1, -1)
    start, end = start % n if n else 0, end % n if n else 0
    if n == 1:
        start, end = 0, 0  # nothing to join
    if start > end:
        raise InputError(f"{build.node} joins axes {start} to {end} of {build.fed}")
    joined = math.prod(build.fed[start : end + 1])
    shape = (*build.fed[:start], joined, *build.fed[end + 1 :])
    node = build.relay(shape)
    return Part(node, node, shape)


@builds("Conv1d")
def build_conv1d(build: Build) -> Part:
    """Convolve along one axis."""
    return _convolution(build, 1)


@builds("Conv2d")
def build_conv2d(build: Build) -> Part:
    """Convolve along two axes."""
    return _convolution(build, 2)


@builds("SumPool2d", "AvgPool2d")
def build_pool(build: Build) -> Part:
    """Sum, or average, windows of each channel; padding counts as zeros."""
    shape = _image(build, 2)
    kernel = build.node.sizes("kernel_size", 2)
    value = 1.0 if build.node.kind == "SumPool2d" else 1 / math.prod(kernel)
    weights = np.full((*kernel, 1, shape[0]), value)
    strides = build.node.sizes("stride", 2)
    padding = [(p, p) for p in build.node.sizes("padding", 2, 0)]
    return _convolve(build, shape, weights, strides, padding, groups=shape[0])


def add_bias(build: Build, node: nengo.Node, bias: np.ndarray, shape: Shape) -> None:
    """Give a node a constant, which is folded into neurons later."""
    if bias.size not in (1, math.prod(shape)):
        raise InputError(
            f"'bias' of {build.node} has the shape {bias.shape}, for an output of "
            f"{shape}"
        )
    if np.any(bias):
        values = np.broadcast_to(bias.ravel(), math.prod(shape))
        constant = nengo.Node(np.array(values), label=f"{build.node.name}.bias")
        nengo.Connection(constant, node, synapse=None)


def _image(build: Build, n_axes: int) -> Shape:
    """Return the shape of what feeds a node: channels first."""
    if len(build.fed) != n_axes + 1:
        raise InputError(
            f"{build.node} takes values of {n_axes + 1} axes, channels first; it gets "
            f"those of shape {build.fed}"
        )
    return build.fed


def _convolution(build: Build, n_axes: int) -> Part:
    node, shape = build.node, _image(build, n_axes)
    weight = node.array("weight")
    (groups,) = node.sizes("groups", 1, 1)
    if weight.ndim != n_axes + 2 or groups < 1 or weight.shape[1] * groups != shape[0]:
        raise InputError(
            f"'weight' of {node} has the shape {weight.shape}, for {shape[0]} channels "
            f"in {groups} groups"
        )
    strides = node.sizes("stride", n_axes, 1)
    dilation = node.sizes("dilation", n_axes, 1)
    if weight.shape[0] % groups or min(*strides, *dilation) < 1:
        raise InputError(
            f"{node} can't have {weight.shape[0]} filters in {groups} groups, stride "
            f"{strides} and dilation {dilation}"
        )
    kernel = _dilated(build, weight, dilation)
    padding = _padding(build, kernel.shape[2:], strides)
    # Nengo's kernels are (*kernel_size, channels in, channels out)
    part = _convolve(
        build, shape, np.moveaxis(kernel, (0, 1), (-1, -2)), strides, padding, groups
    )
    bias = node.array("bias", 0.0).ravel()
    if bias.size == part.shape[0]:
        bias = np.repeat(bias, math.prod(part.shape[1:]))
    add_bias(build, part.exit, bias, part.shape)
    return part


def _dilated(build: Build, weight: np.ndarray, dilation: Shape) -> np.ndarray:
    """Put zeros between the weights of kernels; zeros are no synapses."""
    sizes = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:])]
    build.size((*weight.shape[:2], *sizes))
    kernel = np.zeros((*weight.shape[:2], *sizes))
    apart = tuple(slice(None, None, d) for d in dilation)
    kernel[(slice(None), slice(None), *apart)] = weight
    return kernel


def _padding(build: Build, kernel: Shape, strides: Shape) -> list[tuple[int, int]]:
    """Return how many zeros are put before and after each axis."""
    padding = build.node.values.get("padding", 0)
    if isinstance(padding, bytes):
        padding = padding.decode()
    if not isinstance(padding, str):
        return [(p, p) for p in build.node.sizes("padding", len(kernel), 0)]
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding != "same" or max(strides) > 1:
        raise InputError(
            f"'padding' of {build.node} must be whole numbers, 'valid', or 'same' with "
            f"a stride of 1; got {padding!r} with {strides}"
        )
    return [((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel]


def _convolve(
    build: Build,
    shape: Shape,
    kernel: np.ndarray,
    strides: Shape,
    padding: list[tuple[int, int]],
    groups: int,
) -> Part:
    """Make a convolution, behind a node with the padding where there is some."""
    if min(min(pair) for pair in padding) < 0 or min(strides) < 1:
        raise InputError(f"{build.node} has negative padding, or no stride")
    padded = (shape[0], *(n + sum(pair) for n, pair in zip(shape[1:], padding)))
    build.size(padded)
    same = [((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel.shape[:-2]]
    fits = padding == same and max(strides) == 1
    if any(k > n for k, n in zip(kernel.shape, padded[1:])):
        raise InputError(f"{build.node} has a kernel that is larger than its input")
    transform = nengo.Convolution(
        kernel.shape[-1],
        shape if fits else padded,
        kernel_size=kernel.shape[:-2],
        strides=strides,
        padding="same" if fits else "valid",
        channels_last=False,
        init=kernel,
        groups=groups,
    )
    out = tuple(transform.output_shape.shape)
    node = build.relay(out)
    if fits or padded == shape:
        return Part(node, node, out, transform)
    border = build.relay(padded, ".padding")
    nengo.Connection(border, node, transform=transform, synapse=None)
    inner = tuple(slice(b, n - a) for n, (b, a) in zip(padded[1:], padding))
    units = np.arange(math.prod(padded)).reshape(padded)[(slice(None), *inner)]
    return Part(border[units.ravel().tolist()], node, out)
