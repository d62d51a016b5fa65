"""Charts of what the network does: rates, likeness to Keras, trade-offs, mesh load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ..common.exceptions import InputError
from ..common.pareto import pareto_front
from ..common.tables import typeset_si
from ..estimates.columns import (
    best_quantity,
    is_alive,
    tradeoff_columns,
    varied_settings,
)
from .vega import (
    LABEL_WIDTH,
    SHOWN,
    altair,
    hidden_devices,
    log_axis,
    plain_legend,
    series_scale,
    spec,
)

if TYPE_CHECKING:
    import pandas


def rates_chart(frame: pandas.DataFrame) -> dict[str, Any]:
    """Return firing rates by layer: a bar to the mean, a tick at the fastest neuron."""
    alt = altair()
    rows: list[dict[str, Any]] = []
    for _, row in frame.iterrows():
        rows.append(
            {
                "layer": str(row["population"]),
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
        y=alt.Y("layer:N", sort=None, title=None, axis=alt.Axis(minExtent=LABEL_WIDTH)),
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
                axis=alt.Axis(minExtent=LABEL_WIDTH, grid=True),
            ),
            x=alt.X(
                "value:Q",
                title="decoded spikes against activations",
                axis=alt.Axis(tickCount=6),
            ),
            color=alt.Color(
                "quantity:N", scale=series_scale(words), legend=plain_legend()
            ),
            shape=alt.Shape(
                "quantity:N", scale=alt.Scale(domain=words), legend=plain_legend()
            ),
            tooltip=["layer:N", "quantity:N", alt.Tooltip("shown:N", title="value")],
        )
    )
    return spec(chart, 30 * len(frame))


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
        scale=series_scale(names),
        legend=plain_legend() if len(names) > 1 else None,
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
        front = pareto_front(points[x].where(is_alive(points)), points[y])
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
    scale, axis = log_axis([row["energy"] for row in rows])
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
            color=alt.Color(
                "device:N", scale=series_scale(devices), legend=plain_legend()
            ),
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
    return spec((line + dots).add_params(hidden_devices()), 300)


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
            x=alt.X("x:Q", scale=alt.Scale(domain=[0, across], nice=False), axis=None),
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
            fill=alt.Fill("layer:N", scale=series_scale(layers), legend=plain_legend()),
            stroke=alt.Stroke(
                "layer:N", scale=series_scale(layers), legend=plain_legend()
            ),
            fillOpacity=alt.FillOpacity(
                "load:Q", scale=alt.Scale(domain=[0, 1], range=[0.08, 1]), legend=None
            ),
            tooltip=[f"{key}:N" for key in hover],
        )
    )
    return spec(grid + marks, 64 * down)
