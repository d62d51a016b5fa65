"""Recognise a merged projection as one convolution, so that the chip can share weights.

Pooling, zero padding, concatenation, flattening and batch normalisation are linear. A
convolution behind them is one again, with a larger kernel and stride; a matrix of its
weights would hold each of them once for every position.
"""

from __future__ import annotations

from typing import Any, Iterator

import nengo
import numpy as np

from ..network.convolution_map import ConvolutionMap, Grid
from ..network.linear_maps import ComposedMap, DenseMap, LinearMap, SparseMap, SummedMap


def as_convolution(
    weights: LinearMap, grid: Grid | None = None
) -> ConvolutionMap | None:
    """Return the convolution that a map is, exactly, or None if it isn't one.

    A matrix behind feature maps counts: it is a convolution whose kernel covers them.

    Parameters
    ----------
    weights : LinearMap
        A map as traced: stages composed from presynaptic to postsynaptic units.
    grid : Grid, optional
        How the presynaptic units lie, where the map doesn't say.
    """
    merged: ConvolutionMap | None = None
    waiting: SparseMap | None = None  # until it is clear what grid it leads into
    for stage in _stages(weights):
        if isinstance(stage, SparseMap):
            waiting = (
                stage if waiting is None else SparseMap(stage.matrix @ waiting.matrix)
            )
            continue
        if isinstance(stage, DenseMap):
            source = merged.output_grid if merged is not None else grid
            found = _covering(stage, waiting, source)
        elif isinstance(stage, ConvolutionMap) and not stage.transposed:
            found = stage if waiting is None else _behind_placement(stage, waiting)
        else:
            return None
        merged = found if merged is None or found is None else merged.followed_by(found)
        waiting = None
        if merged is None:
            return None
    if merged is None or waiting is None:
        return merged
    return _scaled(merged, waiting)


