"""Shares of inferences, such as an accuracy, with their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

import numpy as np

from .exceptions import InputError

CONFIDENCE = 0.95
"""Level of the intervals."""


@dataclass(frozen=True)
class Share:
    """A share of independent trials, counted.

    Attributes
    ----------
    count : int
        Trials that came out so.
    n : int
        All trials, at least one.
    """

    count: int
    n: int

    @property
    def value(self) -> float:
        """The share, between 0 and 1."""
        return self.count / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval of the share, at 95 % confidence.

        Unlike the interval of the normal approximation it stays between 0 and 1, and
        has a width where all trials came out the same.

        References
        ----------
        E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", Journal of the American Statistical Association 22 (1927) 209-212,
        doi:10.1080/01621459.1927.10502953.
        """
        from scipy import stats

        found = stats.binomtest(self.count, self.n)
        ends = found.proportion_ci(confidence_level=CONFIDENCE, method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"


def share_equal(found: np.ndarray, wanted: np.ndarray) -> Share:
    """Return how many of some decisions equal others."""
    return Share(int(np.count_nonzero(found == wanted)), len(wanted))


def sum_shares(shares: Iterable[Share]) -> Share:
    """Return the share over the trials of several."""
    parts = list(shares)
    return Share(sum(part.count for part in parts), sum(part.n for part in parts))


def share_columns(name: str, share: Share | None) -> dict[str, float]:
    """Return a share and its confidence interval, by column; NaN for none."""
    ends = (float("nan"),) * 2 if share is None else share.interval
    value = float("nan") if share is None else share.value
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def check_labels(labels: Any, n_inferences: int, n_classes: int) -> np.ndarray:
    """Return labels as (n_inferences,) integers below the number of classes.

    Raises
    ------
    InputError
        If they aren't that.
    """
    array = np.asarray(labels)
    if array.shape != (n_inferences,):
        raise InputError(
            f"labels must have the shape ({n_inferences},), one for each inference; "
            f"got {array.shape}"
        )
    if array.dtype.kind not in "biuf" or not np.all(array == np.floor(array)):
        raise InputError(
            f"labels must be whole numbers, the index of the class; got {array.dtype}"
        )
    if n_classes < 2:
        raise InputError(
            f"labels need an output with a value for each class; it has {n_classes}"
        )
    if n_inferences and not 0 <= array.min() <= array.max() < n_classes:
        raise InputError(
            f"labels must be between 0 and {n_classes - 1}, as the output has "
            f"{n_classes} values; got {array.min():g} to {array.max():g}"
        )
    return array.astype(np.int64)
