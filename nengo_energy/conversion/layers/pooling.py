"""Pooling: averages as convolutions, maxima as trees of rectifiers."""

from __future__ import annotations

from typing import Any, Sequence

import nengo
import numpy as np

from .activations import connect_difference, difference_neurons
from .building import LayerBuild
from .registry import converts


@converts("MaxPooling{}D", "GlobalMaxPooling{}D")
def convert_max_pooling(build: LayerBuild) -> Any:
    """Convert maxima axis by axis, as trees of ``max(a, b) = b + relu(a - b)``."""
    if build.options.max_pooling == "average":
        return convert_average_pooling(build)
    shape, windows = _windows(build)
    obj, level = build.inputs[0], 0
    for axis, places in enumerate(windows):
        obj, shape, level = _maxima(build, obj, shape, axis, places, level)
    return obj


@converts("AveragePooling{}D", "GlobalAveragePooling{}D")
def convert_average_pooling(build: LayerBuild) -> Any:
    """Convert averages; of a window at the edge, what is inside of the image."""
    shape, windows = _windows(build)
    channel_axis = _channel_axis(build)
    channels = shape[channel_axis]
    sizes = [
        places.shape[1] for axis, places in enumerate(windows) if _slides(build, axis)
    ]
    inside = [(places >= 0).sum(axis=1) for places in windows]
    counts = np.ones(1)
    for axis_counts in inside:
        counts = np.multiply.outer(counts, axis_counts)
    counts = np.ravel(counts)
    output = build.node()
    n_window = int(np.prod(sizes))
    is_small = np.all(counts == n_window) and n_window * channels**2 <= MAX_KERNEL
    if is_small or len(sizes) == 3:  # TensorFlow has no groups in 3-D
        # as NengoDL's converter has it, which Loihi's preparation knows
        kernel = np.reshape(
            [np.eye(channels) / n_window] * n_window, (*sizes, channels, channels)
        )
        options: dict[str, Any] = {}
    else:
        kernel = np.full((*sizes, 1, channels), 1 / n_window)
        options = {"groups": channels}
    transform = nengo.Convolution(
        n_filters=channels,
        input_shape=shape,
        kernel_size=tuple(sizes),
        strides=_strides(build, len(sizes)),
        padding=getattr(build.layer, "padding", "valid"),
        channels_last=channel_axis != 0,
        init=kernel,
        **options,
    )
    if np.all(counts == n_window):
        build.connect(build.inputs[0], output, transform)
        return output
    sums = build.node(part="sums")
    build.connect(build.inputs[0], sums, transform)
    build.connect(sums, output, transform=n_window / counts)
    return output


MAX_KERNEL = 2**22
"""Most entries of a kernel that is mostly zeros."""


def _windows(build: LayerBuild) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """Return the input's shape, and the places in each window along each axis.

    An (n_windows, size) ndarray an axis, with -1 for places outside of the image.
    """
    shape = build.input_shape
    windows = []
    spatial = [axis for axis in range(len(shape)) if _slides(build, axis)]
    for axis, n in enumerate(shape):
        if axis not in spatial:
            windows.append(np.arange(n)[:, None])
            continue
        if not hasattr(build.layer, "pool_size"):
            windows.append(np.arange(n)[None])
            continue
        k = spatial.index(axis)
        size = int(np.atleast_1d(build.layer.pool_size)[k])
        stride = int(np.atleast_1d(build.layer.strides)[k])
        if build.layer.padding == "same":
            n_out = -(-n // stride)
            before = max((n_out - 1) * stride + size - n, 0) // 2
        else:
            n_out, before = (n - size) // stride + 1, 0
        starts = np.arange(n_out) * stride - before
        places = starts[:, None] + np.arange(size)
        windows.append(np.where((places >= 0) & (places < n), places, -1))
    return shape, windows


def _maxima(
    build: LayerBuild,
    obj: Any,
    shape: Sequence[int],
    axis: int,
    places: np.ndarray,
    level: int,
) -> tuple[Any, tuple[int, ...], int]:
    """Return an object that puts out the largest of each window along an axis."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    # (..., n_windows, size) of element numbers, the pooled axis split in two
    at_axis = np.moveaxis(numbers, axis, -1)
    chosen = np.where(places >= 0, at_axis[..., places], -1)
    chosen = np.moveaxis(chosen, -2, axis)
    new_shape = chosen.shape[:-1]
    candidates = chosen.reshape(-1, chosen.shape[-1])
    if candidates.shape[1] == 1 and np.array_equal(candidates[:, 0], np.ravel(numbers)):
        return obj, tuple(shape), level
    while candidates.shape[1] > 1:
        obj, candidates = _pairwise(build, obj, candidates, level)
        level += 1
    order = candidates[:, 0]
    if not np.array_equal(order, np.arange(obj.size_out)):
        output = build.node(len(order), f"windows {level}")
        build.connect(obj[order.tolist()], output)
        obj = output
    return obj, tuple(new_shape), level


def _pairwise(
    build: LayerBuild, obj: Any, candidates: np.ndarray, level: int
) -> tuple[Any, np.ndarray]:
    """Return an object with the larger of each pair, and the numbers of those left."""
    if candidates.shape[1] % 2:
        alone = np.full((len(candidates), 1), -1)
        candidates = np.concatenate([candidates, alone], axis=1)
    # what is there comes first; a pair with nothing needs no neuron
    pairs = np.sort(candidates.reshape(-1, 2), axis=1)[:, ::-1]
    known, index = np.unique(pairs, axis=0, return_inverse=True)
    known_pairs = known[(known[:, 1] >= 0)]
    singles = known[(known[:, 1] < 0) & (known[:, 0] >= 0)]
    n_pairs, n_single = len(known_pairs), len(singles)
    output = build.node(n_pairs + n_single, f"maxima {level}")
    if n_pairs:
        first, second = known_pairs[:, 0].tolist(), known_pairs[:, 1].tolist()
        neurons = difference_neurons(build, n_pairs, f"differences {level}")
        connect_difference(build, obj[first], obj[second], neurons)
        build.connect(obj[second], output[:n_pairs])
        build.connect(neurons, output[:n_pairs])
    if n_single:
        build.connect(obj[singles[:, 0].tolist()], output[n_pairs:])
    numbers = np.full(len(known), -1)
    numbers[known[:, 1] >= 0] = np.arange(n_pairs)
    numbers[(known[:, 1] < 0) & (known[:, 0] >= 0)] = n_pairs + np.arange(n_single)
    return output, numbers[np.ravel(index)].reshape(len(candidates), -1)


def _slides(build: LayerBuild, axis: int) -> bool:
    """Tell whether windows slide along an axis of the input."""
    n_axes = len(build.input_shape)
    return axis != (n_axes - 1 if _channel_axis(build) else 0)


def _channel_axis(build: LayerBuild) -> int:
    last = getattr(build.layer, "data_format", "channels_last") == "channels_last"
    return len(build.input_shape) - 1 if last else 0


def _strides(build: LayerBuild, n: int) -> tuple[int, ...]:
    strides = np.atleast_1d(getattr(build.layer, "strides", 1))
    return tuple(int(stride) for stride in np.broadcast_to(strides, n))
