"""What a chip would do for a network, core by core: counted, not estimated."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from ..common.assumptions import Assumption
from ..common.checks import check_choice
from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..common.vital_signs import (
    LEAST_SPIKES,
    MOST_SATURATED,
    alerts,
    said_of_firing,
)
from ..counts import ChipUse, CoreUse, OpCount, OpCounts
from ..estimates.estimate import DeviceLike
from .assumptions import (
    BUSIEST_CORES,
    CHIPS_IN_A_ROW,
    FASTEST_MEAN_TIMESTEP,
    HOST_WAY_UNCOUNTED,
    HOST_WORK,
    MESH_ASSUMED,
    STORED_WEIGHTS,
)
from .chip import CORES_PER_CHIP, LOIHI_DEVICES
from .core_load import CoreLoad
from .mesh import Placement

if TYPE_CHECKING:
    import pandas

    from ..estimates.estimate import EnergyEstimate
    from .bottleneck import Bottleneck
    from .comparison import EnergyDifference, LedgerComparison
    from .costs import LedgerCosts

COUNTED = tuple(each.name for each in fields(CoreLoad) if each.type == "int")
"""Fields of a core that are numbers to add."""


@dataclass(frozen=True, eq=False, repr=False)
class Ledger(Shown):
    """What a chip does for a network, over all inferences.

    Attributes
    ----------
    cores : tuple of CoreLoad
        In the order of chips and cores.
    messages : (n_cores, n_cores) int64 ndarray
        Messages from each core to each.
    placements : Mapping of {str: Placement}
        Ways to lay the cores out: ``"row-major"`` and ``"greedy"``.
    rows : tuple of OpCount
        Counts by layer, without hops.
    pending : Mapping of {str: int}
        By layer, synops of the spikes that were on their way at the end of an
        inference: they arrive a timestep after they were sent.
    n_inferences, timesteps : int
        Inferences, and timesteps of each.
    dt : float
        Length of a timestep [s].
    simulator : str
        What the spikes are from.
    on_host : frozenset of str
        Layers that run on the host.
    settings : Mapping
        What is needed to count the same again.
    notes : tuple of Assumption
        What else was taken for granted of these spikes.
    by_timestep : Mapping of {str: (n_steps, n_cores) int32 ndarray}
        What each core does in each timestep of the inferences that were followed, see
        ``counts.ChipUse``; empty where none were.
    """

    cores: tuple[CoreLoad, ...]
    messages: np.ndarray = field(repr=False)
    placements: Mapping[str, Placement] = field(repr=False)
    rows: tuple[OpCount, ...] = field(repr=False)
    pending: Mapping[str, int] = field(repr=False)
    n_inferences: int
    timesteps: int
    dt: float
    simulator: str
    on_host: frozenset[str]
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    notes: tuple[Assumption, ...] = ()
    by_timestep: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return len(self.cores)

    @property
    def n_chips(self) -> int:
        """Chips in use."""
        return len({core.chip for core in self.cores})

    @property
    def fits(self) -> bool:
        """Whether one chip has enough cores."""
        return self.n_cores <= CORES_PER_CHIP

    @property
    def synops(self) -> int:
        """Weights that spikes read on all cores."""
        return self.total("synops")

    @property
    def neuron_updates(self) -> int:
        """Neuron updates on all cores."""
        return self.total("updates_active") + self.total("updates_inactive")

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What was taken for granted."""
        found = [STORED_WEIGHTS, MESH_ASSUMED, HOST_WAY_UNCOUNTED, HOST_WORK]
        found += [CHIPS_IN_A_ROW] * (self.n_chips > 1)
        return (*found, *self.notes)

    @property
    def saturated(self) -> tuple[str, ...]:
        """Layers of which many neurons fire as fast as they can."""
        n_neurons, n_saturated = (
            self.by_layer(name) for name in ("compartments", "saturated")
        )
        return tuple(
            layer
            for layer, n in n_neurons.items()
            if n_saturated[layer] > MOST_SATURATED * n
        )

    @property
    def alerts(self) -> tuple[Assumption, ...]:
        """What makes the numbers worthless: silence, saturation."""
        active = self.by_layer("updates_active")
        spiking = {core.layer for core in self.cores if core.spiking}
        silent = [
            layer
            for layer, n in active.items()
            if layer in spiking and n < LEAST_SPIKES * self.n_inferences
        ]
        return alerts(said_of_firing(silent, self.saturated))

    def by_layer(self, quantity: str) -> dict[str, int]:
        """Return a field of ``CoreLoad`` summed over the cores of each layer."""
        check_choice("quantity", quantity, COUNTED)
        return sum_by_key((core.layer, getattr(core, quantity)) for core in self.cores)

    def total(self, quantity: str) -> int:
        """Return a field of ``CoreLoad`` summed over all cores."""
        check_choice("quantity", quantity, COUNTED)
        return sum(getattr(core, quantity) for core in self.cores)

    def hops(self, placement: str = "greedy") -> tuple[int, int]:
        """Return all hops under a placement: east or west, and north or south."""
        check_choice("placement", placement, tuple(self.placements))
        across, along = self.placements[placement].hops(self.messages)
        return int(across.sum()), int(along.sum())

    def counts(self, placement: str = "greedy", pace: float | None = None) -> OpCounts:
        """Return the counts by layer as operations that devices can price.

        Parameters
        ----------
        placement : {"greedy", "row-major"}
            Placement that hops are counted under.
        pace : float, optional
            Length that each timestep is held to [s]; by default they follow each other
            as fast as the cores can.
        """
        check_choice("placement", placement, tuple(self.placements))
        rows = list(self.rows)
        found = self.placements[placement].hops(self.messages)
        for operation, hops in zip(("hop_east_west", "hop_north_south"), found):
            by_layer = sum_by_key(
                (core.layer, int(n_hops)) for core, n_hops in zip(self.cores, hops)
            )
            rows += [
                OpCount(layer, operation, total, self.n_inferences)
                for layer, total in by_layer.items()
            ]
        order = list(dict.fromkeys(core.layer for core in self.cores))
        rows.sort(key=lambda row: order.index(row.layer) if row.layer in order else -1)
        return OpCounts(
            tuple(rows),
            timesteps=self.timesteps,
            dt=self.dt,
            assumptions=self.assumptions
            + (BUSIEST_CORES if self.by_timestep else FASTEST_MEAN_TIMESTEP,),
            settings={
                **self.settings,
                "placement": placement,
                "n_cores": self.n_cores,
            },
            saturated=self.saturated,
            chip_use=self.use(placement, pace),
        )

    def use(self, placement: str = "greedy", pace: float | None = None) -> ChipUse:
        """Return what each core does; see `counts`."""
        check_choice("placement", placement, tuple(self.placements))
        n = self.n_inferences * self.timesteps
        cores = tuple(CoreUse(core.chip, core.per_timestep(n)) for core in self.cores)
        placed = self.placements[placement]
        return ChipUse(
            cores,
            placed.longest_way(self.messages),
            pace,
            placed.n_tiles,
            self.by_timestep,
        )

    def estimate(
        self,
        devices: DeviceLike | Sequence[DeviceLike] = LOIHI_DEVICES,
        *,
        placement: str = "greedy",
        real_time: bool = False,
        host: DeviceLike | None = None,
    ) -> EnergyEstimate:
        """Price what the chip does: energy, static power x latency, EDP per inference.

        Parameters
        ----------
        devices : str, Device or sequence of them
            Event-driven devices.
        placement : {"greedy", "row-major"}
            Placement that hops are counted under.
        real_time : bool
            Hold each timestep to ``dt``; by default they follow each other as fast as
            the busiest core, the longest way of a message and the barrier let them.
        host : str or Device, optional
            See `nengo_energy.estimate_energy`.

        Returns
        -------
        EnergyEstimate
            Static power is that of whole chips. Input and output by the host are
            listed as not modelled.
        """
        from ..pricing.energy import estimate_energy

        counts = self.counts(placement, self.dt if real_time else None)
        return estimate_energy(counts, devices, host=host)

    def costs(
        self, devices: Sequence[DeviceLike] = LOIHI_DEVICES, placement: str = "greedy"
    ) -> LedgerCosts:
        """Price the ledger as fast as the chip can, and in real time.

        Parameters
        ----------
        devices : sequence of str or Device
            Event-driven devices.
        placement : {"greedy", "row-major"}
            Placement that hops are counted under.
        """
        from .costs import ledger_costs

        return ledger_costs(self, devices, placement)

    def bottleneck(self, device: DeviceLike = "loihi-davies2018") -> Bottleneck:
        """Say which core bounds time and which layer energy, and what would help.

        Parameters
        ----------
        device : str or Device
            A device with times of operations, by which the chip runs unthrottled.

        Returns
        -------
        Bottleneck
            Changes of latency and energy by more cores for the layer that bounds time,
            by fewer spikes, and by fewer timesteps are predicted, not measured;
            ``benchmarks/advice.py`` puts them beside what came out.

        Raises
        ------
        InputError
            If the device has no times.
        """
        from .bottleneck import find_bottleneck

        return find_bottleneck(self, device)

    def compare(self, estimate: OpCounts) -> LedgerComparison:
        """Compare with the counts of an estimate, which knows no cores.

        Parameters
        ----------
        estimate : OpCounts
            From `nengo_energy.SpikingModel.count`.
        """
        from .comparison import compare_counts

        return compare_counts(self, estimate)

    def explain(self, estimate: OpCounts, device: DeviceLike) -> EnergyDifference:
        """Say what leads from the energy of an estimate to that of the ledger.

        Parameters
        ----------
        estimate : OpCounts
            From `nengo_energy.SpikingModel.count`.
        device : str or Device
            An event-driven device.

        Returns
        -------
        EnergyDifference
            Its steps add up to the difference; printing it gives a table.
        """
        from .comparison import explain_energy

        return explain_energy(self, estimate, device)

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per core; see ``report.ledger_frame``."""
        from .report import ledger_frame

        return ledger_frame(self)

    def plot(self, quantity: str = "synops", placement: str = "greedy") -> Any:
        """Draw the mesh with each core's load; see ``nengo_energy.loihi.plot``."""
        from .plot import plot_ledger

        return plot_ledger(self, quantity, placement)

    def _headline(self) -> str:
        from .report import headline

        return headline(self)

    def __str__(self) -> str:
        from .report import format_ledger

        return format_ledger(self)
