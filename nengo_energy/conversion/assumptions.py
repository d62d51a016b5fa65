"""What conversion takes for granted."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ..common.assumptions import Assumption
from ..common.defaults import DT
from ..network.topology import Topology
from .layers.activations import OF_DIFFERENCES, SMOOTHING

DEPTH = 9
"""Loihi's neurons in a row from which on a loss of accuracy is to be expected.

Of networks for MNIST (benchmarks/trained_models.py), those with 3 and with 8 lost no
more than two points of accuracy at 100 timesteps, and one with 9 fell to chance.
"""

SHAPING = ("Activation", "Flatten", "Reshape")
"""Layers that do nothing because they are written for their shape or their name."""


def said_of_layers(converter: Any) -> tuple[Assumption, ...]:
    """Return what became of layers that aren't neurons or synapses.

    Parameters
    ----------
    converter : nengo_dl.Converter
        From `run_converter`.
    """
    said = []
    gone = [name for name, kind in converter.passed_on.items() if kind not in SHAPING]
    if gone:
        text = f"Left out, as they do nothing at inference: {', '.join(gone)}."
        said.append(Assumption("nothing-at-inference", text))
    if converter.finals:
        names = dict.fromkeys(final.layer for final in converter.finals.values())
        text = (
            f"The activation of {', '.join(names)} is applied on the host, once an "
            "inference, to what the network puts out."
        )
        said.append(Assumption("output-activation-on-host", text))
    if SMOOTHING in converter.smoothed:
        reason = "curves need values that are less coarse"
        text = _said_of_filter(converter.smoothed, SMOOTHING, reason)
        said.append(Assumption("smooth-functions-filtered", text))
    if OF_DIFFERENCES in converter.smoothed:
        reason = "single spikes of two sides don't cancel in neurons that stop at zero"
        text = _said_of_filter(converter.smoothed, OF_DIFFERENCES, reason)
        said.append(Assumption("differences-filtered", text))
    for stand_in, layers in converter.pieces.items():
        text = (
            f"Straight lines stand in for {stand_in} between -16 and 16, in "
            f"{', '.join(dict.fromkeys(layers))}."
        )
        said.append(Assumption("piecewise-stand-in", text))
    return tuple(said)


def _said_of_filter(
    smoothed: Mapping[Any, Iterable[str]], synapse: Any, reason: str
) -> str:
    """Return what is said of a filter that nobody asked for."""
    return (
        f"Spikes on their way to {', '.join(dict.fromkeys(smoothed[synapse]))} pass a "
        f"low-pass filter of {1000 * synapse.tau:g} ms, as {reason}; "
        "convert(synapse=...) sets a filter for all."
    )


def depth_of_loss(topology: Topology) -> int:
    """Return how many layers of Loihi's neurons follow each other."""
    ahead: dict[str, set[str]] = {p.name: set() for p in topology.populations}
    for projection in topology.projections:
        ahead[projection.post].add(projection.pre)
    lossy = {p.name for p in topology.populations if p.neuron_type.startswith("Loihi")}
    depth: dict[str, int] = {}
    # populations come in the order of the network, so one pass is enough
    for name, sources in ahead.items():
        before = max((depth.get(source, 0) for source in sources), default=0)
        depth[name] = before + (name in lossy)
    return max(depth.values(), default=0)


def said_of_depth(
    topology: Topology, factors: Mapping[str, float]
) -> tuple[Assumption, ...]:
    """Return what is said where many of the chip's neurons follow each other.

    Parameters
    ----------
    topology : Topology
        Of the converted network.
    factors : mapping of {str: float}
        What amplitudes are multiplied by, as of `corrections`.
    """
    deepest = depth_of_loss(topology)
    if factors:
        least, most = min(factors.values()), max(factors.values())
        text = (
            f"{deepest} layers of Loihi's neurons follow each other, so spikes are "
            "filtered, by a filter that was chosen if none was asked for, and what "
            f"neurons put out counts {least:.2g} to {most:.2g} times, which makes up "
            f"for what they lose when they reset, at timesteps of {1000 * DT:g} ms. "
            "Accuracy takes some 400 timesteps."
        )
        return (Assumption("deep-filtered", text),)
    if deepest < DEPTH:
        return ()
    text = (
        f"{deepest} layers of Loihi's neurons follow each other, and each loses a part "
        "of its input when it resets; convert(scale_firing_rates='auto') makes up for "
        "that, and convert(neurons='integrate-and-fire') keeps the accuracy of deep "
        "networks, and isn't what the chip has."
    )
    return (Assumption("loss-in-depth", text),)