def to_nengo(conv: ConvolutionMap) -> nengo.Convolution | None:
    """Return a two-dimensional convolution of Nengo that computes the same, or None.

    Nengo's own padding is ``"valid"`` or ``"same"``; other paddings are reached by
    zeros at an end of the kernel.
    """
    kernel, dims = _two_dimensional(conv)
    if len(dims[0]) != 2:
        return None
    sizes = list(zip(*dims, kernel.shape[:2]))
    if all(
        pad == 0 and n_out == (n_in - n_taps) // stride + 1
        for n_in, n_out, stride, pad, n_taps in sizes
    ):
        padding = "valid"
    elif all(n_out == -(-n_in // stride) for n_in, n_out, stride, _, _ in sizes):
        padding = "same"
        kernel = np.pad(kernel, [_filling(*size) for size in sizes] + [(0, 0), (0, 0)])
    else:
        return None
    space, n_channels = dims[0], conv.n_channels
    shape = (*space, n_channels) if conv.channels_last else (n_channels, *space)
    return nengo.Convolution(
        kernel.shape[-1],
        shape,
        kernel_size=kernel.shape[:2],
        strides=tuple(dims[2]),
        padding=padding,
        channels_last=conv.channels_last,
        init=kernel,
    )


def arrays_of(weights: LinearMap) -> Iterator[np.ndarray]:
    """Yield the arrays that hold the weights of a map."""
    if isinstance(weights, SummedMap):
        for part in weights.maps:
            yield from arrays_of(part)
        return
    for stage in _stages(weights):
        if isinstance(stage, ConvolutionMap):
            yield stage.kernel
        elif isinstance(stage, DenseMap):
            yield stage.matrix
        elif isinstance(stage, SparseMap):
            yield stage.matrix.data
        elif stage is not weights:
            yield from arrays_of(stage)


def two_dimensional_grid(grid: Grid) -> Grid:
    """Give a row of units a second axis of length one."""
    if len(grid.space) == 1:
        return Grid((*grid.space, 1), grid.n_channels, grid.channels_last)
    return grid


def _stages(weights: LinearMap) -> Iterator[LinearMap]:
    """Yield the maps that one is composed of, the first to apply first."""
    if isinstance(weights, ComposedMap):
        yield from _stages(weights.first)
        yield from _stages(weights.second)
    else:
        yield weights


def _covering(
    dense: DenseMap, waiting: SparseMap | None, grid: Grid | None
) -> ConvolutionMap | None:
    """Return a matrix as a convolution whose kernel covers its input."""
    matrix = dense.matrix if waiting is None else dense.matrix @ waiting.matrix
    if grid is None or matrix.shape[1] != np.prod(grid.space) * grid.n_channels:
        return None
    n_dims = len(grid.space)
    return ConvolutionMap(
        grid.arranged(np.asarray(matrix).T),
        grid.space,
        (1,) * n_dims,
        grid.n_channels,
        (1,) * n_dims,
        (0,) * n_dims,
        grid.channels_last,
    )


def _behind_placement(conv: ConvolutionMap, placed: SparseMap) -> ConvolutionMap | None:
    """Return a convolution behind a map that puts its input somewhere in a larger one.

    That is zero padding, concatenation, or a scale for each channel.
    """
    targets = placed.single_targets
    if targets is None or np.any(targets < 0) or targets.size == 0:
        return None
    *position, channel = conv.input_grid.split(targets)
    lows = [int(p.min()) for p in (*position, channel)]
    sizes = [int(p.max()) - low + 1 for p, low in zip((*position, channel), lows)]
    if np.prod(sizes) != targets.size:
        return None
    inner = Grid(tuple(sizes[:-1]), sizes[-1], conv.channels_last)
    own = inner.split(np.arange(targets.size))
    found = (*position, channel)
    if not all(np.array_equal(a + low, b) for a, low, b in zip(own, lows, found)):
        return None
    scales = _by_channel(placed.matrix.data, inner)
    if scales is None:
        return None
    channels = slice(lows[-1], lows[-1] + sizes[-1])
    return ConvolutionMap(
        conv.full_kernel[..., channels, :] * scales[:, None],
        inner.space,
        conv.output_space,
        inner.n_channels,
        conv.strides,
        [pad + low for pad, low in zip(conv.pads, lows)],
        conv.channels_last,
    )


def _scaled(conv: ConvolutionMap, diagonal: SparseMap) -> ConvolutionMap | None:
    """Return a convolution whose filters are scaled, each by its own number."""
    targets = diagonal.single_targets
    if targets is None or not np.array_equal(targets, np.arange(conv.size_out)):
        return None
    scales = _by_channel(diagonal.matrix.data, conv.output_grid)
    if scales is None:
        return None
    return ConvolutionMap(
        conv.full_kernel * scales,
        conv.input_space,
        conv.output_space,
        conv.n_channels,
        conv.strides,
        conv.pads,
        conv.channels_last,
    )


def _by_channel(values: np.ndarray, grid: Grid) -> np.ndarray | None:
    """Return values that are the same at all positions, by channel, or None."""
    arranged = grid.arranged(values).reshape(-1, grid.n_channels)
    return arranged[0] if np.all(arranged == arranged[0]) else None


def _two_dimensional(conv: ConvolutionMap) -> tuple[np.ndarray, list[Any]]:
    """Return the kernel, spaces, strides and pads, with a second axis of length one."""
    kernel = conv.full_kernel
    dims: list[Any] = [conv.input_space, conv.output_space, conv.strides, conv.pads]
    if len(conv.input_space) == 1:
        kernel = kernel[:, None]
        dims = [(*values, neutral) for values, neutral in zip(dims, (1, 1, 1, 0))]
    return kernel, dims


def _filling(
    n_in: int, n_out: int, stride: int, pad: int, n_taps: int
) -> tuple[int, int]:
    """Return how many zeros before and after the kernel give ``"same"`` that padding.

    Nengo pads by half of what a kernel of this length lacks, rounded down, in front.
    """
    lacking = (n_out - 1) * stride + n_taps - n_in
    before = max(0, lacking - 2 * pad - 1)
    after = max(0, 2 * pad - lacking) if pad else 0
    return before, after
