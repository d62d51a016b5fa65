"""What one device is charged for the counted operations, term by term."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterator, Sequence

from ..common.tables import format_si
from ..counts import OpCount, OpCounts
from ..devices import Device, Quantity
from ..devices.fields import BYTES, PER_BATCH, PLACED_OPERATIONS, PRICED_OPERATIONS
from ..estimates.rows import EnergyRow, Interval, NotModelled
from .chip_time import Range, chip_duration
from .chips import ChipsTaken, chips_taken, share_of_power
from .intervals import prediction_interval
from .memory import OVERHEADS

COUNTED_BITS = 32
"""Bits of a number at which bytes are counted."""

WHOLE_DEVICE = "(whole device)"
"""Stands for the layer in rows that belong to none."""


@dataclass(frozen=True)
class Charge:
    """What one device is charged, and what couldn't be.

    Attributes
    ----------
    rows : tuple of EnergyRow
        The terms of the energy, in the order of the network.
    omitted : tuple of NotModelled
        What costs energy or time and isn't in the rows.
    latency : float or None
        Time from the input to the result, of a whole batch where the device runs
        batches [s].
    interval : Interval or None
        Prediction interval of the energy, where the device has one.
    messages_per_spike : bool
        Whether each spike was charged as one message, for want of a placement.
    chips : ChipsTaken or None
        The chips whose static power is charged, where it is known by chip.
    """

    rows: tuple[EnergyRow, ...]
    omitted: tuple[NotModelled, ...]
    latency: float | None
    interval: Interval | None
    messages_per_spike: bool
    chips: ChipsTaken | None = None


def charge(counts: OpCounts, model: Device, host: Device | None) -> Charge:
    """Price what a device, and the host for it, do per inference.

    Parameters
    ----------
    counts : OpCounts
        Operations of the network that the device runs.
    model : Device
        The device.
    host : Device, optional
        The device that prices the host's work.
    """
    own = [
        _at_batch(count, model)
        for count in counts.rows
        if count.execution == model.kind and count.form not in model.included
    ]
    counted = {count.operation for count in own}
    stand_in = "message" in model.energies and "message" not in counted
    if stand_in:
        own = list(_with_messages(own))
    rows: list[EnergyRow] = []
    omitted: list[NotModelled] = []
    for count in own:
        pricer = host if count.where == "host" else model
        price = None
        if pricer is not None:
            price = pricer.energy_of(count.operation, count.form)
        if price is not None:
            rows.append(_row(count, model, price, host))
        elif count.operation in OVERHEADS:
            continue  # the assumption overhead-excluded says that these are left out
        elif count.total and not _is_included(count, model):
            omitted.append(_unpriced(count, model, pricer))
    rows = _added_up(rows)
    if model.spike_input and counts.deployment is not None:
        shares = counts.deployment.synop_range
        rows = [_ranged(row, *shares.get(row.layer, (1, 1))) for row in rows]
    if model.fixed_energy is not None:
        rows.append(_whole_row(model, "fixed", (1.0, 1.0, 1.0), model.fixed_energy))
    if model.batch_energy is not None:
        share = 1 / model.batch_size
        rows.append(_whole_row(model, "fixed", (share,) * 3, model.batch_energy))
    interval = prediction_interval(own, model)
    if interval is not None:
        rows = [_spread(row, interval.factor) for row in rows]
    duration, untimed = _duration(counts, own, model)
    omitted.extend(untimed)
    taken = chips_taken(counts, model)
    amount = _powered(counts, model, duration, taken)
    if amount is not None and model.static_power is not None:
        rows.append(_whole_row(model, "static", amount, model.static_power))
    omitted.extend(_unplaced(model, counted))
    omitted.extend(_unknowns(model, duration, taken, amount is not None))
    return Charge(
        tuple(rows),
        tuple(omitted),
        None if duration is None else duration[1] * model.batch_size,
        interval,
        stand_in and any(row.operation == "message" for row in rows),
        taken if amount is not None else None,
    )


def _at_batch(count: OpCount, model: Device) -> OpCount:
    """Return a count as the device has it: its share of a batch, of so many bits."""
    scale = 1.0
    if count.operation in PER_BATCH:
        scale /= model.batch_size
    if count.operation in BYTES:
        scale *= model.word_bits / COUNTED_BITS
    if scale == 1:
        return count
    return replace(count, total=count.total * scale, std=count.std * scale)


def _spread(row: EnergyRow, factor: float) -> EnergyRow:
    """Return a row with the device's interval in place of the range of its price."""
    return replace(row, low=row.energy / factor, high=row.energy * factor)


