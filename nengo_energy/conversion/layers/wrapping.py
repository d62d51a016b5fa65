"""Layers that apply another: TimeDistributed and what normalises a layer's weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...keras_models.graph import is_model
from .activations import convert_activation, convert_prelu
from .building import LayerBuild
from .host import convert_on_host
from .normalization import convert_batch_normalization
from .passing import convert_linear, convert_nothing
from .registry import converts, find_conversion
from .weighted import convert_dense

FOR_ANY_PLACES = (
    convert_activation,
    convert_batch_normalization,
    convert_dense,
    convert_nothing,
    convert_prelu,
)
"""Conversions to which a further axis in front is one more axis of places."""


@converts("TimeDistributed")
def convert_time_distributed(build: LayerBuild) -> Any:
    """Convert what is inside, for all steps at once or for one after the other.

    In a temporal model the steps are the network's, and what is inside stands once.
    """
    inner = build.layer.layer
    conversion = None if is_model(inner) else find_conversion(inner)
    if build.n_leading > 1:
        return build.inside(inner, build.inputs[0], build.input_shape)
    if conversion is None and not is_model(inner):
        found = convert_linear(build)
        return convert_on_host(build) if found is None else found
    if conversion in FOR_ANY_PLACES and type(inner).__name__ != "Softmax":
        return conversion(replace(build, layer=inner))
    n_steps, *shape = build.input_shape
    size, size_out = int(np.prod(shape)), build.size // n_steps
    output = build.node()
    for step in range(n_steps):
        entry = build.node(size, f"input of step {step}")
        build.connect(build.inputs[0][step * size : (step + 1) * size], entry)
        result = build.inside(inner, entry, tuple(shape), f"step {step}")
        build.connect(result, output[step * size_out : (step + 1) * size_out])
    return output


@converts("SpectralNormalization")
def convert_spectral_normalization(build: LayerBuild) -> Any:
    """Convert what is inside: at inference its weights stay as they are."""
    return build.inside(build.layer.layer, build.inputs[0], build.input_shape)
