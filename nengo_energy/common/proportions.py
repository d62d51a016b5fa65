"""Shares of inferences, such as an accuracy, with their confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable

import numpy as np

CONFIDENCE = 0.95
"""Level of the intervals."""


@dataclass(frozen=True)
class Share:
    """A share of trials, counted.

    Attributes
    ----------
    count : int
        Trials that came out so.
    n : int
        All trials, at least one.
    per_inference : int
        Trials of one inference, such as the pixels of a picture. They hang together,
        so the interval takes them as if they all came out alike.
    """

    count: int
    n: int
    per_inference: int = 1

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

        z = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))
        n, p = self.n / self.per_inference, self.value
        centre = p + z**2 / (2 * n)
        half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        scale = 1 + z**2 / n
        return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"


def share_equal(found: np.ndarray, wanted: np.ndarray) -> Share:
    """Return how many of some decisions, (n_inferences, ...) ndarray, equal others."""
    per_inference = wanted[0].size if len(wanted) else 1
    return Share(int(np.count_nonzero(found == wanted)), wanted.size, per_inference)


def sum_shares(shares: Iterable[Share]) -> Share:
    """Return the share over the trials of several."""
    parts = list(shares)
    return Share(
        sum(part.count for part in parts),
        sum(part.n for part in parts),
        max((part.per_inference for part in parts), default=1),
    )


def share_ends(share: Share) -> dict[str, float]:
    """Return a share and the ends of its confidence interval, for settings."""
    low, high = share.interval
    return {"value": share.value, "low": low, "high": high}


def share_columns(name: str, share: Share | None) -> dict[str, float]:
    """Return a share and its confidence interval, by column; NaN for none."""
    ends = (float("nan"),) * 2 if share is None else share.interval
    value = float("nan") if share is None else share.value
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
