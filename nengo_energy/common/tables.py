"""Plain text: numbers with units, tables that fit a terminal, wrapped lists."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from typing import Iterable, Mapping, Sequence

from .plain_text import plain_line, plain_text

WIDTH = 100
"""Width that the text is laid out for; only a wide first column exceeds it."""

NOTHING = "-"
"""What stands for a number that isn't known."""

_GAP = "  "
_PREFIXES = {
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "u",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
}


def format_si(value: float | None, unit: str) -> str:
    """Return a value with three digits and a prefixed unit, e.g. ``"5.48 uJ"``.

    Parameters
    ----------
    value : float or None
        Value in SI units; None prints as ``"-"``.
    unit : str
        Symbol of the unit without prefix.
    """
    if value is None:
        return NOTHING
    if value == 0:
        return f"0 {unit}"
    mantissa, exponent = _scientific(value)
    shift = exponent % 3
    power = exponent - shift
    if power not in _PREFIXES:
        return f"{mantissa}e{exponent} {unit}"
    return f"{Decimal(mantissa).scaleb(shift):.{2 - shift}f} {_PREFIXES[power]}{unit}"


def typeset_si(value: float | None, unit: str) -> str:
    """Return what `format_si` does for pages and figures: with a true micro sign."""
    number, _, symbol = format_si(value, unit).partition(" ")
    return f"{number} {symbol.replace('u', 'µ', 1)}".rstrip()


def common_prefix(value: float) -> tuple[int, str]:
    """Return the power of ten and the prefix that `format_si` gives a value.

    For tables whose columns have one unit each. Zero, and what no prefix reaches, has
    the power 0 and no prefix.

    Examples
    --------
    >>> common_prefix(5.48e-6)
    (-6, 'u')
    """
    exponent = _scientific(value)[1]
    power = exponent - exponent % 3
    return (power, _PREFIXES[power]) if power in _PREFIXES else (0, "")


def format_digits(value: float) -> str:
    """Return a plain number with three digits, e.g. ``"8.60"``, ``"765"``, ``"1230"``.

    Below a ten-thousandth, or from a million on, it has an exponent: ``"1.23e-5"``.
    """
    if value == 0:
        return "0"
    mantissa, exponent = _scientific(value)
    if not -5 < exponent < 6:
        return f"{mantissa}e{exponent}"
    return f"{Decimal(mantissa).scaleb(exponent):.{max(0, 2 - exponent)}f}"


def _scientific(value: float) -> tuple[str, int]:
    """Return mantissa and exponent; 999.6 is rounded to 1.00 and 3."""
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return mantissa, int(exponent or 0)  # a sum may be infinite


def format_setting(value: object) -> str:
    """Return a setting in words, numbers with four digits."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {format_setting(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(format_setting, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return NOTHING if value is None else str(value)


def plural(number: int, noun: str) -> str:
    """Return a number and its noun, e.g. ``"1 layer"``, ``"2,000 layers"``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def wrap(text: str) -> str:
    """Return a text in lines that fit a terminal."""
    return textwrap.fill(plain_text(text), WIDTH)


def format_table(
    header: list[list[str]], body: list[list[str]], footer: Sequence[list[str]] = ()
) -> str:
    """Return rows as text, the first column left and the others right aligned.

    Columns that don't fit go into further blocks, each with the first column again.
    """
    header, body, footer = (
        [[plain_line(cell) for cell in row] for row in part]
        for part in (header, body, footer)
    )
    rows = [*header, *body, *footer]
    widths = [max(map(len, column)) for column in zip(*rows)]
    blocks: list[list[int]] = [[]]
    used = widths[0]
    for i in range(1, len(widths)):
        needed = len(_GAP) + widths[i]
        if blocks[-1] and used + needed > WIDTH:
            blocks.append([])
            used = widths[0]
        blocks[-1].append(i)
        used += needed

    def line(row: list[str], block: list[int]) -> str:
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in block)]
        return _GAP.join(cells).rstrip()

    texts = []
    for block in blocks:
        length = widths[0] + sum(len(_GAP) + widths[i] for i in block)
        lines: list[str] = []
        for part in (header, body, footer):
            if lines and part:
                lines.append("-" * length)
            lines += [line(row, block) for row in part]
        texts.append("\n".join(lines))
    return "\n\n".join(texts)


def format_bullets(heading: str, sentences: Iterable[str]) -> str:
    """Return a heading, and each sentence behind a dash."""
    wrapped = (
        textwrap.fill(
            plain_text(s),
            WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        for s in sentences
    )
    return "\n".join([heading, *wrapped])


def merge_orders(orders: Iterable[Sequence[str]]) -> list[str]:
    """Merge sequences of names: a new name goes behind the one it follows.

    Examples
    --------
    >>> merge_orders([["conv", "dense"], ["conv", "pool", "dense", "softmax"]])
    ['conv', 'pool', 'dense', 'softmax']
    """
    merged: list[str] = []
    for order in orders:
        position = 0
        for name in order:
            if name in merged:
                position = merged.index(name) + 1
            else:
                merged.insert(position, name)
                position += 1
    return merged
