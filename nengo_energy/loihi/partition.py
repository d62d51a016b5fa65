"""How an ensemble is split into the blocks that cores take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Partition:
    """An ensemble of some shape, split into blocks of one shape.

    Attributes
    ----------
    shape : tuple of int
        Shape of the ensemble.
    block : tuple of int
        Shape of a block; those at the end may be smaller.
    """

    shape: tuple[int, ...]
    block: tuple[int, ...]

    @property
    def n_splits(self) -> tuple[int, ...]:
        """Number of blocks along each axis."""
        return tuple(-(-n // b) for n, b in zip(self.shape, self.block))

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(np.prod(self.n_splits))

    @cached_property
    def block_of(self) -> np.ndarray:
        """Block of each neuron, (n_neurons,) int ndarray."""
        positions = np.unravel_index(np.arange(np.prod(self.shape)), self.shape)
        blocks = [p // b for p, b in zip(positions, self.block)]
        return np.ravel_multi_index(blocks, self.n_splits)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Neurons in each block, (n_blocks,) int ndarray."""
        return np.bincount(self.block_of, minlength=self.n_blocks)

    def intervals(self, axis: int) -> list[tuple[int, int]]:
        """Return the (first, end) of the blocks along an axis."""
        n, step = self.shape[axis], self.block[axis]
        return [(start, min(start + step, n)) for start in range(0, n, step)]
