"""Checks of what users pass in, each with a message that says what is allowed."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Sequence

from .exceptions import InputError


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Return a value that must be one of some words."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return str(value)


def check_count(name: str, value: object, minimum: int = 1) -> int:
    """Return a value that must be a whole number of at least ``minimum``."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < minimum:  # type: ignore[operator]
        raise InputError(
            f"{name} must be a whole number of at least {minimum}; got {value!r}"
        )
    return int(value)  # type: ignore[call-overload]


def check_counts(name: str, values: Any) -> tuple[int, ...]:
    """Return values that must be different whole numbers above 0, one at least."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InputError(f"{name} must be a sequence of whole numbers; got {values!r}")
    counts = tuple(check_count(name, value) for value in values)
    if not counts:
        raise InputError(f"{name} must hold at least one number; got none")
    if len(set(counts)) < len(counts):
        raise InputError(f"{name} must hold each number once; got {counts}")
    return counts


def check_positive(name: str, value: object, unit: str) -> float:
    """Return a value that must be a finite number above zero."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:  # type: ignore
        raise InputError(f"{name} must be a number above 0 [{unit}]; got {value!r}")
    return float(value)  # type: ignore[arg-type]
