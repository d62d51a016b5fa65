"""What NengoLoihi doesn't build -> an error that names the object and what helps."""

from __future__ import annotations

import re
from typing import Any, Mapping

import nengo
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from ...common.exceptions import UnsupportedError
from ...compat import import_nengo_loihi
from ...network.objects import base
from .names import Names

PROBED: Mapping[type, tuple[str, ...]] = {
    nengo.Ensemble: ("decoded_output", "input"),
    Neurons: ("output", "spikes", "voltage", "input"),
}
"""What NengoLoihi probes of the chip."""

REMEDIES = {
    "weight exponent|bias scaling": "its weights are too small beside thresholds and "
    "biases. Take larger weights (a larger transform, a smaller radius) or smaller "
    "max_rates",
    "Current .* scaling": "its synapse is too slow for the chip. Take a shorter one",
    "Voltage .* scaling": "its neurons are too slow for the chip. Take a shorter "
    "tau_rc",
    "non-Lowpass": "the chip has low-pass filters alone. Take nengo.Lowpass(tau)",
    "all zero": "Choose intercepts or eval_points so that some neurons fire",
    "man > 0": "its thresholds vanish beside its weights. Take smaller weights",
    "Input axons": "Too many neurons and inputs lead to it. Lead them there by way of "
    "other ensembles, or decode fewer values",
    "axons|synapse bits|idx_bits": "Split it: net.config[ensemble].block_shape = "
    "nengo_loihi.BlockShape((neurons of a core,), (all neurons,))",
    "gain or bias": "Set both, or neither",
    "probe|weighted": "Probe decoded values, or neurons' spikes, voltage or input",
}
"""What helps, by what NengoLoihi says."""


def refusal(obj: Any, reason: str, names: Names) -> UnsupportedError:
    """Return the error for an object that NengoLoihi doesn't build.

    Parameters
    ----------
    obj : nengo.Ensemble, nengo.Node, nengo.Connection or nengo.Probe
        The object.
    reason : str
        What NengoLoihi says.
    names : Names
        Names of the network's objects.
    """
    said = re.sub(r"^[^:]*[)>]: ", "", reason).strip().rstrip(".")
    helps = [text for words, text in REMEDIES.items() if re.search(words, reason)][:1]
    ens = _ensemble(obj)
    if ens is not None:
        helps.append(
            f"or leave {names[ens]} to the host: "
            "net.config[ensemble].on_chip = False"
        )
    advice = ", ".join(helps) if helps else "exchange it"
    advice = advice[0].upper() + advice[1:]
    return UnsupportedError(f"NengoLoihi doesn't build {names[obj]}: {said}. {advice}")


def check_probed(network: nengo.Network, names: Names) -> None:
    """Refuse probes of what is neither the chip's nor the host's.

    Raises
    ------
    UnsupportedError
        If a connection or a learning rule is probed.
    """
    for probe in network.all_probes:
        if not isinstance(base(probe.target), (nengo.Ensemble, nengo.Node)):
            raise UnsupportedError(
                f"{names[probe]} reads {probe.attr!r} of {names[probe.target]}, which "
                "NengoLoihi gives of no connection. Take the probe out; what the "
                "connection leads to can be probed"
            )


def check_parts(network: nengo.Network, on_host: set[Any], names: Names) -> None:
    """Refuse what NengoLoihi would get wrong, or refuse after a long build.

    Parameters
    ----------
    network : nengo.Network
        The network.
    on_host : set
        Ensembles, nodes and probes of the host.
    names : Names
        Names of the network's objects.

    Raises
    ------
    UnsupportedError
        If rates would reach the chip as spikes, a probe reads what the chip doesn't
        give, or encoders need more axons than a core has.
    """
    _check_probes(network, on_host, names)
    _check_senders(network, on_host, names)
    _check_sizes(network, on_host, names)


def _check_senders(network: nengo.Network, on_host: set[Any], names: Names) -> None:
    """Refuse rates that would reach the chip."""
    for conn in network.all_connections:
        if isinstance(conn.post_obj, LearningRule):
            continue
        if base(conn.post_obj) in on_host or base(conn.pre_obj) not in on_host:
            continue
        if isinstance(conn.pre_obj, Neurons):
            neurons = conn.pre_obj.ensemble.neuron_type
            if not neurons.spiking:
                raise UnsupportedError(
                    f"{names[conn]} leads from {type(neurons).__name__} neurons on the "
                    "host to the chip, which takes spikes alone. Connect from the "
                    "ensemble, whose decoded value is encoded in spikes"
                )


def _check_probes(network: nengo.Network, on_host: set[Any], names: Names) -> None:
    for probe in network.all_probes:
        allowed = PROBED.get(type(probe.obj), ())
        if base(probe.target) not in on_host and probe.attr not in allowed:
            raise UnsupportedError(
                f"{names[probe]} reads {probe.attr!r} of {names[probe.obj]}, which the "
                f"chip doesn't give. Allowed: {', '.join(allowed)}; or take it out"
            )


def _check_sizes(network: nengo.Network, on_host: set[Any], names: Names) -> None:
    """Refuse what would take more input axons than a core has, before it is built."""
    kinds: dict[Any, set[bool]] = {}
    for conn in network.all_connections:
        if isinstance(conn.post_obj, nengo.Ensemble) and conn.post_obj not in on_host:
            from_host = base(conn.pre_obj) in on_host
            if from_host or not getattr(conn.solver, "weights", False):
                kinds.setdefault(conn.post_obj, set()).add(from_host)
    most = import_nengo_loihi().block.MAX_IN_AXONS
    for ens, found in kinds.items():
        n_axons = 2 * ens.dimensions * len(found)
        if n_axons > most:
            raise UnsupportedError(
                f"{names[ens]} has {ens.dimensions} dimensions, whose encoders take "
                f"{n_axons} input axons; a core has {most}. Take an "
                "EnsembleArray, of fewer dimensions each"
            )


def _ensemble(obj: Any) -> nengo.Ensemble | None:
    """Return the ensemble that would go to the host with an object."""
    if isinstance(obj, nengo.Probe):
        obj = base(obj.target)
    if isinstance(obj, nengo.Connection):
        obj = base(obj.pre_obj)
    return obj if isinstance(obj, nengo.Ensemble) else None
