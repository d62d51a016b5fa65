"""EnergyEstimate -> its devices from the least energy on, and a conclusion in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping

from ..common.tables import format_si

if TYPE_CHECKING:
    import pandas

    from ..devices import Device
    from .estimate import EnergyEstimate


def ranking_frame(estimate: EnergyEstimate) -> pandas.DataFrame:
    """Return a row per device, from the least energy on: `EnergyEstimate.ranking`."""
    import pandas as pd

    rows = [_row(estimate, model) for model in by_energy(estimate)]
    frame = pd.DataFrame(rows)
    frame.attrs["units"] = {
        **dict.fromkeys(("energy", "low", "high"), "J/inf"),
        "latency": "s",
    }
    return frame


def flat_values(estimate: EnergyEstimate) -> dict[str, float]:
    """Return the numbers that are known of an estimate by name."""
    settings: Mapping[str, Any] = estimate.settings
    accuracy = settings.get("accuracy") or {}
    found = {name: settings.get(name) for name in ("timesteps", "dt", "n_inferences")}
    for name, of in (("accuracy", "spiking"), ("keras_accuracy", "keras")):
        found[name] = accuracy.get(of, {}).get("value")
    for model in estimate.models:
        low, high = known_interval(estimate, model.name) or (None, None)
        found[f"energy {model.name}"] = estimate.total(model)
        found[f"low {model.name}"], found[f"high {model.name}"] = low, high
        found[f"latency {model.name}"] = estimate.latency(model)
    return {name: value for name, value in found.items() if value is not None}


def by_energy(estimate: EnergyEstimate) -> list[Device]:
    """Return the devices of an estimate from the least energy on."""
    return sorted(estimate.models, key=estimate.total)


def included(estimate: EnergyEstimate, model: Device) -> str:
    """Return what a device's total holds: totals that hold other things don't compare.

    ``"all-in"`` is all that the device draws; else the parts that are modelled, and
    whether a host that the device needs is among them.
    """
    words = _own_parts(estimate, model)
    if estimate.host(model) is not None:
        return f"{words} + host"
    return f"{words}, host apart" if host_macs(estimate, model) else words


def host_macs(estimate: EnergyEstimate, model: Device) -> float:
    """Return the multiply-accumulates [per inference] of a host without a price."""
    return sum(
        item.count or 0
        for item in estimate.not_modelled
        if (item.device, item.operation, item.where) == (model.name, "mac", "host")
    )


def _own_parts(estimate: EnergyEstimate, model: Device) -> str:
    """Return what a total holds of the device's own energy."""
    if model.all_in:
        return "all-in"
    parts = ["dynamic"]
    parts += ["fixed"] * (estimate.fixed(model) is not None)
    parts += ["static"] * (estimate.static(model) is not None)
    return " + ".join(parts)


def _row(estimate: EnergyEstimate, model: Device) -> dict[str, object]:
    low, high = known_interval(estimate, model.name) or (None, None)
    return {
        "device": model.name,
        "energy": estimate.total(model),
        "low": low,
        "high": high,
        "evidence": ", ".join(model.evidence),
        "includes": included(estimate, model),
        "static": model.all_in or estimate.static(model) is not None,
        "io": holds_io(model),
        "fits": fits_one_chip(estimate, model),
        "latency": estimate.latency(model),
    }


def holds_io(model: Device) -> bool:
    """Tell whether moving data in and out is in a device's prices."""
    return model.all_in or model.fixed_energy is not None or model.takes_batches


def fits_one_chip(estimate: EnergyEstimate, model: Device) -> bool | None:
    """Tell whether a network fits on one chip of a device, None if that isn't known.

    Neurons alone can show that it doesn't, and only a placement on cores that it does.
    """
    steps, n_cores = (estimate.settings.get(k) for k in ("timesteps", "n_cores"))
    most = {name: quantity.value for name, quantity in model.capacity.items()}
    if isinstance(steps, int) and "neurons_per_chip" in most:
        n_updates = sum(
            row.count
            for row in estimate.rows
            if row.device == model.name and row.operation.startswith("neuron_update")
        )
        if n_updates > most["neurons_per_chip"] * steps:
            return False
    if isinstance(n_cores, int) and "cores_per_chip" in most:
        return n_cores <= most["cores_per_chip"]
    return None


