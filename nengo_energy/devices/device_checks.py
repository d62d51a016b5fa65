"""What a device must be like: each field's kind, and how fields go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.checks import check_choice, check_count
from ..common.exceptions import InputError
from .fields import CAPACITIES, FOLDED, PARTS, PRICED_OPERATIONS, TIMED_OPERATIONS
from .quantity import Quantity, check_text
from .spread import Spread

if TYPE_CHECKING:
    from .device import Device


def check_device(device: Device) -> None:
    """Refuse a device that can't be worked with; the message names the field."""
    _check_keys(device)
    _check_quantities(device)
    _check_all_in(device)
    _check_texts(device)
    _check_real_time(device)
    _check_spike_input(device)
    _check_sources(device)
    _check_operating_points(device)
    check_count("batch_size", device.batch_size)
    check_count("word_bits", device.word_bits)
    if device.spread is not None and not isinstance(device.spread, Spread):
        raise InputError(f"spread must be a Spread; got {device.spread!r}")


def _check_keys(device: Device) -> None:
    allowed = {
        "energies": PRICED_OPERATIONS[device.kind],
        "times": TIMED_OPERATIONS[device.kind],
    }
    for part, words in allowed.items():
        for key in getattr(device, part):
            if key not in words:
                raise InputError(
                    f"{part}.{key} isn't an operation of a device of kind "
                    f"{device.kind!r}; allowed: {', '.join(words)}"
                )
    for key in device.capacity:
        if key not in CAPACITIES:
            known = ", ".join(CAPACITIES)
            raise InputError(f"capacity.{key} isn't known; allowed: {known}")
    may_be_included = (*PRICED_OPERATIONS[device.kind], *FOLDED)
    for operation in device.included:
        check_choice("each of included", operation, may_be_included)
        if operation in device.energies:
            raise InputError(f"{operation} is included, so it can't have a price")


def _check_quantities(device: Device) -> None:
    if device.unpriced:
        check_text("unpriced", device.unpriced)
        if device.energies or device.fixed_energy or device.batch_energy:
            raise InputError("unpriced is for devices without any price")
    elif not device.charged:
        raise InputError(
            "energies is empty; price at least one operation, or say in unpriced "
            "why none can be"
        )
    for name, quantity in device.quantities.items():
        if not isinstance(quantity, Quantity):
            raise InputError(f"{name} must be a Quantity; got {quantity!r}")
        if quantity.per and PARTS[name.split(".")[0]] != "W":
            raise InputError(f"{name}.per is for powers")
        if quantity.per == "board" and "chips" not in device.capacity:
            raise InputError(
                f"{name}.per is 'board', so capacity.chips must say how many chips a "
                "board has"
            )
        if quantity.all_in and PARTS[name.split(".")[0]] != "J":
            raise InputError(f"{name}.all_in is for energies")


def _check_all_in(device: Device) -> None:
    prices = {f"energies.{op}": price for op, price in device.energies.items()}
    if device.fixed_energy is not None:
        prices["fixed_energy"] = device.fixed_energy
    all_in = [name for name, price in prices.items() if price.all_in]
    added = [name for name, price in prices.items() if not price.all_in]
    if device.static_power is not None:
        added.append("static_power")
    if all_in and added:
        raise InputError(f"{all_in[0]} is all-in, so {added[0]} can't be added to it")


def _check_texts(device: Device) -> None:
    for name in ("description", "unpriced", "operating_point"):
        if not isinstance(getattr(device, name), str):
            raise InputError(f"{name} must be a text; got {getattr(device, name)!r}")
    for note in device.notes:
        check_text("each of notes", note)
    for what, sentence in device.not_modelled.items():
        check_text(f"not_modelled.{what}", sentence)


def _check_real_time(device: Device) -> None:
    if device.real_time is None:
        return
    if not isinstance(device.real_time, bool):
        raise InputError(
            f"real_time must be true, false or left out; got {device.real_time!r}"
        )
    if device.kind == "dense":
        raise InputError(
            "real_time is for devices of kind 'event'; a dense device runs the "
            "conventional network, which has no timesteps"
        )


def _check_spike_input(device: Device) -> None:
    if not isinstance(device.spike_input, bool):
        raise InputError(
            f"spike_input must be true or false; got {device.spike_input!r}"
        )
    if device.spike_input and device.kind == "dense":
        raise InputError("spike_input is for devices of kind 'event'")


def _check_sources(device: Device) -> None:
    for key, citation in device.sources.items():
        check_text(f"sources.{key}", citation)
    wanted = {}
    for name, quantity in device.quantities.items():
        wanted[f"{name}.source"] = quantity.source
        if quantity.range_source:
            wanted[f"{name}.range_source"] = quantity.range_source
    if device.real_time is not None:
        wanted["real_time.source"] = device.real_time_source
    for name, key in wanted.items():
        if key not in device.sources:
            known = ", ".join(device.sources) or "none"
            raise InputError(
                f"{name} must be a key of sources; got {key!r}, known: {known}"
            )


def _check_operating_points(device: Device) -> None:
    if (
        device.operating_points
        and device.operating_point not in device.operating_points
    ):
        known = ", ".join(device.operating_points)
        raise InputError(
            f"operating_point must be one of {known}; got {device.operating_point!r}"
        )
    keys = [name.lower() for name in device.operating_points]
    for name in device.operating_points:
        if keys.count(name.lower()) > 1:
            raise InputError(f"operating_points.{name} is there in another case too")
    for name, at_point in device.operating_points.items():
        if not isinstance(at_point, type(device)):
            raise InputError(
                f"operating_points.{name} must be a Device; got {at_point!r}"
            )
