"""Device files: TOML with units as published -> Device in SI units."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from typing import Any, Mapping, Sequence

from ..common.checks import check_choice, check_path
from ..common.exceptions import InputError
from ..common.text_files import parse_toml, read_text
from .device import POINT_MARK, Device
from .fields import PARTS
from .quantity import EVIDENCE, Quantity, check_amount, check_text
from .spread import Spread

UNITS: Mapping[str, Mapping[str, str]] = {
    "J": {
        "J": "1",
        "mJ": "1e-3",
        "uJ": "1e-6",
        "nJ": "1e-9",
        "pJ": "1e-12",
        "fJ": "1e-15",
    },
    "W": {"W": "1", "mW": "1e-3", "uW": "1e-6", "nW": "1e-9"},
    "s": {
        "s": "1",
        "ms": "1e-3",
        "us": "1e-6",
        "ns": "1e-9",
        "ps": "1e-12",
        "fs": "1e-15",
    },
    "": {"1": "1", "B": "1", "KiB": "1024", "MiB": "1048576"},
}
"""Units that a device file may use, by the SI unit that each is a multiple of."""

MANY = ("energies", "times", "powers", "capacity")
"""Tables of numbers by name; the other `fields.PARTS` are one number each."""

DEVICE_REQUIRED = ("name", "kind", "energies", "sources")
POINT_OPTIONAL = (
    *PARTS,
    "description",
    "real_time",
    "spike_input",
    "notes",
    "not_modelled",
    "included",
    "batch_size",
    "word_bits",
    "spread",
    "shared",
)
DEVICE_OPTIONAL = (
    *(name for name in POINT_OPTIONAL if name != "energies"),
    "unpriced",
    "default_operating_point",
    "operating_points",
)
QUANTITY_REQUIRED = ("unit", "source", "locator", "evidence", "year")
QUANTITY_NUMBERS = ("value", "terms")
QUANTITY_COPIED = (
    "source",
    "locator",
    "evidence",
    "year",
    "range_source",
    "conditions",
    "note",
    "per",
    "all_in",
    "reread",
)
QUANTITY_OPTIONAL = (
    "low",
    "high",
    "steps",
    *(name for name in QUANTITY_COPIED if name not in QUANTITY_REQUIRED),
)


def load(path: str | os.PathLike[str]) -> Device:
    """Read a device from a TOML file, without registering it.

    Parameters
    ----------
    path : str or path
        The file; those in ``nengo_energy/devices/data`` are examples.

    Returns
    -------
    Device
        The device, with every number in SI units.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InputError
        When a field is missing, unknown or has a value that isn't allowed; the
        message names file, device and field.

    Examples
    --------
    >>> device = load_device("my-chip.toml")  # doctest: +SKIP
    >>> snn.estimate(activity, [device, "loihi"])  # doctest: +SKIP
    """
    origin = f"device file {str(path)!r}"
    return parse_device(read_text(origin, check_path("path", path)), origin)


def parse_device(text: str, origin: str) -> Device:
    """Return the device that the text of a TOML file describes.

    Parameters
    ----------
    text : str
        Content of the file.
    origin : str
        What to call the file in errors.
    """
    try:
        # Decimal keeps 8.6 exact, so that 8.6 nJ becomes the float 8.6e-9
        return _device(parse_toml(text, parse_float=Decimal))
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None


def _device(data: Mapping[str, Any]) -> Device:
    required = [
        name
        for name in DEVICE_REQUIRED
        if name != "energies" or not {"unpriced", "operating_points"} & set(data)
    ]
    _check_fields("", data, required, (*DEVICE_OPTIONAL, "energies"))
    check_text("name", data["name"])
    try:
        shared = _shared("", data)
        fields = _fields("", data, shared)
        points = _points(data, fields, shared)
        default = _default_point(data, points)
    except InputError as error:
        raise InputError(f"device {data['name']!r}: {error}") from None
    whole = {key: data[key] for key in ("kind", "sources")}
    whole["unpriced"] = data.get("unpriced", "")
    name = data["name"]
    if default is None:
        return Device(name, **whole, **fields)
    at_points = {
        point: Device(
            f"{name}{POINT_MARK}{point}", **whole, **own, operating_point=point
        )
        for point, own in points.items()
    }
    return replace(
        at_points[default],
        name=name,
        description=fields["description"],
        operating_points=at_points,
    )


def _points(
    data: Mapping[str, Any], fields: Mapping[str, Any], shared: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the fields at each operating point: its own before those of the file."""
    points = {}
    for point, table in _table(
        "operating_points", data.get("operating_points", {})
    ).items():
        prefix = f"operating_points.{point}"
        _check_fields(prefix, _table(prefix, table), (), POINT_OPTIONAL)
        own = _fields(f"{prefix}.", table, {**shared, **_shared(f"{prefix}.", table)})
        merged = {**fields, **{key: own[key] for key in own if key in table}}
        for name in (*MANY, "not_modelled"):
            merged[name] = {**fields[name], **own[name]}
        words = (fields["description"], own["description"])
        merged["description"] = ", ".join(word for word in words if word)
        if "real_time" in table:
            merged["real_time_source"] = own["real_time_source"]
        points[point] = merged
    return points


