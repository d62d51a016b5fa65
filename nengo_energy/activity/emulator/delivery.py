"""Compiled loops that deliver spikes: add a row of weights to sums, several at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ...common.compiled import compiled

LANES = 16
"""Weights that are added at once."""

ONE, STEP = np.uint64(1), np.uint64(LANES)


class Routes(NamedTuple):
    """Where each spike goes, and by which weights.

    A source is a compartment, or a neuron of the host's that sends spikes to the chip.
    A spike of it adds a row of weights to sums, from a base on. Sources share rows, as
    convolutions share weights. Sums lie in the order of a layer's neurons, in which
    targets are neighbours that lie on different cores.

    The shape of a row is a stretch of ``shapes``: the number of its blocks of `LANES`
    neighbouring sums, and for each the first, counted from the base. Blocks that have
    fewer targets are filled up with weights of zero. Where targets are scattered, there
    are no blocks; the number of targets comes next, then these.

    Attributes
    ----------
    rows : (n_sources, 3) uint32 or uint64 ndarray
        Where shape and weights of the source's row begin, and the sum that its targets
        count from.
    shapes : uint16 or uint32 ndarray
        All shapes.
    weights : int16 or int32 ndarray
        All weights.
    place : (n_compartments,) uint32 ndarray
        The sum of each compartment.
    """

    rows: np.ndarray
    shapes: np.ndarray
    weights: np.ndarray
    place: np.ndarray


@intrinsic
def add_lanes(
    typing: Any, total: Any, at: Any, weights: Any, begin: Any
) -> tuple[Any, Any]:
    """Add `LANES` neighbouring weights to as many neighbouring sums.

    The compiler would do so in long loops alone, and one by one what is left of them.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        vectors = []
        for k in (0, 2):
            array = context.make_array(signature.args[k])(context, builder, given[k])
            bits = signature.args[k].dtype.bitwidth
            many = ir.VectorType(ir.IntType(bits), LANES).as_pointer()
            place = builder.bitcast(builder.gep(array.data, [given[k + 1]]), many)
            vectors.append((place, builder.load(place, align=bits // 8)))
        (place, sums), (_, added) = vectors
        if added.type != sums.type:
            added = builder.sext(added, sums.type)
        builder.store(builder.add(sums, added), place, align=4)
        return context.get_dummy_value()

    return types.void(total, at, weights, begin), generate


@compiled
def deliver(routes: Routes, source: int, total: np.ndarray) -> None:
    """Add the weights of one spike to the sums, behind which are `LANES` more."""
    shapes, weights = routes.shapes, routes.weights
    row = routes.rows[np.uint64(source)]
    at, weight, base = np.uint64(row[0]), np.uint64(row[1]), np.uint64(row[2])
    n_blocks = np.uint64(shapes[at])
    at += ONE
    end = at + n_blocks
    while at < end:
        add_lanes(total, base + np.uint64(shapes[at]), weights, weight)
        at += ONE
        weight += STEP
    if n_blocks == 0:
        end = at + ONE + np.uint64(shapes[at])
        at += ONE
        while at < end:
            total[base + np.uint64(shapes[at])] += weights[weight]
            at += ONE
            weight += ONE
