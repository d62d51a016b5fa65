"""The tables of an estimate, for pages and notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.html_tables import Cell, Row, count, html_table, quantity
from ..common.tables import NOTHING
from ..devices import Quantity
from ..devices.fields import PARTS
from ..devices.report import cited_sources, number_origin, number_words
from .ranking import known_interval
from .report import device_columns, energies_by_layer

if TYPE_CHECKING:
    from .estimate import EnergyEstimate


def layer_table(estimate: EnergyEstimate) -> str:
    """Return layers down, devices across, and the totals below."""
    labels, cells = energies_by_layer(estimate)
    names = estimate.devices
    body: list[Row] = [
        [label, *(quantity(cells[name].get(label), "J", name) for name in names)]
        for label in labels
    ]
    footer: list[Row] = [
        ["total", *(quantity(estimate.total(n), "J", n) for n in names)]
    ]
    intervals = [known_interval(estimate, name) for name in names]
    if any(intervals):
        for i, end in enumerate(("low", "high")):
            ends = [None if r is None else r[i] for r in intervals]
            footer.append([end, *(quantity(x, "J", n) for x, n in zip(ends, names))])
    header: Row = ["layer", *(Cell(name, device=name) for name in names)]
    return html_table(header, body, footer)


def device_table(estimate: EnergyEstimate) -> str:
    """Return devices down, and their totals, latency and evidence across."""
    columns = device_columns(estimate)
    cells = [
        [
            Cell(value or NOTHING) if isinstance(value, str) else quantity(value, unit)
            for value in values
        ]
        for unit, values in columns.values()
    ]
    heads = [Cell(name, device=name) for name in estimate.devices]
    return html_table(["device", *columns], zip(heads, *cells))


def rows_table(estimate: EnergyEstimate) -> str:
    """Return every row of the estimate."""
    header = ["device", "layer", "operation", "count", "price", "energy"]
    header += ["low", "high", "std"]
    body: list[Row] = []
    for row in estimate.rows:
        operation = row.operation.replace("_", " ")
        if row.where == "host":
            operation += f" (host {row.host})"
        static = row.operation == "static"
        body.append(
            [
                Cell(row.device, device=row.device),
                row.layer,
                operation,
                quantity(row.count, "s") if static else count(row.count),
                quantity(row.energy_per_operation, "W" if static else "J"),
                *(quantity(x, "J") for x in (row.energy, row.low, row.high, row.std)),
            ]
        )
    return html_table(header, body)


def prices_table(estimate: EnergyEstimate) -> str:
    """Return every energy, power and time of the devices, and where each is from."""
    header = ["device", "number", "value", "low", "high", "published", "evidence"]
    header += ["year", "source"]
    body: list[Row] = [
        [
            Cell(model.name, device=model.name),
            number_words(name),
            *_values(number, PARTS[name.partition(".")[0]]),
            number.published or NOTHING,
            number.evidence,
            str(number.year or NOTHING),
            number_origin(number),
        ]
        for model in estimate.models
        for name, number in model.quantities.items()
        if PARTS[name.partition(".")[0]]
    ]
    return html_table(header, body)


def sources(estimate: EnergyEstimate) -> list[str]:
    """Return the citations of the devices' numbers, each with its key."""
    found = (
        f"{key}: {model.sources[key]}"
        for model in estimate.models
        for key in cited_sources(model)
    )
    return list(dict.fromkeys(found))


def _values(number: Quantity, unit: str) -> list[Cell]:
    low, high = number.bounds
    ends = (low, high) if low < high else (None, None)
    return [quantity(x, unit) for x in (number.value, *ends)]
