"""Write figures of a benchmark into docs/performance.md, between its two marks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Sequence

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "performance.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(name: str, text: str) -> None:
    """Put a text between the marks of a name."""
    page = PAGE.read_text(encoding="utf-8")
    marks = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    new, n_found = re.subn(
        marks, lambda m: m[1] + text.strip() + "\n" + m[2], page, flags=re.DOTALL
    )
    if n_found != 1:
        raise SystemExit(f"{PAGE} has {n_found} places for {name!r}; it needs one")
    PAGE.write_text(new, encoding="utf-8")
