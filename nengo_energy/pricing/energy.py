"""OpCounts x Device -> EnergyEstimate: what the counted operations cost in joules."""

from __future__ import annotations

import platform
import warnings
from typing import Iterator, Mapping, Sequence

from .. import devices as registry
from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_flag
from ..common.exceptions import ExtrapolationWarning, InputError, UnsupportedError
from ..common.tables import format_si
from ..common.version import __version__
from ..common.vital_signs import said_of_firing
from ..counts import ConventionalOps, OpCount, OpCounts
from ..devices import Device
from ..devices.device import device_key
from ..devices.fields import PART_WORDS, PARTS
from ..estimates.estimate import DeviceLike, EnergyEstimate, Interval, NotModelled
from .charges import Charge, charge
from .chips import said_of_chips
from .memory import moved, with_memory

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
    counts: OpCounts | ConventionalOps,
    devices: DeviceLike | Sequence[DeviceLike],
    *,
    host: DeviceLike | None = None,
    batch_size: int | None = None,
    memory: bool = False,
) -> EnergyEstimate:
    """Price counted operations on devices.

    energy = fixed energy + sum over operations (count x energy per operation)
    + static power x latency

    Devices of kind ``"event"`` are charged for the spiking network, devices of kind
    ``"dense"`` for the conventional one. An operation without a price isn't zero: it
    stays out of the totals and is listed in ``not_modelled``.

    Parameters
    ----------
    counts : OpCounts or LayerOps
        Operations of the network, counted once for any number of devices; of a
        conventional network alone, what `nengo_energy.count_layer_ops` returns.
    devices : str, Device, or sequence of them
        Devices to price on; names as in ``ne.devices.names()``.
    host : str or Device, optional
        Device of kind ``"dense"`` that prices what the host does for the others.
    batch_size : int, optional
        Inferences that run together on devices whose prices tell what a batch takes
        once; others keep theirs, and the estimate says so.
    memory : bool
        Count the bytes of weights and states that the spiking network moves beside its
        synops, and charge them where a device prices them (``cmos45-spiking``).

    Returns
    -------
    EnergyEstimate
        Energies in J per inference.

    Warns
    -----
    ExtrapolationWarning
        When the network lies outside of what a device was fitted to.

    Raises
    ------
    NotFoundError
        When a device isn't known.
    InputError
        When the counts don't hold the network that a device runs, or a device is
        named twice.
    UnsupportedError
        When nothing is published from which the energy on a device could be told; the
        message says what is.
    """
    counts = _as_counts(counts)
    if check_flag("memory", memory):
        counts = with_memory(counts)
    models = resolve_devices(devices)
    one_batch: list[str] = []
    if batch_size is not None:
        one_batch = [m.name for m in models if _has_one_batch_size(m)]
        models = tuple(m.at_batch(batch_size) if m.takes_batches else m for m in models)
    host_model = None if host is None else resolve_host(host)
    charges = [
        _charge(counts.deployed() if model.spike_input else counts, model, host_model)
        for model in models
    ]
    omitted = _merge_counts([item for c in charges for item in c.omitted])
    rows = tuple(row for c in charges for row in c.rows)
    intervals = {
        model.name: c.interval
        for model, c in zip(models, charges)
        if c.interval is not None
    }
    _warn_of_extrapolation(intervals)
    return EnergyEstimate(
        rows=rows,
        models=models,
        latencies={
            model.name: c.latency
            for model, c in zip(models, charges)
            if c.latency is not None
        },
        intervals=intervals,
        not_modelled=omitted,
        assumptions=merge_assumptions(
            (
                said_of_firing(counts.silent, counts.saturated)
                if any(model.kind == "event" for model in models)
                else ()
            ),
            counts.assumptions,
            _deployed(counts, models),
            _by_decode_neurons(counts, models),
            _assumptions(models, host_model, charges),
            _interval_sentences(intervals),
            [_one_batch_size(one_batch, batch_size)] if one_batch else [],
            [SPREAD_OF_COUNTS] if any(row.std > 0 for row in rows) else [],
            (Assumption(f"device-{m.name}", n) for m in models for n in m.notes),
            _sentences(omitted),
        ),
        settings={
            **counts.settings,
            "timesteps": counts.timesteps,
            "dt": counts.dt,
            "n_inferences": max((row.n_inferences for row in counts.rows), default=0),
            "host": None if host_model is None else host_model.name,
            **({} if batch_size is None else {"batch_size": batch_size}),
            "versions": _versions(counts),
        },
        moved=moved(counts),
    )


