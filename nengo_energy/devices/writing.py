"""Device file as a mapping -> its TOML text, with numbers in readable units."""

from __future__ import annotations

import json
from typing import Any, Mapping

from ..common.exceptions import InputError
from .files import UNITS


def readable(
    value: float, unit: str, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    """Return a number's fields in a device file, rounded to four digits.

    Parameters
    ----------
    value, low, high : float
        In SI units; the range must hold the value.
    unit : str
        ``"J"``, ``"W"`` or ``"s"``.

    Examples
    --------
    >>> readable(7.4321e-9, "J", high=8e-9)
    {'value': 7.432, 'high': 8.0, 'unit': 'nJ'}
    """
    sizes = {name: float(factor) for name, factor in UNITS[unit].items()}
    descending = sorted(sizes, key=lambda name: -sizes[name])
    name = next((name for name in descending if value >= sizes[name]), descending[-1])
    fields: dict[str, Any] = {"value": value}
    if low is not None:
        fields["low"] = low
    if high is not None:
        fields["high"] = high
    digits = {key: float(f"{x / sizes[name]:.4g}") for key, x in fields.items()}
    return {**digits, "unit": name}


def format_device_file(data: Mapping[str, Any], comment: str) -> str:
    """Return the text of a device file.

    Parameters
    ----------
    data : Mapping
        What the file holds: texts, numbers, lists of texts, and tables of these.
    comment : str
        First lines, each behind a ``#``.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    _write_table("", data, lines)
    return "\n".join(lines) + "\n"


def _write_table(path: str, table: Mapping[str, Any], lines: list[str]) -> None:
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    if path and (plain or not table):
        lines += ["", f"[{path}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            _write_table(f"{path}.{_key(key)}".lstrip("."), value, lines)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)  # TOML has JSON's strings
        return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
    if isinstance(value, (list, tuple)):
        if not value:
            return "[]"
        return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
    if isinstance(value, (int, float)):
        return repr(value)
    raise InputError(f"a device file can't hold {value!r}")
