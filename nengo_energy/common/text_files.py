"""Text, JSON and TOML of files that may come from strangers."""

from __future__ import annotations

import json
import math
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable

from .declared_sizes import size_text
from .exceptions import InputError, NotFoundError

if sys.version_info >= (3, 11):
    import tomllib
else:  # the same reader, under the name it had before it joined Python
    import tomli as tomllib

MAX_TEXT = 100 * 1024**2
"""Most that is read of a file of text, which may be a device without end [bytes]."""

MAX_TOML, MAX_DOTS = 2**20, 1000
"""Longest TOML [characters], and most dots in a line of it: the time that a key takes
grows with their square."""


def read_text(what: str, path: Path) -> str:
    """Return the text of a file, in UTF-8.

    Parameters
    ----------
    what : str
        The file, for messages.
    path : Path
        The file.

    Raises
    ------
    NotFoundError
        There is none.
    InputError
        It can't be read, isn't text, or is longer than `MAX_TEXT`.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_TEXT + 1)
        text = content[:MAX_TEXT].decode()
    except FileNotFoundError:
        raise NotFoundError(f"{what} not found") from None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or no path
        raise InputError(f"{what} can't be read: {error}") from None
    if len(content) > MAX_TEXT:
        raise InputError(f"{what} holds more than {size_text(MAX_TEXT)} of text")
    return text


def parse_json(text: str) -> Any:
    """Return what JSON says; see `parse_toml` for the errors."""
    return _checked(
        "JSON", lambda: json.loads(text, parse_constant=_finite, parse_float=_finite)
    )


def parse_toml(text: str, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return what TOML says.

    Parameters
    ----------
    text : str
        The TOML.
    parse_float : callable
        What makes a number of its digits.

    Raises
    ------
    InputError
        It isn't TOML, or holds what would take long to read, whole numbers beyond
        floating point, or halves of letters.
    """
    if len(text) > MAX_TOML or max(map(_dots, text.splitlines()), default=0) > MAX_DOTS:
        raise InputError(
            f"not valid TOML: it is longer than {MAX_TOML:,} characters, or has more "
            f"than {MAX_DOTS:,} dots in a line"
        )
    found: dict[str, Any] = _checked(
        "TOML", lambda: tomllib.loads(text, parse_float=parse_float)
    )
    return found


def _dots(line: str) -> int:
    return line.count(".")


def _checked(kind: str, parse: Callable[[], Any]) -> Any:
    """Return what was parsed, if all of its texts and numbers can be used."""
    try:
        found = parse()
        _check(found)
    except InputError:
        raise
    except (RecursionError, ValueError) as error:  # ValueError: or a number too long
        raise InputError(f"not valid {kind}: {error}") from None
    return found


def _check(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii():
            value.encode()  # half of a letter is a ValueError
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key)
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ValueError(f"{Decimal(value):.3g} is too large a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InputError(f"{text} isn't a number that an estimate can hold")
    return number
