"""What of a network goes onto the chip, with which neurons, and what the host keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

import nengo
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from ...common.exceptions import UnsupportedError
from ...compat.emulator import host_objects, place_of
from ...network.learning import rules_of
from ...network.objects import base, has_full_weights, once
from .changes import Change
from .names import Names
from .neurons import CHIP_NEURON_TYPES, SEVERAL_SPIKES, neurons_for_chip
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
    for ens, why in _learnt(network):
        if place_of(network, ens) == "chip":
            raise _misplaced(names[ens], why)
    check_probed(network, names)
    on_host = host_objects(network)
    learnt = dict(_learnt(network))
    unlearnt = {
        base(conn.pre_obj): f"{names[conn]} {reason}"
        for conn in network.all_connections
        if (reason := _not_learnt(conn))
    }
    moved: set[Any] = set()
    neurons: dict[Any, Any] = {}
    changes = []
    for ens in once(network.all_ensembles):
        asked = place_of(network, ens)
        if ens in on_host:
            if asked is None:
                why = learnt.get(ens, "Direct neurons compute what no neurons would")
                changes.append(Change("host", names[ens], "runs on the host", why))
            continue
        why, new = unlearnt.get(ens, ""), None
        if not why:
            why, new = _not_for_chip(ens)
        if why and asked == "chip":
            raise _misplaced(names[ens], why)
        if why:
            moved.add(ens)
            changes.append(Change("host", names[ens], "runs on the host", why))
        elif new is not None:
            neurons[ens], why = new
            kinds = [type(each).__name__ for each in (ens.neuron_type, neurons[ens])]
            what = f"its {kinds[0]} neurons became {kinds[1]}"
            changes.append(Change("neurons", names[ens], what, why))
    on_host = on_host | moved
    probes = (p for p in network.all_probes if base(p.target) in moved)
    on_host.update(probes)
    if all(ens in on_host for ens in network.all_ensembles):
        kept = "; ".join(map(str, changes)) or "all of it runs on the host"
        raise UnsupportedError(NO_CHIP.format(kept))
    check_parts(network, on_host, names)
    changes += _single_spikes(network, on_host, names)
    return Placement(on_host, moved, neurons, tuple(changes))


def _learnt(network: nengo.Network) -> Iterator[tuple[nengo.Ensemble, str]]:
    """Yield the ensembles that learning takes part in, which the host has."""
    for conn in network.all_connections:
        pre, post = base(conn.pre_obj), base(conn.post_obj)
        if conn.learning_rule_type is not None and isinstance(post, nengo.Ensemble):
            yield post, "learned connections end on the host"
        if isinstance(conn.post_obj, LearningRule) and isinstance(pre, nengo.Ensemble):
            yield pre, "errors of learning come from the host"


def _not_for_chip(ens: nengo.Ensemble) -> tuple[str, tuple[Any, str] | None]:
    """Return why an ensemble can't be on the chip, or the neurons that it needs."""
    name = type(ens.neuron_type).__name__
    if ens.noise is not None:
        return "its neurons have noise, and the chip's don't", None
    if name in ("SpikingRectifiedLinear", *CHIP_NEURON_TYPES):
        curve = getattr(ens.neuron_type, "base_type", None)
        if curve is None or type(curve) in (nengo.LIFRate, nengo.RectifiedLinear):
            return "", None
        return f"the chip has no neurons with the curve of {type(curve).__name__}", None
    new = neurons_for_chip(ens.neuron_type)
    return ("", new) if new else (f"the chip has no {name} neurons", None)


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
