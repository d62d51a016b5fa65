"""What results show of themselves: a line in a console, tables in a notebook."""

from __future__ import annotations

import html
from typing import Any

LONGEST = 100
"""Characters of a line in a console."""

MOST_ROWS = 30
"""Rows of a table in a notebook; of longer ones the middle is left out."""


class Shown:
    """A result that shows its first line, where all of it would fill the screen.

    Its class has a ``__str__``, whose first line says the most of it, and may have a
    ``to_frame()``, which notebooks show above the text.
    """

    def __repr__(self) -> str:
        line = " ".join(next(filter(str.strip, str(self).splitlines()), "").split())
        if len(line) > LONGEST:
            line = line[: LONGEST - 3].rstrip() + "..."
        return f"<{type(self).__name__}: {line}>"

    def _repr_html_(self) -> str:
        to_frame: Any = getattr(self, "to_frame", None)
        text = f"<pre>{html.escape(str(self))}</pre>"
        if to_frame is None:
            return text
        table = to_frame().to_html(max_rows=MOST_ROWS, float_format="{:.4g}".format)
        first = html.escape(repr(self)[1:-1])
        details = f"<details><summary>As text</summary>{text}</details>"
        return f"<div><p>{first}</p>{table}{details}</div>"
