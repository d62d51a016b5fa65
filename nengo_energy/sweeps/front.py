"""Which points are worth having: those on the Pareto front, and the cheapest."""

from __future__ import annotations

from typing import Sequence


def cheapest(
    energies: Sequence[float], accuracies: Sequence[float], least: float
) -> int | None:
    """Return the index of the point with the least energy of those accurate enough.

    Of several with that energy, it is the most accurate one, and then the first; None
    if no point is accurate enough.
    """
    enough = [i for i, accuracy in enumerate(accuracies) if accuracy >= least]
    return min(enough, key=lambda i: (energies[i], -accuracies[i], i), default=None)
