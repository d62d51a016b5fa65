"""Prepare any Nengo network for NengoLoihi, and say what was changed and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Mapping

import nengo
from nengo.builder.network import seed_network

from ...common.exceptions import UnsupportedError
from ...compat.loihi_placement import put_on_host
from ...network.objects import is_tensor_node
from .changes import Change
from .connections import reform
from .mirror import Mirror
from .names import Names
from .passthrough import merge_passthrough
from .placement import place
from .wires import Wire


@dataclass(frozen=True, eq=False)
class LoihiForm:
    """A network in a form that NengoLoihi builds.

    Attributes
    ----------
    network : nengo.Network
        The network: the original itself where nothing had to be changed, else one that
        is made of its objects.
    original : nengo.Network
        The network that was asked for.
    changes : tuple of Change
        What was changed, and why.
    on_host : set
        Ensembles, nodes and probes of the original that the host has.
    stands_for : mapping
        The original of each object that is new.
    seeds, seeded : mapping of {object: int} and {object: bool}
        Seeds of all objects, those of the original, and whether they were set.
    names : Names
        What the objects of the original are called.
    pieces : dict of {object: int}
        Blocks into which parts had to be split when the network was built; empty until
        it was.
    """

    network: nengo.Network = field(repr=False)
    original: nengo.Network = field(repr=False)
    changes: tuple[Change, ...]
    on_host: set[Any] = field(repr=False)
    stands_for: Mapping[Any, Any] = field(repr=False)
    seeds: Mapping[Any, int] = field(repr=False)
    seeded: Mapping[Any, bool] = field(repr=False)
    names: Names = field(repr=False)
    pieces: dict[Any, int] = field(default_factory=dict, repr=False)

    def split_further(self, obj: Any, excess: float) -> None:
        """Split what is built of an object, which needs more than a core has."""
        before = self.pieces.get(obj, 1)
        self.pieces[obj] = max(before + 1, math.ceil(before * excess))

    @property
    def splits(self) -> tuple[Change, ...]:
        """What was split, and why."""
        why = "a core hasn't the axons or the memory for more"
        return tuple(
            Change("blocks", self.name(obj), f"is split into {n} blocks", why)
            for obj, n in self.pieces.items()
        )

    def name(self, obj: Any) -> str:
        """Return what an object of the network is called."""
        return self.names[self.stands_for.get(obj, obj)]


def prepare_network(
    network: nengo.Network, *, remove_passthrough: bool = True
) -> LoihiForm:
    """Bring a network into a form that NengoLoihi builds.

    Parameters
    ----------
    network : nengo.Network
        Any network; it isn't changed.
    remove_passthrough : bool
        Whether passthrough nodes that lead from the chip to the chip are merged into
        the connections through them, so that activity stays on the chip.

    Returns
    -------
    LoihiForm
        The network, and what was changed and why.

    Raises
    ------
    UnsupportedError
        If an object is neither the chip's nor the host's, or none is left for the chip.
    """
    names = Names(network)
    for node in network.all_nodes:
        if is_tensor_node(node):
            raise UnsupportedError(
                f"{names[node]} is a TensorNode, which runs TensorFlow code; NengoLoihi"
                " has it neither on the chip nor on the host. Exchange it for a node "
                "with a function, or for Nengo's own objects"
            )
    seeds: dict[Any, int] = {}
    seeded: dict[Any, bool] = {}
    seed_network(network, seeds, seeded)
    placed = place(network, names)
    ensembles = {ens: _copy(ens, new) for ens, new in placed.neurons.items()}

    def on_chip(obj: Any) -> bool:
        return obj not in placed.on_host

    without: set[Any] = set()
    added: list[Wire] = []
    changes = list(placed.changes)
    if remove_passthrough:
        merged = merge_passthrough(network, on_chip, seeds, names)
        without |= merged.nodes | merged.connections
        added = merged.wires
        changes += merged.changes
    reformed = {}
    for conn in network.all_connections:
        found = None if conn in without else reform(conn, on_chip, seeds, names)
        if found is not None:
            reformed[conn], change = found
            changes.append(change)
    built, stands_for = network, dict[Any, Any]()
    if without or added or reformed or ensembles or placed.moved:
        mirror = Mirror(network, ensembles, reformed, without, added)
        built, stands_for = mirror.network, mirror.stands_for
        put_on_host(built, placed.moved)
        for new, old in stands_for.items():
            seeds[new], seeded[new] = seeds[old], seeded[old]
    return LoihiForm(
        network=built,
        original=network,
        changes=tuple(changes),
        on_host=placed.on_host,
        stands_for=stands_for,
        seeds=seeds,
        seeded=seeded,
        names=names,
    )


def _copy(ens: nengo.Ensemble, neuron_type: Any) -> nengo.Ensemble:
    """Return an ensemble with other neurons, and the same gains and biases."""
    copied = ens.copy(add_to_container=False)
    copied.neuron_type = neuron_type
    return copied
