"""OpCounts: all counted operations of one network on one set of inputs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Mapping

from ..common.assumptions import Assumption
from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..common.tables import format_table, plural
from ..common.vital_signs import LEAST_SPIKES
from .chip_use import ChipUse
from .operations import OpCount

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Deployment:
    """A spiking network shared by a host and a device that takes spikes alone.

    Attributes
    ----------
    rows : tuple of OpCount
        Counts of the spiking network in both places.
    on_host : frozenset of str
        Populations that the host runs; it sends their spikes.
    encoded : tuple of str
        Layers on the device that analog input feeds, which the host encodes as spikes.
    synop_range : Mapping of {str: (float, float)}
        Least and most synops of a layer, as shares of those in ``rows``, over the ways
        of counting decoded connections: as built, as full weights, as factors.
    """

    rows: tuple[OpCount, ...]
    on_host: frozenset[str]
    encoded: tuple[str, ...] = ()
    synop_range: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class OpCounts(Shown):
    """Counted operations of one network on one set of inputs.

    Attributes
    ----------
    rows : tuple of OpCount
        One row per layer and operation, in the order of the network.
    timesteps : int or None
        Timesteps per inference; None where only a conventional network was counted.
    dt : float or None
        Length of a timestep [s].
    assumptions : tuple of Assumption
        What the stages before took for granted.
    settings : Mapping
        What is needed to reproduce the counts: simulator, neuron types, versions.
    chip_use : ChipUse, optional
        Where the network lies on a chip's cores, if that is known.
    deployment : Deployment, optional
        The spiking network on devices that take spikes alone, if that is known; by
        default they are charged by ``rows`` as all others.
    saturated : tuple of str
        Layers of which many neurons fire as fast as they can.
    synapses : Mapping of {str: int}
        Synapses of the spiking network by layer, where its topology is known.
    """

    rows: tuple[OpCount, ...]
    timesteps: int | None = None
    dt: float | None = None
    assumptions: tuple[Assumption, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    chip_use: ChipUse | None = None
    deployment: Deployment | None = None
    saturated: tuple[str, ...] = ()
    synapses: Mapping[str, int] = field(default_factory=dict)

    @property
    def silent(self) -> tuple[str, ...]:
        """Layers of neurons that spiked less than once in ten inferences."""
        means = sum_by_key(
            (row.layer, row.mean)
            for row in self.select("event")
            if row.operation == "neuron_update_active"
        )
        return tuple(layer for layer, mean in means.items() if mean < LEAST_SPIKES)

    def deployed(self) -> OpCounts:
        """Return the counts for a device that takes spikes alone."""
        if self.deployment is None:
            return self
        dense = tuple(row for row in self.rows if row.execution == "dense")
        return replace(self, rows=self.deployment.rows + dense)

    def select(self, execution: str, where: str = "device") -> tuple[OpCount, ...]:
        """Return the rows of one network (``"event"``/``"dense"``) in one place."""
        return tuple(
            row
            for row in self.rows
            if row.execution == execution and row.where == where
        )

    def total(self, operation: str) -> float:
        """Return the count of an operation over all layers and inferences."""
        return sum(row.total for row in self.rows if row.operation == operation)

    def to_frame(self) -> pandas.DataFrame:
        """Return a row per layer and operation.

        Returns
        -------
        pandas.DataFrame
            The fields of `OpCount`; ``mean`` is the count per inference.
        """
        import pandas as pd

        columns = [f.name for f in fields(OpCount)]
        frame = pd.DataFrame(
            [[getattr(row, name) for name in columns] for row in self.rows],
            columns=columns,
        )
        frame["mean"] = [row.mean for row in self.rows]
        return frame

    def __str__(self) -> str:
        n = max((row.n_inferences for row in self.rows), default=0)
        body = [
            [row.layer, row.operation, f"{row.mean:,.10g}", row.where, row.execution]
            for row in self.rows
        ]
        header = ["layer", "operation", "per inference", "where", "network"]
        title = f"{plural(len(body), 'count')} of {plural(n, 'inference')}"
        return f"{title}\n\n{format_table([header], body)}"
