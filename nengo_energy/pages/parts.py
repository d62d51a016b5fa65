"""What a page is made of: cards at its head, and sections with charts and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ..common.html_tables import Cell
from ..common.plain_text import plain_html


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes
    ----------
    id : str
        What the page calls it.
    spec : Mapping
        Vega-Lite.
    title : str
        What stands above it.
    device : str
        Device that it is about, so that it goes when that is turned off.
    note : str
        What stands beside the title.
    """

    id: str
    spec: Mapping[str, Any]
    title: str = ""
    device: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes
    ----------
    id, title, lead : str
        Anchor, heading, and a sentence below it.
    charts : sequence of Chart
        Charts, beside each other where there is room.
    tables : Mapping of str to str
        HTML of tables by their heading.
    lists : Mapping of str to sequence of str
        Sentences by their heading.
    folded : Mapping of str to str
        HTML of tables that are opened on demand, by their heading.
    by_timesteps : Mapping of int to (str, str)
        A sentence and the HTML of a table by timesteps, of which a slider chooses one.
    legend : Mapping of str to str
        What the colours of the charts stand for, with their variables' names.
    """

    id: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    folded: Mapping[str, str] = field(default_factory=dict)
    by_timesteps: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    legend: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """A number at the head of the page.

    Attributes
    ----------
    title : str
        What it is of.
    cell : Cell
        The number.
    notes : sequence of str
        Lines below it.
    device : str
        Device that it is about.
    """

    title: str
    cell: Cell
    notes: Sequence[str] = ()
    device: str = ""


_ADDRESS = re.compile(
    r"https?://[^\s,;)<>\"]+|doi:(?P<doi>10\.[^\s,;<>\"]+)"
    r"|arXiv:(?P<arxiv>\d{4}\.\d{4,5})"
)


def linked(text: str) -> Any:
    """Return a text as HTML, with links where it names a page, DOI or arXiv paper."""
    from markupsafe import Markup  # comes with Jinja

    parts, end = [], 0
    for found in _ADDRESS.finditer(text):
        target = found[0]
        if found["doi"]:
            target = f"https://doi.org/{found['doi']}"
        elif found["arxiv"]:
            target = f"https://arxiv.org/abs/{found['arxiv']}"
        parts.append(plain_html(text[end : found.start()]))
        parts.append(f'<a href="{plain_html(target)}">{plain_html(found[0])}</a>')
        end = found.end()
    return Markup("".join([*parts, plain_html(text[end:])]))