def _default_point(data: Mapping[str, Any], points: Mapping[str, Any]) -> str | None:
    """Return the operating point that the bare name means, None without any."""
    default = data.get("default_operating_point")
    if not points:
        if default is not None:
            raise InputError("default_operating_point is for files with several")
        return None
    if default is None:
        raise InputError(
            "default_operating_point is missing; it must be one of " + ", ".join(points)
        )
    return check_choice("default_operating_point", default, tuple(points))


def _shared(prefix: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields that the numbers of a table have in common."""
    shared = _table(f"{prefix}shared", data.get("shared", {}))
    _check_fields(f"{prefix}shared", shared, (), QUANTITY_COPIED)
    return shared


def _fields(
    prefix: str, data: Mapping[str, Any], shared: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a device or an operating point says of itself, in SI units."""
    fields: dict[str, Any] = {}
    for part, unit in PARTS.items():
        name = f"{prefix}{part}"
        if part in MANY:
            table = _table(name, data.get(part, {}))
            fields[part] = {
                key: _quantity(f"{name}.{key}", value, unit, shared)
                for key, value in table.items()
            }
        else:
            fields[part] = (
                _quantity(name, data[part], unit, shared) if part in data else None
            )
    description = data.get("description", "")
    if not isinstance(description, str):
        raise InputError(f"{prefix}description must be a text; got {description!r}")
    real_time: Mapping[str, Any] = {}
    if "real_time" in data:
        real_time = _table(f"{prefix}real_time", data["real_time"])
        _check_fields(f"{prefix}real_time", real_time, ("value", "source"), ())
    return {
        **fields,
        "description": description,
        "real_time": real_time.get("value"),
        "real_time_source": real_time.get("source", ""),
        "spike_input": data.get("spike_input", False),
        "notes": data.get("notes", ()),
        "not_modelled": _table(f"{prefix}not_modelled", data.get("not_modelled", {})),
        "included": data.get("included", ()),
        "batch_size": data.get("batch_size", 1),
        "word_bits": data.get("word_bits", 32),
        "spread": _spread(f"{prefix}spread", data),
    }


def _spread(name: str, data: Mapping[str, Any]) -> Spread | None:
    """Return the prediction interval of a device or an operating point."""
    if "spread" not in data:
        return None
    table = _table(name, data["spread"])
    required = ("level", "energy", "time", "macs")
    _check_fields(name, table, required, ("batch", "forms"))
    factors = {key: float(table[key]) for key in required[:3]}
    try:
        return Spread(**{**table, **factors})
    except InputError as error:
        raise InputError(f"{name}.{error}") from None


def _quantity(
    name: str, data: object, dimension: str, shared: Mapping[str, Any]
) -> Quantity:
    """Return the number of one table, converted to SI."""
    table = {**shared, **_table(name, data)}
    if not dimension:
        table.setdefault("unit", "1")
    numbers = [key for key in QUANTITY_NUMBERS if key in table]
    if len(numbers) != 1:
        raise InputError(
            f"{name} must hold either value (a number) or terms (numbers to add); "
            f"got {' and '.join(numbers) or 'neither'}"
        )
    _check_fields(
        name, table, QUANTITY_REQUIRED, (*QUANTITY_NUMBERS, *QUANTITY_OPTIONAL)
    )
    check_text(f"{name}.locator", table["locator"])
    check_choice(f"{name}.evidence", table["evidence"], EVIDENCE)
    units = UNITS[dimension]
    unit = check_choice(f"{name}.unit", table["unit"], tuple(units))

    key = numbers[0]
    terms = table[key] if key == "terms" else [table[key]]
    if not isinstance(terms, list) or not terms:
        raise InputError(f"{name}.terms must be a list of numbers; got {terms!r}")
    for term in terms:
        check_amount(f"{name}.{key}", term, unit)
    for end in ("low", "high"):
        if end in table:
            check_amount(f"{name}.{end}", table[end], unit)

    def to_si(number: Decimal | int) -> float:
        return float(Decimal(number) * Decimal(units[unit]))

    steps = table.get("steps", {})
    if not isinstance(steps, Mapping) or not all(map(str.isdecimal, steps)):
        raise InputError(
            f"{name}.steps must be a table of numbers by size; got {steps!r}"
        )
    for value in steps.values():
        check_amount(f"{name}.steps", value, unit)

    try:
        return Quantity(
            value=to_si(sum(terms)),
            low=to_si(table["low"]) if "low" in table else None,
            high=to_si(table["high"]) if "high" in table else None,
            steps=tuple((int(size), to_si(steps[size])) for size in steps),
            published=" + ".join(str(t) for t in terms) + f" {unit}" * (unit != "1"),
            **{key: table[key] for key in QUANTITY_COPIED if key in table},
        )
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a table; got {value!r}")
    return value


def _check_fields(
    name: str,
    table: Mapping[str, Any],
    required: Sequence[str],
    optional: Sequence[str],
) -> None:
    prefix = f"{name}." if name else ""
    allowed = (*required, *optional)
    for key in table:
        if key not in allowed:
            raise InputError(
                f"{prefix}{key} isn't known; allowed: {', '.join(allowed)}"
            )
    for key in required:
        if key not in table:
            raise InputError(
                f"{prefix}{key} is missing; required: {', '.join(required)}"
            )
