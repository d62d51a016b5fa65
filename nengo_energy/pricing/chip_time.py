"""How long a chip takes for a network, from what each of its cores does."""

from __future__ import annotations

from typing import Mapping

from ..counts import ChipUse
from ..devices import Device, Quantity
from ..devices.fields import PRICED_FORMS
from ..estimates.estimate import NotModelled

Range = tuple[float, float, float]
"""Low, nominal and high value."""

BARRIER = "barrier"
"""The time that ends a timestep, once all cores are done."""

HOPS = ("hop_east_west", "hop_north_south")


def chip_duration(
    use: ChipUse, timesteps: int, model: Device
) -> tuple[Range, list[NotModelled]]:
    """Return the time that an inference takes on a chip.

    time = timesteps x (busiest core + longest way of a message + barrier)

    A core does its operations one after the other, and cores work side by side. As
    cores are compared by their mean timestep, this is a floor: another core may be the
    busiest in each timestep.

    Parameters
    ----------
    use : ChipUse
        What the cores do in a mean timestep.
    timesteps : int
        Timesteps per inference.
    model : Device
        Gives the times of operations [s].

    Returns
    -------
    duration : tuple of float
        Low, nominal and high time per inference [s].
    untimed : list of NotModelled
        Operations that happen and whose time isn't known.
    """
    bounds = {
        name: _range(time, use.n_tiles)
        for name in (*_operations(use), *HOPS, BARRIER)
        if (time := _time(model, name)) is not None
    }
    low, nominal, high = (
        timesteps * _timestep(use, {name: r[k] for name, r in bounds.items()})
        for k in range(3)
    )
    totals = _operations(use)
    reason = "it happens, but its time isn't known."
    untimed = [
        NotModelled(model.name, f"time of {operation}", reason, n * timesteps)
        for operation, n in totals.items()
        if n and operation not in (*bounds, *model.included)
    ]
    if BARRIER not in model.times:
        untimed.append(NotModelled(model.name, f"time of {BARRIER}", reason))
    return (low, nominal, high), untimed


def _operations(use: ChipUse) -> dict[str, float]:
    """Return how often each operation happens on all cores in a mean timestep."""
    totals: dict[str, float] = {}
    for core in use.cores:
        for operation, n in core.operations.items():
            totals[operation] = totals.get(operation, 0.0) + n
    return totals


def _time(model: Device, name: str) -> Quantity | None:
    """Return the time of an operation, or of a form of one such as synop_dense."""
    for operation, forms in PRICED_FORMS.items():
        if name in forms:
            return model.time_of(operation, name[len(operation) + 1 :])
    return model.times.get(name)


def _range(time: Quantity, n_tiles: int | None) -> Range:
    if n_tiles is not None:
        time = time.at(n_tiles)
    low, high = time.bounds
    return low, time.value, high


def _timestep(use: ChipUse, times: Mapping[str, float]) -> float:
    """Return the length of a mean timestep [s]."""
    busiest = max(
        (
            sum(n * times.get(name, 0.0) for name, n in core.operations.items())
            for core in use.cores
        ),
        default=0.0,
    )
    way = sum(n * times.get(name, 0.0) for name, n in zip(HOPS, use.longest_way))
    needed = busiest + way + times.get(BARRIER, 0.0)
    return needed if use.pace is None else max(needed, use.pace)
