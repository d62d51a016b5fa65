"""Normalization: batch, layer, group, root mean square, unit, spectral.

The statistics of one sample are computed anew for every sample, so they are counted;
those of a batch are constants by then.
"""

from __future__ import annotations

from ...common.assumptions import Assumption
from ..calls import LayerCall, size
from .axes import axis_sizes, require_whole_sequences
from .registry import Operations, count_wrapped, counts

BATCH_NORM_UNFOLDED = Assumption(
    "batch-norm-unfolded",
    "Batch normalization is counted as one multiply-accumulate per element; folded "
    "into the layer before, as is usual for deployment, it would cost nothing.",
)


@counts("BatchNormalization", "SyncBatchNormalization")
def count_batch_normalization(call: LayerCall) -> Operations:
    """Connections: elements, as scale and shift are constants at inference."""
    return Operations(
        connections=call.output_size,
        assumptions=(BATCH_NORM_UNFOLDED,),
        forms=(("batch_norm", call.output_size),),
    )


@counts("LayerNormalization")
def count_layer_normalization(call: LayerCall) -> Operations:
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta``, as in `standardize`."""
    return standardize(call, size(axis_sizes(call, call.layer.axis)))


@counts("GroupNormalization")
def count_group_normalization(call: LayerCall) -> Operations:
    """As layer normalization, over all positions and the channels of a group."""
    require_whole_sequences(call)
    return standardize(call, call.input_size // call.layer.groups)


def standardize(call: LayerCall, n_group: int) -> Operations:
    """Count the mean and variance of groups of elements, and what is done with them.

    Connections: per element a square, a product with the reciprocal deviation, and one
    with gamma if there is one. Activations: one reciprocal root per group. Additions:
    per element one for the mean, with its division, and one to subtract it; per group
    the division of the variance.
    """
    n_groups = call.input_size // n_group
    return Operations(
        connections=(2 + bool(call.layer.scale)) * call.input_size,
        activations=n_groups,
        additions=2 * call.input_size + n_groups,
    )


@counts("RMSNormalization")
def count_rms_normalization(call: LayerCall) -> Operations:
    """``gamma x / sqrt(mean(x^2) + epsilon)``.

    Connections: per element a square, a product with the reciprocal root, and one with
    gamma. Activations: one reciprocal root per group. Additions: per group the
    division of the mean.
    """
    n_groups = call.input_size // size(axis_sizes(call, call.layer.axis))
    return Operations(
        connections=3 * call.input_size, activations=n_groups, additions=n_groups
    )


@counts("UnitNormalization")
def count_unit_normalization(call: LayerCall) -> Operations:
    """``x / sqrt(sum(x^2))``, as in `normalize`."""
    return normalize(call.input_size, size(axis_sizes(call, call.layer.axis)))


def normalize(n_elements: int, n_group: int) -> Operations:
    """Count what it takes to bring groups of elements to length one.

    Connections: per element a square, and a product with the reciprocal root.
    Activations: one reciprocal root per group.
    """
    return Operations(connections=2 * n_elements, activations=n_elements // n_group)


@counts("SpectralNormalization")
def count_spectral_normalization(call: LayerCall) -> Operations:
    """As the layer inside, whose weights are normalized in training only."""
    return count_wrapped(call, call.layer.layer)
