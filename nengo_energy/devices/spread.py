"""Spread: how far a device's estimates were from what was measured, and where."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..common.checks import check_count, check_positive
from ..common.exceptions import InputError

SIZE_EXPONENT = 0.08
"""Power of the ratio to the nearest network, or batch size, that an interval grows by
beyond those that a device was fitted to: the least, in steps of 0.02, with which 90 %
of the cases of docs/validation.md lie within their intervals, networks left out."""

KIND_FACTOR = 4.0
"""What an interval grows by where layers are of a kind that no measured network had.
On single devices, prices of kinds of layers differ by up to that."""


@dataclass(frozen=True)
class Spread:
    """Prediction interval of a device that was fitted to measured networks.

    The interval of an energy is from energy / factor to energy x factor, and holds
    ``level`` of the networks that were left out of the fit.

    Attributes
    ----------
    level : float
        Share of networks that the interval is to hold.
    energy, time : float
        Factors to both sides, at least 1.
    macs : tuple of int
        Multiply-accumulates of the smallest and the largest network.
    batch : tuple of int
        Smallest and largest batch size.
    forms : tuple of str
        Kinds of layers that the networks had, as in `counts.FORMS`.
    """

    level: float
    energy: float
    time: float
    macs: tuple[int, int]
    batch: tuple[int, int] = (1, 1)
    forms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < check_positive("level", self.level, "1") < 1:
            raise InputError(f"level must be below 1; got {self.level!r}")
        for name in ("energy", "time"):
            if check_positive(name, getattr(self, name), "1") < 1:
                raise InputError(
                    f"{name} must be a factor of at least 1; got "
                    f"{getattr(self, name)!r}"
                )
        for name in ("macs", "batch"):
            ends = getattr(self, name)
            if not isinstance(ends, (list, tuple)) or len(ends) != 2:
                raise InputError(f"{name} must be a least and a most; got {ends!r}")
            low, high = (check_count(name, end) for end in ends)
            if low > high:
                raise InputError(f"{name} must be in ascending order; got {ends!r}")
            object.__setattr__(self, name, (low, high))
        object.__setattr__(self, "forms", tuple(self.forms))

    def growth(self, macs: float, batch: int, forms: set[str]) -> Growth:
        """Return by how much the interval grows for a network, and why.

        Parameters
        ----------
        macs : float
            Multiply-accumulates of an inference.
        batch : int
            Inferences that run together.
        forms : set of str
            Kinds of layers that hold a good part of them.
        """
        beyond, reasons = 1.0, []
        for words, value, (low, high) in (
            ("multiply-accumulates", macs, self.macs),
            ("inferences together", batch, self.batch),
        ):
            if value and not low <= value <= high:
                nearest = low if value < low else high
                ratio = math.exp(abs(math.log(value / nearest)))
                beyond *= ratio
                reasons.append(
                    f"{value:,.0f} {words}, where {low:,} to {high:,} were measured"
                    if low < high
                    else f"{value:,.0f} {words}, where {low:,} were measured"
                )
        unknown = sorted(forms - set(self.forms))
        if unknown:
            words = ", ".join(form.replace("_", " ") for form in unknown)
            reasons.append(f"layers of a kind that wasn't measured: {words}")
        return Growth(beyond, bool(unknown), tuple(reasons))


@dataclass(frozen=True)
class Growth:
    """By how much an interval grows beyond what was measured, and why.

    Attributes
    ----------
    beyond : float
        Ratio to the nearest size that was measured, times that to the nearest batch
        size; 1 within them.
    new_kind : bool
        Whether layers are of a kind that no measured network had.
    reasons : tuple of str
        What lies outside, and what was measured.
    """

    beyond: float = 1.0
    new_kind: bool = False
    reasons: tuple[str, ...] = ()

    def factor(
        self, exponent: float = SIZE_EXPONENT, kind_factor: float = KIND_FACTOR
    ) -> float:
        """Return what the interval grows by; 1 within what was measured."""
        return self.beyond**exponent * (kind_factor if self.new_kind else 1.0)
