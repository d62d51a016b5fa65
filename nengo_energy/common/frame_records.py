"""Frames -> JSON with every digit: what other programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping

from .plain_text import plain_json

if TYPE_CHECKING:
    import pandas


SCHEMA_VERSION = 1
"""Of all but estimates; raised when a reader would misread what is written now."""


def frame_records(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries of plain values, None for NaN."""
    columns = {
        str(name): [None if value != value else value for value in frame[name].tolist()]
        for name in frame
    }
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def to_json(kind: str, content: Mapping[str, Any]) -> str:
    """Return plain values as JSON, null for what isn't known; see docs/schema.json."""
    named = {"schema": f"nengo_energy.{kind}", "schema_version": SCHEMA_VERSION}
    text = json.dumps(
        {**named, **content}, indent=1, allow_nan=False, ensure_ascii=False
    )
    return plain_json(text)
