"""Prepare any Nengo network for NengoLoihi, and say what was changed and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import nengo
from nengo.builder.network import seed_network

from ...common.exceptions import UnsupportedError
from ...compat.emulator import host_objects
from ...network.objects import is_tensor_node
from .changes import Change
from .connections import reform
from .mirror import Mirror
from .names import Names
from .passthrough import merge_passthrough
from .placing import lacking, leave_to_host
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
    stands_for : mapping
        The original of each object that is new.
    seeds, seeded : mapping of {object: int} and {object: bool}
        Seeds of all objects, those of the original, and whether they were set.
    names : Names
        What the objects of the original are called.
    """

    network: nengo.Network = field(repr=False)
    original: nengo.Network = field(repr=False)
    changes: tuple[Change, ...]
    stands_for: Mapping[Any, Any] = field(repr=False)
    seeds: Mapping[Any, int] = field(repr=False)
    seeded: Mapping[Any, bool] = field(repr=False)
    names: Names = field(repr=False)


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
        If an object is neither the chip's nor the host's, or told to be on the chip,
        which can't have it.
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
    on_host = host_objects(network)
    lacked = lacking(network, on_host, names)
    if lacked:
        placed = Mirror(network, {}, {}, set(), []).network
        leave_to_host(placed, lacked)
        on_host = host_objects(placed)

    def on_chip(obj: Any) -> bool:
        return obj not in on_host

    without: set[Any] = set()
    added: list[Wire] = []
    changes = [
        Change("host", names[ens], "runs on the host", f"it {reason}")
        for ens, reason in lacked.items()
    ]
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
    if not (without or added or reformed or lacked):
        return LoihiForm(network, network, tuple(changes), {}, seeds, seeded, names)
    mirror = Mirror(network, {}, reformed, without, added)
    if lacked:
        leave_to_host(mirror.network, lacked)
    for new, old in mirror.stands_for.items():
        seeds[new], seeded[new] = seeds[old], seeded[old]
    return LoihiForm(
        mirror.network,
        network,
        tuple(changes),
        mirror.stands_for,
        seeds,
        seeded,
        names,
    )
