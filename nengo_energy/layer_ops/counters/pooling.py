"""Pooling, the adaptive kind included."""

from __future__ import annotations

from ...common.assumptions import Assumption
from ..calls import LayerCall, size
from .axes import split_channels, split_image
from .registry import Operations, counts

MAX_POOLING_FREE = Assumption(
    "max-pooling-free", "The comparisons of max pooling are not counted."
)


@counts("AveragePooling{}D")
def count_average_pooling(call: LayerCall) -> Operations:
    """Additions: pool size x outputs, the division as one of them."""
    pool = call.layer.pool_size
    pool = (pool,) if isinstance(pool, int) else tuple(pool)
    split_channels(call, call.input_shapes[0], len(pool))
    return Operations(additions=size(pool) * call.output_size)


@counts("GlobalAveragePooling{}D")
def count_global_average_pooling(call: LayerCall) -> Operations:
    """Additions: inputs, the division as one of each channel's."""
    return Operations(additions=call.input_size)


@counts("AdaptiveAveragePooling{}D")
def count_adaptive_average_pooling(call: LayerCall) -> Operations:
    """Additions: sizes of all windows, the division as one of each window's."""
    n_spatial = len(call.layer.output_size)
    sources, n_channels = split_image(call, call.input_shapes[0], n_spatial)
    targets, _ = split_image(call, call.output_shapes[0], n_spatial)
    links = tuple(count_links(*lengths) for lengths in zip(sources, targets))
    return Operations(additions=n_channels * size(links))


@counts("MaxPooling{}D", "GlobalMaxPooling{}D", "AdaptiveMaxPooling{}D")
def count_max_pooling(call: LayerCall) -> Operations:
    """Nothing: max pooling only compares, and the result says so."""
    return Operations(assumptions=(MAX_POOLING_FREE,), kernels=1)


def count_links(n_source: int, n_target: int) -> int:
    """Return the pairs of source and target elements that overlap along one axis.

    Target element i covers the source from ``i n_source / n_target`` to
    ``(i + 1) n_source / n_target``, and every source element that this touches.
    """
    return sum(
        -(-(i + 1) * n_source // n_target) - i * n_source // n_target
        for i in range(n_target)
    )
