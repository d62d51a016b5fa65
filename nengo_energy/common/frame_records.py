"""Frames -> JSON with every digit: what other programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    import pandas


def frame_records(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries of plain values, None for NaN."""
    columns = {
        str(name): [None if value != value else value for value in frame[name].tolist()]
        for name in frame
    }
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def to_json(content: Mapping[str, Any]) -> str:
    """Return plain values as JSON; None stands for what isn't known."""
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
