"""Which settings are worth a look: the Pareto front of cost against benefit."""

from __future__ import annotations

from typing import Any

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
    costs, benefits = np.asarray(cost, float), np.asarray(benefit, float)
    known = np.isfinite(costs) & np.isfinite(benefits)
    front = np.zeros(len(costs), bool)
    best, best_cost = -np.inf, np.nan
    # from the cheapest on, and among equally cheap ones from the best on
    for i in np.lexsort((-benefits, costs)):
        if known[i] and (
            benefits[i] > best or (benefits[i] == best and costs[i] == best_cost)
        ):
            front[i] = True
            best, best_cost = benefits[i], costs[i]
    return front