def _ranged(row: EnergyRow, least: float, most: float) -> EnergyRow:
    """Return a row of synops with the range over the ways of counting them."""
    if row.operation != "synop" or row.where != "device":
        return row
    return replace(row, low=row.low * least, high=row.high * most)


def _with_messages(rows: Sequence[OpCount]) -> Iterator[OpCount]:
    """Yield the counts, each spike also as the one message that it sends at least."""
    for row in rows:
        yield row
        if row.operation == "spike":
            yield replace(row, operation="message")


def _row(
    count: OpCount, model: Device, price: Quantity, host: Device | None
) -> EnergyRow:
    low, high = price.bounds
    return EnergyRow(
        device=model.name,
        layer=count.layer,
        operation=count.operation,
        where=count.where,
        host=host.name if count.where == "host" and host is not None else "",
        count=count.mean,
        energy_per_operation=price.value,
        energy=count.mean * price.value,
        low=count.mean * low,
        high=count.mean * high,
        std=count.std * price.value,
    )


def _added_up(rows: Sequence[EnergyRow]) -> list[EnergyRow]:
    """Return one row for each operation of a layer, whatever its forms.

    Forms follow the same spikes, so their spreads add up.
    """
    groups: dict[tuple[str, ...], list[EnergyRow]] = {}
    for row in rows:
        key = (row.device, row.layer, row.operation, row.where)
        groups.setdefault(key, []).append(row)
    return [same[0] if len(same) == 1 else _sum(same) for same in groups.values()]


def _sum(rows: Sequence[EnergyRow]) -> EnergyRow:
    names = ("count", "energy", "low", "high", "std")
    total = {name: sum(getattr(row, name) for row in rows) for name in names}
    price = total["energy"] / total["count"] if total["count"] else 0.0
    return replace(rows[0], energy_per_operation=price, **total)


def _whole_row(
    model: Device, operation: str, amount: Range, price: Quantity
) -> EnergyRow:
    """Return the row of a term that belongs to no layer: amount x price."""
    low, high = price.bounds
    return EnergyRow(
        device=model.name,
        layer=WHOLE_DEVICE,
        operation=operation,
        where="device",
        host="",
        count=amount[1],
        energy_per_operation=price.value,
        energy=amount[1] * price.value,
        low=amount[0] * low,
        high=amount[2] * high,
        std=0.0,
    )


def _is_included(count: OpCount, model: Device) -> bool:
    """Tell whether the price of another operation holds this one already."""
    return count.where == "device" and (
        model.all_in or count.operation in model.included
    )


def _unpriced(count: OpCount, model: Device, pricer: Device | None) -> NotModelled:
    reason = "counted, but without a known price."
    if count.where == "host" and count.operation not in PRICED_OPERATIONS["dense"]:
        reason = "the link between host and chip has no published price."
    elif pricer is None:
        reason = "a device named with host= would price it."
    return NotModelled(model.name, count.operation, reason, count.mean, count.where)


