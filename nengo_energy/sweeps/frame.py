"""Sweep -> frame, a row per point."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping

from ..common.proportions import share_columns
from ..estimates.estimate import EnergyEstimate

if TYPE_CHECKING:
    import pandas

    from .results import Sweep, SweepPoint


def sweep_frame(sweep: Sweep) -> pandas.DataFrame:
    """Return a row per point; see `Sweep.to_frame`."""
    import pandas as pd

    frame = pd.DataFrame([_row(sweep, point) for point in sweep.points])
    units = {"dt": "s", "synapse": "s", "spikes": "1/inf", "synops": "1/inf"}
    for device in sweep.devices:
        for name in ("energy", "low", "high"):
            units[f"{name} {device}"] = "J/inf"
        units[f"latency {device}"] = "s"
    frame.attrs["units"] = units
    return frame


def _row(sweep: Sweep, point: SweepPoint) -> dict[str, Any]:
    nothing = float("nan")
    row = {name: _cell(value) for name, value in point.settings.items()}
    row["n_inferences"] = sweep.settings["n_inferences"]
    for name in ("accuracy", "keras_accuracy", "agreement"):
        row.update(share_columns(name, getattr(point, name)))
    for name in ("spikes", "synops"):
        value = getattr(point, name)
        row[name] = nothing if value is None else value
    estimate = point.estimate
    for device in sweep.devices:
        ends = (nothing, nothing) if estimate is None else estimate.interval(device)
        latency = None if estimate is None else estimate.latency(device)
        total = nothing if estimate is None else estimate.total(device)
        row[f"energy {device}"] = total
        row[f"low {device}"], row[f"high {device}"] = ends
        row[f"latency {device}"] = nothing if latency is None else latency
    row["dead"] = point.dead
    row["seed"] = sweep.settings["seed"]
    row["versions"] = "" if estimate is None else _versions(estimate)
    row["error"] = point.error or ""
    return row


def _cell(value: Any) -> Any:
    """Return a setting as one cell of a frame."""
    return (
        json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value
    )


def _versions(estimate: EnergyEstimate) -> str:
    versions = estimate.settings["versions"]
    assert isinstance(versions, Mapping)
    return ", ".join(f"{name} {number}" for name, number in versions.items())
