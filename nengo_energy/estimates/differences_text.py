"""EstimateDiff -> text."""

from __future__ import annotations

import math
from numbers import Real
from typing import Mapping

from ..common.tables import NOTHING, format_bullets, format_si, format_table
from ..devices.fields import PARTS
from .differences import Change, EstimateDiff, is_beyond

_HEADINGS: Mapping[str, str] = {
    "device": "Devices",
    "setting": "Settings",
    "price": "Prices and other numbers of devices",
    "assumption": "Assumptions and omissions",
}


def format_diff(found: EstimateDiff) -> str:
    """Return what changed as text, the totals first."""
    if not found.changes:
        return "Nothing changed."
    blocks = []
    guarded = [c for c in found.changes if c.kind in ("total", "latency")]
    if guarded:
        body = [
            [
                c.device if c.kind == "total" else f"{c.device}, latency",
                *_values(c, "J" if c.kind == "total" else "s"),
                "beyond" if is_beyond(c, found.tolerance) else "",
            ]
            for c in guarded
        ]
        header = ["device", "before", "after", "change"]
        header.append(f"tolerance {100 * found.tolerance:.3g} %")
        blocks.append(format_table([header], body))
    else:
        blocks.append("No total and no latency changed.")
    rows = _row_table(found)
    if rows:
        header = ["device, layer, operation", "before", "after", "change", "count"]
        blocks.append(format_table([header], rows))
    for kind, heading in _HEADINGS.items():
        sentences = [_sentence(c) for c in found.changes if c.kind == kind]
        if sentences:
            blocks.append(format_bullets(heading, sentences))
    return "\n\n".join(blocks)


def _row_table(found: EstimateDiff) -> list[list[str]]:
    """Return a line for each operation whose energy or count changed."""
    lines: dict[tuple[str, str, str], dict[str, Change]] = {}
    for c in found.changes:
        if c.kind in ("row", "count"):
            lines.setdefault((c.device, c.layer, c.operation), {})[c.kind] = c
    nothing = [NOTHING, NOTHING, NOTHING]
    return [
        [
            ", ".join(key),
            *(_values(pair["row"], "J") if "row" in pair else nothing),
            _share(pair["count"]) if "count" in pair else NOTHING,
        ]
        for key, pair in lines.items()
    ]


def _values(change: Change, unit: str) -> list[str]:
    pair = [x if isinstance(x, float) else None for x in (change.before, change.after)]
    return [*(format_si(x, unit) for x in pair), _share(change)]


def _share(change: Change) -> str:
    share = change.relative
    if share is None:
        return NOTHING
    return "new" if math.isinf(share) else f"{100 * share:+.3g} %"


def _sentence(change: Change) -> str:
    """Return a change in words."""
    if change.kind == "device":
        return f"{change.device}: only {'after' if change.before is None else 'before'}"
    if change.kind == "assumption":
        when = "now" if change.before is None else "no longer"
        return f"{when} {change.what}: {change.before or change.after}"
    unit = PARTS.get(change.what.partition(".")[0], "")
    values = [_shown(x, unit) for x in (change.before, change.after)]
    what = f"{change.device}, {change.what}" if change.device else change.what
    return f"{what}: {values[0]} -> {values[1]}"


def _shown(value: object, unit: str) -> str:
    if value is None:
        return NOTHING
    if unit and isinstance(value, Real):
        return format_si(float(value), unit)
    return str(value) or "nothing"
