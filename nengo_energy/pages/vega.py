"""What all charts of a report share: look, scales and axes of Vega-Lite.

Colours are variables of the page's style sheet, so that a chart follows the page from
light to dark and onto paper.
"""

from __future__ import annotations

import math
from typing import Any, Mapping, Sequence

from ..common.colours import LINES, OPERATIONS
from ..common.optional_imports import import_or_explain

SHOWN = "indexof(hidden, datum.device) < 0"
"""Keeps the rows of the devices that aren't turned off; see templates/report.js."""

SI_LABEL = "replace(format(datum.value, '~s'), regexp('([a-zA-Zµ]?)$'), ' $1{}')"
LABEL_WIDTH = 120
"""Room for the names of layers [px], the same in all charts that list them."""

_CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    # a list of names and not "inherit", as texts are measured with it
    "font": "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink-2)",
        "titleColor": "var(--ink-2)",
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line-2)",
        "tickColor": "var(--line-2)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        # long names leave charts on narrow screens no room
        "labelLimit": {"expr": "width < 400 ? 100 : 160"},
    },
    "legend": {
        "labelColor": "var(--ink-2)",
        "titleColor": "var(--ink-2)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "orient": "bottom",
        "labelLimit": 220,
        "columns": {"expr": "max(1, floor(width / 170))"},
    },
    "axisX": {"titleAnchor": "end"},
    "text": {"color": "var(--ink)"},
    "rule": {"color": "var(--ink-2)"},
}


def report_package(name: str) -> Any:
    """Return a package that reports need, or say how to get it."""
    return import_or_explain(name, '"nengo-energy[report]"', "a report in HTML")


def altair() -> Any:
    """Return Altair, or say how to get it."""
    return report_package("altair")


def spec(chart: Any, height: int) -> dict[str, Any]:
    """Return a chart as the dictionary that the page draws, as wide as its place."""
    sized = chart.properties(width="container", height=height)
    found: dict[str, Any] = sized.configure(**_CONFIG).to_dict()
    return found


def log_axis(values: Sequence[float]) -> tuple[Any, Any]:
    """Return a logarithmic scale of energies, and its axis with few enough ticks.

    Parameters
    ----------
    values : sequence of float
        What it has to hold, all above zero.
    """
    alt = altair()
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = 0.05 * max(high - low, 0.2)
    low, high = low - margin, high + margin
    steps = (1, 2, 5) if high - low < 2.5 else (1,)
    ticks = [
        step * 10.0**power
        for power in range(math.floor(low), math.ceil(high))
        for step in steps
    ]
    domain = [10.0**low, 10.0**high]
    shown = [tick for tick in ticks if domain[0] <= tick <= domain[1]]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    return scale, alt.Axis(labelExpr=SI_LABEL.format("J"), values=shown)


def hidden_devices() -> Any:
    """Return the parameter that the page sets to the devices that are turned off."""
    return altair().param(name="hidden", value=[])


def operation_scale(operations: Sequence[str]) -> Any:
    """Return the colours of operations."""
    return altair().Scale(
        domain=[OPERATIONS[key].words for key in operations],
        range=[f"var(--{key.replace('_', '-')})" for key in operations],
    )


def series_scale(names: Sequence[str]) -> Any:
    """Return the colours of devices, layers or other series, in order."""
    return altair().Scale(
        domain=list(names),
        range=[f"var(--series-{i % len(LINES)})" for i in range(len(names))],
    )


def dash_scale(names: Sequence[str]) -> Any:
    """Return dashes for the series whose colour another one has already."""
    dashes = ([1, 0], [6, 3], [2, 3])
    return altair().Scale(
        domain=list(names),
        range=[dashes[i // len(LINES) % len(dashes)] for i in range(len(names))],
    )


def plain_legend() -> Any:
    """Return a legend without a title."""
    return altair().Legend(title=None)
