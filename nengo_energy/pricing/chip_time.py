"""How long a chip takes for a network, from what each of its cores does."""

from __future__ import annotations

from typing import Mapping

import numpy as np

from ..common.sums import sum_by_key
from ..counts import ChipUse
from ..devices import Device, Quantity
from ..devices.fields import PRICED_FORMS
from ..estimates.rows import NotModelled

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

    A core advances its neurons and sends their spikes one after the other, and beside
    that takes the messages that arrive and reads their weights, one after the other;
    the longer of both counts, as in the simple scheduler of SANA-FE [1]_. Where each
    timestep was followed, the time is the mean over timesteps, each with its own
    busiest core; else cores are compared by their mean timestep, which is a floor.

    Parameters
    ----------
    use : ChipUse
        What the cores do.
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

    References
    ----------
    .. [1] J. A. Boyle et al., "SANA-FE: simulating advanced neuromorphic architectures
       for fast exploration", IEEE TCAD 44 (2025) 3165-3178,
       doi:10.1109/TCAD.2025.3537971; schedule_messages_timestep_simple of its source.
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


def core_times(use: ChipUse, model: Device) -> list[dict[str, float]]:
    """Return for what each core takes how long in a mean timestep [s].

    A core reads weights beside advancing its neurons, so it is what takes longer of
    both that counts.
    """
    times = {
        name: _range(time, use.n_tiles)[1]
        for name in _operations(use)
        if (time := _time(model, name)) is not None
    }
    found = []
    for core in use.cores:
        phases: tuple[dict[str, float], ...] = ({}, {})
        for name, n in core.operations.items():
            if name in times:
                phases[_is_reading(name)][name] = n * times[name]
        found.append(max(phases, key=lambda phase: sum(phase.values())))
    return found


def _operations(use: ChipUse) -> dict[str, float]:
    """Return how often each operation happens on all cores in a mean timestep."""
    return sum_by_key(item for core in use.cores for item in core.operations.items())


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
    """Return the mean length of a timestep [s]."""
    per_core = use.by_timestep or _mean_timestep(use)
    phases = []
    for reads in (True, False):
        busy = np.zeros((1, use.n_cores))
        for name, n in per_core.items():
            if _is_reading(name) == reads:
                busy = busy + n * times.get(name, 0.0)
        phases.append(busy.max(axis=1, initial=0.0))
    way = sum(n * times.get(name, 0.0) for name, n in zip(HOPS, use.longest_way))
    needed = np.maximum(*phases) + way + times.get(BARRIER, 0.0)
    return float(np.maximum(needed, use.pace or 0.0).mean())


def _is_reading(operation: str) -> bool:
    """Tell whether a core does it for messages that arrive, not for its neurons."""
    return operation == "message_in" or operation.startswith("synop")


def _mean_timestep(use: ChipUse) -> dict[str, np.ndarray]:
    """Return operations of each core in a mean timestep, (1, n_cores) ndarrays."""
    return {
        name: np.array([[core.operations.get(name, 0.0) for core in use.cores]])
        for name in _operations(use)
    }
