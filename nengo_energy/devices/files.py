"""Device files: TOML with units as published -> Device in SI units."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..checks import check_choice
from ..exceptions import InputError, NotFoundError
from .device import EVIDENCE, Device, Quantity, check_amount, check_text

UNITS: Mapping[str, Mapping[str, int]] = {
    "energy": {"J": 0, "mJ": -3, "uJ": -6, "nJ": -9, "pJ": -12, "fJ": -15},
    "power": {"W": 0, "mW": -3, "uW": -6, "nW": -9},
}
"""Units that a device file may use, with their power of ten in SI."""

DEVICE_REQUIRED = ("name", "kind", "energies", "sources")
DEVICE_OPTIONAL = (
    "description",
    "static_power",
    "real_time",
    "notes",
    "not_modelled",
)
QUANTITY_REQUIRED = ("unit", "source", "locator", "evidence", "year")
QUANTITY_NUMBERS = ("value", "terms")
QUANTITY_OPTIONAL = ("low", "high", "range_source", "conditions", "note")
QUANTITY_COPIED = (
    "source",
    "locator",
    "evidence",
    "year",
    "range_source",
    "conditions",
    "note",
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
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"device file {str(path)!r} not found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"device file {str(path)!r} can't be read: {error}") from None
    return parse_device(text, f"device file {str(path)!r}")


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
        return _device(_parse_toml(text))
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None


def _parse_toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # the same reader, under the name it had before it joined Python
        import tomli as tomllib

    try:
        # Decimal keeps 8.6 exact, so that 8.6 nJ becomes the float 8.6e-9.
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not valid TOML: {error}") from None


def _device(data: Mapping[str, Any]) -> Device:
    _check_fields("", data, DEVICE_REQUIRED, DEVICE_OPTIONAL)
    check_text("name", data["name"])
    try:
        energies = {
            operation: _quantity(f"energies.{operation}", table, "energy")
            for operation, table in _table("energies", data["energies"]).items()
        }
        static_power = None
        if "static_power" in data:
            static_power = _quantity("static_power", data["static_power"], "power")
        real_time: Mapping[str, Any] = {}
        if "real_time" in data:
            real_time = _table("real_time", data["real_time"])
            _check_fields("real_time", real_time, ("value", "source"), ())
    except InputError as error:
        raise InputError(f"device {data['name']!r}: {error}") from None
    return Device(
        name=data["name"],
        kind=data["kind"],
        energies=energies,
        sources=data["sources"],
        description=data.get("description", ""),
        static_power=static_power,
        real_time=real_time.get("value"),
        real_time_source=real_time.get("source", ""),
        notes=data.get("notes", ()),
        not_modelled=data.get("not_modelled", {}),
    )


def _quantity(name: str, data: object, dimension: str) -> Quantity:
    """Return the number of one table, converted to SI."""
    table = _table(name, data)
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
        return float(Decimal(number).scaleb(units[unit]))

    try:
        return Quantity(
            value=to_si(sum(terms)),
            low=to_si(table["low"]) if "low" in table else None,
            high=to_si(table["high"]) if "high" in table else None,
            published=" + ".join(str(term) for term in terms) + f" {unit}",
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
