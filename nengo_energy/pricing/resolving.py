"""Devices as they are named -> the devices, if anything can be priced on them."""

from __future__ import annotations

from typing import Sequence

from .. import devices as registry
from ..common.exceptions import InputError, UnsupportedError
from ..common.tables import format_si
from ..devices import Device
from ..devices.device import device_key
from ..devices.fields import PART_WORDS, PARTS
from ..estimates.estimate import DeviceLike


def resolve_devices(devices: DeviceLike | Sequence[DeviceLike]) -> tuple[Device, ...]:
    """Return devices that were given as such or by name.

    Raises
    ------
    NotFoundError
        When a device isn't known.
    InputError
        When there are none, or one is named twice.
    UnsupportedError
        When nothing is published from which the energy on a device could be told.
    """
    if isinstance(devices, (str, Device)):
        devices = [devices]
    if not isinstance(devices, Sequence) or not devices:
        raise InputError(
            "devices must be a name, a Device, or a sequence of them with at least "
            f"one; got {devices!r}"
        )
    models = [d if isinstance(d, Device) else registry.get(d) for d in devices]
    keys = [device_key(model.name) for model in models]
    for key, model in zip(keys, models):
        if keys.count(key) > 1:
            raise InputError(f"device {model.name!r} is named twice")
        if model.unpriced:
            raise UnsupportedError(_why_unpriced(model))
    return tuple(models)


def resolve_host(host: DeviceLike) -> Device:
    """Return a device that does the host's work, given as such or by name.

    Raises
    ------
    NotFoundError
        When the device isn't known.
    InputError
        When it doesn't price the host's operations.
    """
    model = host if isinstance(host, Device) else registry.get(host)
    if "mac" not in model.energies:
        raise InputError(
            f"host must be a device that prices mac; {model.name!r} prices "
            f"{', '.join(model.energies)}"
        )
    return model


def _why_unpriced(model: Device) -> str:
    """Return why energy can't be estimated on a device, and what is known of it."""
    known = []
    for name, quantity in model.quantities.items():
        part, _, key = name.partition(".")
        words = PART_WORDS.get(part) or key.replace("_", " ")
        per = f" per {quantity.per}" if quantity.per else ""
        if PARTS[part]:
            low, high = quantity.bounds
            ends = [format_si(value, PARTS[part]) for value in (low, high)]
            amount = " to ".join(dict.fromkeys(ends))
        else:
            amount = f"{quantity.value:,.0f}"
        known.append(f"{words} {amount}{per}")
    return (
        f"energy on device {model.name!r} can't be estimated: {model.unpriced} "
        f"Known: {', '.join(known) or 'nothing'}."
    )
