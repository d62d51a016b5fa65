"""Fill a ledger, from a run of the emulator or from spikes measured before."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import nengo
import numpy as np

from ..activity.activity import Activity
from ..activity.emulator.meter import SpikeMeter
from ..activity.inputs import check_inputs
from ..activity.retracing import as_traced
from ..common.checks import check_count
from ..common.exceptions import InputError, UnsupportedError
from ..common.progress import progress_bar
from ..compat.emulator import set_input
from .book import Book
from .ledger import Ledger
from .prepared import LoihiNetwork, Prepared
from .traffic import UnitSpikes

STEPS_AT_ONCE = 100
"""Timesteps that the host computes ahead of the chip; memory grows with them."""


def ledger_from_run(
    prepared: Prepared,
    inputs: Any,
    timesteps: int,
    *,
    emulator: str | None = None,
    progress: bool | None = None,
) -> Ledger:
    """Run the emulator from reset on each input, and account for what the chip does.

    Nothing is probed. What each core does in each timestep is kept of the first
    inferences, up to a bound, for the latency.

    Parameters
    ----------
    prepared : LoihiNetwork or PreparedNetwork
        The network.
    inputs : mapping of {nengo.Node: ndarray} or ndarray
        See `nengo_energy.measure_activity`.
    timesteps : int
        Timesteps per inference.
    emulator : {"fast", "nengo-loihi"}, optional
        See `nengo_energy.loihi.open_simulator`; both give the same ledger.
    progress : bool, optional
        Show a progress bar; by default in a terminal, when a run is long.
    """
    timesteps = check_count("timesteps", timesteps)
    data = check_inputs(prepared.network, inputs, timesteps)
    n_inferences = len(next(iter(data.values()))) if data else 1
    with prepared.simulator(target="sim", emulator=emulator) as sim:
        book = Book(prepared, sim, n_inferences, timesteps)
        meter = SpikeMeter(sim)
        n_steps = n_inferences * timesteps
        with progress_bar(n_steps, "simulating (loihi)", progress) as tick:
            for k in range(n_inferences):
                meter.reset()
                shown = {node: x[k] for node, x in data.items()}
                if book.follows:
                    for spikes in _followed(sim, meter, shown, timesteps, tick):
                        book.follow(spikes)
                else:
                    _run(sim, shown, timesteps, tick)
                book.add(_units(meter), 1, meter.overflows, meter.repeats)
    return book.close("loihi", {"simulator": "loihi"})


def ledger_from_activity(prepared: LoihiNetwork, activity: Activity) -> Ledger:
    """Account for spikes that were measured by any simulator.

    The network is built to know its cores, and isn't run. Every spike is taken as
    delivered. Of expected spikes of rate neurons, sums are rounded.

    Parameters
    ----------
    prepared : LoihiNetwork
        The network.
    activity : Activity
        Measured on it, or on the network that it was prepared from.

    Raises
    ------
    InputError
        If the activity is of another network, of another length of a timestep, or has
        several spikes in one.
    """
    activity = as_traced(activity, prepared.topology)
    _check_activity(prepared, activity)
    with prepared.simulator(target="sim") as sim:
        book = Book(prepared, sim, activity.n_inferences, activity.timesteps)
    image = book.image
    names = prepared.names.populations
    counted = [measured.spikes for measured in activity.populations.values()]
    emitted = np.zeros(book.traffic.n_units, np.result_type(*counted))
    emitted[: book.traffic.n_compartments] = np.concatenate(
        [
            activity.populations[names[block.owner]].spikes[block.neurons]
            for block in image.blocks
        ]
    )
    for k, connection in enumerate(image.inputs):
        source = connection.pre_obj
        if not isinstance(source, nengo.ensemble.Neurons):
            raise UnsupportedError(
                f"{connection} is encoded by NengoLoihi's own neurons on the host, "
                "whose spikes weren't measured; give inputs instead of an activity"
            )
        spikes = activity.populations[names[source.ensemble]].spikes
        emitted[book.traffic.input_units(k)] = spikes
    book.add(UnitSpikes(emitted, emitted), activity.n_inferences)
    return book.close(activity.simulator, dict(activity.settings))


def _check_activity(prepared: LoihiNetwork, activity: Activity) -> None:
    if activity.dt != prepared.dt:
        raise InputError(
            f"the activity was measured with dt={activity.dt!r} s, and the network was "
            f"prepared for {prepared.dt!r} s"
        )
    many = {n: p.peak for n, p in activity.populations.items() if p.peak > 1}
    if many:
        found = ", ".join(f"{name} (up to {peak})" for name, peak in many.items())
        raise InputError(
            f"the activity has several spikes in a timestep, which the chip can't: "
            f"{found}; measure with the chip's neurons, or on the emulator"
        )


def _followed(
    sim: Any,
    meter: SpikeMeter,
    inputs: Mapping[Any, np.ndarray],
    timesteps: int,
    tick: Any,
) -> Iterator[np.ndarray]:
    """Run timesteps one by one, and yield the spikes in some at a time."""
    totals = [_emitted(meter)]
    for _ in _steps(sim, inputs, timesteps, 1, tick):
        totals.append(_emitted(meter))
        if len(totals) > STEPS_AT_ONCE:
            yield np.diff(totals, axis=0)
            totals = totals[-1:]
    if len(totals) > 1:
        yield np.diff(totals, axis=0)


def _run(sim: Any, inputs: Mapping[Any, np.ndarray], timesteps: int, tick: Any) -> None:
    varying = any(len(x) > 1 for x in inputs.values())
    longest = 1 if varying else STEPS_AT_ONCE
    for _ in _steps(sim, inputs, timesteps, longest, tick):
        pass


def _steps(
    sim: Any, inputs: Mapping[Any, np.ndarray], timesteps: int, longest: int, tick: Any
) -> Iterator[None]:
    """Run timesteps, and yield after some at a time."""
    for start in range(0, timesteps, longest):
        for node, x in inputs.items():
            if start == 0 or len(x) > 1:
                set_input(sim, node, x[min(start, len(x) - 1)])
        n_steps = min(longest, timesteps - start)
        sim.run_steps(n_steps)
        sim.clear_probes()
        tick(n_steps)
        yield


def _emitted(meter: SpikeMeter) -> np.ndarray:
    return np.concatenate([meter.spikes, *meter.sent])


def _units(meter: SpikeMeter) -> UnitSpikes:
    emitted = _emitted(meter)
    late = np.concatenate([meter.on_their_way, *meter.waiting])
    return UnitSpikes(emitted, emitted - late)
