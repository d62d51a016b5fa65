"""EnergyEstimate -> DataFrame and text: the only place that builds either."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Mapping, Sequence

from ..common.exceptions import NotFoundError
from ..common.sums import sum_by_key
from ..common.tables import (
    NOTHING,
    format_bullets,
    format_si,
    format_table,
    merge_orders,
    plural,
    wrap,
)
from ..common.vital_signs import ALERTS, format_alerts
from .estimate import EnergyEstimate, EnergyRow
from .ranking import by_energy, conclusion, evidence_words, included, known_interval

if TYPE_CHECKING:
    import pandas

    from ..devices import Device

COLUMNS: Sequence[str] = tuple(f.name for f in fields(EnergyRow))
"""Columns of the frame, the fields of `EnergyRow`."""

WARNINGS = "Warnings"
"""Heading of what makes an estimate worthless, which is said first."""

UNITS: Mapping[str, str] = {
    "count": "1/inf",
    "energy_per_operation": "J",
    "energy": "J/inf",
    "low": "J/inf",
    "high": "J/inf",
    "std": "J/inf",
}
"""Units of the frame's columns. In rows of static power the count is a latency [s],
and the energy per operation a power [W]."""


def estimate_frame(
    estimate: EnergyEstimate, columns: Sequence[str] | None = None
) -> pandas.DataFrame:
    """Return the rows of an estimate as a frame; see `EnergyEstimate.to_frame`.

    ``attrs["units"]`` holds the unit of each column that has one.
    """
    import pandas as pd

    if isinstance(columns, str):
        columns = [columns]
    chosen = list(COLUMNS if columns is None else columns)
    for column in chosen:
        if column not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise NotFoundError(f"column {column!r} not found; known: {known}")
    frame = pd.DataFrame(
        {name: [getattr(row, name) for row in estimate.rows] for name in chosen}
    )
    frame.attrs["units"] = {n: UNITS[n] for n in chosen if n in UNITS}
    return frame


def format_estimate(estimate: EnergyEstimate) -> str:
    """Return what an estimate says, its tables, and how many notes there are."""
    n_notes = sum(map(len, _notes(estimate).values()))
    where = "print(estimate.notes()), -v on the command line, or the report"
    words = f"{plural(n_notes, 'note')}: {where}"
    last = [wrap(words)] if n_notes else []
    return "\n\n".join([format_tables(estimate), *last])


def format_tables(estimate: EnergyEstimate) -> str:
    """Return what an estimate says, then layers and devices as tables."""
    blocks = [
        format_conclusion(estimate),
        wrap(estimate_title(estimate)),
        format_layers(estimate),
        format_devices(estimate),
    ]
    return "\n\n".join(blocks)


def format_conclusion(estimate: EnergyEstimate) -> str:
    """Return what an estimate says, and before it what makes it worthless."""
    lines = [wrap(line) for line in conclusion(estimate)]
    return "\n".join([*format_alerts(estimate.assumptions), *lines])


def format_notes(estimate: EnergyEstimate) -> str:
    """Return what an estimate leaves out, and what it takes for granted."""
    return "\n\n".join(
        format_bullets(heading, sentences)
        for heading, sentences in _notes(estimate).items()
    )


def _notes(estimate: EnergyEstimate) -> dict[str, list[str]]:
    """Return the remarks that aren't said first."""
    found = remarks(estimate)
    found.pop(WARNINGS, None)
    return found


def remarks(estimate: EnergyEstimate) -> dict[str, list[str]]:
    """Return the sentences that belong below an estimate, by heading."""
    lists: dict[str, list[str]] = {
        WARNINGS: [],
        "Kernels and bytes": moved_words(estimate) if _shows_moved(estimate) else [],
        "Not modelled": [],
        "Assumptions": [],
    }
    for assumption in estimate.assumptions:
        if assumption.code in ALERTS:
            lists[WARNINGS].append(assumption.text)
        elif assumption.code == "not-modelled":
            lists["Not modelled"].append(assumption.text)
        else:
            lists["Assumptions"].append(str(assumption))
    return {heading: sentences for heading, sentences in lists.items() if sentences}


def _shows_moved(estimate: EnergyEstimate) -> bool:
    """Tell whether kernels and bytes are priced, or were asked for."""
    operations = {item.operation for item in estimate.moved}
    return any(item.execution == "event" for item in estimate.moved) or any(
        row.operation in operations for row in estimate.rows
    )


def estimate_title(estimate: EnergyEstimate) -> str:
    """Return what an estimate is of: timesteps, inferences, simulator, host."""
    settings = estimate.settings
    details = []
    timesteps, dt = settings.get("timesteps"), settings.get("dt")
    if timesteps is not None and isinstance(dt, (int, float)):
        details.append(f"{timesteps} timesteps of {1000 * dt:g} ms")
    n_inferences = settings.get("n_inferences", 0)
    if isinstance(n_inferences, int) and n_inferences > 1:
        details.append(f"mean of {n_inferences} inferences")
    if settings.get("simulator"):
        details.append(f"simulator {settings['simulator']}")
    if settings.get("batch_size"):
        details.append(f"batch size {settings['batch_size']}")
    if settings.get("host"):
        details.append(f"host {settings['host']}")
    return "Energy per inference" + (f" ({', '.join(details)})" if details else "")


