"""A network of the same objects as another, with some of them exchanged."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

import nengo
from nengo.base import ObjView
from nengo.connection import LearningRule

from ...compat.loihi_placement import copy_placement
from ...network.objects import base
from .wires import Wire, stand_in


class Mirror:
    """A network that is made from the objects of another, which isn't changed.

    Ensembles, nodes, connections and probes are the other's own where they can be. They
    stand in the same order, so that what isn't exchanged is built as it was.

    Parameters
    ----------
    original : nengo.Network
        The other network.
    ensembles : mapping of {nengo.Ensemble: nengo.Ensemble}
        Ensembles that others take the place of.
    connections : mapping of {nengo.Connection: Wire}
        Connections that others take the place of.
    without : set
        Nodes and connections that are left out.
    added : iterable of Wire
        Connections that are added.

    Attributes
    ----------
    network : nengo.Network
        The network.
    stands_for : dict
        The original of each object in it that isn't one of the other's own.
    """

    def __init__(
        self,
        original: nengo.Network,
        ensembles: Mapping[nengo.Ensemble, nengo.Ensemble],
        connections: Mapping[nengo.Connection, Wire],
        without: set[Any],
        added: Iterable[Wire],
    ):
        self._without = without
        self._new: dict[Any, Any] = dict(ensembles)
        for old, wire in connections.items():
            self._new[old] = wire.connect(ensembles)
        for conn in original.all_connections:
            ends = {base(conn.pre_obj), base(conn.post_obj)}
            if conn not in self._new and conn not in without and ends & set(ensembles):
                wire = Wire(
                    conn, conn.post_obj, conn.transform, conn.synapse, conn.post_slice
                )
                self._new[conn] = wire.connect(ensembles)
        for conn in original.all_connections:
            if isinstance(conn.post_obj, LearningRule):
                self._new.update(self._to_new_rule(conn, ensembles))
        for probe in original.all_probes:
            if base(probe.target) in ensembles:
                self._new[probe] = _moved(probe, ensembles)
        self._made: dict[nengo.Network, nengo.Network] = {}
        self.network = self._mirrored(original)
        self.stands_for = {new: old for old, new in (self._new | self._made).items()}
        for wire in added:
            conn = wire.connect(ensembles)
            self.stands_for[conn] = wire.origin
            self.network.connections.append(conn)

    def _mirrored(self, network: nengo.Network) -> nengo.Network:
        if network in self._made:  # some networks are listed twice, and built once
            return self._made[network]
        mirrored = nengo.Network(network.label, network.seed, add_to_container=False)
        self._made[network] = mirrored
        for kind in ("ensembles", "nodes", "connections", "probes"):
            kept = [o for o in getattr(network, kind) if o not in self._without]
            getattr(mirrored, kind).extend(self._new.get(obj, obj) for obj in kept)
        mirrored.networks.extend(self._mirrored(sub) for sub in network.networks)
        copy_placement(network, mirrored, self._new)
        return mirrored

    def _to_new_rule(
        self, conn: nengo.Connection, ensembles: Mapping[Any, Any]
    ) -> dict[Any, Any]:
        """Return a connection anew whose learning rule's connection is exchanged."""
        learning = self._new.get(conn.post_obj.connection)
        if learning is None:
            return {}
        wire = Wire(conn, learning.learning_rule, conn.transform, conn.synapse)
        return {conn: wire.connect(ensembles)}


def _moved(
    probe: nengo.Probe, ensembles: Mapping[nengo.Ensemble, nengo.Ensemble]
) -> nengo.Probe:
    """Return a probe of what takes the place of a probe's object."""
    target, key = probe.target, None
    if isinstance(target, ObjView):
        target, key = target.obj, target.slice
    target = stand_in(target, ensembles)
    return nengo.Probe(
        target if key is None else target[key],
        probe.attr,
        sample_every=probe.sample_every,
        synapse=probe.synapse,
        solver=probe.solver,
        label=probe.label,
        seed=probe.seed,
        add_to_container=False,
    )
