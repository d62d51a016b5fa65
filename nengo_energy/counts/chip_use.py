"""Where a network lies on a chip's cores, and what each of them does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

import numpy as np


@dataclass(frozen=True)
class CoreUse:
    """What one core of a chip does in a mean timestep.

    Attributes
    ----------
    chip : int
        Number of the chip that it is on.
    operations : Mapping of {str: float}
        Operations per timestep; ``message_in`` are messages that arrive.
    """

    chip: int
    operations: Mapping[str, float]


@dataclass(frozen=True)
class ChipUse:
    """The cores that a network takes, which time and leakage hang on.

    Attributes
    ----------
    cores : tuple of CoreUse
        The cores in use.
    longest_way : tuple of int
        Hops of the message that goes farthest, east or west and north or south.
    pace : float, optional
        Length that each timestep is held to, if no core takes longer [s]; by default
        timesteps follow each other as fast as the cores can.
    n_tiles : int, optional
        Tiles that hold a core in use, where the placement says.
    by_timestep : Mapping of {str: (n_steps, n_cores) ndarray}
        Operations of each core in each of some timesteps, where these were followed one
        by one; empty where only the mean is known.
    """

    cores: tuple[CoreUse, ...]
    longest_way: tuple[int, int] = (0, 0)
    pace: float | None = None
    n_tiles: int | None = None
    by_timestep: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return len(self.cores)

    @property
    def n_chips(self) -> int:
        """Chips in use."""
        return len({core.chip for core in self.cores})
