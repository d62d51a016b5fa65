"""What of a network goes onto the chip, with which neurons, and what the host keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

import nengo
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from ...common.exceptions import UnsupportedError
from ...compat.loihi_placement import place_of
from ...network.learning import rules_of
from ...network.objects import base, has_full_weights, is_chip_process, once
from .changes import Change
from .names import Names
from .neurons import (
    CHIP_NEURON_TYPES,
    EXCHANGED_NEURON_TYPES,
    SEVERAL_SPIKES,
    neurons_for_chip,
)
from .refusals import check_parts, check_probed

NO_CHIP = (
    "no neurons of the network are left for the chip ({}). Measure it with "
    "simulator='nengo', or take nengo.LIF or nengo.SpikingRectifiedLinear neurons"
)


@dataclass(frozen=True)
class Placement:
    """Where the objects of a network go.

    Attributes
    ----------
    on_host : set
        Ensembles, nodes and probes of the host.
    moved : set of nengo.Ensemble
        Those that NengoLoihi has to be told of.
    neurons : mapping of {nengo.Ensemble: nengo.neurons.NeuronType}
        Ensembles of the chip that get other neurons.
    changes : tuple of Change
        What is done, and why.
    """

    on_host: set[Any]
    moved: set[nengo.Ensemble]
    neurons: Mapping[nengo.Ensemble, Any]
    changes: tuple[Change, ...]


def place(network: nengo.Network, names: Names) -> Placement:
    """Place a network on chip and host.

    Ensembles that the network's configuration puts on the chip stay there or are
    refused; of others, the host keeps what the chip can't do.

    Raises
    ------
    UnsupportedError
        If an ensemble is put where it can't be, or none is left for the chip.
    """
    left = left_to_host(network, names)
    for ens, why in left.items():
        if place_of(network, ens) == "chip" and not _is_direct(ens):
            raise _misplaced(names[ens], why)
    check_probed(network, names)
    on_host: set[Any] = {n for n in network.all_nodes if not is_chip_process(n)}
    on_host.update(left)
    on_host.update(p for p in network.all_probes if base(p.target) in on_host)
    neurons: dict[Any, Any] = {}
    changes = []
    for ens in once(network.all_ensembles):
        if left.get(ens):
            changes.append(Change("host", names[ens], "runs on the host", left[ens]))
        elif (
            ens not in left
            and _neurons(ens) in EXCHANGED_NEURON_TYPES
            and (new := neurons_for_chip(ens.neuron_type))
        ):
            neurons[ens], why = new
            kind = type(neurons[ens]).__name__
            what = f"its {_neurons(ens)} neurons became {kind}"
            changes.append(Change("neurons", names[ens], what, why))
    if all(ens in left for ens in network.all_ensembles):
        kept = "; ".join(map(str, changes)) or "all of it runs on the host"
        raise UnsupportedError(NO_CHIP.format(kept))
    check_parts(network, on_host, names)
    changes += _single_spikes(network, on_host, names)
    learnt = dict(_learnt(network))
    moved = {
        ens
        for ens, why in left.items()
        if why and ens not in learnt and not _is_direct(ens)
    }
    return Placement(on_host, moved, neurons, tuple(changes))


def left_to_host(network: nengo.Network, names: Names) -> dict[nengo.Ensemble, str]:
    """Return the ensembles that the host runs for the chip, and why.

    It takes no NengoLoihi, whose own rules are among these: what is put on the host,
    Direct neurons, and ensembles that learned connections or errors of learning need
    there.

    Parameters
    ----------
    network : nengo.Network
        The network.
    names : Names
        Names of its objects.

    Returns
    -------
    dict of {nengo.Ensemble: str}
        The reason is empty where the network's configuration says so.
    """
    reasons = {
        base(conn.pre_obj): f"{names[conn]} {reason}"
        for conn in network.all_connections
        if (reason := _not_learnt(conn))
    }
    reasons.update(_learnt(network))
    found = {}
    for ens in once(network.all_ensembles):
        if place_of(network, ens) == "host":
            found[ens] = ""
        elif why := reasons.get(ens) or _not_for_chip(ens):
            found[ens] = why
    return found


def _learnt(network: nengo.Network) -> Iterator[tuple[nengo.Ensemble, str]]:
    """Yield the ensembles that learning takes part in, which the host has."""
    for conn in network.all_connections:
        pre, post = base(conn.pre_obj), base(conn.post_obj)
        if conn.learning_rule_type is not None and isinstance(post, nengo.Ensemble):
            yield post, "learned connections end on the host"
        if isinstance(conn.post_obj, LearningRule) and isinstance(pre, nengo.Ensemble):
            yield pre, "errors of learning come from the host"


def _not_for_chip(ens: nengo.Ensemble) -> str:
    """Return why an ensemble can't be on the chip, if so."""
    if _is_direct(ens):
        return "Direct neurons compute what no neurons would"
    if ens.noise is not None:
        return "its neurons have noise, and the chip's don't"
    if _neurons(ens) not in (
        *("SpikingRectifiedLinear", *CHIP_NEURON_TYPES, *EXCHANGED_NEURON_TYPES),
    ):
        return f"the chip has no {_neurons(ens)} neurons"
    curve = getattr(ens.neuron_type, "base_type", None)
    if curve is not None and type(curve) not in (nengo.LIFRate, nengo.RectifiedLinear):
        return f"the chip has no neurons with the curve of {type(curve).__name__}"
    return ""


def _is_direct(ens: nengo.Ensemble) -> bool:
    return isinstance(ens.neuron_type, nengo.Direct)


def _neurons(ens: nengo.Ensemble) -> str:
    return type(ens.neuron_type).__name__


def _not_learnt(conn: nengo.Connection) -> str:
    """Return why NengoLoihi can't have the chip learn a connection, if so."""
    rules = rules_of(conn)
    if not rules:
        return ""
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
    return ""


def _single_spikes(
    network: nengo.Network, on_host: set[Any], names: Names
) -> Iterator[Change]:
    """Yield what becomes of neurons that spike several times in a timestep."""
    for conn in network.all_connections:
        pre, post = base(conn.pre_obj), base(conn.post_obj)
        if (
            isinstance(conn.pre_obj, Neurons)
            and type(pre.neuron_type).__name__ in SEVERAL_SPIKES
            and pre in on_host
            and post not in on_host
        ):
            what = "passes on one spike of a neuron in a timestep at most"
            why = "NengoLoihi tells whether a neuron of the host spiked, not how often"
            yield Change("neurons", names[conn], what, why)


def _misplaced(name: str, why: str) -> UnsupportedError:
    return UnsupportedError(
        f"{name} is put on the chip, but {why}. Leave its place open (on_chip = None), "
        "or set net.config[...].on_chip = False"
    )
