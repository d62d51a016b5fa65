"""What bounds time and energy of a ledger, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Mapping, Union

import numpy as np

from ..common.exceptions import InputError
from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..common.tables import format_si, wrap
from ..counts import ChipUse, CoreUse, OpCount, OpCounts
from ..estimates.estimate import DeviceLike
from ..pricing.chip_time import core_times
from ..pricing.energy import estimate_energy
from ..pricing.resolving import resolve_devices

if TYPE_CHECKING:
    from .ledger import Ledger

KINDS: Mapping[str, str] = {
    "synop": "synops",
    "neuron_update": "neuron updates",
    "spike": "messages",
    "message": "messages",
}
"""What operations are called together, by how their names begin."""

FEWER_SPIKES = 0.7
"""Factor on scale_firing_rates that is tried."""

FEWER_TIMESTEPS = 0.6
"""Factor on timesteps that is tried."""

BY_SPIKES = (
    "synop",
    "spike",
    "message",
    "message_in",
    "hop_east_west",
    "hop_north_south",
    "neuron_update_active",
)
"""Operations that are as many as there are spikes."""

Operations = dict[str, Any]
"""Of a core, by name: in a mean timestep, or in each of some, an ndarray."""

Setting = Union[Mapping[str, int], float, int]


@dataclass(frozen=True)
class Advice:
    """One change of the deployment, and what it is predicted to do.

    Attributes
    ----------
    setting : str
        ``"min_cores"`` of `nengo_energy.SpikingModel.ledger`, ``"timesteps"``, or
        ``"scale_firing_rates"`` of `nengo_energy.convert`.
    value : mapping of {str: int}, int or float
        What it would be; of ``scale_firing_rates`` the factor.
    words : str
        The change in words.
    latency, energy : float
        Predicted change of latency and energy, as a share of what they are.
    """

    setting: str
    value: Setting
    words: str
    latency: float
    energy: float

    def __str__(self) -> str:
        return f"{self.words}: {self.latency:+.0%} time, {self.energy:+.0%} energy"


@dataclass(frozen=True, repr=False)
class Bottleneck(Shown):
    """What bounds a network on the chip, by the prices and times of one device.

    Attributes
    ----------
    device : str
        Name of the device.
    chip, core : int
        The core that takes longest in a mean timestep.
    layer : str
        Layer on that core.
    operation : str
        What takes it longest: ``"synops"``, ``"neuron updates"`` or ``"messages"``.
    share : float
        Share of an inference's time that this core works.
    latency, energy : float
        Time [s] and energy [J] of an inference.
    energy_layer : str
        Layer that takes most energy.
    energy_share : float
        Its share of what all layers take.
    advice : tuple of Advice
        What would change it, from the least time on. Accuracy isn't predicted:
        `nengo_energy.sweep` measures it.
    """

    device: str
    chip: int
    core: int
    layer: str
    operation: str
    share: float
    latency: float
    energy: float
    energy_layer: str
    energy_share: float
    advice: tuple[Advice, ...]

    def __str__(self) -> str:
        lines = [
            f"Time by {self.device}, {format_si(self.latency, 's')}: core {self.core} "
            f"of chip {self.chip} ({self.layer}) bounds it by its {self.operation}, "
            f"and works {self.share:.0%} of it.",
            f"Energy, {format_si(self.energy, 'J')}: {self.energy_layer} takes "
            f"{self.energy_share:.0%} of what layers take.",
            "Predicted: " + "; ".join(map(str, self.advice)) + ".",
        ]
        return "\n".join(wrap(line) for line in lines)


def find_bottleneck(ledger: Ledger, device: DeviceLike) -> Bottleneck:
    """Return what bounds a ledger on a device; see `Ledger.bottleneck`."""
    (model,) = resolve_devices(device)
    counts = ledger.counts()
    estimate = estimate_energy(counts, model)
    latency = estimate.latency(model)
    if latency is None or counts.chip_use is None:
        raise InputError(
            f"device {model.name!r} has no times of operations, so nothing bounds its "
            "time; loihi-davies2018 and loihi-fitted2025 have"
        )
    times = core_times(counts.chip_use, model)
    index = max(range(len(times)), key=lambda i: sum(times[i].values()))
    by_kind = sum_by_key(
        (words, seconds)
        for operation, seconds in times[index].items()
        for start, words in KINDS.items()
        if operation.startswith(start)
    )
    by_layer = sum_by_key(
        (row.layer, row.energy)
        for row in estimate.rows
        if row.where == "device" and row.operation != "static"
    )
    dearest = max(by_layer, key=lambda layer: by_layer[layer])
    busiest = ledger.cores[index]

    def predict(setting: str, value: Setting, words: str, then: OpCounts) -> Advice:
        found = estimate_energy(then, model)
        after = found.latency(model)
        assert after is not None
        return Advice(
            setting,
            value,
            words,
            after / latency - 1,
            found.total(model) / estimate.total(model) - 1,
        )

    n_cores = sum(core.layer == busiest.layer for core in ledger.cores)
    advice = []
    if sum(c.compartments for c in ledger.cores if c.layer == busiest.layer) > n_cores:
        words = f"{busiest.layer} on {2 * n_cores} cores in place of {n_cores}"
        chosen = {busiest.layer: 2 * n_cores}
        then = _split(ledger, counts, busiest.layer)
        advice.append(predict("min_cores", chosen, words, then))
    words = f"scale_firing_rates x {FEWER_SPIKES}"
    then = _with_fewer_spikes(counts, FEWER_SPIKES)
    advice.append(predict("scale_firing_rates", FEWER_SPIKES, words, then))
    steps = max(1, round(FEWER_TIMESTEPS * ledger.timesteps))
    words = f"{steps} timesteps in place of {ledger.timesteps}"
    advice.append(predict("timesteps", steps, words, _for_timesteps(counts, steps)))
    return Bottleneck(
        device=model.name,
        chip=busiest.chip,
        core=busiest.core,
        layer=busiest.layer,
        operation=max(by_kind, key=lambda kind: by_kind[kind]),
        share=ledger.timesteps * sum(by_kind.values()) / latency,
        latency=latency,
        energy=estimate.total(model),
        energy_layer=dearest,
        energy_share=by_layer[dearest] / sum(by_layer.values()),
        advice=tuple(sorted(advice, key=lambda a: a.latency)),
    )


def _with_fewer_spikes(counts: OpCounts, factor: float) -> OpCounts:
    """Return counts with a share of the spikes: updates stay as many."""
    active = {
        row.layer: row.total
        for row in counts.rows
        if row.operation == "neuron_update_active"
    }

    def row_then(row: OpCount) -> OpCount:
        if row.operation in BY_SPIKES:
            return replace(row, total=factor * row.total)
        if row.operation == "neuron_update_inactive":
            more = (1 - factor) * active.get(row.layer, 0)
            return replace(row, total=row.total + more)
        return row

    def core_then(index: int, operations: Operations) -> list[Operations]:
        then = {
            name: n * factor if name.startswith(BY_SPIKES) else n
            for name, n in operations.items()
        }
        more = (1 - factor) * operations["neuron_update_active"]
        then["neuron_update_inactive"] = then["neuron_update_inactive"] + more
        return [then]

    assert counts.chip_use is not None
    return replace(
        counts,
        rows=tuple(map(row_then, counts.rows)),
        chip_use=_changed(counts.chip_use, core_then),
    )


def _changed(
    use: ChipUse, change: Callable[[int, Operations], list[Operations]]
) -> ChipUse:
    """Return the use of a chip with other operations of each core.

    The change takes the place of a core and its operations, in a mean timestep or in
    each, and returns those of the cores in its stead.
    """
    cores = [
        CoreUse(core.chip, then)
        for i, core in enumerate(use.cores)
        for then in change(i, dict(core.operations))
    ]
    followed = [
        then
        for i in range(use.n_cores if use.by_timestep else 0)
        for then in change(i, {k: n[:, i] for k, n in use.by_timestep.items()})
    ]
    by_timestep = {
        name: np.stack([each[name] for each in followed], axis=1)
        for name in use.by_timestep
    }
    return replace(use, cores=tuple(cores), by_timestep=by_timestep)


def _for_timesteps(counts: OpCounts, timesteps: int) -> OpCounts:
    """Return counts as they would be over another number of timesteps."""
    assert counts.timesteps is not None
    factor = timesteps / counts.timesteps
    rows = tuple(replace(row, total=factor * row.total) for row in counts.rows)
    return replace(counts, rows=rows, timesteps=timesteps)


def _split(ledger: Ledger, counts: OpCounts, layer: str) -> OpCounts:
    """Return counts with a layer on twice as many cores.

    Each has half of the work, but for messages that arrive: of these each takes what
    one core took, which is the most that they can be, and they are sent twice.
    """
    use = counts.chip_use
    assert use is not None
    here = [core.layer == layer for core in ledger.cores]
    to_layer = ledger.messages[:, here].sum(axis=1)
    n_steps = ledger.n_inferences * ledger.timesteps

    def core_then(index: int, operations: Operations) -> list[Operations]:
        sent = float(to_layer[index]) / n_steps
        then = {**operations, "message": operations["message"] + sent}
        if not here[index]:
            return [then]
        return [{k: n if k == "message_in" else n / 2 for k, n in then.items()}] * 2

    more = sum_by_key(
        (core.layer, int(sent)) for core, sent in zip(ledger.cores, to_layer)
    )
    rows = tuple(
        (
            replace(row, total=row.total + more.pop(row.layer, 0))
            if row.operation == "message" and row.where == "device"
            else row
        )
        for row in counts.rows
    )
    return replace(counts, rows=rows, chip_use=_changed(use, core_then))
