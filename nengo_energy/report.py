"""EnergyEstimate -> DataFrame and text: the only place that builds either."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Iterable, Mapping, Sequence

from .devices import Device
from .estimate import EnergyEstimate, EnergyRow
from .exceptions import NotFoundError

if TYPE_CHECKING:
    import pandas

COLUMNS: Sequence[str] = tuple(f.name for f in fields(EnergyRow))
"""Columns of the frame, the fields of `EnergyRow`."""

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

WIDTH = 100
"""Width that the text is laid out for; only a wide first column exceeds it."""

_PREFIXES = {
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "u",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
}
_NOTHING = "-"
_GAP = "  "


def estimate_frame(
    estimate: EnergyEstimate, columns: Sequence[str] | None = None
) -> pandas.DataFrame:
    """Return the rows of an estimate as a tidy frame in SI units.

    Parameters
    ----------
    estimate : EnergyEstimate
        What to tabulate.
    columns : sequence of str, optional
        Columns to keep, in order; `COLUMNS` by default.

    Returns
    -------
    pandas.DataFrame
        One row per device, layer and operation; ``attrs["units"]`` holds the unit of
        each column that has one.

    Raises
    ------
    NotFoundError
        When a column doesn't exist; the message lists those that do.
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


def format_si(value: float | None, unit: str) -> str:
    """Return a value with three digits and a prefixed unit, e.g. ``"5.48 uJ"``.

    Parameters
    ----------
    value : float or None
        Value in SI units; None prints as ``"-"``.
    unit : str
        Symbol of the unit without prefix.
    """
    if value is None:
        return _NOTHING
    if value == 0:
        return f"0 {unit}"
    mantissa, exponent = f"{value:.2e}".split("e")  # rounds 999.6 n to 1.00 u
    shift = int(exponent) % 3
    power = int(exponent) - shift
    if power not in _PREFIXES:
        return f"{mantissa}e{int(exponent)} {unit}"
    return f"{Decimal(mantissa).scaleb(shift):.{2 - shift}f} {_PREFIXES[power]}{unit}"


def format_estimate(estimate: EnergyEstimate, width: int = WIDTH) -> str:
    """Return the tables of an estimate, then what it leaves out and takes for granted.

    Parameters
    ----------
    estimate : EnergyEstimate
        What to print.
    width : int
        Columns of the terminal; devices that don't fit go into further blocks.
    """
    blocks = [
        textwrap.fill(_title(estimate), width),
        _layer_table(estimate, width),
        _device_table(estimate, width),
    ]
    lists: dict[str, list[str]] = {"Not modelled": [], "Assumptions": []}
    for assumption in estimate.assumptions:
        if assumption.code == "not-modelled":
            lists["Not modelled"].append(assumption.text)
        else:
            lists["Assumptions"].append(str(assumption))
    for heading, sentences in lists.items():
        if sentences:
            blocks.append(_bullets(heading, sentences, width))
    return "\n\n".join(blocks)


def format_devices(devices: Sequence[Device], width: int = WIDTH) -> str:
    """Return the prices of devices as text, then the citations they refer to.

    Parameters
    ----------
    devices : sequence of Device
        What to print.
    width : int
        Columns of the terminal.
    """
    header = ["operation", "price", "low", "high", "published", "evidence", "source"]
    blocks = []
    cited: dict[str, None] = {}
    for device in devices:
        prices = [(op, q, "J") for op, q in device.energies.items()]
        if device.static_power is not None:
            prices.append(("static power", device.static_power, "W"))
        body = []
        for operation, quantity, unit in prices:
            low, high = quantity.bounds
            ends = (low, high) if low < high else (None, None)
            values = [format_si(value, unit) for value in (quantity.value, *ends)]
            published = quantity.published or _NOTHING
            keys = [k for k in (quantity.source, quantity.range_source) if k]
            cited.update((f"{key}: {device.sources[key]}", None) for key in keys)
            source = ", ".join(keys)
            body.append([operation, *values, published, quantity.evidence, source])
        title = f"{device.name} ({device.kind}) {device.description}".rstrip()
        table = _table([header], body, [], width)
        blocks.append(textwrap.fill(title, width) + "\n" + table)
    return "\n\n".join([*blocks, _bullets("Sources", cited, width)])


