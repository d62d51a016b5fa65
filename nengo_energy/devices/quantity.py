"""Quantity: one number in SI units, its range, and where it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real

from ..common.checks import check_choice, check_count
from ..common.exceptions import InputError

EVIDENCE = (
    "measured",
    "fitted",
    "pre-silicon",
    "datasheet-bound",
    "vendor-claim",
    "literature",
    "stand-in",
)
"""How a published number came to be; device files use one of these words."""

REREAD = ("primary", "secondary", "not found")
"""What a second reader found: the number in the source itself (or, where it is fitted,
what it was fitted to), only where others quote it, or no text that could be read."""

USER_EVIDENCE = "user"
"""Evidence of a number that a user gives in Python without a grade."""

UNITS_OF_POWER = ("device", "board", "chip", "core")
"""What a power can be given for; capacity.chips says how many chips a board has."""


def check_amount(name: str, value: object, unit: str) -> None:
    """Refuse a value that isn't a finite number of at least zero."""
    is_number = isinstance(value, (Real, Decimal)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:  # type: ignore
        shown = value if isinstance(value, Decimal) else repr(value)
        raise InputError(f"{name} must be a number of at least 0 [{unit}]; got {shown}")


def check_text(name: str, value: object) -> None:
    """Refuse a value that isn't a text, or an empty one."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} must be a text that isn't empty; got {value!r}")


@dataclass(frozen=True)
class Quantity:
    """A number in SI units, and where it comes from.

    Attributes
    ----------
    value : float
        Best value: J per operation, s per operation, W, or a plain number.
    source : str
        Key of the citation in the ``sources`` of the device.
    low, high : float, optional
        Range in which the value may lie; the value itself where None.
    published : str
        The number and unit as the source prints it, e.g. ``"23.6 + 3.5 pJ"``.
    locator : str
        Where in the source: table, page, line.
    evidence : str
        One of ``EVIDENCE``, or ``"user"`` for a number given in Python.
    year : int, optional
        Year of the publication.
    conditions : str
        Supply voltage, batch size, software: what the number holds for.
    note : str
        What a reader should know about how far to trust it.
    range_source : str
        Key of the citation of ``low`` and ``high``, where it is another one.
    per : str
        What a power is given for: one of ``UNITS_OF_POWER``; empty for others.
    all_in : bool
        True where an energy holds all that the device draws, leakage and idle circuits
        included, so that nothing may be added to it.
    reread : str
        One of ``REREAD``, where a second reader looked the number up; else empty.
    steps : tuple of (int, float)
        How the number grows with a size, in ascending order: from so many tiles of a
        chip on it is so much. ``value`` is for a size that isn't known.
    """

    value: float
    source: str
    low: float | None = None
    high: float | None = None
    published: str = ""
    locator: str = ""
    evidence: str = USER_EVIDENCE
    year: int | None = None
    conditions: str = ""
    note: str = ""
    range_source: str = ""
    per: str = ""
    all_in: bool = False
    reread: str = ""
    steps: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        check_amount("value", self.value, "SI unit")
        check_text("source", self.source)
        check_choice("evidence", self.evidence, (*EVIDENCE, USER_EVIDENCE))
        if self.low is not None:
            check_amount("low", self.low, "SI unit")
        if self.high is not None:
            check_amount("high", self.high, "SI unit")
        low, high = self.bounds
        if not low <= self.value <= high:
            raise InputError(
                "low, value, high must be in ascending order; "
                f"got {low:g}, {self.value:g}, {high:g}"
            )
        for name in ("published", "locator", "conditions", "note", "range_source"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name} must be a text; got {getattr(self, name)!r}")
        if self.year is not None:
            check_count("year", self.year)
        if self.per:
            check_choice("per", self.per, UNITS_OF_POWER)
        if self.reread:
            check_choice("reread", self.reread, REREAD)
        if not isinstance(self.all_in, bool):
            raise InputError(f"all_in must be true or false; got {self.all_in!r}")
        self._check_steps(low, high)

    def _check_steps(self, low: float, high: float) -> None:
        try:
            steps = tuple((check_count("size", n), value) for n, value in self.steps)
        except (TypeError, ValueError):
            raise InputError(
                f"steps must be pairs of a whole size and a number; got {self.steps!r}"
            ) from None
        if list(steps) != sorted(dict(steps).items()):
            raise InputError(f"steps must go up in size; got {self.steps!r}")
        for _, value in steps:
            check_amount("each of steps", value, "SI unit")
            if not low <= value <= high:
                raise InputError(
                    f"steps must lie between {low:g} and {high:g}; got {value:g}"
                )
        object.__setattr__(self, "steps", steps)

    def at(self, size: int) -> Quantity:
        """Return this number at a size, exact where ``steps`` know it."""
        reached = [value for start, value in self.steps if start <= size]
        if not reached:
            return self
        value = reached[-1]
        return replace(self, value=value, low=value, high=value, steps=())

    @property
    def bounds(self) -> tuple[float, float]:
        """Low and high, each the value itself where the range is open."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, high

    def scaled(self, factor: float) -> Quantity:
        """Return this number, range included, times a factor: a what-if, not a fact."""
        check_amount("factor", factor, "1")
        published = f"{self.published or f'{self.value:g}'} x {factor:g}"
        return replace(
            self,
            value=self.value * factor,
            low=None if self.low is None else self.low * factor,
            high=None if self.high is None else self.high * factor,
            steps=tuple((size, value * factor) for size, value in self.steps),
            published=published,
            evidence=USER_EVIDENCE,
            note=f"what-if, not published: {published}",
        )
