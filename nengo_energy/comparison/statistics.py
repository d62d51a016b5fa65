"""Correlation and error of two series that come in batches, in constant memory."""

from __future__ import annotations

import math

import numpy as np


class Pairs:
    """Sums up pairs of a wanted and a found value.

    Means and moments are merged batch by batch, which loses no digits where values are
    large beside their spread.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample
    variance: analysis and recommendations", The American Statistician 37 (1983)
    242-247, doi:10.1080/00031305.1983.10483115.
    """

    def __init__(self) -> None:
        self.n = 0
        self.means = np.zeros(2)
        self._moments = np.zeros((2, 2))
        self._squares = 0.0
        self._errors = 0.0
        self._zeros = np.zeros(2, dtype=np.int64)

    def add(self, wanted: np.ndarray, found: np.ndarray) -> None:
        """Add two arrays of one shape."""
        both = np.stack([np.ravel(wanted), np.ravel(found)]).astype(float)
        n = both.shape[1]
        if n == 0:
            return
        means = both.mean(axis=1)
        centred = both - means[:, None]
        shift = means - self.means
        total = self.n + n
        self._moments += centred @ centred.T
        self._moments += np.outer(shift, shift) * (self.n * n / total)
        self.means = self.means + shift * (n / total)
        self.n = total
        self._squares += float(both[0] @ both[0])
        self._errors += float(np.sum((both[1] - both[0]) ** 2))
        self._zeros += np.count_nonzero(both == 0, axis=1)

    @property
    def correlation(self) -> float | None:
        """Pearson's correlation coefficient, None where one of the two is constant."""
        spread = math.sqrt(self._moments[0, 0]) * math.sqrt(self._moments[1, 1])
        return float(self._moments[0, 1] / spread) if spread > 0 else None

    @property
    def relative_error(self) -> float | None:
        """Norm of the differences over that of the wanted values; None if these are 0.

        The root of (sum of squared differences / sum of squared wanted values).
        """
        if self._squares == 0:
            return None
        return math.sqrt(self._errors / self._squares)

    @property
    def zero_shares(self) -> tuple[float, float]:
        """Share of zeros among the wanted and among the found values."""
        wanted, found = self._zeros / max(self.n, 1)
        return float(wanted), float(found)
