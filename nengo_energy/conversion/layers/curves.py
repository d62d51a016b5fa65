"""What an activation function is, read off the function itself.

Functions that consist of a few straight lines are sums of rectifiers, so rectified
linear neurons compute them exactly. All others that work element by element are the
rate curve of a neuron.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]
"""Takes and returns (n,) ndarrays."""

FINE = np.arange(-1024, 1025) / 64
"""Points between -16 and 16, where activation functions bend."""
GRID = np.concatenate([np.arange(-2048.0, -16, 2), FINE, np.arange(18.0, 2049, 2)])
"""Points at which a function is looked at."""

MAX_PIECES = 5
"""Most straight lines that are taken for a function of straight lines."""
MIN_INTERVALS = 3
"""Fewest intervals of the grid that make a line; one between lines holds the bend."""
SLOPE_TOLERANCE = 2e-3
"""Largest difference of slopes within a line, relative to the largest slope."""
VALUE_TOLERANCE = 2e-5
"""Largest error of the sum of rectifiers, relative to the value, and to the slope."""

FITTED = 8.0
"""How far from zero the lines that stand in for a curve are fitted to it."""


@dataclass(frozen=True)
class Rectifiers:
    """A function as ``offset + sum weight * relu(sign * (x - knot))``.

    Attributes
    ----------
    offset : float
        Value where all rectifiers are silent.
    terms : tuple of (sign, knot, weight)
        One rectifier each; a sign of -1 is active below its knot.
    """

    offset: float
    terms: tuple[tuple[int, float, float], ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        parts = [w * np.maximum(sign * (x - knot), 0) for sign, knot, w in self.terms]
        return np.asarray(self.offset + sum(parts, np.zeros_like(x, dtype=float)))

    @property
    def is_relu(self) -> bool:
        """Whether this is ``max(x, 0)``."""
        return self.offset == 0 and self.terms == ((1, 0.0, 1.0),)


@dataclass(frozen=True)
class Line:
    """A straight line ``offset + slope * x``."""

    offset: float
    slope: float


def read_curve(function: Function) -> Line | Rectifiers | None:
    """Return a function as a line or a sum of rectifiers, or None if it is neither.

    Parameters
    ----------
    function : callable
        Works element by element, in single precision.
    """
    values = np.asarray(function(GRID), dtype=float)
    if not np.all(np.isfinite(values)):
        return None
    pieces = _pieces(values)
    if pieces is None:
        return None
    curve: Line | Rectifiers
    if len(pieces) == 1:
        slope, offset = pieces[0]
        curve = Line(offset, slope)
        found = offset + slope * GRID
    elif any(a[0] == b[0] for a, b in zip(pieces, pieces[1:])):
        return None  # parallel lines never meet: the function jumps
    else:
        knots = [
            _plain((later[1] - earlier[1]) / (earlier[0] - later[0]), 1e-5)
            for earlier, later in zip(pieces, pieces[1:])
        ]
        curve = _as_rectifiers([slope for slope, _ in pieces], knots, pieces[0])
        found = curve(GRID)
    steepest = max(abs(slope) for slope, _ in pieces)
    allowed = VALUE_TOLERANCE * (steepest + np.abs(values))
    return curve if np.all(np.abs(found - values) <= allowed) else None


def fit_rectifiers(function: Function, n: int) -> Rectifiers | None:
    """Return a sum of at most n rectifiers that comes near to a curve.

    Its bends lie closest where the curve bends most, as is best for straight lines;
    between -8 and 8 the squares of the errors are least, and beyond its last bends it
    has the slopes that the curve has far out. None for a curve without such slopes.

    Parameters
    ----------
    function : callable
        Works element by element, in single precision.
    n : int
        Number of rectifiers, at least 2.
    """
    with np.errstate(over="ignore"):
        values = np.asarray(function(GRID), dtype=float)
    if not np.all(np.isfinite(values)):
        return None
    slopes = np.diff(values) / np.diff(GRID)
    left, right = _plain(slopes[0], 1e-4), _plain(slopes[-1], 1e-4)
    inside = np.abs(GRID) <= FITTED
    x, y = GRID[inside], values[inside]
    bends = np.cumsum(np.sqrt(np.abs(np.diff(y, 2))))
    n_knots = n if 0 in (left, right) else n - 1
    places = (np.arange(n_knots) + 0.5) / n_knots * bends[-1]
    knots = np.interp(places, bends, x[1:-1])
    # values at the knots, between which lines run
    hats = np.stack([np.interp(x, knots, row) for row in np.eye(n_knots)], axis=1)
    outer = left * np.minimum(x - knots[0], 0) + right * np.maximum(x - knots[-1], 0)
    at_knots = np.linalg.lstsq(hats, y - outer, rcond=None)[0]
    between = np.diff(at_knots) / np.diff(knots)
    first = left, float(at_knots[0] - left * knots[0])
    return _as_rectifiers(
        [left, *map(float, between), right], list(map(float, knots)), first
    )


def largest_error(curve: Rectifiers, function: Function) -> float:
    """Return the largest error of a curve between -16 and 16."""
    x = np.linspace(FINE[0], FINE[-1], 4 * len(FINE) + 1)
    return float(np.max(np.abs(curve(x) - np.asarray(function(x), float))))


def is_elementwise(function: Function) -> bool:
    """Tell whether each element of a function's output hangs on its own input alone."""
    x = np.random.RandomState(0).uniform(-4, 4, size=64)
    values = function(x)
    order = np.arange(64)[::-1]
    return (
        np.shape(values) == x.shape
        and np.allclose(function(x[order]), values[order], atol=1e-6)
        and all(
            np.allclose(function(x[k : k + n]), values[k : k + n], atol=1e-6)
            for k, n in ((0, 1), (1, 1), (2, 2), (4, 15))
        )
    )


