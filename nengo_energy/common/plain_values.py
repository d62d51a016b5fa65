"""Settings of any kind -> values that JSON holds exactly."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real
from typing import AbstractSet, Mapping, Sequence

import numpy as np


def plain(value: object) -> object:
    """Return a value as None, bool, int, float, str, list or dict of these.

    Numbers keep their value; texts of objects leave out where they lie in memory, so
    that the same settings look the same in every run.

    Parameters
    ----------
    value : object
        What to make plain.

    Examples
    --------
    >>> plain({"rates": (1, np.float64(2.5)), "activation": abs})
    {'rates': [1, 2.5], 'activation': 'builtins.abs'}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    return _words(value)


def _key(key: object) -> str:
    """Return a key as text: a layer by its name."""
    name = getattr(key, "name", None)
    if isinstance(name, str):
        return name
    return key if isinstance(key, str) else _words(key)


def _words(value: object) -> str:
    """Return what an object is, a class or function by its full name."""
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(value, '__module__', '')}.{name}".lstrip(".")
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
