"""Search how to split the layers of a network over cores, so that every block fits.

A block is what one core holds. Its input axons and synapse memory follow from the split
of its own layer, its output axons from that of the layers it drives; so layers are
split one after the other, beginning with the last.
"""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import Iterator, Mapping, Sequence

import numpy as np

from ..common.exceptions import UnsupportedError
from ..common.plain_text import plain_line
from .chip import (
    CORES_PER_CHIP,
    MAX_COMPARTMENTS,
    MAX_IN_AXONS,
    MAX_OUT_AXONS,
    MAX_SYNAPSE_BITS,
)
from .partition import Partition
from .synapses import ChipSynapses

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Link:
    """Synapses between two layers, or from the host to one.

    Attributes
    ----------
    pre : str or None
        Layer on the chip that drives them; None for the host.
    post : str
        Layer that holds them.
    synapses : ChipSynapses
        The synapses.
    """

    pre: str | None
    post: str
    synapses: ChipSynapses


@dataclass(frozen=True)
class BlockPlan:
    """How a layer is split over cores, and what its blocks take.

    Attributes
    ----------
    layer : str
        Name of the population.
    partition : Partition
        Shape of the layer, and of its blocks.
    in_axons, out_axons, synapse_bits : (n_blocks,) int64 ndarray
        What each block takes of its core.
    """

    layer: str
    partition: Partition
    in_axons: np.ndarray
    out_axons: np.ndarray
    synapse_bits: np.ndarray

    @property
    def n_cores(self) -> int:
        """Cores that the layer takes."""
        return self.partition.n_blocks

    @property
    def n_chips(self) -> int:
        """Chips that the layer alone would need."""
        return -(-self.n_cores // CORES_PER_CHIP)

    @property
    def excess(self) -> Mapping[str, tuple[int, int]]:
        """By resource of a core, (largest, limit), where the limit is exceeded."""
        largest = {
            "compartments": (int(self.partition.sizes.max()), MAX_COMPARTMENTS),
            "input axons": (int(self.in_axons.max()), MAX_IN_AXONS),
            "output axons": (int(self.out_axons.max()), MAX_OUT_AXONS),
            "bits of synapse memory": (int(self.synapse_bits.max()), MAX_SYNAPSE_BITS),
        }
        return {name: pair for name, pair in largest.items() if pair[0] > pair[1]}


def plan_blocks(
    shapes: Mapping[str, tuple[int, ...]],
    links: Sequence[Link],
    min_cores: Mapping[str, int] | None = None,
) -> dict[str, BlockPlan]:
    """Find a split of every layer with as few cores as the search finds.

    Shapes are tried in the order of their number of blocks. Among the first that fit,
    the one is taken that asks for the fewest output axons of the layers that drive it.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Shape of each layer on the chip.
    links : sequence of Link
        The synapses between them.
    min_cores : mapping of str to int, optional
        Cores that a layer is to take at least.

    Returns
    -------
    dict of {str: BlockPlan}
        In the order of ``shapes``.

    Raises
    ------
    UnsupportedError
        If layers drive each other in a loop, or a layer fits no number of cores.
    """
    plans: dict[str, BlockPlan] = {}
    reach: dict[int, np.ndarray] = {}
    for layer in reversed(_in_order(shapes, links)):
        into = [link for link in links if link.post == layer]
        out = [
            (link.synapses, reach[k])
            for k, link in enumerate(links)
            if link.pre == layer
        ]
        least = (min_cores or {}).get(layer, 1)
        plan = _search(layer, shapes[layer], into, out, least)
        name, block = plain_line(layer), plan.partition.block
        logger.info("%s: blocks of %s on %d cores", name, block, plan.n_cores)
        plans[layer] = plan
        for k, link in enumerate(links):
            if link.post == layer:
                reach[k] = link.synapses.usage(plan.partition).reach
    return {layer: plans[layer] for layer in shapes}


def _search(
    layer: str,
    shape: tuple[int, ...],
    into: Sequence[Link],
    out: Sequence[tuple[ChipSynapses, np.ndarray]],
    least: int,
) -> BlockPlan:
    least_bits = sum(link.synapses.least_bits for link in into)
    for n_blocks, group in itertools.groupby(
        _partitions(shape), key=lambda partition: partition.n_blocks
    ):
        if n_blocks < least or least_bits > n_blocks * MAX_SYNAPSE_BITS:
            continue  # too few, however they are shaped
        found = [_plan(layer, partition, into, out) for partition in group]
        fitting = [(asked, plan) for plan, asked in found if not plan.excess]
        if fitting:
            return min(fitting, key=lambda pair: pair[0])[1]
    smallest, _ = _plan(layer, Partition(shape, (1,) * len(shape)), into, out)
    taken = ", ".join(
        f"{largest:,} {name} (a core has {limit:,})"
        for name, (largest, limit) in smallest.excess.items()
    )
    raise UnsupportedError(
        f"layer {layer!r} fits no number of cores: one neuron alone takes {taken}. "
        "Smaller layers before it, or more pooling, leave it less; average pooling "
        "takes a third of the axons of max pooling by neurons"
    )


def _plan(
    layer: str,
    partition: Partition,
    into: Sequence[Link],
    out: Sequence[tuple[ChipSynapses, np.ndarray]],
) -> tuple[BlockPlan, int]:
    """Return what a split takes, and the output axons it asks of driving layers."""
    zeros = np.zeros(partition.n_blocks, dtype=np.int64)
    in_axons, bits, out_axons = zeros.copy(), zeros.copy(), zeros.copy()
    asked = 0
    for synapses, reach in out:
        out_axons += synapses.out_axons(partition, reach)
    for link in into:
        if np.any(out_axons > MAX_OUT_AXONS):
            break  # it doesn't fit, whatever comes in
        usage = link.synapses.usage(partition)
        in_axons += usage.in_axons
        bits += usage.bits
        if link.pre is not None:
            asked += link.synapses.slots * int(usage.reach.sum())
    return BlockPlan(layer, partition, in_axons, out_axons, bits), asked


def _partitions(shape: tuple[int, ...]) -> Iterator[Partition]:
    """Yield splits into equal blocks that a core can hold, the fewest blocks first."""
    steps = [
        sorted({-(-n // n_parts) for n_parts in range(1, n + 1)}, reverse=True)
        for n in shape
    ]
    found = [
        Partition(shape, block)
        for block in itertools.product(*steps)
        if np.prod(block) <= MAX_COMPARTMENTS
    ]
    # nearly square blocks share more of their inputs
    found.sort(key=lambda p: (p.n_blocks, max(p.block[:2]) - min(p.block[:2])))
    yield from found


def _in_order(shapes: Mapping[str, object], links: Sequence[Link]) -> list[str]:
    """Return layers so that each follows those that drive it."""
    ordered: list[str] = []
    while len(ordered) < len(shapes):
        ready = [
            layer
            for layer in shapes
            if layer not in ordered
            and all(
                link.pre is None or link.pre in ordered
                for link in links
                if link.post == layer
            )
        ]
        if not ready:
            stuck = ", ".join(repr(name) for name in shapes if name not in ordered)
            raise UnsupportedError(
                f"layers drive each other in a loop: {stuck}; only feed-forward "
                "networks are deployed"
            )
        ordered += ready
    return ordered
