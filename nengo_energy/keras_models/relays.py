"""How events pass layers without weights or neurons: a spike isn't averaged away.

Behind a pooling layer a spike still is one event for every window that it lies in,
though the pooled value is smaller than one. Rates of events are therefore carried along
with the values: neurons and inputs emit as many events as their value says, and the
layers here pass them on.
"""

from __future__ import annotations

import itertools
from typing import Any, Callable, Optional, Sequence

import numpy as np

from .graph import leaves

Arrays = Sequence[np.ndarray]
Relay = Callable[[Any, Any, Arrays], Optional[np.ndarray]]
"""Takes (wrapper or layer, layer that computes, events of its inputs)."""

_RELAYS: dict[str, Relay] = {}


def relay_events(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray | None:
    """Return the events that a layer passes on, or None for a layer that emits its own.

    Parameters
    ----------
    wrapper : keras layer
        The layer in the model, such as ``TimeDistributed``.
    layer : keras layer
        The layer that computes, ``wrapper`` itself where nothing is wrapped.
    events : sequence of ndarray
        Events per second at each element of the layer's inputs, batch axis first [Hz].

    Returns
    -------
    ndarray or None
        Events per second at each element of the output [Hz].
    """
    relay = _RELAYS.get(type(layer).__name__)
    return None if relay is None else relay(wrapper, layer, events)


def _relays(*names: str) -> Callable[[Relay], Relay]:
    """Let the function below relay the events of Keras's classes of these names.

    ``{}`` in a name stands for 1, 2 and 3.
    """

    def register(relay: Relay) -> Relay:
        _RELAYS.update({name.format(n): relay for name in names for n in (1, 2, 3)})
        return relay

    return register


@_relays(
    "Flatten",
    "Reshape",
    "Permute",
    "RepeatVector",
    "Concatenate",
    "ZeroPadding{}D",
    "Cropping{}D",
)
def _move(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray:
    """Layers that move or copy values do the same with events."""
    moved = wrapper(list(events) if len(events) > 1 else events[0])
    return np.asarray(leaves(moved)[0], np.float64)


@_relays("UpSampling{}D")
def _move_nearest(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray | None:
    """Upsampling copies events, unless it interpolates."""
    nearest = getattr(layer, "interpolation", "nearest") == "nearest"
    return _move(wrapper, layer, events) if nearest else None


@_relays(
    "Dropout",
    "SpatialDropout{}D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "BatchNormalization",
    "Identity",
)
def _keep(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray:
    """Layers that scale or filter each value by itself leave events as they are."""
    return events[0]


@_relays("Add", "Subtract", "Average")
def _join(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray:
    """Merging by a sum lets the events of all inputs through: none cancel out."""
    total = events[0]
    for other in events[1:]:
        total = total + other
    return total


@_relays("AveragePooling{}D", "MaxPooling{}D")
def _pool(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray:
    """An event passes once for each window that it lies in."""
    n_spatial = int(type(layer).__name__[-2])  # MaxPooling2D
    pool, strides = (_per_axis(v, n_spatial) for v in (layer.pool_size, layer.strides))
    moved = _channels_last(layer, events[0], n_spatial)
    first = moved.ndim - n_spatial - 1
    padded, n_windows = _pad(moved, first, pool, strides, layer.padding)
    total = np.zeros(
        (*moved.shape[:first], *n_windows, moved.shape[-1]), dtype=np.float64
    )
    for offset in itertools.product(*map(range, pool)):
        window = tuple(
            slice(o, o + s * n, s) for o, s, n in zip(offset, strides, n_windows)
        )
        where: Any = (..., *window, slice(None))
        total += padded[where]
    return _channels_back(layer, total, n_spatial)


@_relays("GlobalAveragePooling{}D", "GlobalMaxPooling{}D")
def _pool_all(wrapper: Any, layer: Any, events: Arrays) -> np.ndarray:
    """Global pooling lets the events of all positions through."""
    n_spatial = int(type(layer).__name__[-2])
    moved = _channels_last(layer, events[0], n_spatial)
    axes = tuple(range(moved.ndim - n_spatial - 1, moved.ndim - 1))
    keep = bool(getattr(layer, "keepdims", False))
    total: np.ndarray = moved.sum(axis=axes, keepdims=keep)
    return _channels_back(layer, total, n_spatial) if keep else total


def _per_axis(value: Any, n_axes: int) -> tuple[int, ...]:
    """Return a size given as one number, or one per axis, as one per axis."""
    return (value,) * n_axes if isinstance(value, int) else tuple(value)


def _pad(
    events: np.ndarray,
    first: int,
    pool: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return events with room for every window, and the number of windows per axis.

    Padding as TensorFlow and Keras place it: what is odd goes to the end.
    """
    widths = [(0, 0)] * events.ndim
    n_windows = []
    for axis, (size, stride) in enumerate(zip(pool, strides), start=first):
        length = events.shape[axis]
        if padding == "same":
            n = -(-length // stride)
            missing = max((n - 1) * stride + size - length, 0)
            widths[axis] = (missing // 2, missing - missing // 2)
        else:
            n = (length - size) // stride + 1
        n_windows.append(n)
    return np.pad(events, widths), tuple(n_windows)


def _channels_last(layer: Any, events: np.ndarray, n_spatial: int) -> np.ndarray:
    if layer.data_format == "channels_first":
        return np.moveaxis(events, -n_spatial - 1, -1)
    return events


def _channels_back(layer: Any, events: np.ndarray, n_spatial: int) -> np.ndarray:
    if layer.data_format == "channels_first":
        return np.moveaxis(events, -1, -n_spatial - 1)
    return events
