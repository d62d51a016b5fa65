"""Measured energies or times of several networks -> what each term of them costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.exceptions import InputError


@dataclass(frozen=True)
class Fit:
    """Costs per unit of each term, none of them negative.

    Attributes
    ----------
    values : (n_terms,) ndarray
        The costs: measured = sum over terms (amount x cost), as nearly as can be.
    lows, highs : (n_terms,) ndarray or None
        Confidence interval of each; None where there are no more cases than terms.
    ratios : (n_cases,) ndarray
        Measured over fitted.
    """

    values: np.ndarray
    lows: np.ndarray | None
    highs: np.ndarray | None
    ratios: np.ndarray

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of measured to fitted, around 1."""
        return min(1.0, float(self.ratios.min())), max(1.0, float(self.ratios.max()))


def fit_terms(amounts: Any, measured: Any, confidence: float = 0.95) -> Fit:
    """Fit the costs of terms to measured sums of them.

    Least squares of the logarithm of fitted over measured: a factor of two is as bad
    up as down, and as bad for small networks as for large ones. The interval is that of
    Student's t for the linearised problem, cut at zero.

    Parameters
    ----------
    amounts : (n_cases, n_terms) array_like
        How much of each term each case holds, at least 0: 1 of the fixed term, so many
        multiply-accumulates, ....
    measured : (n_cases,) array_like
        What the cases cost in all, above 0.
    confidence : float
        Probability that each interval is to cover.

    Returns
    -------
    Fit
        Costs in the unit of ``measured`` per unit of ``amounts``.

    Raises
    ------
    InputError
        When there are fewer different cases than terms, or a value isn't positive.

    Examples
    --------
    >>> fit = fit_terms([[1, 10], [1, 100], [1, 1000]], [3.0, 12.0, 102.0])
    >>> fit.values.round(6).tolist()
    [2.0, 0.1]
    """
    from scipy.optimize import least_squares, nnls
    from scipy.stats import t

    x = np.asarray(amounts, float)
    y = np.asarray(measured, float)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InputError(
            f"amounts must have a row for each of {y.size} cases; got {x.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (y > 0).all()):
        raise InputError("measured values must be above 0, and amounts finite")
    n_cases, n_terms = x.shape
    scale = x.max(axis=0, initial=0)
    if (x < 0).any() or not scale.all() or np.linalg.matrix_rank(x / scale) < n_terms:
        raise InputError(
            f"{n_cases} cases can't tell {n_terms} terms apart; measure more networks "
            "of different sizes"
        )
    # Terms of like size, and a start from linear least squares of the relative error.
    x = x / scale
    start, _ = nnls(x / y[:, None], np.ones(n_cases))
    start = np.maximum(start, 1e-6 * y.min())  # a bound is no place to start from

    def residuals(costs: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(x @ costs, 1e-300)) - np.log(y)

    def jacobian(costs: np.ndarray) -> np.ndarray:
        return x / np.maximum(x @ costs, 1e-300)[:, None]

    result = least_squares(
        residuals,
        start,
        jacobian,
        bounds=(0, np.inf),
        x_scale=start,
        xtol=1e-12,
        ftol=1e-12,
        gtol=None,
    )
    values = result.x
    lows = highs = None
    freedom = n_cases - n_terms
    if freedom > 0:
        j = jacobian(values) * start  # of like size again, for the inverse
        variance = result.fun @ result.fun / freedom
        errors = start * np.sqrt(variance * np.diag(np.linalg.pinv(j.T @ j)))
        reach = t.ppf(0.5 + confidence / 2, freedom) * errors
        lows = np.maximum(values - reach, 0) / scale
        highs = (values + reach) / scale
    return Fit(values / scale, lows, highs, y / (x @ values))
