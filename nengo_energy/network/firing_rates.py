"""Scales by which neurons fire at a rate that is wanted, and what they lose of it."""

from __future__ import annotations

import copy
import warnings
from typing import Mapping

import nengo
import numpy as np

from ..common.checks import check_positive
from ..common.defaults import DT
from ..common.plain_text import plain_line
from .topology import Topology

PERCENTILE = 99.9
"""Which of a layer's rates above zero, over all neurons and examples, stands for the
highest: single outliers shall not slow down a whole layer."""

TARGET_RATE = 250.0
"""Rate that the fastest neurons of a layer get by default [Hz].

The chip's neurons spike every whole number of timesteps, rounded up: at a rate r, up to
a share of r dt is lost, a quarter at 250 Hz and 1 ms. Slower neurons lose less but need
more timesteps for as many spikes. On trained networks for digits and MNIST, 250 Hz and
100 timesteps cost no more than two points of accuracy on the emulator; 150 Hz cost six.
"""

DEEP_TARGET_RATE = 500.0
"""The same where many layers of the chip's neurons follow each other [Hz]; spikes are
filtered there, and `corrections` make up for what is lost."""

INTEGRATING_TARGET_RATE = 1000.0
"""The same for neurons that round nothing off; they may spike every timestep [Hz]."""

RECTIFIED = (
    "RectifiedLinear",
    "SpikingRectifiedLinear",
    "LoihiSpikingRectifiedLinear",
    "LoihiRectifiedLinear",
    "IntegrateAndFire",
)
"""Neurons that fire at the rate of their input, where that is positive."""

RESETTING = ("LoihiSpikingRectifiedLinear", "LoihiRectifiedLinear")
"""Those of them that Loihi has; a spike sets their voltage to zero."""


def highest_rate(rates: np.ndarray) -> float:
    """Return what stands for the highest of some rates; 0 if none is above zero."""
    positive = rates[rates > 0]
    return float(np.percentile(positive, PERCENTILE)) if positive.size else 0.0


def scales_for_target(
    rates: Mapping[str, np.ndarray], topology: Topology, target_rate: float
) -> dict[str, float]:
    """Return the scale of each layer with which its fastest neurons reach a rate.

    Parameters
    ----------
    rates : mapping of {str: (n_examples, n_neurons) ndarray}
        Rates without a scale, by population.
    topology : Topology
        Of the network that they are of.
    target_rate : float
        Rate to reach [Hz].

    Returns
    -------
    dict of {str: float}
        By layer. A layer that is silent on all examples gets the largest scale of the
        others, and a warning.
    """
    target = check_positive("target_rate", target_rate, "Hz")
    highest: dict[str, float] = {}
    for pop in topology.populations:
        # negative spikes cost as much as others
        found = highest_rate(np.abs(rates[pop.name]))
        highest[pop.layer] = max(found, highest.get(pop.layer, 0.0))
    silent = [layer for layer, rate in highest.items() if rate == 0]
    if silent:
        warnings.warn(
            f"layers {plain_line(', '.join(silent))} are silent on all examples, so "
            "that their scale is a guess",
            stacklevel=3,
        )
    smallest = min((rate for rate in highest.values() if rate > 0), default=1.0)
    return {layer: target / (rate or smallest) for layer, rate in highest.items()}


def corrections(
    rates: Mapping[str, np.ndarray],
    scales: Mapping[str, float],
    topology: Topology,
    dt: float = DT,
) -> dict[str, float]:
    """Return factors that make up for what the chip's neurons lose of steady input.

    They spike every whole number of timesteps, rounded up. A factor for a population
    is the one by which the rates that they reach come nearest to those that are wanted
    of them, by least squares; through many layers the losses multiply.

    Parameters
    ----------
    rates : mapping of {str: (n_examples, n_neurons) ndarray}
        Rates without a scale, by population.
    scales : mapping of {str: float}
        Scale of each layer.
    topology : Topology
        Of the network that they are of.
    dt : float
        Length of a timestep [s].

    Returns
    -------
    dict of {str: float}
        By population, of Loihi's rectified linear neurons that fire.
    """
    found = {}
    for pop in topology.populations:
        if pop.neuron_type in RESETTING:
            wanted = rates[pop.name] * scales[pop.layer]
            wanted = wanted[wanted > 0]
            if wanted.size:
                reached = 1 / (dt * np.ceil(1 / (dt * wanted)))
                found[pop.name] = float(wanted @ reached / (reached @ reached))
    return found


def with_amplitude(
    neuron_type: nengo.neurons.NeuronType, factor: float
) -> nengo.neurons.NeuronType:
    """Return neurons whose amplitude is multiplied by a factor."""
    changed: nengo.neurons.NeuronType = copy.copy(neuron_type)
    amplitude = type(changed).amplitude
    amplitude.data[changed] = neuron_type.amplitude * factor
    return changed


def is_rectifier(neurons: nengo.neurons.NeuronType) -> bool:
    """Tell whether neurons fire at the rate of their input, where that is positive."""
    return type(neurons).__name__ in RECTIFIED
