"""The page of devices, from their files: every number, its range and its source.

python tests/helpers/device_catalogue.py    rewrites docs/devices.md
"""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from paths import ROOT

from nengo_energy import devices
from nengo_energy.common.tables import NOTHING, format_si
from nengo_energy.devices import Device
from nengo_energy.devices.fields import PARTS
from nengo_energy.devices.report import cited_sources, number_origin, number_words

PAGE = ROOT / "docs" / "devices.md"

HEAD = """\
# Devices

Every device that comes with the package, and every number that it prices by, with its
range, its evidence and where it stands in its source. The page is written from the
device files by `python tests/helpers/device_catalogue.py`; `nengo-energy device NAME`
prints the same in a terminal, and [a device of your own](howto/own-device.md) takes one
file.

*Evidence* says how a number came to be: `measured` on silicon, `fitted` to
measurements, `pre-silicon` from simulations of the circuit, `datasheet-bound` from a
peak that no work reaches, `vendor-claim` without a measurement that can be read,
`literature` from a paper that doesn't say, `stand-in` of another device. A device with
several operating points is asked for as `name@point`; without one it is at the first
that its table names. Numbers below a table are those of its last column; `[P]` was read
in the source itself, `[S]` in another that quotes it, `[D]` is derived as said. A
second reader looked each up again, and found it in the source, where others quote it,
or not at all.
"""


def page() -> str:
    """Return the page."""
    known = [devices.get(name) for name in devices.names()]
    rows = [
        (
            f"[`{d.name}`](#{anchor(d.name)})",
            d.kind,
            "no prices" if d.unpriced else ", ".join(d.evidence),
            plain(d.description),
        )
        for d in known
    ]
    parts = [HEAD, table(("device", "kind", "evidence", "what it is"), rows)]
    return "\n".join([*parts, *(section(device) for device in known)])


def section(device: Device) -> str:
    """Return what is to be said of one device."""
    points = sorted(
        device.operating_points, key=lambda point: point != device.operating_point
    )
    variants = [devices.get(f"{device.name}@{p}") for p in points] or [device]
    numbers: dict[tuple[str, ...], list[str]] = {}
    origins: dict[str, int] = {}
    for variant in variants:
        for name, quantity in variant.quantities.items():
            low, high = quantity.bounds
            unit = PARTS[name.split(".")[0]]
            ends = (low, high) if low < high else (None, None)
            values = [amount(x, unit) for x in (quantity.value, *ends)]
            if quantity.per:
                values[0] += f" / {quantity.per}"
            year = str(quantity.year or NOTHING)
            key = (number_words(name), *values, quantity.evidence, year)
            origin = number_origin(replace(quantity, conditions=""))
            place = origins.setdefault(origin, len(origins) + 1)
            at = numbers.setdefault((*key, str(place)), [])
            at.append(variant.operating_point)
    header = ["number", "value", "low", "high", "evidence", "year", "from"]
    rows = [list(key) for key in numbers]
    if points:
        header.insert(0, "operating point")
        for row, at in zip(rows, numbers.values()):
            row.insert(0, "all" if len(at) == len(points) else ", ".join(at))
    lines = [f"## {device.name}", f"{plain(device.description)}."]
    if device.unpriced:
        lines.append(f"Energy can't be estimated: {plain(device.unpriced)}")
    lines.append(table(header, rows).rstrip())
    gaps = [f"{name}: {text}" for name, text in device.not_modelled.items()]
    sources = {k: v.sources[k] for v in variants for k in cited_sources(v)}
    lines.append("\n".join(f"{n}. {plain(text)}" for text, n in origins.items()))
    for heading, sentences in (
        ("Notes", device.notes),
        ("Not modelled", gaps),
        ("Sources", [f"{key}: {text}" for key, text in sources.items()]),
    ):
        if sentences:
            lines.append(f"{heading}:")
            lines.append("\n".join(f"- {plain(text)}" for text in sentences))
    return "\n\n".join(lines) + "\n"


def amount(value: float | None, unit: str) -> str:
    """Return a number in its unit."""
    if value is None:
        return NOTHING
    return format_si(value, unit) if unit else f"{value:,.10g}"


def anchor(name: str) -> str:
    """Return what the heading of a device is linked by."""
    return name.replace("@", "").replace(".", "")


def plain(text: str) -> str:
    """Return a text that Markdown shows as it stands."""
    for mark in ("\\", "|", "*", "_", "[", "]", "<", "`"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ").rstrip(".")


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    header = tuple(header)
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
