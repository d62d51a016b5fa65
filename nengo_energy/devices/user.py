"""Plain numbers that a user gives in Python -> Device."""

from __future__ import annotations

from typing import Any, Mapping, Union

from ..common.exceptions import InputError
from .device import Device
from .quantity import Quantity

Price = Union[Quantity, float]
"""A number with its source, or a plain one that has the user's."""

USER_SOURCE = "user"


def user_device(
    name: str, given: Mapping[str, Any], description: str, source: str
) -> Device:
    """Return the device that a user describes.

    Parameters
    ----------
    name : str
        Name of the device.
    given : Mapping
        Fields of the device, with plain numbers or quantities.
    description : str
        One line on what the device is.
    source : str
        Where plain numbers come from.

    Raises
    ------
    InputError
        When a field is missing or can't be worked with; the message names it.
    """
    for field in ("kind", "energies"):
        if field not in given:
            raise InputError(f"device {name!r}: {field} is missing")
    sources = {USER_SOURCE: source}

    def quantity(field: str, price: Price) -> Quantity:
        if isinstance(price, Quantity):
            sources.setdefault(price.source, price.source)
            if price.range_source:
                sources.setdefault(price.range_source, price.range_source)
            return price
        try:
            return Quantity(price, USER_SOURCE)
        except InputError as error:
            raise InputError(f"device {name!r}: {field}: {error}") from None

    fields = dict(given)
    for part in ("energies", "times"):
        prices = given.get(part, {})
        if not isinstance(prices, Mapping):
            raise InputError(
                f"device {name!r}: {part} must be a mapping; got {prices!r}"
            )
        fields[part] = {
            operation: quantity(f"{part}.{operation}", price)
            for operation, price in prices.items()
        }
    for part in ("static_power", "fixed_energy", "fixed_time"):
        if part in given:
            fields[part] = quantity(part, given[part])
    return Device(
        name=name,
        sources=sources,
        description=description,
        real_time_source=USER_SOURCE,
        **fields,
    )