def _as_counts(counts: object) -> OpCounts:
    """Return counts as `OpCounts`, also where a conventional network's were given."""
    if isinstance(counts, OpCounts):
        return counts
    if hasattr(counts, "to_counts") and hasattr(counts, "assumptions"):
        return OpCounts(counts.to_counts(), assumptions=counts.assumptions)
    if isinstance(counts, (list, tuple)) and all(
        isinstance(row, OpCount) for row in counts
    ):
        return OpCounts(tuple(counts))
    raise InputError(
        "counts must be OpCounts, from count_ops, or what count_layer_ops returns; "
        f"got {type(counts).__name__}"
    )


def _has_one_batch_size(model: Device) -> bool:
    return model.kind == "dense" and not model.takes_batches


def _one_batch_size(names: Sequence[str], batch_size: int | None) -> Assumption:
    return Assumption(
        "one-batch-size",
        f"Prices on {', '.join(names)} don't tell what a batch takes once, so they are "
        f"not those of batch size {batch_size}.",
    )


def _warn_of_extrapolation(intervals: Mapping[str, Interval]) -> None:
    """Warn of devices that were fitted to nothing like the network, by name."""
    for name, interval in intervals.items():
        if interval.outside:
            warnings.warn(
                f"{name}: {'; '.join(interval.outside)}; its interval is widened to a "
                f"factor of {interval.factor:.3g} to both sides",
                ExtrapolationWarning,
                stacklevel=3,
            )


def _interval_sentences(intervals: Mapping[str, Interval]) -> Iterator[Assumption]:
    """Yield what low and high of fitted devices are, and what widened them."""
    for name, interval in intervals.items():
        yield Assumption(
            "prediction-interval",
            f"Low and high of {name} are a factor of {interval.factor:.3g} to both "
            f"sides, to hold {interval.level:.0%} of networks that weren't measured.",
        )
        if interval.outside:
            yield Assumption(
                "extrapolated",
                f"The network lies outside of what {name} was fitted to: "
                f"{'; '.join(interval.outside)}. Its interval is wider for that.",
            )


def _versions(counts: OpCounts) -> dict[str, object]:
    """Return the versions of all packages that took part, this one among them."""
    known = counts.settings.get("versions")
    others = known if isinstance(known, Mapping) else {}
    python = platform.python_version()
    return {**others, "nengo-energy": __version__, "python": python}


def _charge(counts: OpCounts, model: Device, host: Device | None) -> Charge:
    _check_network_counted(counts, model)
    charged = charge(counts, model, host)
    if not charged.rows:
        raise InputError(
            f"device {model.name!r} prices none of the counted operations; it "
            f"prices {', '.join(model.energies) or 'static power alone'}"
        )
    return charged


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


def _by_decode_neurons(
    counts: OpCounts, models: Sequence[Device]
) -> Iterator[Assumption]:
    """Yield how a chip's decoded connections are counted, and the range."""
    names = ", ".join(model.name for model in models if model.spike_input)
    ranges = {} if counts.deployment is None else counts.deployment.synop_range
    if not names or not ranges:
        return
    rows = [
        row
        for row in counts.deployed().rows
        if row.operation == "synop" and row.layer in ranges
    ]
    n, low, high = (
        sum(row.mean * share[k] for row in rows for share in [(1, *ranges[row.layer])])
        for k in range(3)
    )
    yield Assumption(
        "decoded-by-decode-neurons",
        f"For {names}, decoded connections are counted as NengoLoihi builds them: "
        "spikes drive 20 decode neurons for each value, of which one spikes in a "
        f"timestep and drives the encoders, {n:,.0f} synops in "
        f"{', '.join(ranges)}. Low and high hold the other ways of counting as well, "
        f"as full weights and as factors: {low:,.0f} to {high:,.0f}. "
        "nengo_energy.loihi_network(net).ledger() counts what the emulator does.",
    )


