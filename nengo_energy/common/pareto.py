"""Which settings are worth a look: those on the Pareto front, and the cheapest."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np


def pareto_front(cost: Any, benefit: Any) -> np.ndarray:
    """Return which points no other point beats.

    A point is beaten by one that costs no more and gains no less, and is better in one
    of the two. Of points that are equal in both, all are on the front.

    Parameters
    ----------
    cost, benefit : (n,) array_like
        What is to be small, and what is to be large. Points with NaN in either are not
        on the front.

    Returns
    -------
    (n,) bool ndarray
        True for points on the front.

    Examples
    --------
    >>> pareto_front([1, 2, 3], [0.5, 0.9, 0.8])
    array([ True,  True, False])
    """
    points = np.column_stack([cost, np.negative(benefit)]).astype(float)
    points[~np.isfinite(points).all(axis=1)] = np.nan
    return is_on_front(points)


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
