"""Weights of a convolution in plain loops, from its definition."""

from __future__ import annotations

import itertools

import nengo
import numpy as np


def looped_matrix(conv: nengo.Convolution) -> np.ndarray:
    """Weights of a convolution, one link after the other, from its definition."""
    inputs, outputs = conv.input_shape.spatial_shape, conv.output_shape.spatial_shape
    n_channels, n_filters = conv.input_shape.n_channels, conv.n_filters
    per_group = n_channels // conv.groups
    pads = [0] * len(inputs)
    if conv.padding == "same":
        pads = [
            max((o - 1) * s + k - i, 0) // 2
            for i, o, k, s in zip(inputs, outputs, conv.kernel_size, conv.strides)
        ]

    def flat(position, channel, space, n):
        shape = space + (n,) if conv.channels_last else (n,) + space
        index = position + (channel,) if conv.channels_last else (channel,) + position
        return np.ravel_multi_index(index, shape)

    matrix = np.zeros((conv.size_out, conv.size_in))
    for out in itertools.product(*map(range, outputs)):
        for tap in itertools.product(*map(range, conv.kernel_size)):
            at = tuple(
                o * s + k - p for o, s, k, p in zip(out, conv.strides, tap, pads)
            )
            if not all(0 <= a < n for a, n in zip(at, inputs)):
                continue  # padding: no synapse
            for channel, filt in itertools.product(range(n_channels), range(n_filters)):
                if channel // per_group != filt // (n_filters // conv.groups):
                    continue
                row = flat(out, filt, outputs, n_filters)
                column = flat(at, channel, inputs, n_channels)
                matrix[row, column] = conv.init[tap + (channel % per_group, filt)]
    return matrix