def _deployed(counts: OpCounts, models: Sequence[Device]) -> Iterator[Assumption]:
    """Yield what devices leave to the host that runs their first layers."""
    deployment = counts.deployment
    if deployment is None:
        return
    for_all = counts.rows == counts.deployed().rows
    names = ", ".join(
        m.name for m in models if m.spike_input or (for_all and m.kind == "event")
    )
    if deployment.on_host and names:
        yield Assumption(
            "first-layers-on-host",
            f"For {names}, the host runs {', '.join(sorted(deployment.on_host))} and "
            "sends the spikes, as in deployment: updates of these neurons aren't the "
            "device's. on_host= places layers otherwise.",
        )
    if deployment.encoded and names:
        yield Assumption(
            "encoded-input",
            f"For {names}, the host encodes the input of "
            f"{', '.join(dict.fromkeys(deployment.encoded))} as spikes, one for each "
            "value and timestep, whose weights are synops of the device.",
        )


def _assumptions(
    models: Sequence[Device], host: Device | None, charges: Sequence[Charge]
) -> Iterator[Assumption]:
    """Yield what the pricing itself takes for granted."""
    bare = [
        m.name
        for m in models
        if m.fixed_energy is None and not m.takes_batches and not m.all_in
    ]
    if bare:
        yield Assumption(
            "overhead-excluded",
            f"Energies on {', '.join(bare)} are count x price of each operation. "
            "Moving data between chip, memory and host, starting up and waiting aren't "
            "in them; for small networks at batch size 1 measured boards drew orders "
            "of magnitude more (Blouw et al. 2019).",
        )
    if any(model.kind == "dense" for model in models):
        yield DENSE_ONE_PASS
    for model in models if host is None or host in models else (*models, host):
        if model.operating_points:
            yield Assumption(
                "operating-point",
                f"{model.name} is priced at {model.operating_point}, its default of "
                f"{len(model.operating_points)} operating points; "
                f"nengo-energy device {model.name} lists them.",
            )
    for model in models:
        if model.batch_size > 1:
            yield Assumption(
                "batched",
                f"{model.name} runs {model.batch_size} inferences together: energy is "
                "each one's share, latency that of all.",
            )
    all_in = [model.name for model in models if model.all_in]
    if all_in:
        yield Assumption(
            "all-in",
            f"Prices on {', '.join(all_in)} hold all that the device draws, leakage "
            "and idling included. Nothing is added to them, and they are right for the "
            "activity that their source had.",
        )
    held: dict[str, list[str]] = {}
    for model in models:
        if model.included and not model.all_in:
            words = f"{', '.join(model.energies)} holds that of "
            held.setdefault(words + ", ".join(model.included), []).append(model.name)
    for words, names in held.items():
        yield Assumption("included", f"On {', '.join(names)} the price of {words}.")
    for model, charged in zip(models, charges):
        if charged.chips is not None:
            yield from said_of_chips(charged.chips, model)
    floors = [m.name for m, c in zip(models, charges) if c.messages_per_spike]
    if floors:
        yield Assumption(
            "one-message-per-spike",
            f"Each spike on {', '.join(floors)} is priced as one message, which is a "
            "floor: one with targets on several cores sends a message to each.",
        )


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
        f"device {model.name!r} runs the spiking network, and the counts hold none. "
        "Measure its activity and pass ne.count_ops(topology, activity); if that is "
        "what they are, the network has no neurons: it is nodes, and ensembles of "
        "Direct neurons, which are the host's, and there is nothing to price on the "
        "device"
    )


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
