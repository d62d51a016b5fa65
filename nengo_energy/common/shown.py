"""What results show of themselves: a line in a console, tables in a notebook."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .plain_text import plain_html, plain_line, plain_text
from .tables import NOTHING

if TYPE_CHECKING:
    import pandas

LONGEST = 100
"""Characters of a line in a console."""

LONGEST_CELL = 60
"""Characters of a cell of a table in a notebook."""

MOST_ROWS = 30
"""Rows of a table in a notebook; of longer ones the middle is left out."""


class Shown:
    """A result that shows its first words, where all of it would fill the screen.

    Its class has a ``__str__``, whose names are made harmless here, and may have a
    ``to_frame()``, which notebooks show above the text.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        text = cls.__dict__.get("__str__")
        if text is not None:

            @functools.wraps(text)
            def harmless(self: Any) -> str:
                return plain_text(text(self))

            setattr(cls, "__str__", harmless)

    def _headline(self) -> str:
        """Return what says the most of it: the first paragraph of its text."""
        return " ".join(str(self).strip().partition("\n\n")[0].split())

    def _shown_frame(self) -> pandas.DataFrame | None:
        """Return what notebooks show as a table."""
        to_frame: Any = getattr(self, "to_frame", None)
        return None if to_frame is None else to_frame()

    def __repr__(self) -> str:
        headline = _shortened(plain_line(self._headline()), LONGEST)
        return f"<{type(self).__name__}: {headline}>"

    def _repr_html_(self) -> str:
        text = (
            '<pre style="white-space: pre; font-family: monospace; line-height: 1.3">'
            f"{plain_html(str(self))}</pre>"
        )
        frame = self._shown_frame()
        if frame is None:
            return f'<div style="overflow-x: auto">{text}</div>'
        return (
            f"<div><p>{plain_html(self._headline())}</p>"
            f'<div style="overflow-x: auto">{_table(frame)}</div>'
            f"<details><summary>As text</summary>{text}</details></div>"
        )


def _table(frame: pandas.DataFrame) -> str:
    """Return a frame as HTML, units in its header and long texts cut."""
    units = frame.attrs.get("units", {})
    frame = frame.rename(
        columns={name: f"{name} [{units[name]}]" for name in frame if name in units}
    )
    for name in frame.select_dtypes(exclude="number"):
        frame[name] = [_cell(value) for value in frame[name]]
    shown: str = frame.to_html(
        border=0, max_rows=MOST_ROWS, float_format="{:.4g}".format, na_rep=NOTHING
    )
    return shown


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN
        return NOTHING
    text = f"{value:.4g}" if isinstance(value, float) else plain_line(str(value))
    return _shortened(text, LONGEST_CELL)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3].rstrip() + "..."