def _title(estimate: EnergyEstimate) -> str:
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
    if settings.get("host"):
        details.append(f"host {settings['host']}")
    return "Energy per inference" + (f" ({', '.join(details)})" if details else "")


def _layer_table(estimate: EnergyEstimate, width: int) -> str:
    """Return layers down, devices across, and the totals below."""
    cells: dict[str, dict[str, float]] = {name: {} for name in estimate.devices}
    for row in estimate.rows:
        column = cells[row.device]
        label = _label(row)
        column[label] = column.get(label, 0.0) + row.energy
    labels = merge_orders(list(column) for column in cells.values())
    static = [label for label in labels if label == _STATIC]
    labels = [label for label in labels if label != _STATIC] + static

    body = [
        [label, *(format_si(cells[d].get(label), "J") for d in estimate.devices)]
        for label in labels
    ]
    totals = [["total", *(format_si(estimate.total(d), "J") for d in estimate.devices)]]
    intervals = [_interval(estimate, d) for d in estimate.devices]
    if any(intervals):
        for i, name in enumerate(("  low", "  high")):
            cells_i = (
                _NOTHING if r is None else format_si(r[i], "J") for r in intervals
            )
            totals.append([name, *cells_i])
    return _table([["layer", *estimate.devices]], body, totals, width)


_STATIC = "static power"


def _label(row: EnergyRow) -> str:
    if row.operation == "static":
        return _STATIC
    return f"{row.layer} (host)" if row.where == "host" else row.layer


def _interval(estimate: EnergyEstimate, device: str) -> tuple[float, float] | None:
    low, high = estimate.interval(device)
    return (low, high) if low < high else None


def _device_table(estimate: EnergyEstimate, width: int) -> str:
    """Return devices down and their totals across, without columns that say nothing."""
    header = ["device", "kind", "dynamic", "static", "host", "total"]
    header += ["latency", "power", "EDP", "evidence"]
    body = [
        [
            model.name,
            model.kind,
            format_si(estimate.dynamic(model), "J"),
            format_si(estimate.static(model), "J"),
            format_si(estimate.host(model), "J"),
            format_si(estimate.total(model), "J"),
            format_si(estimate.latency(model), "s"),
            format_si(estimate.power(model), "W"),
            format_si(estimate.edp(model), "J s"),
            ", ".join(model.evidence),
        ]
        for model in estimate.models
    ]
    kept = [i for i in range(len(header)) if any(r[i] != _NOTHING for r in body)]
    return _table(
        [[header[i] for i in kept]], [[r[i] for i in kept] for r in body], [], width
    )


def _table(
    header: list[list[str]], body: list[list[str]], footer: list[list[str]], width: int
) -> str:
    """Return rows as text, the first column left and the others right aligned.

    Columns that don't fit go into further blocks, each with the first column again.
    """
    rows = header + body + footer
    widths = [max(map(len, column)) for column in zip(*rows)]
    blocks: list[list[int]] = [[]]
    used = widths[0]
    for i in range(1, len(widths)):
        needed = len(_GAP) + widths[i]
        if blocks[-1] and used + needed > width:
            blocks.append([])
            used = widths[0]
        blocks[-1].append(i)
        used += needed

    def line(row: list[str], block: list[int]) -> str:
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in block)]
        return _GAP.join(cells).rstrip()

    texts = []
    for block in blocks:
        length = widths[0] + sum(len(_GAP) + widths[i] for i in block)
        lines: list[str] = []
        for part in (header, body, footer):
            if lines and part:
                lines.append("-" * length)
            lines += [line(row, block) for row in part]
        texts.append("\n".join(lines))
    return "\n\n".join(texts)


def _bullets(heading: str, sentences: Iterable[str], width: int) -> str:
    wrapped = (
        textwrap.fill(
            s,
            width,
            initial_indent="- ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        for s in sentences
    )
    return "\n".join([heading, *wrapped])


def merge_orders(orders: Iterable[Sequence[str]]) -> list[str]:
    """Merge sequences of names: a new name goes behind the one it follows.

    Examples
    --------
    >>> merge_orders([["conv", "dense"], ["conv", "pool", "dense", "softmax"]])
    ['conv', 'pool', 'dense', 'softmax']
    """
    merged: list[str] = []
    for order in orders:
        position = 0
        for name in order:
            if name in merged:
                position = merged.index(name) + 1
            else:
                merged.insert(position, name)
                position += 1
    return merged
