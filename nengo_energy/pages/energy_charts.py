"""Charts of an estimate: totals by device, and layers and operations of one device.

Every chart holds the numbers of its frame; texts for hovering are made here, as tables
show them.
"""

from __future__ import annotations

from typing import Any

from ..common.colours import OPERATIONS
from ..common.html_tables import count
from ..common.tables import typeset_si
from ..estimates.estimate import EnergyEstimate
from ..estimates.ranking import by_energy, known_interval
from ..estimates.report import energies_by_layer, row_label
from .vega import (
    LABEL_WIDTH,
    SHOWN,
    SI_LABEL,
    altair,
    hidden_devices,
    log_axis,
    operation_scale,
    spec,
)


def totals_chart(estimate: EnergyEstimate) -> dict[str, Any] | None:
    """Return the totals of all devices on one logarithmic scale, with intervals.

    None where no device spends anything.
    """
    alt = altair()
    rows: list[dict[str, Any]] = []
    order = [model.name for model in by_energy(estimate)]
    for name in order:
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
        y=alt.Y("device:N", sort=order, title=None)
    )
    scale, axis = log_axis([row[end] for row in rows for end in ("low", "high")])
    hover = [f"{name}:N" for name in ("device", "energy", "range")]
    bars = base.mark_rule(strokeWidth=6, strokeCap="round", opacity=0.35).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q", color=alt.value("var(--accent)")
    )
    dots = base.mark_circle(size=110, opacity=1).encode(
        x=alt.X("total:Q", scale=scale, title="energy per inference", axis=axis),
        color=alt.value("var(--accent)"),
        tooltip=hover,
    )
    texts = base.mark_text(align="left", dx=10, fontSize=12).encode(
        x=alt.X("high:Q", scale=scale), text="energy:N"
    )
    chart = (bars + dots + texts).transform_filter(SHOWN).add_params(hidden_devices())
    sides = {"left": 5, "top": 5, "right": 60, "bottom": 5}
    chart = chart.properties(padding=sides)  # on the right for the texts
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
                "layer:N", sort=shown, title=None, axis=alt.Axis(minExtent=LABEL_WIDTH)
            ),
            x=alt.X(
                "value:Q",
                title="energy per inference",
                axis=alt.Axis(labelExpr=SI_LABEL.format("J"), tickCount=4),
                stack=True,
            ),
            color=alt.Color("operation:N", scale=operation_scale(used), legend=None),
            order=alt.Order("order:Q"),
            tooltip=[f"{name}:N" for name in hover],
        )
    )
    return spec(bars, 22 * len(shown))
