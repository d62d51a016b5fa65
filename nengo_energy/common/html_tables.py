"""Tables as HTML: every number with its full value beside what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence, Union

from .plain_text import plain_html
from .tables import NOTHING, format_digits, typeset_si

if TYPE_CHECKING:
    import pandas

PREFIXED = ("J", "s", "W", "J s")
"""Units that numbers are shown in with a prefix; others stand in the heading."""

LONG = 40
"""Characters from which on a text is wrapped."""


Row = Sequence[Union[str, "Cell"]]
"""Cells of a row; a text stands for a cell without a number."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text : str
        What is shown.
    value : float or None
        The number that it shows, in SI units, kept in the attribute ``data-value``.
    device : str
        Device that the cell is about, so that it goes when the device is turned off;
        in the first cell of a row, that of the whole row.
    """

    text: str
    value: float | None = None
    device: str = ""


def quantity(value: float | None, unit: str, device: str = "") -> Cell:
    """Return a cell with a number in a unit."""
    if value is None or value != value:
        return Cell(NOTHING, device=device)
    return Cell(typeset_si(float(value), unit), float(value), device)


def count(value: float | None) -> Cell:
    """Return a cell with a plain number: all its digits before the point."""
    if value is None or value != value:
        return Cell(NOTHING)
    number = float(value)
    if number == int(number) or abs(number) >= 1000:
        return Cell(f"{number:,.0f}", number)
    return Cell(f"{number:,.3g}", number)


def digits(value: float | None) -> Cell:
    """Return a cell with three digits of a number, from 1,000 on with all of them."""
    if value is None or value != value or abs(value) >= 1000:
        return count(value)
    return Cell(format_digits(float(value)), float(value))


def share(value: float | None) -> Cell:
    """Return a cell with a share in percent."""
    if value is None or value != value:
        return Cell(NOTHING)
    return Cell(f"{100 * float(value):.1f} %", float(value))


def html_table(header: Row, body: Iterable[Row], footer: Iterable[Row] = ()) -> str:
    """Return a table as HTML, with everything in it escaped.

    Parameters
    ----------
    header : sequence of str or Cell
        Headings of the columns.
    body, footer : iterable of sequence of str or Cell
        Rows; the first cell of each is its heading.
    """
    parts = {
        tag: [[_as_cell(cell) for cell in row] for row in rows]
        for tag, rows in (("tbody", body), ("tfoot", footer))
    }
    rows = [row for part in parts.values() for row in part]
    kinds = [_class(column) for column in zip(*rows)] or [""] * len(header)
    heads = (
        _cell("th", _as_cell(cell), f' scope="col"{kind}')
        for cell, kind in zip(header, kinds)
    )
    lines = ["<table>", f"<thead><tr>{''.join(heads)}</tr></thead>"]
    for tag, part in parts.items():
        lines.append(f"<{tag}>")
        for first, *others in part:
            cells = _cell("th", Cell(first.text, first.value), ' scope="row"')
            cells += "".join(map(_cell, ["td"] * len(others), others, kinds[1:]))
            lines.append(f"<tr{_of(first.device)}>{cells}</tr>")
        lines.append(f"</{tag}>")
    return "\n".join([*lines, "</table>"])


def _as_cell(cell: str | Cell) -> Cell:
    return Cell(cell) if isinstance(cell, str) else cell


def _class(column: Sequence[Cell]) -> str:
    """Return the attribute that sets a column of texts to the left."""
    texts = [cell.text for cell in column if cell.value is None]
    if len(texts) < len(column) or all(text == NOTHING for text in texts):
        return ""
    return ' class="long"' if max(map(len, texts)) > LONG else ' class="text"'


def frame_table(frame: pandas.DataFrame, kinds: Mapping[str, Any] | None = None) -> str:
    """Return a frame as a table: units in the headings, a cell for each value.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; ``attrs["units"]`` holds the units of columns that have one, and
        columns called ``energy <device>`` are in joules.
    kinds : Mapping of str to callable, optional
        What makes a cell of a value, by column; by its unit for others.
    """
    from pandas.api.types import is_float_dtype

    energies = {c: "J/inf" for c in map(str, frame) if c.startswith("energy ")}
    units = {**energies, **frame.attrs.get("units", {})}
    made = []
    for column, values in frame.items():
        unit = str(units.get(str(column), "")).split("/")[0]
        maker = (kinds or {}).get(str(column))
        if maker is None and unit in PREFIXED:
            maker = partial(quantity, unit=unit)
        if maker is None and is_float_dtype(values):
            maker = digits
        made.append([(maker or _plain)(value) for value in values])
    header = [_heading(str(c), str(units.get(str(c), ""))) for c in frame]
    return html_table(header, zip(*made))


def _plain(value: Any) -> Cell:
    if isinstance(value, (bool, str)):
        return Cell(str(value))
    try:
        return count(float(value))
    except (TypeError, ValueError):
        return Cell(NOTHING if value is None else str(value))


def _heading(column: str, unit: str) -> str:
    words = column[column.startswith("n_") and 2 :].replace("_", " ")
    return words if unit in ("", *PREFIXED) or unit == "J/inf" else f"{words} [{unit}]"


def _cell(tag: str, cell: Cell, attributes: str = "") -> str:
    if cell.value is not None:
        attributes += f' data-value="{cell.value!r}"'
    return f"<{tag}{attributes}{_of(cell.device)}>{plain_html(cell.text)}</{tag}>"


def _of(device: str) -> str:
    return f' data-device="{plain_html(device)}"' if device else ""
