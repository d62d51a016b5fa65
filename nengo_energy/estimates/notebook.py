"""EnergyEstimate -> what notebooks show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.plain_text import plain_html
from .html_tables import device_table, layer_table
from .ranking import conclusion
from .report import WARNINGS, estimate_title, remarks

if TYPE_CHECKING:
    from .estimate import EnergyEstimate


def notebook_html(estimate: EnergyEstimate) -> str:
    """Return the tables of an estimate as HTML, with its remarks folded up."""
    parts = [
        "<div>",
        f"<p><strong>{plain_html(estimate_title(estimate))}</strong></p>",
        layer_table(estimate),
        device_table(estimate),
    ]
    said = remarks(estimate)
    first = [f"<p>Warning: {plain_html(s)}</p>" for s in said.pop(WARNINGS, [])]
    parts[1:1] = first + [f"<p>{plain_html(line)}</p>" for line in conclusion(estimate)]
    for heading, sentences in said.items():
        items = "".join(f"<li>{plain_html(sentence)}</li>" for sentence in sentences)
        summary = f"{plain_html(heading)} ({len(sentences)})"
        parts.append(f"<details><summary>{summary}</summary><ul>{items}</ul></details>")
    return "\n".join([*parts, "</div>"])
