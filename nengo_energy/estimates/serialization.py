"""EnergyEstimate -> versioned JSON and back, equal to the last bit.

A file holds the whole estimate: settings with seeds and versions of packages, devices
with every number and its source, rows, what is left out, assumptions. So a published
number can be traced, compared with `nengo_energy.diff`, and priced against.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from typing import Any, Callable, Mapping, TypeVar

from ..common.assumptions import Assumption
from ..common.checks import check_path
from ..common.exceptions import InputError
from ..common.file_output import PathLike
from ..common.plain_text import plain_json
from ..common.plain_values import plain
from ..common.text_files import parse_json, read_text
from ..devices import Device, Quantity
from ..devices.device import device_key
from ..devices.fields import PARTS
from ..devices.files import MANY
from ..devices.spread import Spread
from .estimate import EnergyEstimate, EnergyRow, Interval, Moved, NotModelled

SCHEMA = "nengo_energy.estimate"
"""What a file says it holds."""

SCHEMA_VERSION = 2
"""Raised when a reader of the old version would misread the new one. A field with a
default may be added without that: older files lack it, and it has its default.

1: the first. 2: low and high may be prediction intervals, which ``intervals`` tells
of; devices have prices of kernels, bytes and batches."""

OLDEST_VERSION = 1
"""The oldest version that is read."""

_FILE_NAMES = {"models": "devices"}
"""Fields that files call otherwise."""

T = TypeVar("T")


def estimate_to_json(estimate: EnergyEstimate) -> str:
    """Return an estimate as JSON text, which `load_estimate` reads back.

    Parameters
    ----------
    estimate : EnergyEstimate
        What to write. Fields that have their default value are left out.
    """
    data = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **_encode(estimate)}
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return plain_json(text) + "\n"


def load_estimate(source: PathLike) -> EnergyEstimate:
    """Read an estimate that `EnergyEstimate.to_json` wrote.

    Parameters
    ----------
    source : str or path
        The file, or the JSON text itself.

    Returns
    -------
    EnergyEstimate
        Equal to the one that was written.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InputError
        When it isn't an estimate, was written in another version of the schema, or a
        field is missing, unknown or has a value that isn't allowed; the message names
        file and field.

    Examples
    --------
    >>> estimate.to_json("digits.json")  # doctest: +SKIP
    >>> load_estimate("digits.json") == estimate  # doctest: +SKIP
    True
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return _parse(source, "the JSON text")
    path = check_path("the source of an estimate", source)
    origin = f"estimate file {str(source)!r}"
    return _parse(read_text(origin, path), origin)


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        return {
            _FILE_NAMES.get(f.name, f.name): _encode(getattr(value, f.name))
            for f in fields(value)
            if not _is_default(f, getattr(value, f.name))
        }
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    return plain(value)


def _is_default(field: Any, value: Any) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)


def _parse(text: str, origin: str) -> EnergyEstimate:
    try:
        data = parse_json(text)
        _check_schema(data)
        body = {k: v for k, v in data.items() if k not in ("schema", "schema_version")}
        estimate = _build(EnergyEstimate, body, "")
        _check_devices(estimate)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None
    return estimate


def _check_schema(data: Any) -> None:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise InputError(f"schema must be {SCHEMA!r}; got {found!r}")
    version = data.get("schema_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise InputError(f"schema_version must be a whole number; got {version!r}")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"schema_version {version} was written by a newer nengo_energy; this one "
            f"reads up to {SCHEMA_VERSION}: pip install --upgrade nengo-energy"
        )
    if version < OLDEST_VERSION:
        raise InputError(
            f"schema_version {version} isn't read; this nengo_energy reads "
            f"{OLDEST_VERSION} to {SCHEMA_VERSION}: make the estimate anew"
        )


def _check_devices(estimate: EnergyEstimate) -> None:
    """Refuse rows of devices that the file doesn't describe."""
    keys = [device_key(name) for name in estimate.devices]
    for key in keys:
        if keys.count(key) > 1:
            raise InputError(f"device {key!r} is there twice")
    named = {row.device for row in estimate.rows} | set(estimate.latencies)
    for name in sorted(named - set(estimate.devices)):
        known = ", ".join(estimate.devices) or "none"
        raise InputError(f"device {name!r} isn't among the devices: {known}")


def _build(cls: type[T], data: Any, where: str) -> T:
    """Return an object of a dataclass from its fields, each checked."""
    path = f"{where}." if where else ""
    data = _table(data, where or "the file")
    known = {_FILE_NAMES.get(f.name, f.name): f for f in fields(cls)}  # type: ignore
    for name in data:
        if name not in known:
            raise InputError(f"{path}{name} isn't known; known: {', '.join(known)}")
    values = {}
    for name, field in known.items():
        if name in data:
            values[field.name] = _value(cls, field, data[name], f"{path}{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{path}{name} is missing")
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _value(cls: type, field: Any, data: Any, where: str) -> Any:
    reader = _READERS.get(cls, {}).get(field.name)
    if reader is not None:
        return reader(data, where)
    # other fields are of plain types; Device and Quantity check theirs themselves
    is_number = isinstance(data, (int, float)) and not isinstance(data, bool)
    if field.type == "str" and not isinstance(data, str):
        raise InputError(f"{where} must be a text; got {data!r}")
    if field.type == "float" and not is_number:
        raise InputError(f"{where} must be a number; got {data!r}")
    if field.type == "float | None" and not (is_number or data is None):
        raise InputError(f"{where} must be a number or null; got {data!r}")
    return data


def _table(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where} must be an object; got {data!r}")
    return data


def _list(data: Any, where: str) -> list[Any]:
    if not isinstance(data, list):
        raise InputError(f"{where} must be a list; got {data!r}")
    return data


def _each(cls: type[T], data: Any, where: str) -> tuple[T, ...]:
    items = enumerate(_list(data, where))
    return tuple(_build(cls, item, f"{where}[{i}]") for i, item in items)


def _by_name(cls: type[T], data: Any, where: str) -> dict[str, T]:
    items = _table(data, where).items()
    return {key: _build(cls, item, f"{where}.{key}") for key, item in items}


def _numbers(data: Any, where: str) -> dict[str, float]:
    for key, value in _table(data, where).items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{where}.{key} must be a number; got {value!r}")
    return dict(data)


def _optional(cls: type[T], data: Any, where: str) -> T | None:
    return None if data is None else _build(cls, data, where)


_READERS: Mapping[type, Mapping[str, Callable[[Any, str], Any]]] = {
    EnergyEstimate: {
        "rows": partial(_each, EnergyRow),
        "models": partial(_each, Device),
        "latencies": _numbers,
        "intervals": partial(_by_name, Interval),
        "not_modelled": partial(_each, NotModelled),
        "moved": partial(_each, Moved),
        "assumptions": partial(_each, Assumption),
        "settings": _table,
    },
    Device: {
        **{part: partial(_by_name, Quantity) for part in MANY},
        **{part: partial(_optional, Quantity) for part in PARTS if part not in MANY},
        "spread": partial(_optional, Spread),
        "sources": _table,
        "not_modelled": _table,
        "notes": _list,
        "included": _list,
        "operating_points": partial(_by_name, Device),
    },
}
"""How fields that hold more than a text or a number are read."""
