"""OpCounts x Device -> EnergyEstimate: what the counted operations cost in joules."""

from __future__ import annotations

from typing import Iterator, Sequence

from . import devices as device_registry
from .assumptions import Assumption, merge_assumptions
from .counts import OpCount, OpCounts
from .devices import Device
from .devices.device import device_key
from .estimate import DeviceLike, EnergyEstimate, EnergyRow, NotModelled
from .exceptions import InputError

__all__ = ["EnergyEstimate", "EnergyRow", "NotModelled", "estimate_energy"]

OVERHEAD_EXCLUDED = Assumption(
    "overhead-excluded",
    "Energies are count x price of each operation. Moving data between chip, memory "
    "and host, starting up and waiting aren't in them; for small networks at batch "
    "size 1 measured boards drew orders of magnitude more (Blouw et al. 2019).",
)
DENSE_ONE_PASS = Assumption(
    "dense-one-pass",
    "Devices of kind 'dense' run the conventional network once per inference, "
    "whatever the timesteps and the activity.",
)
SPREAD_OF_COUNTS = Assumption(
    "spread-of-counts",
    "std is the spread of the counts over inferences, times the price; rows vary "
    "together, so no std is given for their sums.",
)


def estimate_energy(
    counts: OpCounts,
    devices: DeviceLike | Sequence[DeviceLike],
    *,
    host: DeviceLike | None = None,
) -> EnergyEstimate:
    """Price counted operations on devices.

    energy = sum over operations (count x energy per operation)
    + static power x latency

    Devices of kind ``"event"`` are charged for the spiking network, devices of kind
    ``"dense"`` for the conventional one. An operation without a price isn't zero: it
    stays out of the totals and is listed in ``not_modelled``.

    Parameters
    ----------
    counts : OpCounts
        Operations of the network, counted once for any number of devices.
    devices : str, Device, or sequence of them
        Devices to price on; names as in ``ne.devices.names()``.
    host : str or Device, optional
        Device of kind ``"dense"`` that prices what the host does for the others.

    Returns
    -------
    EnergyEstimate
        Energies in J per inference.

    Raises
    ------
    NotFoundError
        When a device isn't known.
    InputError
        When the counts don't hold the network that a device runs, or a device is
        named twice.
    """
    if not isinstance(counts, OpCounts):
        raise InputError(f"counts must be OpCounts; got {type(counts).__name__}")
    models = _resolve(devices)
    host_model = None if host is None else _resolve_host(host)
    rows: list[EnergyRow] = []
    omitted: list[NotModelled] = []
    latencies: dict[str, float] = {}
    for model in models:
        _check_network_counted(counts, model)
        before = len(rows)
        for count in (c for c in counts.rows if c.execution == model.kind):
            _price(count, model, host_model, rows, omitted)
        latency = _latency(counts, model)
        if latency is not None:
            latencies[model.name] = latency
            if model.static_power is not None:
                rows.append(_static_row(model, latency))
        if len(rows) == before:
            raise InputError(
                f"device {model.name!r} prices none of the counted operations; it "
                f"prices {', '.join(model.energies) or 'static power alone'}"
            )
        omitted.extend(_unknowns(model, latency))
    kinds = {model.kind for model in models}
    return EnergyEstimate(
        rows=tuple(rows),
        models=models,
        latencies=latencies,
        not_modelled=_merge_counts(omitted),
        assumptions=merge_assumptions(
            counts.assumptions,
            [OVERHEAD_EXCLUDED],
            [DENSE_ONE_PASS] if "dense" in kinds else [],
            [SPREAD_OF_COUNTS] if any(row.std > 0 for row in rows) else [],
            (Assumption(f"device-{m.name}", n) for m in models for n in m.notes),
            _sentences(_merge_counts(omitted)),
        ),
        settings={
            **counts.settings,
            "timesteps": counts.timesteps,
            "dt": counts.dt,
            "n_inferences": max((row.n_inferences for row in counts.rows), default=0),
            "host": None if host_model is None else host_model.name,
        },
    )


def _resolve(devices: DeviceLike | Sequence[DeviceLike]) -> tuple[Device, ...]:
    if isinstance(devices, (str, Device)):
        devices = [devices]
    if not isinstance(devices, Sequence) or not devices:
        raise InputError(
            "devices must be a name, a Device, or a sequence of them with at least "
            f"one; got {devices!r}"
        )
    models = [d if isinstance(d, Device) else device_registry.get(d) for d in devices]
    keys = [device_key(model.name) for model in models]
    for key, model in zip(keys, models):
        if keys.count(key) > 1:
            raise InputError(f"device {model.name!r} is named twice")
    return tuple(models)


