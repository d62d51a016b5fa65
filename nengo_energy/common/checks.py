"""Checks of what users pass in, each with a message that says what is allowed."""

from __future__ import annotations

import math
import os
import reprlib
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from .exceptions import InputError


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Return a value that must be one of some words."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(
            f"{name} must be one of {', '.join(choices)}; got {shown(value)}"
        )
    return value


def shown(value: object) -> str:
    """Return a value as messages show it: what is long is shortened."""
    return reprlib.repr(value).replace("\n", " ")


def check_flag(name: str, value: object) -> bool:
    """Return a value that must be True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} must be True or False; got {shown(value)}")
    return bool(value)


def check_instance(name: str, value: object, kind: type, remedy: str = "") -> None:
    """Refuse a value that isn't of a class; ``remedy`` says where to get one."""
    if not isinstance(value, kind):
        raise InputError(
            f"{name} must be of the class {kind.__name__}{remedy}; got {shown(value)}"
        )


def check_iterable(name: str, values: Any) -> tuple[Any, ...]:
    """Return the items of what must hold several, and is no text or array."""
    if isinstance(values, (str, bytes, np.ndarray)) or not hasattr(values, "__iter__"):
        raise InputError(f"{name} must be a sequence; got {shown(values)}")
    return tuple(values)


def check_path(name: str, value: Any) -> Path:
    """Return a value that must be a path, in text."""
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise InputError(f"{name} must be a str or os.PathLike; got {shown(value)}")
    return Path(value)


def check_count(name: str, value: object, minimum: int = 1) -> int:
    """Return a value that must be a whole number of at least ``minimum``."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < minimum:  # type: ignore[operator]
        raise InputError(
            f"{name} must be a whole number of at least {minimum}; got {shown(value)}"
        )
    return int(value)  # type: ignore[call-overload]


def check_counts(name: str, values: Any) -> tuple[int, ...]:
    """Return values that must be different whole numbers above 0, one at least."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InputError(
            f"{name} must be a sequence of whole numbers; got {shown(values)}"
        )
    counts = tuple(check_count(name, value) for value in values)
    if not counts:
        raise InputError(f"{name} must hold at least one number; got none")
    if len(set(counts)) < len(counts):
        raise InputError(f"{name} must hold each number once; got {counts}")
    return counts


def as_array(name: str, values: Any) -> np.ndarray:
    """Return what is given as an array, if all of its rows have one length."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be an array of numbers: {error}") from error


def check_numbers(name: str, values: Any) -> np.ndarray:
    """Return values as a float array; texts, complex numbers and dates are none, and
    what is masked isn't known."""
    array = as_array(name, values)
    if array.dtype.kind in "cSUmM" or np.ma.is_masked(values):
        found = "masked values" if np.ma.is_masked(values) else array.dtype
        raise InputError(f"{name} must be an array of numbers; got {found}")
    try:
        return array.astype(float, copy=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be an array of numbers: {error}") from error


def check_positive(name: str, value: object, unit: str) -> float:
    """Return a value that must be a finite number above zero."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:  # type: ignore
        raise InputError(
            f"{name} must be a number above 0 [{unit}]; got {shown(value)}"
        )
    return float(value)  # type: ignore[arg-type]
