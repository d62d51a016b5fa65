"""Linear Keras layers that TensorNodes of NengoDL hold: the weights they stand for."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from .fanout import transform_map
from .linear_maps import DenseMap, LinearMap, SparseMap

PASSING = ("Flatten", "Reshape", "Dropout")
"""Layers that pass each value on."""

CONVOLUTIONS = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3}
POOLINGS = {"AveragePooling1D": 1, "AveragePooling2D": 2, "AveragePooling3D": 3}
"""Classes of layers, and in how many dimensions they work."""

KNOWN = (*PASSING, "Dense", *CONVOLUTIONS, *POOLINGS)


def keras_layer(node: Any) -> Any:
    """Return the Keras layer that a TensorNode holds, or None."""
    function = getattr(node, "tensor_func", None)
    names = {cls.__name__ for cls in type(function).__mro__}
    return function if "Layer" in names and hasattr(function, "get_config") else None


def layer_map(node: Any) -> LinearMap | None:
    """Return the weights of the linear layer that a TensorNode holds.

    A layer gets its weights when it is first run; until then each may be any number but
    zero. Its bias is none of them.

    Parameters
    ----------
    node : nengo_dl.TensorNode
        Any.

    Returns
    -------
    LinearMap or None
        None if the node computes something else.
    """
    layer = keras_layer(node)
    if layer is None or node.pass_time or node.shape_in is None:
        return None
    kind, shape = type(layer).__name__, tuple(map(int, node.shape_in))
    activation = getattr(layer, "activation", None)
    if getattr(activation, "__name__", "linear") != "linear":
        return None
    if kind in PASSING:
        return SparseMap.diagonal(np.ones(node.size_in))
    if kind == "Dense":
        kernel = _kernel(layer, (shape[-1], layer.units))
        if len(shape) == 1:
            return DenseMap(kernel.T)
        return SparseMap(np.kron(np.eye(int(np.prod(shape[:-1]))), kernel.T))
    n_axes = CONVOLUTIONS.get(kind) or POOLINGS.get(kind)
    if n_axes is None or len(shape) != n_axes + 1:
        return None
    last = layer.data_format == "channels_last"
    n_channels = shape[-1] if last else shape[0]
    groups = 1
    if kind in POOLINGS:
        size = tuple(layer.pool_size)
        n_filters = n_channels
        each = np.eye(n_channels) / np.prod(size)
        kernel = np.broadcast_to(each, (*size, n_channels, n_channels))
    elif any(rate != 1 for rate in layer.dilation_rate):
        return None
    else:
        size, n_filters, groups = tuple(layer.kernel_size), layer.filters, layer.groups
        kernel = _kernel(layer, (*size, n_channels // groups, n_filters))
    more = {} if groups == 1 else {"groups": groups}
    convolution = nengo.Convolution(
        n_filters,
        shape,
        kernel_size=size,
        strides=tuple(layer.strides),
        padding=layer.padding,
        channels_last=last,
        init=kernel,
        **more,
    )
    return transform_map(convolution)


def _kernel(layer: Any, shape: tuple[int, ...]) -> np.ndarray:
    if layer.built:
        return np.asarray(layer.get_weights()[0])
    return np.random.RandomState(0).uniform(0.5, 1.0, size=shape)
