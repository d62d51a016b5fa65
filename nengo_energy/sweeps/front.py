"""Which points are worth having: those on the Pareto front, and the cheapest."""

from __future__ import annotations

from typing import Sequence

import numpy as np


def is_on_front(costs: np.ndarray) -> np.ndarray:
    """Return which points no other point dominates.

    A point dominates another if it costs no more in any respect, and less in one.
    Points with equal costs don't dominate each other.

    Parameters
    ----------
    costs : (n_points, n_objectives) ndarray
        Smaller is better; a point with a NaN is on no front.

    Returns
    -------
    (n_points,) bool ndarray
    """
    known = ~np.isnan(costs).any(axis=1)
    front = known.copy()
    for i in np.flatnonzero(known):
        others = costs[known]
        no_worse = (others <= costs[i]).all(axis=1)
        better = (others < costs[i]).any(axis=1)
        front[i] = not np.any(no_worse & better)
    return front


def cheapest(
    energies: Sequence[float], accuracies: Sequence[float], least: float
) -> int | None:
    """Return the index of the point with the least energy of those accurate enough.

    Of several with that energy, it is the most accurate one, and then the first; None
    if no point is accurate enough.
    """
    enough = [i for i, accuracy in enumerate(accuracies) if accuracy >= least]
    return min(enough, key=lambda i: (energies[i], -accuracies[i], i), default=None)