def _pieces(values: np.ndarray) -> list[tuple[float, float]] | None:
    """Return (slope, offset) of each line from left to right, or None if too many."""
    slopes = np.diff(values) / np.diff(GRID)
    tolerance = SLOPE_TOLERANCE * (np.max(np.abs(slopes)) or 1.0)
    ends = np.flatnonzero(np.abs(np.diff(slopes)) > tolerance) + 1
    starts = np.concatenate([[0], ends])
    stops = np.concatenate([ends, [len(slopes)]])
    pieces: list[tuple[float, float]] = []
    for start, stop in zip(starts, stops):
        if stop - start < MIN_INTERVALS:
            continue
        # the middle half of a line, away from its bends
        rise, run = values[stop] - values[start], GRID[stop] - GRID[start]
        slope = _plain(rise / run)
        middle = (start + stop) // 2
        pieces.append((slope, _plain(values[middle] - slope * GRID[middle])))
        if len(pieces) > MAX_PIECES:
            return None
    return pieces or None


def _as_rectifiers(
    slopes: list[float], knots: list[float], first: tuple[float, float]
) -> Rectifiers:
    """Return lines that meet at knots as rectifiers around an anchor.

    The anchor is where a flat end begins, so that no neurons are spent on the other
    side of it; without a flat end it is the knot nearest to zero.
    """
    if slopes[0] == 0:
        anchor = knots[0]
    elif slopes[-1] == 0:
        anchor = knots[-1]
    else:
        anchor = min(knots, key=abs)
    at_anchor = first[1] + first[0] * knots[0]
    for slope, (left, right) in zip(slopes[1:], zip(knots, knots[1:])):
        if left < anchor:
            at_anchor += slope * (right - left)
    terms = []
    k = knots.index(anchor)
    # to the right, each knot adds its change of slope; at the anchor, all of it
    terms.append((1, anchor, slopes[k + 1]))
    terms += [
        (1, knots[j], slopes[j + 1] - slopes[j]) for j in range(k + 1, len(knots))
    ]
    terms.append((-1, anchor, -slopes[k]))
    terms += [(-1, knots[j], slopes[j + 1] - slopes[j]) for j in range(k - 1, -1, -1)]
    kept = tuple(term for term in terms if term[2] != 0)
    return Rectifiers(_plain(at_anchor), kept)


def _plain(value: float, tolerance: float = 1e-6) -> float:
    """Return a value as the short number that it is in all but rounding."""
    for digits in range(6):
        if abs(round(value, digits) - value) <= tolerance * max(1e-2, abs(value)):
            return round(float(value), digits) + 0.0  # no negative zero
    return float(value)
