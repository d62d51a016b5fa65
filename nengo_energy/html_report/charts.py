"""Charts of a report as Vega-Lite, made by Altair.

Colours are variables of the page's style sheet, so that a chart follows the page from
light to dark and onto paper. Every chart holds the numbers of its frame; texts for
hovering are made here, as tables show them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ..colours import LINES, OPERATIONS
from ..compat.imports import import_or_explain
from ..estimate import EnergyEstimate
from ..exceptions import InputError
from ..pareto import pareto_front
from ..report import energies_by_layer, known_interval, row_label
from ..report_frames import best_quantity, tradeoff_columns, varied_settings
from ..tables import typeset_si
from .tables import count

if TYPE_CHECKING:
    import pandas

SHOWN = "indexof(hidden, datum.device) < 0"
"""Keeps the rows of the devices that aren't turned off; see templates/report.js."""

_SI_LABEL = "replace(format(datum.value, '~s'), regexp('([a-zA-Zµ]?)$'), ' $1{}')"
_LABEL_WIDTH = 120
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
        "labelLimit": 160,
    },
    "legend": {
        "labelColor": "var(--ink-2)",
        "titleColor": "var(--ink-2)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "orient": "bottom",
        "labelLimit": 220,
    },
    "text": {"color": "var(--ink)"},
    "rule": {"color": "var(--ink-2)"},
}


def altair() -> Any:
    """Return Altair, or say how to get it."""
    return import_or_explain("altair", '"nengo-energy[report]"', "a report in HTML")


def spec(chart: Any, height: int) -> dict[str, Any]:
    """Return a chart as the dictionary that the page draws, as wide as its place."""
    sized = chart.properties(width="container", height=height)
    found: dict[str, Any] = sized.configure(**_CONFIG).to_dict()
    return found


def _log_axis(values: Sequence[float]) -> tuple[Any, Any]:
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
    return scale, alt.Axis(labelExpr=_SI_LABEL.format("J"), values=shown)


def _hidden() -> Any:
    return altair().param(name="hidden", value=[])


def _operation_scale(operations: Sequence[str]) -> Any:
    return altair().Scale(
        domain=[OPERATIONS[key].words for key in operations],
        range=[f"var(--{key.replace('_', '-')})" for key in operations],
    )


def _line_scale(names: Sequence[str]) -> Any:
    return altair().Scale(
        domain=list(names),
        range=[f"var(--series-{i % len(LINES)})" for i in range(len(names))],
    )


def totals_chart(estimate: EnergyEstimate) -> dict[str, Any] | None:
    """Return the totals of all devices on one logarithmic scale, with intervals.

    None where no device spends anything.
    """
    alt = altair()
    rows: list[dict[str, Any]] = []
    for name in estimate.devices:
        total = estimate.total(name)
        ends = known_interval(estimate, name) or (total, total)
        words = typeset_si(total, "J")
        interval = " to ".join(typeset_si(end, "J") for end in ends)
        rows.append(
            {
                "device": name,
                "total": total,
                "low": ends[0],
                "high": ends[1],
                "energy": words,
                "range": interval if ends[0] < ends[1] else "no range published",
            }
        )
    rows = [row for row in rows if row["low"] > 0]  # a logarithm needs it
    if not rows:
        return None
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("device:N", sort=list(estimate.devices), title=None)
    )
    scale, axis = _log_axis([row[end] for row in rows for end in ("low", "high")])
    hover = [f"{name}:N" for name in ("device", "energy", "range")]
    bars = base.mark_rule(strokeWidth=6, strokeCap="round", opacity=0.35).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q", color=alt.value("var(--accent)")
    )
    dots = base.mark_circle(size=110, opacity=1).encode(
        x=alt.X(
            "total:Q",
            scale=scale,
            title="energy per inference",
            axis=axis,
        ),
        color=alt.value("var(--accent)"),
        tooltip=hover,
    )
    texts = base.mark_text(align="left", dx=10, fontSize=12).encode(
        x=alt.X("high:Q", scale=scale), text="energy:N"
    )
    chart = (bars + dots + texts).transform_filter(SHOWN).add_params(_hidden())
    chart = chart.properties(padding={"right": 60})  # for the texts
    return spec(chart, 28 * len(rows))


