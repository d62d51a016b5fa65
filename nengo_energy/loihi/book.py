"""Add up what spikes do on each core of a chip, and in each layer, to a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

import numpy as np

from ..common.sums import sum_by_key
from ..compat.emulator import allocator
from ..compat.loihi_image import learnt_weights, read_image
from ..counts import OpCount
from ..network.learning import learned_on_chip
from .chip import CORES_PER_CHIP
from .core_load import CoreLoad
from .host_work import host_work
from .ledger import Ledger
from .mesh import place_greedily, place_row_major
from .traffic import Traffic, UnitSpikes

if TYPE_CHECKING:
    from .prepared import Prepared

MAX_FOLLOWED = 1000
"""Most timesteps that are followed one by one, which takes longer: those of the first
inferences, and of one at least, stand for all."""


class Book:
    """Adds up what spikes do."""

    def __init__(
        self,
        prepared: Prepared,
        sim: Any,
        n_inferences: int,
        timesteps: int,
    ):
        self.prepared = prepared
        n_chips = -(-len(sim.model.blocks) // CORES_PER_CHIP)
        self.image = image = read_image(sim, allocator(n_chips), n_chips)
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
        traffic, found = self.traffic, dict[tuple[str, str, str, str], float]()

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
        for number, shape in self.learnt.items():
            layer = self.names.layers[self.image.blocks[number].owner]
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
            forms = sum_by_key(
                (axon.form, round(synops))
                for axon, synops in zip(image.axons, arrived)
                if axon.target == k
            )
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
            notes=self.prepared.assumptions if simulator == "loihi" else (),
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
