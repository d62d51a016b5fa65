"""What learns on the chip: PES, of decoders of an ensemble, as NengoLoihi has it."""

from __future__ import annotations

from typing import Any, Callable

import nengo

from ...common.exceptions import UnsupportedError
from ...network.learning import rules_of
from ...network.objects import base, has_full_weights
from .names import Names


def check_learning(
    network: nengo.Network, on_chip: Callable[[Any], bool], names: Names
) -> None:
    """Raise an error if the chip is to learn what NengoLoihi doesn't have it learn.

    Parameters
    ----------
    network : nengo.Network
        The network.
    on_chip : callable
        Tells whether an ensemble or a node is on the chip.
    names : Names
        Names of the network's objects.

    Raises
    ------
    UnsupportedError
        If a connection that learns leaves the chip, and isn't PES of decoders.
    """
    for conn in network.all_connections:
        pre = base(conn.pre_obj)
        if conn.learning_rule_type is None or not on_chip(pre):
            continue
        reason = _not_taken(conn)
        if reason is not None:
            raise UnsupportedError(
                f"{names[conn]} {reason}. On Loihi, NengoLoihi learns decoders of "
                "ensembles by PES with a Lowpass pre_synapse. Learn that way, or leave "
                f"{names[pre]} to the host: nengo_loihi.add_params(network); "
                "network.config[ensemble].on_chip = False"
            )


def _not_taken(conn: nengo.Connection) -> str | None:
    """Return why NengoLoihi can't have the chip learn a connection, if so."""
    rules = rules_of(conn)
    kinds = " and ".join(type(rule.learning_rule_type).__name__ for rule in rules)
    if kinds != "PES":
        return f"learns by {kinds}"
    if not isinstance(conn.pre_obj, nengo.Ensemble):
        return "learns from neurons themselves"
    if has_full_weights(conn):
        return "learns full weights, as its solver has weights=True"
    pre_synapse = rules[0].learning_rule_type.pre_synapse
    if not isinstance(pre_synapse, nengo.Lowpass):
        return f"learns with pre_synapse={pre_synapse}"
    if not isinstance(conn.learning_rule_type, nengo.PES):
        return f"has its rule in a {type(conn.learning_rule_type).__name__}"
    return None