def known_interval(estimate: EnergyEstimate, device: str) -> tuple[float, float] | None:
    """Return the interval of a total, None where no price has a range."""
    low, high = estimate.interval(device)
    return (low, high) if low < high else None


def evidence_words(model: Device) -> str:
    """Return how the prices of a device came to be."""
    return ", ".join((*model.evidence, *["all-in"] * model.all_in))


def conclusion(estimate: EnergyEstimate) -> list[str]:
    """Return what an estimate says, in two or three lines."""
    lines = [*accuracy_words(estimate.settings)]
    groups: dict[tuple[str, bool], list[Device]] = {}
    for model in by_energy(estimate):
        holds = _own_parts(estimate, model), host_macs(estimate, model) > 0
        groups.setdefault(holds, []).append(model)
    for (what, host_apart), models in groups.items():
        least = f"Least {what} energy"
        if host_apart:
            least += f", the host's {host_macs(estimate, models[0]):,.0f} MACs apart"
        lines.append(f"{least}: {_least(estimate, models)}.")
    return lines + said_of_left_out(estimate)


def said_of_left_out(estimate: EnergyEstimate) -> list[str]:
    """Return a sentence on what some totals leave out, if any do."""
    left_out = _left_out(estimate)
    return [f"Not in it, on some or all: {', '.join(left_out)}."] if left_out else []


def accuracy_words(settings: Mapping[str, object]) -> Iterator[str]:
    """Yield the accuracy of both networks, where it was judged."""
    known = settings.get("accuracy")
    if isinstance(known, Mapping):
        n, timesteps = settings.get("n_inferences"), settings.get("timesteps")
        yield (
            f"Accuracy: {_share(known['keras'])} as Keras, {_share(known['spiking'])} "
            f"spiking, of {n:,} in {timesteps} timesteps."
        )


def _share(ends: Mapping[str, float]) -> str:
    return f"{ends['value']:.1%} ({ends['low']:.1%} to {ends['high']:.1%})"


def _least(estimate: EnergyEstimate, models: list[Device]) -> str:
    """Return the device of least energy, and those that follow."""
    first, *others = models
    ends = known_interval(estimate, first.name)
    details = [] if ends is None else [" to ".join(format_si(e, "J") for e in ends)]
    details.append(evidence_words(first))
    words = f"{first.name} {format_si(estimate.total(first), 'J')}"
    words += f" ({', '.join(details)})"
    named = [f"{m.name} {format_si(estimate.total(m), 'J')}" for m in others[:2]]
    if named:
        words += f"; then {', '.join(named)}"
    if len(others) > 2:
        words += f" and {len(others) - 2} more"
    return words


def _left_out(estimate: EnergyEstimate) -> list[str]:
    """Return what the totals of some devices leave out, each once."""
    found: dict[str, None] = {}
    if any(not holds_io(model) for model in estimate.models):
        found["moving data in and out"] = None
    for item in estimate.not_modelled:
        words = (
            "the host's work" if item.where == "host" else _KINDS.get(item.operation)
        )
        found[words or item.operation.replace("_", " ")] = None
    return [words for words in found if words not in _TIMES]


_KINDS: Mapping[str, str] = {
    "neuron_update_active": "neuron updates",
    "neuron_update_inactive": "neuron updates",
    "spike": "sending spikes",
    "message": "messages between cores",
    "hop_east_west": "messages between cores",
    "hop_north_south": "messages between cores",
    "latency": "time",
    "time of message_in": "time",
}
_TIMES = ("time",)
