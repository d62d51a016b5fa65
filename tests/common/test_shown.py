"""What results show of themselves in a console and in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import pytest
from priced import COUNTS
from report_examples import AWKWARD, make_estimate

import nengo_energy as ne
from nengo_energy.common.shown import LONGEST, LONGEST_CELL, MOST_ROWS, Shown


class Result(Shown):
    def __init__(self, text, n_rows=0):
        self.text, self.n_rows = text, n_rows

    def __str__(self):
        return self.text

    def to_frame(self):
        return pd.DataFrame({AWKWARD: [AWKWARD] * self.n_rows})


class Texts(HTMLParser):
    """What a reader of a page sees, and the tags that make it."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_a_console_shows_the_first_paragraph():
    assert (
        repr(Result("\n  5 layers,\n 2 dead\n\nand more"))
        == "<Result: 5 layers, 2 dead>"
    )
    long = repr(Result("word " * 100))
    assert long.startswith("<Result: word word ") and long.endswith("...>")
    assert len(long) <= LONGEST + len("<Result: >")


def test_a_notebook_shows_the_frame_above_the_text():
    page = Texts(Result(f"first {AWKWARD}\nsecond", 2 * MOST_ROWS)._repr_html_())
    assert "script" not in page.tags and page.tags.count("table") == 1
    assert page.tags.count("tr") < 2 * MOST_ROWS
    shown = "".join(page.texts)
    assert shown.index(f"first {AWKWARD}") < shown.index("second")
    assert AWKWARD in page.texts  # as a column, as it is


@pytest.mark.parametrize(
    "result",
    [
        make_estimate(),
        ne.diff(make_estimate(), make_estimate()),
        COUNTS,
        ne.devices.get("loihi-davies2018"),
    ],
    ids=lambda result: type(result).__name__,
)
def test_results_are_short_and_have_a_view(result):
    assert repr(result).startswith(f"<{type(result).__name__}: ")
    assert len(repr(result)) < 150 and "\n" not in repr(result)
    assert 0 < len(result._repr_html_()) < 20_000
    assert len(str(result)) > len(repr(result)) or "Nothing changed" in str(result)


def test_counts_are_shown_with_every_row():
    lines = str(COUNTS).splitlines()
    assert len(lines) == 4 + len(COUNTS.rows)  # title, blank, header, rule
    frame = COUNTS.to_frame()
    assert list(frame["mean"]) == [row.total / row.n_inferences for row in COUNTS.rows]


def test_tables_have_units_and_short_cells():
    class Table(Result):
        def to_frame(self):
            frame = pd.DataFrame(
                {"energy": [1.23456e-6, float("nan")], "why": ["long " * 50, None]}
            )
            frame.attrs["units"] = {"energy": "J"}
            return frame

    table = Table("three J")
    texts = Texts(table._repr_html_()).texts
    assert "energy [J]" in texts and "1.235e-06" in texts
    assert texts.count("-") == 2  # what isn't known
    (cut,) = (text for text in texts if text.startswith("long"))
    assert cut.endswith("...") and len(cut) <= LONGEST_CELL
    assert list(table.to_frame()) == ["energy", "why"]
