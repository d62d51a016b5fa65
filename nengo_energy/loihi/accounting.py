"""Fill a ledger, from a run of the emulator or from spikes measured before."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Protocol

import nengo
import numpy as np

from ..activity.activity import Activity
from ..activity.emulator.meter import SpikeMeter
from ..activity.inputs import check_inputs
from ..activity.retracing import as_traced
from ..common.checks import check_count
from ..common.exceptions import InputError, UnsupportedError
from ..common.progress import progress_bar
from ..compat.emulator import allocator, set_input
from ..compat.loihi_image import ChipImage, learnt_weights, read_image
from ..counts import OpCount
from ..network.learning import learned_on_chip
from .chip import CORES_PER_CHIP
from .host_work import host_work
from .layers import LayerNames
from .ledger import CoreLoad, Ledger
from .mesh import place_greedily, place_row_major
from .prepared import LoihiNetwork
from .traffic import Traffic, UnitSpikes

STEPS_AT_ONCE = 100
"""Timesteps that the host computes ahead of the chip; memory grows with them."""

MAX_FOLLOWED = 1000
"""Most timesteps that are followed one by one, which takes longer: those of the first
inferences, and of one at least, stand for all."""


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
        book = _Book(prepared, sim, n_inferences, timesteps)
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
        book = _Book(prepared, sim, activity.n_inferences, activity.timesteps)
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


class Prepared(Protocol):
    """A network that is ready for the chip, whatever it was prepared from."""

    @property
    def network(self) -> nengo.Network:
        """The network."""

    @property
    def names(self) -> LayerNames:
        """What its parts are called."""

    @property
    def on_host(self) -> frozenset[str]:
        """Layers that run on the host."""

    @property
    def dt(self) -> float:
        """Length of a timestep [s]."""

    def simulator(self, *, emulator: str | None = None, **options: Any) -> Any:
        """Open a simulator of the network."""


class _Book:
    """Adds up what spikes do."""

    def __init__(
        self,
        prepared: Prepared,
        sim: Any,
        n_inferences: int,
        timesteps: int,
    ):
        self.prepared = prepared
        self.image = image = _image(sim)
        self.work = host_work(sim, prepared.names)
        self.learnt = learnt_weights(sim)
        self.traffic = Traffic(image)
        self.n_inferences = n_inferences
        self.timesteps = timesteps
        n_compartments = self.traffic.n_compartments
        self.emitted = np.zeros(self.traffic.n_units, dtype=np.int64)
        self.delivered = np.zeros(self.traffic.n_units, dtype=np.int64)
        self.overflows = np.zeros(n_compartments, dtype=np.int64)
        self.saturated = np.zeros(n_compartments, dtype=bool)
        self.names = names = prepared.names
        self.weights_of = [
            names.of_weights(axon, image.blocks[axon.target]) for axon in image.axons
        ]
        self.series: dict[tuple[str, str, str, str], list[int]] = {}
        self.pending: dict[str, int] = {}
        self.followed: list[dict[str, np.ndarray]] = []
        self.n_followed = 0

    @property
    def follows(self) -> bool:
        """Whether the timesteps of another inference are to be followed."""
        more = self.n_followed + self.timesteps
        return not self.n_followed or more <= MAX_FOLLOWED

    def follow(self, spikes: np.ndarray) -> None:
        """Add spikes of each unit in some timesteps, (n_steps, n_units) ndarray."""
        self.followed.append(self.traffic.by_timestep(spikes))
        self.n_followed += len(spikes)

    def add(
        self,
        spikes: UnitSpikes,
        n_inferences: int = 1,
        overflows: np.ndarray | None = None,
        repeats: np.ndarray | None = None,
    ) -> None:
        """Add what was counted of some inferences."""
        self.emitted = self.emitted + spikes.emitted
        self.delivered = self.delivered + spikes.delivered
        if overflows is not None:
            self.overflows += overflows
        if repeats is not None:
            own = spikes.emitted[: self.traffic.n_compartments]
            self.saturated |= (own > 1) & (2 * repeats > own)
        self._tally(spikes, n_inferences * self.timesteps)

    def _tally(self, spikes: UnitSpikes, n_steps: int) -> None:
        """Keep the counts by layer of what was added."""
        traffic, image = self.traffic, self.image
        found = dict[tuple[str, str, str, str], float]()

        def count(
            layer: str,
            operation: str,
            value: float,
            where: str = "device",
            form: str = "",
        ) -> None:
            key = (layer, operation, where, form)
            found[key] = found.get(key, 0) + value

        arrived = spikes.delivered @ traffic.weights
        for layer, axon, synops in zip(self.weights_of, self.image.axons, arrived):
            count(layer, "synop", synops, form=axon.form)
        late = (spikes.emitted - spikes.delivered) @ traffic.weights
        for layer, synops in zip(self.weights_of, late):
            self.pending[layer] = self.pending.get(layer, 0) + round(synops)
        active = traffic.by_core(spikes.emitted)
        sent = traffic.by_core(self._sent(spikes.emitted))
        messages = traffic.between_cores(spikes.emitted @ traffic.leads).sum(axis=1)
        for k, block in enumerate(self.image.blocks):
            layer = self.names.layers[block.owner]
            n_neurons = len(block.neurons)
            count(layer, "neuron_update_active", active[k])
            count(layer, "neuron_update_inactive", n_neurons * n_steps - active[k])
            count(layer, "spike", sent[k])
            count(layer, "message", messages[k])
        for axon, value in zip(self.image.axons, spikes.emitted @ traffic.leads):
            if axon.from_host:
                sender = self.names.of_sender(self.image.inputs[axon.source])
                count(sender, "message", value, "host")
        for block, shape in self.learnt.items():
            layer = self.names.layers[image.blocks[block].owner]
            learned = learned_on_chip(shape, 0, self.timesteps)
            for operation, n in learned.items():
                count(layer, operation, n * n_steps // self.timesteps)
        for (layer, operation), each_step in self.work.items():
            count(layer, operation, each_step * n_steps, "host")
        for key, value in found.items():
            self.series.setdefault(key, []).append(round(value))

    def _sent(self, emitted: np.ndarray) -> np.ndarray:
        n = self.traffic.n_compartments
        return np.where(self.traffic.drives, emitted[:n], 0)

    def close(self, simulator: str, settings: Mapping[str, object]) -> Ledger:
        """Return the ledger."""
        traffic, image = self.traffic, self.image
        arrived = self.delivered @ traffic.weights
        zeros = self.delivered @ traffic.zeros
        left = self.emitted @ traffic.leads
        between = np.rint(traffic.between_cores(left)).astype(np.int64)
        active = traffic.by_core(self.emitted)
        columns = {
            "synops": traffic.into_cores(arrived),
            "zero_synops": traffic.into_cores(zeros),
            "spikes": traffic.by_core(self._sent(self.emitted)),
            "messages_out": between.sum(axis=1),
            "messages_in": between.sum(axis=0),
            "messages_from_host": traffic.from_host(left),
            "overflows": traffic.by_core(self.overflows),
            "saturated": traffic.by_core(self.saturated),
            "updates_active": active,
        }
        order = sorted(
            range(traffic.n_cores), key=lambda k: (image.chip_of[k], image.core_of[k])
        )
        steps = self.n_inferences * self.timesteps
        cores = []
        for k in order:
            block = image.blocks[k]
            values = {name: round(column[k]) for name, column in columns.items()}
            forms: dict[str, int] = {}
            for axon, synops in zip(image.axons, arrived):
                if axon.target == k:
                    forms[axon.form] = forms.get(axon.form, 0) + round(synops)
            cores.append(
                CoreLoad(
                    chip=image.chip_of[k],
                    core=image.core_of[k],
                    layer=self.names.populations[block.owner],
                    compartments=len(block.neurons),
                    in_axons=block.in_axons,
                    out_axons=block.out_axons,
                    synapse_bits=block.synapse_bits,
                    updates_inactive=len(block.neurons) * steps - round(active[k]),
                    spikes_to_host=round(active[k]) if block.is_read else 0,
                    lost_bits=block.lost_bits,
                    spiking=block.spiking,
                    synops_by_form=forms,
                    **values,
                )
            )
        messages = between[np.ix_(order, order)]
        chips = [core.chip for core in cores]
        placements = (place_row_major(chips), place_greedily(chips, messages))
        return Ledger(
            cores=tuple(cores),
            messages=messages,
            placements={placement.name: placement for placement in placements},
            rows=self._rows(),
            pending=self.pending,
            n_inferences=self.n_inferences,
            timesteps=self.timesteps,
            dt=self.prepared.dt,
            simulator=simulator,
            on_host=self.prepared.on_host,
            settings=settings,
            by_timestep={
                name: np.concatenate([part[name][:, order] for part in self.followed])
                for name in (self.followed[0] if self.followed else ())
            },
        )

    def _rows(self) -> tuple[OpCount, ...]:
        return tuple(
            OpCount(
                layer=layer,
                operation=operation,
                total=sum(values),
                n_inferences=self.n_inferences,
                std=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
                execution="event",
                where=where,
                form=form,
            )
            for (layer, operation, where, form), values in self.series.items()
        )


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


def _image(sim: Any) -> ChipImage:
    n_chips = -(-len(sim.model.blocks) // CORES_PER_CHIP)
    return read_image(sim, allocator(n_chips), n_chips)


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