def _resolve_host(host: DeviceLike) -> Device:
    model = host if isinstance(host, Device) else device_registry.get(host)
    if "mac" not in model.energies:
        raise InputError(
            f"host must be a device that prices mac; {model.name!r} prices "
            f"{', '.join(model.energies)}"
        )
    return model


def _check_network_counted(counts: OpCounts, model: Device) -> None:
    if counts.select(model.kind):
        return
    if model.kind == "dense":
        raise InputError(
            f"device {model.name!r} runs the conventional network, and the counts "
            "hold none; count the layers of the Keras model and pass them on with "
            "layer_ops=ne.count_layer_ops(model)"
        )
    raise InputError(
        f"device {model.name!r} runs the spiking network, and the counts hold none; "
        "measure its activity and pass ne.count_ops(topology, activity)"
    )


def _price(
    count: OpCount,
    model: Device,
    host: Device | None,
    rows: list[EnergyRow],
    omitted: list[NotModelled],
) -> None:
    """Append the energy of one count to the rows, or to what is left out."""
    on_host = count.where == "host"
    pricer = host if on_host else model
    price = None if pricer is None else pricer.energies.get(count.operation)
    if price is None:
        if pricer is None:
            reason = "a device named with host= would price it."
        else:
            reason = "counted, but without a known price."
        if count.total:
            omitted.append(
                NotModelled(
                    model.name, count.operation, reason, count.mean, count.where
                )
            )
        return
    low, high = price.bounds
    rows.append(
        EnergyRow(
            device=model.name,
            layer=count.layer,
            operation=count.operation,
            where=count.where,
            host=host.name if on_host and host is not None else "",
            count=count.mean,
            energy_per_operation=price.value,
            energy=count.mean * price.value,
            low=count.mean * low,
            high=count.mean * high,
            std=count.std * price.value,
        )
    )


def _latency(counts: OpCounts, model: Device) -> float | None:
    """Return the time per inference [s], known only of real-time devices."""
    if not model.real_time or not counts.timesteps or not counts.dt:
        return None
    return counts.timesteps * counts.dt


def _static_row(model: Device, latency: float) -> EnergyRow:
    power = model.static_power
    assert power is not None
    low, high = power.bounds
    return EnergyRow(
        device=model.name,
        layer="(whole device)",
        operation="static",
        where="device",
        host="",
        count=latency,
        energy_per_operation=power.value,
        energy=latency * power.value,
        low=latency * low,
        high=latency * high,
        std=0.0,
    )


def _unknowns(model: Device, latency: float | None) -> Iterator[NotModelled]:
    """Yield what is left out of a device's totals whatever was counted.

    What the device's own file says of it goes before our words.
    """
    if latency is None and "latency" not in model.not_modelled:
        reason = "no source gives the time per inference."
        if model.real_time:
            reason = "the counts don't say how many timesteps of which length."
        yield NotModelled(model.name, "latency", reason)
    if model.static_power is None:
        if "static power" not in model.not_modelled:
            yield NotModelled(model.name, "static power", "no source gives it.")
    elif latency is None:
        reason = f"{model.static_power.value:g} W are known, the latency isn't."
        yield NotModelled(model.name, "static power", reason)
    for what, sentence in model.not_modelled.items():
        yield NotModelled(model.name, what, sentence)


def _merge_counts(omitted: Sequence[NotModelled]) -> tuple[NotModelled, ...]:
    """Add up what is left out of the same device for the same reason."""
    merged: dict[tuple[str, str, str, str], float | None] = {}
    for item in omitted:
        key = (item.device, item.operation, item.reason, item.where)
        merged[key] = (
            None if item.count is None else (merged.get(key) or 0.0) + item.count
        )
    items = [
        NotModelled(device, operation, reason, count, where)
        for (device, operation, reason, where), count in merged.items()
    ]
    return tuple(sorted(items, key=lambda item: item.count is None))  # counted first


def _sentences(omitted: Sequence[NotModelled]) -> Iterator[Assumption]:
    """Yield one sentence for each thing left out, naming all devices concerned."""
    groups: dict[tuple[str, str, float | None, str], list[str]] = {}
    for item in omitted:
        key = (item.operation, item.where, item.count, item.reason)
        groups.setdefault(key, []).append(item.device)
    for (operation, where, count, reason), names in groups.items():
        place = "on the host of" if where == "host" else "on"
        amount = "" if count is None else f" ({_amount(count)} per inference)"
        yield Assumption(
            "not-modelled", f"{operation}{amount} {place} {', '.join(names)}: {reason}"
        )


def _amount(count: float) -> str:
    return f"{count:,.0f}" if count >= 100 else f"{count:.3g}"
