"""Add up counts by layer and operation, inference by inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import numpy as np

from .operations import OPERATIONS, OpCount

if TYPE_CHECKING:
    from ..network.topology import Topology


class Tally:
    """Adds up counts by layer and operation, inference by inference."""

    def __init__(self, n_inferences: int, layers: Sequence[str]):
        self.n_inferences = n_inferences
        self.layers = layers
        self.series: dict[tuple[str, str, str], np.ndarray] = {}

    def add(
        self,
        layer: str,
        operation: str,
        counts: np.ndarray | int,
        where: str = "device",
    ) -> None:
        """Add counts of each inference; a number counts for every inference."""
        key = (layer, operation, where)
        # integers stay integers, and what has expected values in it becomes float
        none = np.zeros(self.n_inferences, np.int64)
        self.series[key] = self.series.get(key, none) + counts

    def rows(self) -> tuple[OpCount, ...]:
        """Return the rows in the order of the network, layer by layer."""
        order = list(OPERATIONS)
        keys = sorted(
            (key for key, counts in self.series.items() if _is_kept(key[1], counts)),
            key=lambda key: (self.layers.index(key[0]), order.index(key[1]), key[2]),
        )
        return tuple(
            OpCount(
                layer,
                operation,
                self.series[layer, operation, where].sum().item(),
                self.n_inferences,
                std=_std(self.series[layer, operation, where]),
                where=where,
            )
            for layer, operation, where in keys
        )


def layers_in_order(topology: Topology) -> list[str]:
    """Return layers as signals pass them: weights before the neurons they drive."""
    layers = []
    for pop in topology.populations:
        arriving = topology.inputs + topology.projections
        layers += [p.layer for p in arriving if p.post == pop.name] + [pop.layer]
    layers += [p.layer for p in topology.inputs + topology.readouts]
    layers += [rule.layer for rule in topology.learning]
    return list(dict.fromkeys(layers))


def _is_kept(operation: str, counts: np.ndarray) -> bool:
    """Tell whether a row says something: encoders that aren't there don't."""
    return operation != "mac" or bool(np.any(counts))


def _std(counts: np.ndarray) -> float:
    return float(np.std(counts, ddof=1)) if len(counts) > 1 else 0.0
