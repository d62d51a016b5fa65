"""Names from anywhere, made harmless: one function for each kind of output.

Layers, devices, sources and titles may hold what steers a terminal, turns the direction
of what follows, ends a line or a cell, or is a formula to a spreadsheet.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

FORMULA = ("=", "+", "-", "@")
"""What a cell begins with that spreadsheets compute."""


def plain_text(text: str) -> str:
    r"""Return text for a terminal: what isn't seen is spelt, and lines stay lines.

    Examples
    --------
    >>> plain_text("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(c if _is_seen(c) or c == "\n" else _spelt(c) for c in text)


def plain_line(text: str) -> str:
    """Return text that is one line: ends of lines are spelt as well."""
    return plain_text(text).replace("\n", "\\n")


def plain_html(text: str) -> str:
    """Return text as it stands between tags, or in an attribute."""
    return html.escape(plain_text(text))


def plain_json(text: str) -> str:
    """Return JSON, which stays the same, with what isn't seen as JSON spells it."""
    if text.isprintable():
        return text
    return "".join(c if _is_seen(c) or c == "\n" else json.dumps(c)[1:-1] for c in text)


def plain_label(text: str) -> str:
    """Return text as figures show it: no formula, on one line."""
    return plain_line(text).replace("$", r"\$")


def plain_csv(frame: pandas.DataFrame) -> str:
    """Return a frame as comma-separated values that no spreadsheet computes.

    What begins as a formula does gets a ``'`` before it, as spreadsheets have it.
    """

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        line = plain_line(value)
        return f"'{line}" if line.startswith(FORMULA) else line

    columns = {cell(name): map(cell, frame[name]) for name in frame}
    text = type(frame)({name: list(values) for name, values in columns.items()})
    return str(text.to_csv(index=False, lineterminator="\n"))


def _is_seen(character: str) -> bool:
    return character.isprintable() or character in "\u00a0\u202f"


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
