"""How many chips of a device a network takes, whose static power it bears."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator

from ..common.assumptions import Assumption
from ..counts import OpCounts
from ..devices import Device
from .chip_time import Range


@dataclass(frozen=True)
class ChipsTaken:
    """Chips that a network takes.

    Attributes
    ----------
    n_chips : int
        How many.
    reason : str
        By what, where no placement tells; empty where one does.
    """

    n_chips: int
    reason: str = ""


def chips_taken(counts: OpCounts, model: Device) -> ChipsTaken | None:
    """Return the chips that a network takes, by its placement or what a chip holds.

    Parameters
    ----------
    counts : OpCounts
        Operations of the network that the device runs.
    model : Device
        The device.

    Returns
    -------
    ChipsTaken or None
        None where neither tells.
    """
    if counts.chip_use is not None:
        return ChipsTaken(counts.chip_use.n_chips)
    n_synapses = sum(counts.synapses.values())
    sizes = {"neurons": _neurons(counts), "synapses": n_synapses}
    needed, reasons = [], []
    for word, size in sizes.items():
        held = model.capacity.get(f"{word}_per_chip")
        if size and held is not None:
            needed.append(math.ceil(size / held.value))
            reasons.append(f"{size:,} {word} at {held.value:,.0f} a chip")
    if not needed:
        return None
    return ChipsTaken(max(needed), " and ".join(reasons))


def share_of_power(n_chips: int, model: Device, per: str) -> Range:
    """Return how many times a power for each ``"chip"`` or ``"board"`` is drawn.

    Of boards it is the share of their chips that is taken, and at the high end whole
    boards, for chips that nobody else uses.
    """
    if per == "chip":
        return n_chips, n_chips, n_chips
    on_board = model.capacity["chips"].value
    share = n_chips / on_board
    return share, share, math.ceil(share)


def said_of_chips(taken: ChipsTaken, model: Device) -> Iterator[Assumption]:
    """Yield what is taken for granted of the chips whose static power is charged."""
    power = model.static_power
    if power is None or power.per not in ("chip", "board"):
        return
    if taken.reason:
        chips = f"{taken.n_chips} chip" + "s" * (taken.n_chips > 1)
        yield Assumption(
            "chips-by-capacity",
            f"Static power on {model.name} is that of {chips}, the least that holds "
            f"{taken.reason}; a mapping may take more.",
        )
    if power.per == "board":
        yield Assumption(
            "share-of-a-board",
            f"On {model.name} a board's static power is shared out to its "
            f"{model.capacity['chips'].value:.0f} chips; the high end is that of whole "
            "boards, for chips that nobody else uses.",
        )


def _neurons(counts: OpCounts) -> int:
    """Return the neurons of the spiking network: updates of a timestep."""
    updates = sum(
        row.mean
        for row in counts.select("event")
        if row.operation.startswith("neuron_update")
    )
    return round(updates / counts.timesteps) if counts.timesteps else 0
