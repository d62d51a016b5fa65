"""What prices take for granted, and what they leave out, in sentences."""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from ..common.assumptions import Assumption
from ..counts import OpCounts
from ..devices import Device
from ..estimates.rows import Interval, NotModelled
from .charges import Charge
from .chips import said_of_chips

DENSE_ONE_PASS = Assumption(
    "dense-one-pass",
    "Devices of kind 'dense' run the conventional network once per inference, "
    "whatever the timesteps and the activity.",
)


def said_of_batch_size(names: Sequence[str], batch_size: int | None) -> Assumption:
    return Assumption(
        "one-batch-size",
        f"Prices on {', '.join(names)} don't tell what a batch takes once, so they are "
        f"not those of batch size {batch_size}.",
    )


def said_of_intervals(intervals: Mapping[str, Interval]) -> Iterator[Assumption]:
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


def said_of_decoded(counts: OpCounts, models: Sequence[Device]) -> Iterator[Assumption]:
    """Yield how a chip's decoded connections are counted, and the range."""
    names = ", ".join(model.name for model in models if model.spike_input)
    ranges = {} if counts.deployment is None else counts.deployment.synop_range
    if not names or not ranges:
        return
    synops = {
        row.layer: row.mean
        for row in counts.deployed().rows
        if row.operation == "synop" and row.layer in ranges
    }
    low, high = (
        sum(n * ranges[layer][k] for layer, n in synops.items()) for k in range(2)
    )
    yield Assumption(
        "decoded-by-decode-neurons",
        f"For {names}, decoded connections are counted as NengoLoihi builds them: "
        "spikes drive 20 decode neurons for each value, of which one spikes in a "
        f"timestep and drives the encoders: {sum(synops.values()):,.0f} synops in "
        f"{', '.join(synops)}. Low and high hold the other ways of counting as well, "
        f"as full weights and as factors: {low:,.0f} to {high:,.0f}. "
        "nengo_energy.loihi_network(net).ledger() counts what the emulator does.",
    )


def said_of_deployment(
    counts: OpCounts, models: Sequence[Device]
) -> Iterator[Assumption]:
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


def said_of_prices(
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


def said_of_omitted(omitted: Sequence[NotModelled]) -> Iterator[Assumption]:
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