def layers_chart(estimate: EnergyEstimate, device: str) -> dict[str, Any]:
    """Return the energy of each layer on one device, stacked by operation."""
    alt = altair()
    labels, cells = energies_by_layer(estimate)
    shown = [label for label in labels if label in cells[device]]
    total = estimate.total(device)
    order = list(OPERATIONS)
    rows: list[dict[str, Any]] = [
        {
            "layer": row_label(row),
            "operation": OPERATIONS[row.operation].words,
            "order": order.index(row.operation),
            "value": row.energy,
            "energy": typeset_si(row.energy, "J"),
            "share": f"{100 * row.energy / total:.3g} %" if total else "",
            "count": (
                typeset_si(row.count, "s")
                if row.operation == "static"
                else count(row.count).text
            ),
            "price": typeset_si(
                row.energy_per_operation, "W" if row.operation == "static" else "J"
            ),
        }
        for row in estimate.rows
        if row.device == device
    ]
    used = [key for key in order if any(r["order"] == order.index(key) for r in rows)]
    hover = ("layer", "operation", "energy", "share", "count", "price")
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(height={"band": 0.7})
        .encode(
            y=alt.Y(
                "layer:N", sort=shown, title=None, axis=alt.Axis(minExtent=_LABEL_WIDTH)
            ),
            x=alt.X(
                "value:Q",
                title="energy per inference",
                axis=alt.Axis(labelExpr=_SI_LABEL.format("J"), tickCount=4),
                stack=True,
            ),
            color=alt.Color("operation:N", scale=_operation_scale(used), legend=None),
            order=alt.Order("order:Q"),
            tooltip=[f"{name}:N" for name in hover],
        )
    )
    return spec(bars, 22 * len(shown))


def rates_chart(frame: pandas.DataFrame, name: str = "population") -> dict[str, Any]:
    """Return firing rates by layer: a bar to the mean, a tick at the fastest neuron."""
    alt = altair()
    rows: list[dict[str, Any]] = []
    for _, row in frame.iterrows():
        rows.append(
            {
                "layer": str(row[name]),
                "mean": float(row["firing_rate"]),
                "max": float(row["firing_rate_max"]),
                "mean rate": f"{row['firing_rate']:.1f} Hz",
                "fastest neuron": f"{row['firing_rate_max']:.1f} Hz",
                "silent": f"{100 * row['silent']:.1f} %",
                "neurons": f"{int(row['n_neurons']):,}",
            }
        )
    hover = ("layer", "mean rate", "fastest neuron", "silent", "neurons")
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y(
            "layer:N", sort=None, title=None, axis=alt.Axis(minExtent=_LABEL_WIDTH)
        ),
        tooltip=[f"{key}:N" for key in hover],
    )
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=alt.X(
            "mean:Q",
            title="firing rate [Hz]: mean (bar), fastest neuron (tick)",
            axis=alt.Axis(tickCount=8),
        ),
        color=alt.value("var(--accent)"),
    )
    ticks = base.mark_tick(thickness=2).encode(
        x="max:Q", color=alt.value("var(--ink-2)")
    )
    return spec(bars + ticks, 28 * len(rows))


def agreement_chart(frame: pandas.DataFrame) -> dict[str, Any]:
    """Return correlation and relative error of each layer's decoded spikes."""
    alt = altair()
    names = ("correlation", "relative_error")
    rows: list[dict[str, Any]] = [
        {
            "layer": str(row["layer"]),
            "quantity": key.replace("_", " "),
            "value": float(row[key]),
            "shown": f"{row[key]:.3f}",
        }
        for _, row in frame.iterrows()
        for key in names
        if row[key] is not None and row[key] == row[key]
    ]
    words = [key.replace("_", " ") for key in names]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=80, opacity=1)
        .encode(
            y=alt.Y(
                "layer:N",
                sort=None,
                title=None,
                axis=alt.Axis(minExtent=_LABEL_WIDTH, grid=True),
            ),
            x=alt.X(
                "value:Q",
                title="decoded spikes against activations",
                axis=alt.Axis(tickCount=6),
            ),
            color=alt.Color("quantity:N", scale=_line_scale(words), legend=_legend()),
            shape=alt.Shape(
                "quantity:N", scale=alt.Scale(domain=words), legend=_legend()
            ),
            tooltip=[
                "layer:N",
                "quantity:N",
                alt.Tooltip("shown:N", title="value"),
            ],
        )
    )
    return spec(chart, 30 * len(frame))


def _legend() -> Any:
    return altair().Legend(title=None)


def curve_chart(
    curve: pandas.DataFrame, references: Mapping[str, float]
) -> dict[str, Any]:
    """Return accuracy, or agreement, against timesteps, with its interval.

    Parameters
    ----------
    curve : pandas.DataFrame
        One row per output and number of timesteps.
    references : Mapping of {str: float}
        Accuracy of the Keras model by output.
    """
    alt = altair()
    quantity = best_quantity(curve)
    rows: list[dict[str, Any]] = []
    for _, row in curve.iterrows():
        value = float(row[quantity])
        ends = [float(row.get(f"{quantity}_{end}", value)) for end in ("low", "high")]
        rows.append(
            {
                "output": str(row.get("output", "output")),
                "timesteps": int(row["timesteps"]),
                "value": value,
                "low": ends[0],
                "high": ends[1],
                "shown": f"{100 * value:.1f} %",
                "interval": f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %",
            }
        )
    names = list(dict.fromkeys(row["output"] for row in rows))
    colour = alt.Color(
        "output:N",
        scale=_line_scale(names),
        legend=_legend() if len(names) > 1 else None,
    )
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("timesteps:Q", title="timesteps per inference"), color=colour
    )
    y = alt.Y(
        "value:Q",
        title=quantity,
        axis=alt.Axis(format="~%"),
        scale=alt.Scale(domain=[0, 1]),
    )
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.mark_line(point={"size": 50}).encode(
        y=y,
        tooltip=[
            "output:N",
            "timesteps:Q",
            alt.Tooltip("shown:N", title=quantity),
            "interval:N",
        ],
    )
    parts = band + line
    if quantity == "accuracy" and references:
        lines = [{"output": k, "keras": v} for k, v in references.items()]
        parts += (
            alt.Chart(alt.Data(values=lines))
            .mark_rule(strokeDash=[5, 4])
            .encode(
                y="keras:Q",
                color=colour,
                tooltip=["output:N", alt.Tooltip("keras:Q", format=".1%")],
            )
        )
    return spec(parts, 240)