def _duration(
    counts: OpCounts, own: Sequence[OpCount], model: Device
) -> tuple[Range | None, list[NotModelled]]:
    """Return each inference's share of time, and operations whose time isn't known.

    An event device's cores work side by side, so times of operations give no latency
    without a placement; one that runs in real time takes the timesteps' length.
    """
    if model.kind == "event":
        if counts.timesteps and counts.chip_use is not None and model.times:
            return chip_duration(counts.chip_use, counts.timesteps, model)
        if not model.real_time or not counts.timesteps or not counts.dt:
            return None, []
        duration = counts.timesteps * counts.dt
        return (duration, duration, duration), []
    single = ((1.0, model.fixed_time), (1 / model.batch_size, model.batch_time))
    terms = [(amount, time) for amount, time in single if time is not None]
    if not model.times and not terms:
        return None, []
    total = [0.0, 0.0, 0.0]
    untimed = []
    for count in own:
        time = model.time_of(count.operation, count.form)
        if time is not None:
            terms.append((count.mean, time))
        elif count.total and count.operation not in (*model.included, *OVERHEADS):
            reason = "counted, but its time isn't known."
            what = f"time of {count.operation}"
            untimed.append(NotModelled(model.name, what, reason, count.mean))
    for amount, time in terms:
        low, high = time.bounds
        for i, value in enumerate((low, time.value, high)):
            total[i] += amount * value
    low, nominal, high = total
    interval = prediction_interval(own, model)
    if interval is not None and model.spread is not None:
        factor = model.spread.time * interval.factor / model.spread.energy
        low, high = nominal / factor, nominal * factor
    return (low, nominal, high), untimed


def _powered(
    counts: OpCounts, model: Device, duration: Range | None, taken: ChipsTaken | None
) -> Range | None:
    """Return for how long static power is drawn: s, or s x chips, boards or cores."""
    power = model.static_power
    if power is None or duration is None:
        return None
    if power.per in ("", "device"):
        return duration
    if power.per == "core":
        use = counts.chip_use
        return None if use is None else _times((use.n_cores,) * 3, duration)
    if taken is None:
        return None
    return _times(share_of_power(taken.n_chips, model, power.per), duration)


def _times(amount: Range, duration: Range) -> Range:
    (low, nominal, high), (least, mean, most) = amount, duration
    return low * least, nominal * mean, high * most


def _unplaced(model: Device, counted: set[str]) -> Iterator[NotModelled]:
    """Yield what the device prices, but only a placement on cores could count."""
    for operation in PLACED_OPERATIONS:
        price = model.energies.get(operation)
        if price is None or operation in counted or operation == "message":
            continue
        reason = (
            f"each costs {format_si(price.value, 'J')}, and how many there are follows "
            "from the placement on cores, which the counts don't hold."
        )
        yield NotModelled(model.name, operation, reason)


def _unknowns(
    model: Device,
    duration: Range | None,
    taken: ChipsTaken | None,
    is_powered: bool,
) -> Iterator[NotModelled]:
    """Yield what is left out of a device's totals whatever was counted.

    What the device's own file says of it goes before our words.
    """
    if duration is None and "latency" not in model.not_modelled:
        reason = "no source gives the time per inference."
        if model.real_time:
            reason = "the counts don't say how many timesteps of which length."
        elif model.times:
            reason = (
                "cores work side by side, so it follows from the placement on them."
            )
        yield NotModelled(model.name, "latency", reason)
    power = model.static_power
    if power is None:
        if not model.all_in and "static power" not in model.not_modelled:
            yield NotModelled(model.name, "static power", "no source gives it.")
    elif is_powered:
        pass
    elif power.per not in ("", "device"):
        known = format_si(power.value, "W")
        missing = "the latency" if taken else "how many the network takes"
        reason = f"{known} per {power.per} are known, {missing} isn't."
        yield NotModelled(model.name, "static power", reason)
    elif duration is None:
        reason = f"{power.value:g} W are known, the latency isn't."
        yield NotModelled(model.name, "static power", reason)
    for what, sentence in model.not_modelled.items():
        yield NotModelled(model.name, what, sentence)
