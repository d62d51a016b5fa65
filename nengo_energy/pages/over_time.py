"""Energies over the number of timesteps: a section with a slider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from ..common.exceptions import InputError
from ..common.html_tables import Cell, Row, html_table, quantity, share
from ..common.tables import typeset_si
from ..estimates.estimate import EnergyEstimate
from ..estimates.ranking import known_interval
from .parts import Chart, Section
from .vega import (
    SHOWN,
    altair,
    dash_scale,
    hidden_devices,
    log_axis,
    plain_legend,
    series_scale,
    spec,
)

if TYPE_CHECKING:
    import pandas

CHOSEN = "timesteps"
"""Parameter of the chart that the page sets to what the slider stands at."""


def over_time_section(
    estimates: Sequence[EnergyEstimate], curve: pandas.DataFrame | None = None
) -> Section:
    """Return energies of each device over timesteps, and a table for each number.

    Parameters
    ----------
    estimates : sequence of EnergyEstimate
        Of one network, each of another number of timesteps.
    curve : pandas.DataFrame, optional
        ``accuracy`` by ``timesteps``, for estimates that don't know theirs.

    Raises
    ------
    InputError
        When timesteps aren't known, or two estimates have the same.
    """
    found: dict[int, EnergyEstimate] = {}
    for estimate in estimates:
        timesteps = getattr(estimate, "settings", {}).get("timesteps")
        if not isinstance(timesteps, int) or timesteps in found:
            raise InputError(
                "over_time must hold estimates, each of another number of timesteps; "
                f"got {timesteps!r} beside {', '.join(map(str, found)) or 'no other'}"
            )
        found[timesteps] = estimate
    by_timesteps = dict(sorted(found.items()))
    accuracies = {n: _accuracy(e) for n, e in by_timesteps.items()}
    if curve is not None and "accuracy" in curve and curve["timesteps"].is_unique:
        accuracies.update(zip(curve["timesteps"], curve["accuracy"]))
    chart = _chart(by_timesteps)
    return Section(
        "over-time",
        "Timesteps and energy",
        "More timesteps decide better, and cost more on devices that spike. The slider "
        "chooses how many the table is of.",
        [Chart("over-time", chart)] if chart is not None else [],
        by_timesteps={
            n: (_words(accuracies[n]), _table(e)) for n, e in by_timesteps.items()
        },
    )


def _accuracy(estimate: EnergyEstimate) -> float | None:
    said: Any = estimate.settings.get("accuracy")
    return said["spiking"]["value"] if said else None


def _words(accuracy: float | None) -> str:
    cell = share(accuracy)
    return "" if cell.value is None else f"accuracy {cell.text}"


def _table(estimate: EnergyEstimate) -> str:
    body: list[Row] = []
    for model in estimate.models:
        low, high = known_interval(estimate, model.name) or (None, None)
        total = quantity(estimate.total(model), "J")
        ends = (quantity(low, "J"), quantity(high, "J"))
        latency = quantity(estimate.latency(model), "s")
        body.append([Cell(model.name, device=model.name), total, *ends, latency])
    return html_table(["device", "energy", "low", "high", "latency"], body)


def _chart(estimates: dict[int, EnergyEstimate]) -> dict[str, Any] | None:
    """Return a line for each device, and a rule at the timesteps that are chosen."""
    alt = altair()
    rows: list[dict[str, Any]] = [
        {
            "device": name,
            "timesteps": timesteps,
            "energy": estimate.total(name),
            "energy shown": typeset_si(estimate.total(name), "J"),
        }
        for timesteps, estimate in estimates.items()
        for name in estimate.devices
        if estimate.total(name) > 0  # a logarithm needs it
    ]
    if not rows:
        return None
    names = list(dict.fromkeys(str(row["device"]) for row in rows))
    scale, axis = log_axis([row["energy"] for row in rows])
    base = (
        alt.Chart(alt.Data(values=rows))
        .encode(x=alt.X("timesteps:Q", title="timesteps per inference"))
        .transform_filter(SHOWN)
    )
    lines = base.mark_line(point={"size": 40}).encode(
        y=alt.Y("energy:Q", scale=scale, title="energy per inference", axis=axis),
        color=alt.Color("device:N", scale=series_scale(names), legend=plain_legend()),
        strokeDash=alt.StrokeDash(
            "device:N", scale=dash_scale(names), legend=plain_legend()
        ),
        tooltip=[
            "device:N",
            "timesteps:Q",
            alt.Tooltip("energy shown:N", title="energy"),
        ],
    )
    rule = base.transform_filter(f"datum.timesteps == {CHOSEN}").mark_rule(
        strokeDash=[5, 4]
    )
    chosen = alt.param(name=CHOSEN, value=max(estimates))
    return spec((rule + lines).add_params(hidden_devices(), chosen), 260)