def tradeoff_chart(
    frame: pandas.DataFrame, devices: Sequence[str], dense: Sequence[str] = ()
) -> dict[str, Any]:
    """Return accuracy against energy, the Pareto front of each device as a line.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per setting.
    devices : sequence of str
        Which to draw.
    dense : sequence of str
        Those that run the Keras model, so have its accuracy.
    """
    alt = altair()
    rows: list[dict[str, Any]] = []
    settings = varied_settings(frame)
    for device in devices:
        x, y = tradeoff_columns(frame, device, dense)
        points = frame.dropna(subset=[x, y]).sort_values(x)
        points = points[points[x] > 0]  # a logarithm needs it
        front = pareto_front(points[x], points[y])
        for (_, row), on_front in zip(points.iterrows(), front):
            rows.append(
                {
                    "device": device,
                    "energy": float(row[x]),
                    "value": float(row[y]),
                    "front": bool(on_front),
                    "energy shown": typeset_si(float(row[x]), "J"),
                    "accuracy shown": f"{100 * float(row[y]):.1f} %",
                    "setting": ", ".join(f"{name} {row[name]}" for name in settings),
                }
            )
    if not rows:
        raise InputError("sweep holds no row with accuracy and an energy")
    scale, axis = _log_axis([row["energy"] for row in rows])
    base = (
        alt.Chart(alt.Data(values=rows))
        .encode(
            x=alt.X("energy:Q", scale=scale, title="energy per inference", axis=axis),
            y=alt.Y(
                "value:Q",
                title="accuracy",
                axis=alt.Axis(format="~%"),
                scale=alt.Scale(zero=False),
            ),
            color=alt.Color("device:N", scale=_line_scale(devices), legend=_legend()),
        )
        .transform_filter(SHOWN)
    )
    dots = base.mark_circle(size=70).encode(
        opacity=alt.condition("datum.front", alt.value(1), alt.value(0.35)),
        tooltip=[
            "device:N",
            "setting:N",
            alt.Tooltip("accuracy shown:N", title="accuracy"),
            alt.Tooltip("energy shown:N", title="energy"),
        ],
    )
    line = base.transform_filter("datum.front").mark_line(
        strokeWidth=2, interpolate="step-after"
    )
    return spec((line + dots).add_params(_hidden()), 300)


def mesh_chart(
    cores: Sequence[Mapping[str, Any]], layers: Sequence[str], size: tuple[int, int]
) -> dict[str, Any]:
    """Return the tiles of a chip with the load of each core.

    Parameters
    ----------
    cores : sequence of Mapping
        Of each core ``x`` and ``y`` of its left upper corner [tiles], ``side``,
        ``load`` (0 to 1), ``layer``, and texts for hovering.
    layers : sequence of str
        Layers in order, for their colours.
    size : tuple of int
        Tiles across and down.
    """
    alt = altair()
    across, down = size
    tiles = [{"x": x, "y": y} for y in range(down) for x in range(across)]
    grid = (
        alt.Chart(alt.Data(values=tiles))
        .mark_rect(stroke="var(--line-2)", fill="var(--card)", strokeWidth=1)
        .transform_calculate(x2="datum.x + 1", y2="datum.y + 1")
        .encode(
            x=alt.X(
                "x:Q",
                scale=alt.Scale(domain=[0, across], nice=False),
                axis=None,
            ),
            x2="x2:Q",
            y=alt.Y(
                "y:Q",
                scale=alt.Scale(domain=[0, down], reverse=True, nice=False),
                axis=None,
            ),
            y2="y2:Q",
        )
    )
    hover = [key for key in cores[0] if key not in ("x", "y", "side", "load", "value")]
    marks = (
        alt.Chart(alt.Data(values=list(cores)))
        .mark_rect(strokeWidth=1.5)
        .transform_calculate(x2="datum.x + datum.side", y2="datum.y + datum.side")
        .encode(
            x="x:Q",
            x2="x2:Q",
            y="y:Q",
            y2="y2:Q",
            fill=alt.Fill("layer:N", scale=_line_scale(layers), legend=_legend()),
            stroke=alt.Stroke("layer:N", scale=_line_scale(layers), legend=_legend()),
            fillOpacity=alt.FillOpacity(
                "load:Q",
                scale=alt.Scale(domain=[0, 1], range=[0.08, 1]),
                legend=None,
            ),
            tooltip=[f"{key}:N" for key in hover],
        )
    )
    return spec(grid + marks, 64 * down)
