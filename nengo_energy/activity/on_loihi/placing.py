"""What the chip lacks, and is left to the host: kinds of neurons, noise, learning."""

from __future__ import annotations

import contextlib
from typing import Any, Container

import nengo
from nengo.exceptions import ConfigError

from ...common.exceptions import UnsupportedError
from ...compat import import_nengo_loihi
from ...network.learning import rules_of
from ...network.objects import base, has_full_weights, once
from .names import Names


def lacking(
    network: nengo.Network, on_host: Container[Any], names: Names
) -> dict[nengo.Ensemble, str]:
    """Return the ensembles that the chip can't have, and why.

    NengoLoihi has LIF and rectified linear neurons, without noise. It learns decoders
    of ensembles by PES with a Lowpass filter; by other rules, neither of the ensembles
    is on the chip.

    Parameters
    ----------
    network : nengo.Network
        The network.
    on_host : container
        Objects that are the host's in any case.
    names : Names
        Names of the network's objects.

    Raises
    ------
    UnsupportedError
        If the chip was told to have one of them.
    """
    found: dict[nengo.Ensemble, str] = {}
    for ens in once(network.all_ensembles):
        if ens.noise is not None:
            found[ens] = f"has {type(ens.noise).__name__} as noise"
        elif not _has_neurons(ens.neuron_type):
            found[ens] = f"has {type(ens.neuron_type).__name__} neurons"
    for conn in once(network.all_connections):
        reason = _not_learnt(conn)
        if reason is not None:
            found.setdefault(base(conn.pre_obj), reason)
    found = {ens: why for ens, why in found.items() if ens not in on_host}
    for ens, reason in found.items():
        with contextlib.suppress(ConfigError, AttributeError):
            if network.config[ens].on_chip:
                raise UnsupportedError(
                    f"{names[ens]} {reason}, which NengoLoihi has on the host alone; "
                    "take network.config[ensemble].on_chip = True off it"
                )
    return found


def leave_to_host(network: nengo.Network, ensembles: Any) -> None:
    """Tell NengoLoihi to run some ensembles of our own network on the host."""
    import_nengo_loihi().add_params(network)
    for ens in ensembles:
        network.config[ens].on_chip = False


def _has_neurons(neuron_type: Any) -> bool:
    """Tell whether NengoLoihi has neurons; it takes kinds of LIF for LIF itself."""
    from nengo_loihi.builder import Builder

    kind = type(neuron_type)
    if kind is nengo.RegularSpiking:
        base_type = neuron_type.base_type
        known = type(base_type) in (nengo.LIFRate, nengo.RectifiedLinear)
        return known and base_type.amplitude == 1
    return kind in Builder.builders or kind.__module__.startswith("nengo_loihi")


def _not_learnt(conn: nengo.Connection) -> str | None:
    """Return why NengoLoihi can't have the chip learn a connection, if so."""
    rules = rules_of(conn)
    if not rules or isinstance(conn.pre_obj, nengo.Node):
        return None
    kinds = " and ".join(type(rule.learning_rule_type).__name__ for rule in rules)
    if kinds != "PES":
        return f"learns by {kinds}"
    if not isinstance(conn.pre_obj, nengo.Ensemble):
        return "learns from neurons themselves"
    if has_full_weights(conn):
        return "learns full weights"
    pre_synapse = rules[0].learning_rule_type.pre_synapse
    if not isinstance(pre_synapse, nengo.Lowpass):
        return f"learns with pre_synapse={pre_synapse}"
    if not isinstance(conn.learning_rule_type, nengo.PES):
        return f"has its rule in a {type(conn.learning_rule_type).__name__}"
    return None
