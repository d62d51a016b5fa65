"""The linear map of a convolution, counted from its shape and its kernel's zeros."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Sequence

import numpy as np
import scipy.sparse as sp

from .linear_maps import LinearMap


@dataclass(frozen=True)
class Grid:
    """Units in space and channels, and the order of their axes in a flat vector."""

    space: tuple[int, ...]
    n_channels: int
    channels_last: bool = True

    def split(self, units: np.ndarray) -> list[np.ndarray]:
        """Return the positions and the channel of units, channel last."""
        if self.channels_last:
            return list(np.unravel_index(units, (*self.space, self.n_channels)))
        channel, *position = np.unravel_index(units, (self.n_channels, *self.space))
        return [*position, channel]

    def arranged(self, values: np.ndarray) -> np.ndarray:
        """Give (n_units, ...) the axes (*space, channels, ...)."""
        if self.channels_last:
            return values.reshape(*self.space, self.n_channels, *values.shape[1:])
        shape = (self.n_channels, *self.space, *values.shape[1:])
        return np.moveaxis(values.reshape(shape), 0, len(self.space))


class ConvolutionMap(LinearMap):
    """A convolution or transposed convolution in any number of dimensions.

    Input position ``i`` and kernel tap ``k`` meet output position ``o`` where, in each
    dimension, ``i = o * stride + k - pad`` (convolution) or
    ``o = i * stride + k - pad`` (transposed). Links to padding lead outside and do not
    exist.

    Parameters
    ----------
    kernel : (*kernel_size, n_channels // groups, n_filters) ndarray
        Weights.
    input_space, output_space : tuple of int
        Spatial shapes.
    n_channels : int
        Input channels; the number of groups follows from the kernel.
    strides, pads : tuple of int
        Stride and padding before the first element, for each dimension.
    channels_last : bool
        Order of the axes in the flat vectors.
    transposed : bool
        Whether this is the transposed convolution.
    """

    def __init__(
        self,
        kernel: np.ndarray,
        input_space: Sequence[int],
        output_space: Sequence[int],
        n_channels: int,
        strides: Sequence[int],
        pads: Sequence[int],
        channels_last: bool = True,
        transposed: bool = False,
    ):
        self.kernel = kernel
        self.input_space = tuple(input_space)
        self.output_space = tuple(output_space)
        self.n_channels = n_channels
        self.n_filters = kernel.shape[-1]
        self.strides = tuple(strides)
        self.pads = tuple(pads)
        self.channels_last = channels_last
        self.transposed = transposed
        self.size_in = int(np.prod(self.input_space)) * n_channels
        self.size_out = int(np.prod(self.output_space)) * self.n_filters
        # for each dimension, the output position that input and tap meet; -1 for none
        self.meetings = [
            _meetings(*sizes, transposed)
            for sizes in zip(
                self.input_space, self.output_space, kernel.shape[:-2], strides, pads
            )
        ]
        per_group = kernel.shape[-2]
        n_groups = n_channels // per_group
        # weights within each group: (n_taps, n_groups, channels, filters)
        flat = kernel.reshape(-1, per_group, n_groups, self.n_filters // n_groups)
        self._groups = np.moveaxis(flat, 2, 1)

    @property
    def input_grid(self) -> Grid:
        """Presynaptic units in space and channels."""
        return Grid(self.input_space, self.n_channels, self.channels_last)

    @property
    def output_grid(self) -> Grid:
        """Postsynaptic units in space and channels."""
        return Grid(self.output_space, self.n_filters, self.channels_last)

    @property
    def full_kernel(self) -> np.ndarray:
        """Weights with zeros between groups, (*kernel_size, n_channels, n_filters)."""
        n_taps, n_groups, per_group, group_size = self._groups.shape
        if n_groups == 1:
            return self.kernel
        full = np.zeros(
            (n_taps, n_groups, per_group, n_groups, group_size), self.kernel.dtype
        )
        for group in range(n_groups):
            full[:, group, :, group] = self._groups[:, group]
        shape = *self.kernel.shape[:-2], self.n_channels, self.n_filters
        return full.reshape(shape)

    @property
    def is_pointwise(self) -> bool:
        return all(n == 1 for n in self.kernel.shape[:-2]) and not any(self.pads)

    @property
    def fan_out_bound(self) -> int:
        taps = np.prod([np.max((m >= 0).sum(axis=1)) for m in self.meetings])
        return int(taps) * self.n_filters

    @cached_property
    def _met(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """By dimension, the taps that each input position meets, and where."""
        met = []
        for meetings in self.meetings:
            most = np.max((meetings >= 0).sum(axis=1), initial=0)
            taps = np.argsort(meetings < 0, axis=1, kind="stable")[:, :most]
            met.append((taps, np.take_along_axis(meetings, taps, axis=1)))
        return met

    @cached_property
    def fan_out(self) -> np.ndarray:
        n_dims = len(self.input_space)
        # sum over taps of "this tap leads somewhere" x non-zero weights of the tap,
        # one dimension after the other: (taps..., channels) -> (channels, inputs...)
        n_links = np.count_nonzero(self._groups, axis=-1).astype(np.int64)
        n_links = n_links.reshape(self.kernel.shape[:-2] + (self.n_channels,))
        for meetings in self.meetings:
            n_links = np.tensordot(n_links, (meetings >= 0).astype(np.int64), (0, 1))
        if self.channels_last:
            n_links = np.moveaxis(n_links, 0, n_dims)
        return n_links.ravel()

    def followed_by(self, second: LinearMap) -> ConvolutionMap | None:
        if not isinstance(second, ConvolutionMap) or self.transposed:
            return None
        if self.output_grid != second.input_grid or second.transposed:
            return None
        if not _padding_stays_zero(self, second):
            return None
        inner, outer = self.full_kernel, second.full_kernel
        sizes = [
            (n_outer - 1) * stride + n_inner
            for n_inner, n_outer, stride in zip(inner.shape, outer.shape, self.strides)
        ]
        kernel = np.zeros((*sizes, self.n_channels, second.n_filters))
        for tap in np.ndindex(*outer.shape[:-2]):
            place = tuple(
                slice(t * stride, t * stride + n)
                for t, stride, n in zip(tap, self.strides, inner.shape)
            )
            kernel[place] += inner @ outer[tap]
        pads = [p + s * q for p, s, q in zip(self.pads, self.strides, second.pads)]
        return ConvolutionMap(
            kernel,
            self.input_space,
            second.output_space,
            self.n_channels,
            [a * b for a, b in zip(self.strides, second.strides)],
            pads,
            self.channels_last,
        )

    def apply(self, x: np.ndarray) -> np.ndarray:
        _, n_groups, per_group, group_size = self._groups.shape
        values = self.input_grid.arranged(np.asarray(x, dtype=float))
        n_dims = len(self.input_space)
        values = values.reshape(*self.input_space, n_groups, per_group)
        values = np.moveaxis(values, n_dims, 0)
        total = np.zeros((n_groups, *self.output_space, group_size))
        rows = [1] * (n_dims - 1)
        for tap, weights in zip(np.ndindex(*self.kernel.shape[:-2]), self._groups):
            met = [m[:, k] for m, k in zip(self.meetings, tap)]
            inputs: Any = np.ix_(*(np.flatnonzero(out >= 0) for out in met))
            outputs: Any = np.ix_(*(out[out >= 0] for out in met))
            kernel = weights.reshape(n_groups, *rows, per_group, group_size)
            total[(slice(None), *outputs)] += values[(slice(None), *inputs)] @ kernel
        total = np.moveaxis(total, 0, n_dims)
        total = total.reshape(*self.output_space, self.n_filters)
        return np.ravel(total if self.channels_last else np.moveaxis(total, -1, 0))

    def columns(self, indices: np.ndarray) -> sp.csc_matrix:
        indices = np.asarray(indices)
        *position, channel = self.input_grid.split(indices)
        # tap and output position wherever a unit meets one: combine the dimensions
        tap = out = np.zeros((len(indices), 1), dtype=np.int64)
        for dim, (taps, targets) in enumerate(self._met):
            shape = len(indices), out.shape[1] * taps.shape[1]
            step = targets[position[dim]][:, None, :]
            out = np.where(
                (out[:, :, None] < 0) | (step < 0),
                -1,
                out[:, :, None] * self.output_space[dim] + step,
            ).reshape(shape)
            tap = tap[:, :, None] * self.kernel.shape[dim]
            tap = (tap + taps[position[dim]][:, None, :]).reshape(shape)
        unit, meeting = np.nonzero(out >= 0)
        tap, out = tap[unit, meeting], out[unit, meeting]
        per_group, group_size = self._groups.shape[2:]
        group, place = np.divmod(channel[unit], per_group)
        weights = self._groups[tap, group, place]
        if self.channels_last:
            base, step = out * self.n_filters, 1
        else:
            base, step = out, int(np.prod(self.output_space))
        link, filter_ = np.nonzero(weights)
        rows = base[link] + (group[link] * group_size + filter_) * step
        shape = (self.size_out, len(indices))
        return sp.csc_matrix((weights[link, filter_], (rows, unit[link])), shape=shape)


def _padding_stays_zero(first: ConvolutionMap, second: ConvolutionMap) -> bool:
    """Tell whether the padding of the second would be zeros if the first computed it.

    It isn't where the first has inputs left over at a border, for instance when pooling
    drops a row.
    """
    for dim, n_middle in enumerate(first.output_space):
        n_taps = second.full_kernel.shape[dim]
        last = (second.output_space[dim] - 1) * second.strides[dim] + n_taps - 1
        touched = np.arange(-second.pads[dim], last - second.pads[dim] + 1)
        outside = touched[(touched < 0) | (touched >= n_middle)]
        start = outside * first.strides[dim] - first.pads[dim]
        end = start + first.full_kernel.shape[dim]
        if np.any((end > 0) & (start < first.input_space[dim])):
            return False
    return True


def _meetings(
    n_in: int, n_out: int, n_taps: int, stride: int, pad: int, transposed: bool
) -> np.ndarray:
    """Return the output position where input and tap meet in one dimension, or -1."""
    i = np.arange(n_in)[:, None]
    k = np.arange(n_taps)[None, :]
    if transposed:
        out = i * stride + k - pad
        exists = (out >= 0) & (out < n_out)
    else:
        out, rest = np.divmod(i - k + pad, stride)
        exists = (rest == 0) & (out >= 0) & (out < n_out)
    return np.where(exists, out, -1)