def energies_by_layer(
    estimate: EnergyEstimate,
) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Return the labels of layers in order, and by device the energy of each.

    Terms that belong to no layer come last; what a device doesn't run isn't there.

    Returns
    -------
    labels : list of str
        Layers in the order of the network, ``"fixed energy"``, ``"static power"``.
    energies : dict of {str: dict of {str: float}}
        By device and label [J per inference].
    """
    cells = {
        name: sum_by_key(
            (row_label(row), row.energy) for row in estimate.rows if row.device == name
        )
        for name in estimate.devices
    }
    labels = merge_orders(list(column) for column in cells.values())
    last = [label for label in _WHOLE_DEVICE.values() if label in labels]
    return [label for label in labels if label not in last] + last, cells


def format_layers(estimate: EnergyEstimate) -> str:
    """Return layers down, devices across, and the totals below."""
    labels, cells = energies_by_layer(estimate)
    body = [
        [label, *(format_si(cells[d].get(label), "J") for d in estimate.devices)]
        for label in labels
    ]
    totals = [["total", *(format_si(estimate.total(d), "J") for d in estimate.devices)]]
    intervals = [known_interval(estimate, d) for d in estimate.devices]
    if any(intervals):
        for i, name in enumerate(("  low", "  high")):
            cells_i = (
                NOTHING if r is None else format_si(r[i], "J") for r in intervals
            )
            totals.append([name, *cells_i])
    return format_table([["layer", *estimate.devices]], body, totals)


_WHOLE_DEVICE = {"fixed": "fixed energy", "static": "static power"}
"""Labels of the operations that belong to no layer, in the order they are shown."""


def row_label(row: EnergyRow) -> str:
    """Return what a row is shown under: its layer, or the term of the whole device."""
    if row.operation in _WHOLE_DEVICE:
        return _WHOLE_DEVICE[row.operation]
    return f"{row.layer} (host)" if row.where == "host" else row.layer


def device_columns(
    estimate: EnergyEstimate,
) -> dict[str, tuple[str, list[float | str | None]]]:
    """Return what is to be said of each device, without columns that say nothing.

    Returns
    -------
    dict of {str: tuple of str and list}
        By heading the unit, empty for texts, and a value for each device.
    """
    models = estimate.models
    columns: dict[str, tuple[str, list[float | str | None]]] = {
        "kind": ("", [m.kind for m in models]),
        # an all-in price can't be told apart into dynamic and static
        "dynamic": ("J", [None if m.all_in else estimate.dynamic(m) for m in models]),
        "fixed": ("J", [estimate.fixed(m) for m in models]),
        "static": ("J", [estimate.static(m) for m in models]),
        "host": ("J", [estimate.host(m) for m in models]),
        "total": ("J", [estimate.total(m) for m in models]),
        "latency": ("s", [estimate.latency(m) for m in models]),
        "power": ("W", [estimate.power(m) for m in models]),
        "EDP": ("J s", [estimate.edp(m) for m in models]),
        "interval": ("", [interval_words(estimate, m) for m in models]),
        "evidence": ("", [evidence_words(m) for m in models]),
        "operating point": ("", [m.operating_point or None for m in models]),
    }
    return {
        heading: (unit, values)
        for heading, (unit, values) in columns.items()
        if any(value is not None for value in values)
    }


def ranking_table(estimate: EnergyEstimate) -> str:
    """Return the devices from the least energy on, and what their totals hold."""
    header = ["device", "energy", "low", "high", "holds", "evidence", "latency"]
    body = []
    for model in by_energy(estimate):
        low, high = known_interval(estimate, model.name) or (None, None)
        amounts = (estimate.total(model), low, high)
        body.append(
            [
                model.name,
                *(format_si(amount, "J") for amount in amounts),
                included(estimate, model),
                ", ".join(model.evidence),
                format_si(estimate.latency(model), "s"),
            ]
        )
    return format_table([header], body)


def interval_words(estimate: EnergyEstimate, model: Device) -> str | None:
    """Return the level and width of a prediction interval, None without one."""
    interval = estimate.intervals.get(model.name)
    if interval is None:
        return None
    outside = ", outside" if interval.outside else ""
    return f"{interval.level:.0%}, x{interval.factor:.3g}{outside}"


def moved_words(estimate: EnergyEstimate) -> list[str]:
    """Return a sentence on the kernels and bytes of each network."""
    networks = {"dense": "conventional", "event": "spiking"}
    sentences = []
    for execution, network in networks.items():
        parts = [
            (
                f"{item.count:,.0f} kernels"
                if item.operation == "kernel"
                else f"{format_si(item.count, 'B')} of {_MOVED[item.operation]}"
            )
            for item in estimate.moved
            if item.execution == execution
        ]
        if parts:
            sentences.append(
                f"{network} network, per inference, at batch size 1 and 32 bits a "
                f"number: {', '.join(parts)}"
            )
    return sentences


_MOVED = {
    "weight_byte": "weights",
    "activation_byte": "activations",
    "state_byte": "states",
}


def format_devices(estimate: EnergyEstimate) -> str:
    """Return devices down, and what is to be said of them across."""
    columns = device_columns(estimate)
    cells = [
        [
            (value or NOTHING) if isinstance(value, str) else format_si(value, unit)
            for value in values
        ]
        for unit, values in columns.values()
    ]
    body = [[name, *row] for name, row in zip(estimate.devices, zip(*cells))]
    return format_table([["device", *columns]], body)
