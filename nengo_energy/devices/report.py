"""Devices -> text: the list of them, and every number of one with its source."""

from __future__ import annotations

import textwrap
from typing import Iterable, Sequence

from ..common.tables import (
    NOTHING,
    WIDTH,
    format_bullets,
    format_si,
    format_table,
    wrap,
)
from . import Device, Quantity
from .fields import PART_WORDS, PARTS


def format_device_list(devices: Sequence[Device]) -> str:
    """Return a table of devices: name, kind, evidence, latest year and description."""
    header = ["device", "kind", "evidence", "year"]
    rows = [
        [
            device.name,
            device.kind,
            "no prices" if device.unpriced else ", ".join(device.evidence),
            _year(device),
        ]
        for device in devices
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    left = sum(widths) + 2 * len(widths)
    room = max(WIDTH - left, 20)

    def line(cells: Sequence[str], description: str) -> str:
        start = "".join(cell.ljust(w + 2) for cell, w in zip(cells, widths))
        return textwrap.fill(
            description,
            left + room,
            initial_indent=start,
            subsequent_indent=" " * left,
            break_on_hyphens=False,
        ).rstrip()

    lines = [line(header, "description"), "-" * (left + room)]
    for row, device in zip(rows, devices):
        lines.append(line(row, device.description or NOTHING))
    return "\n".join(lines)


def format_device(device: Device) -> str:
    """Return every number of a device, where each comes from, and what it holds for."""
    title = (
        f"{device.name}: {device.description}" if device.description else device.name
    )
    blocks = [wrap(title), _conditions(device)]
    if device.unpriced:
        reason = f"Energy can't be estimated: {device.unpriced}"
        blocks.append(wrap(reason))
    numbers = device.quantities
    body = [
        [
            number_words(name),
            *_values(quantity, PARTS[name.split(".")[0]]),
            quantity.published or NOTHING,
            quantity.evidence,
            str(quantity.year or NOTHING),
        ]
        for name, quantity in numbers.items()
    ]
    header = ["number", "value", "low", "high", "published", "evidence", "year"]
    blocks.append(format_table([header], body))
    origins: dict[str, list[str]] = {}
    for name, quantity in numbers.items():
        origins.setdefault(number_origin(quantity), []).append(number_words(name))
    lists = {
        "Where the numbers come from": (
            f"{', '.join(names)}: {origin}" for origin, names in origins.items()
        ),
        "Notes": device.notes,
        "Not modelled": (f"{k}: {text}" for k, text in device.not_modelled.items()),
        "Sources": (f"{key}: {device.sources[key]}" for key in cited_sources(device)),
    }
    for heading, sentences in lists.items():
        if found := list(sentences):
            blocks.append(format_bullets(heading, found))
    return "\n\n".join(blocks)


def _year(device: Device) -> str:
    """Return the latest year of the numbers that are charged, or else of all."""
    numbers = device.energies or device.charged or device.quantities
    years = [number.year for number in numbers.values() if number.year is not None]
    return str(max(years)) if years else NOTHING


def _conditions(device: Device) -> str:
    """Return what the numbers hold for: kind, batch, time, operating point."""
    words = {
        "event": "event-driven: pays for the spikes of the spiking network",
        "dense": "dense: runs the conventional network once per inference",
    }
    lines = [words[device.kind]]
    if device.real_time is not None:
        lines[0] += ", in real time" if device.real_time else ", not in real time"
    if device.spike_input:
        lines[0] += ", takes spikes alone"
    if device.batch_size > 1:
        lines.append(f"{device.batch_size} inferences run together")
    if device.included:
        lines.append(f"{', '.join(device.included)}: in the price of the others")
    if device.operating_points:
        lines.append(f"operating point {device.operating_point}, the default of")
        points = ", ".join(device.operating_points)
        lines.append(
            textwrap.fill(
                points,
                WIDTH,
                initial_indent="  ",
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)


def number_words(name: str) -> str:
    """Return what a number is of, e.g. ``"synop"``, ``"time of synop"``."""
    part, _, key = name.partition(".")
    if part in PART_WORDS:
        return PART_WORDS[part]
    return {
        "energies": key,
        "times": f"time of {key}",
        "powers": f"power, {key.replace('_', ' ')}",
    }.get(part, key.replace("_", " "))


def _values(quantity: Quantity, unit: str) -> list[str]:
    """Return value, low and high; the ends only where there is a range."""
    low, high = quantity.bounds
    ends = (low, high) if low < high else (None, None)
    if not unit:
        return [NOTHING if x is None else f"{x:,.10g}" for x in (quantity.value, *ends)]
    value, *others = (format_si(x, unit) for x in (quantity.value, *ends))
    return [f"{value} / {quantity.per}" if quantity.per else value, *others]


_REREAD = {
    "primary": "read again in the source",
    "secondary": "read again where others quote it",
    "not found": "not found when it was to be read again",
}


def number_origin(quantity: Quantity) -> str:
    """Return where in the source a number stands, and what it holds for."""
    said = [
        quantity.source,
        quantity.locator,
        "all-in, nothing may be added" if quantity.all_in else "",
        quantity.conditions,
        quantity.note,
        f"range from {quantity.range_source}" if quantity.range_source else "",
        _REREAD.get(quantity.reread, ""),
    ]
    return "; ".join(text for text in said if text)


def cited_sources(device: Device) -> Iterable[str]:
    """Return the keys of the sources that numbers refer to, each once."""
    keys: list[str] = []
    for quantity in device.quantities.values():
        keys += [quantity.source, quantity.range_source]
    keys.append(device.real_time_source if device.real_time is not None else "")
    return dict.fromkeys(key for key in keys if key)
