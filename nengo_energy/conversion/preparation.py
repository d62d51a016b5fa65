"""A converted network, made ready for Loihi once for each way that it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Collection, Iterable, Mapping

import nengo

from ..activity.on_loihi.changes import Change
from ..common.checks import check_iterable
from ..loihi.network import build_loihi_network, host_populations
from ..loihi.prepared import LoihiNetwork
from ..network.topology import Topology

if TYPE_CHECKING:
    from ..keras_models.clone import KerasClone


@dataclass(frozen=True, eq=False)
class LoihiPreparation:
    """Prepares a converted network for the chip, and keeps what it has prepared.

    Attributes
    ----------
    net : nengo.Network
        The converted network.
    topology : Topology
        What was traced of it.
    probes : list of nengo.Probe
        Its output probes.
    changes : tuple of Change
        What conversion did already.
    """

    net: nengo.Network
    topology: Topology
    probes: list[nengo.Probe]
    changes: tuple[Change, ...]
    _kept: dict[Any, LoihiNetwork] = field(default_factory=dict, init=False)

    def network(
        self,
        on_host: Iterable[str] | None,
        presented: Mapping[nengo.Node, nengo.Process],
        dt: float,
        min_cores: Mapping[str, int] | None = None,
    ) -> LoihiNetwork:
        """Return the prepared network; see `SpikingModel.loihi_network`."""
        chosen = None if on_host is None else frozenset(self.populations(on_host))
        key = (chosen, dt, tuple(sorted((min_cores or {}).items())))
        if not presented and key in self._kept:
            return self._kept[key]
        prepared = build_loihi_network(
            self.net,
            self.topology,
            self.probes,
            on_host=chosen,
            presented=presented,
            dt=dt,
            min_cores=min_cores,
        )
        prepared = replace(prepared, changes=self.changes + prepared.changes)
        if not presented:
            self._kept[key] = prepared
        return prepared

    def on_host(self, layers: Iterable[str] | None) -> frozenset[str]:
        """Return the populations on the host; see `SpikingModel.loihi_network`."""
        chosen = None if layers is None else self.populations(layers)
        return frozenset(host_populations(self.topology, chosen))

    def encoded(self, on_host: Collection[str]) -> list[str]:
        """Return the layers on the chip that analog input feeds."""
        fed = {projection.post for projection in self.topology.inputs}
        return [
            pop.layer
            for pop in self.topology.populations
            if pop.name in fed and pop.name not in on_host
        ]

    def populations(self, layers: Iterable[str]) -> list[str]:
        """Return the names of the populations of layers that are given by name."""
        layers = check_iterable("on_host", layers)
        by_layer: dict[str, list[str]] = {}
        for pop in self.topology.populations:
            by_layer.setdefault(pop.layer, []).append(pop.name)
        return [name for key in layers for name in by_layer.get(key, [key])]


def changes_in_conversion(
    clone: KerasClone, options: Mapping[str, Any], folded: Iterable[str]
) -> tuple[Change, ...]:
    """Return what conversion changed of what the chip would see.

    Parameters
    ----------
    clone : KerasClone
        The model.
    options : mapping
        Options of the conversion.
    folded : iterable of str
        Populations whose biases were folded into the neurons.
    """
    changes = [
        Change(
            "biases",
            name,
            "biases were folded into the neurons",
            "NengoLoihi refuses the relays that they came through",
        )
        for name in folded
    ]
    if options.get("max_to_avg_pool"):
        changes += [
            Change(
                "pooling",
                layer.name,
                "max pooling became average pooling",
                "spikes have no maximum; train with averages, which are another thing",
            )
            for layer in clone.model.layers
            if "Max" in type(layer).__name__
        ]
    return tuple(changes)
