"""Where cores lie on the mesh of tiles, and the hops of messages between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence

import numpy as np

from .chip import CORES_PER_CHIP, CORES_PER_TILE, TILES_WIDE

MAX_SWAP_ROUNDS = 20
"""Most rounds in which every core is tried in the place of every other."""


@dataclass(frozen=True)
class Placement:
    """A place on a chip for every core of a network.

    Attributes
    ----------
    name : str
        How the places were found.
    chips, slots : (n_cores,) int ndarray
        Chip of each core, and its place there: four to a tile, tiles row by row.
    """

    name: str
    chips: np.ndarray = field(repr=False)
    slots: np.ndarray = field(repr=False)

    @property
    def columns(self) -> np.ndarray:
        """Column of each core's tile, (n_cores,); chips lie side by side in a row."""
        tiles = self.slots // CORES_PER_TILE
        return self.chips * TILES_WIDE + tiles % TILES_WIDE

    @property
    def rows(self) -> np.ndarray:
        """Row of each core's tile, (n_cores,) int ndarray."""
        return self.slots // CORES_PER_TILE // TILES_WIDE

    @property
    def n_tiles(self) -> int:
        """Tiles that hold a core, on all chips."""
        return len(set(zip(self.chips, self.slots // CORES_PER_TILE)))

    def hops(self, messages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Count the hops of messages, which go along the shorter way in each direction.

        Parameters
        ----------
        messages : (n_cores, n_cores) int ndarray
            Messages from each core to each.

        Returns
        -------
        tuple of (n_cores,) int64 ndarray
            Hops east or west, and north or south, of the messages that each core sends.
        """
        across, along = (
            np.abs(ends[:, None] - ends[None, :]) for ends in (self.columns, self.rows)
        )
        return (messages * across).sum(axis=1), (messages * along).sum(axis=1)

    def longest_way(self, messages: np.ndarray) -> tuple[int, int]:
        """Return the hops of the farthest message: east or west, north or south."""
        across, along = (
            np.abs(ends[:, None] - ends[None, :]) * (messages > 0)
            for ends in (self.columns, self.rows)
        )
        if not messages.any():
            return 0, 0
        farthest = np.unravel_index(np.argmax(across + along), messages.shape)
        return int(across[farthest]), int(along[farthest])

    def total_hops(self, messages: np.ndarray) -> int:
        """Return the hops of all messages in both directions."""
        return int(sum(hops.sum() for hops in self.hops(messages)))


def place_row_major(chips: Sequence[int]) -> Placement:
    """Place the cores of each chip one after the other, tile by tile, row by row."""
    chip_of = np.asarray(chips, dtype=np.int64)
    slots = np.zeros_like(chip_of)
    for chip in np.unique(chip_of):
        members = np.flatnonzero(chip_of == chip)
        slots[members] = np.arange(members.size)
    return Placement("row-major", chip_of, slots)


def place_greedily(chips: Sequence[int], messages: np.ndarray) -> Placement:
    """Place cores that exchange many messages close to each other.

    The core with the most traffic comes first, near the centre; then always the one
    that exchanges most with those placed, where its messages are shortest. In the end
    cores change places as long as that saves hops. The result is never worse than
    row-major.

    Parameters
    ----------
    chips : sequence of int
        Chip of each core.
    messages : (n_cores, n_cores) int ndarray
        Messages from each core to each.
    """
    simple = place_row_major(chips)
    slots = simple.slots.copy()
    traffic = messages + messages.T
    np.fill_diagonal(traffic, 0)
    for chip in np.unique(simple.chips):
        members = np.flatnonzero(simple.chips == chip)
        within = traffic[np.ix_(members, members)]
        starts = (slots[members], _grow(within))
        improved = [_swap(start, within) for start in starts]
        slots[members] = min(improved, key=lambda found: _cost(found, within))
    placed = Placement("greedy", simple.chips, slots)
    if placed.total_hops(messages) > simple.total_hops(messages):
        # messages between chips, which weren't looked at, may outweigh what was saved
        return Placement("greedy", simple.chips, simple.slots)
    return placed


def _distances() -> np.ndarray:
    """Return the hops between any two places of a chip, (128, 128) int ndarray."""
    tiles = np.arange(CORES_PER_CHIP) // CORES_PER_TILE
    column, row = tiles % TILES_WIDE, tiles // TILES_WIDE
    across = np.abs(column[:, None] - column[None, :])
    distances: np.ndarray = across + np.abs(row[:, None] - row[None, :])
    return distances


def _cost(slots: np.ndarray, traffic: np.ndarray) -> int:
    return int((traffic * _distances()[np.ix_(slots, slots)]).sum())


def _grow(traffic: np.ndarray) -> np.ndarray:
    """Return places for cores of one chip, each chosen when it is placed."""
    distances = _distances()
    n_cores = len(traffic)
    slots = np.full(n_cores, -1)
    free = np.ones(CORES_PER_CHIP, dtype=bool)
    to_placed = np.zeros(n_cores)
    for _ in range(n_cores):
        waiting = slots < 0
        strength = np.where(waiting, to_placed, -1.0)
        ties = np.flatnonzero(strength == strength.max())
        core = ties[np.argmax(traffic[ties].sum(axis=1))]
        placed = np.flatnonzero(~waiting)
        cost = distances[:, slots[placed]] @ traffic[core, placed]
        # among the cheapest, the most central, so that there is room around it
        cost = np.where(free, cost + distances.sum(axis=1) / 1e9, np.inf)
        slots[core] = int(np.argmin(cost))
        free[slots[core]] = False
        to_placed += traffic[core]
    return slots


def _swap(slots: np.ndarray, traffic: np.ndarray) -> np.ndarray:
    """Let cores change places, or move to free ones, as long as that saves hops."""
    distances = _distances()
    slots = slots.copy()
    occupant = np.full(CORES_PER_CHIP, -1)
    occupant[slots] = np.arange(len(slots))
    costs = traffic @ distances[slots]  # hops of each core, were it at each place
    for _ in range(MAX_SWAP_ROUNDS):
        improved = False
        for core in range(len(slots)):
            here = slots[core]
            gain = costs[core, here] - costs[core]
            taken = np.flatnonzero(occupant >= 0)
            others = occupant[taken]
            gain[taken] += costs[others, taken] - costs[others, here]
            # both terms take the messages of the two as if the other stayed
            gain[taken] -= 2 * traffic[core, others] * distances[here, taken]
            gain[here] = 0
            there = int(np.argmax(gain))
            if gain[there] <= 0:
                continue
            improved = True
            other = occupant[there]
            shift = distances[there] - distances[here]
            costs += np.outer(traffic[:, core], shift)
            if other >= 0:
                costs -= np.outer(traffic[:, other], shift)
                slots[other] = here
            occupant[here], occupant[there] = other, core
            slots[core] = there
        if not improved:
            break
    return slots
