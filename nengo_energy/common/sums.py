"""Sums of values by what they belong to."""

from __future__ import annotations

from typing import Hashable, Iterable, TypeVar

Key = TypeVar("Key", bound=Hashable)
Number = TypeVar("Number", int, float)


def sum_by_key(pairs: Iterable[tuple[Key, Number]]) -> dict[Key, Number]:
    """Return the sum of the values of each key, in the order in which keys come.

    Examples
    --------
    >>> sum_by_key([("conv", 3), ("dense", 5), ("conv", 4)])
    {'conv': 7, 'dense': 5}
    """
    sums: dict[Key, Number] = {}
    for key, value in pairs:
        sums[key] = sums[key] + value if key in sums else value
    return sums
