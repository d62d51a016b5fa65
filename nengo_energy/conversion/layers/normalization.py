"""Layers that shift and scale each element by numbers of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .building import LayerBuild
from .registry import converts


@converts("BatchNormalization")
def convert_batch_normalization(build: LayerBuild) -> Any:
    """Convert ``gamma (x - mean) / sqrt(variance + epsilon) + beta``."""
    layer = build.layer
    mean, variance = (
        np.asarray(w, float) for w in (layer.moving_mean, layer.moving_variance)
    )
    scale = (np.asarray(layer.gamma, float) if layer.scale else 1.0) / np.sqrt(
        variance + layer.epsilon
    )
    offset = (np.asarray(layer.beta, float) if layer.center else 0.0) - scale * mean
    # numbered from the end, as TimeDistributed puts an axis in front
    n_axes = len(layer.input_spec.shape or ()) or layer.input_spec.ndim
    axes = [axis % n_axes - n_axes for axis in np.atleast_1d(layer.axis)]
    shape = [1] * len(build.output_shape)
    for axis in axes:
        shape[axis] = build.output_shape[axis]
    return scaled(build, scale.reshape(shape), offset.reshape(shape))


@converts("Rescaling")
def convert_rescaling(build: LayerBuild) -> Any:
    """Convert ``scale x + offset``."""
    scale, offset = np.asarray(build.layer.scale), np.asarray(build.layer.offset)
    return scaled(build, scale, offset)


@converts("Normalization")
def convert_normalization(build: LayerBuild) -> Any:
    """Convert ``(x - mean) / sqrt(variance)``, or its inverse."""
    layer = build.layer
    mean = np.asarray(layer.mean, float)
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance, float)), 1e-7)
    # behind the batch axis
    mean, deviation = (
        x.reshape(x.shape[1:]) if x.ndim > len(build.output_shape) else x
        for x in (mean, deviation)
    )
    if layer.invert:
        return scaled(build, deviation, mean)
    return scaled(build, 1 / deviation, -mean / deviation)


def scaled(build: LayerBuild, scale: np.ndarray, offset: np.ndarray) -> Any:
    """Return ``scale x + offset``, for numbers that broadcast to the layer's output."""
    shape = build.output_shape
    output = build.node()
    factors = np.ravel(np.broadcast_to(scale, shape)).astype(float)
    build.connect(build.inputs[0], output, transform=factors)
    build.bias(np.ravel(np.broadcast_to(offset, shape)).astype(float), output)
    return output
