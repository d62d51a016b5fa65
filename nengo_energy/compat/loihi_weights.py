"""How many bits weights keep on the chip, by NengoLoihi's own rounding."""

from __future__ import annotations

import math
from typing import Any

import nengo
from nengo.exceptions import BuildError

from .loihi import import_nengo_loihi

MIN_EXPONENT = -6
"""Smallest exponent that NengoLoihi gives to a group of weights."""


def lost_weight_bits(
    neurons: nengo.neurons.NeuronType,
    tau: float,
    largest: float,
    largest_of_core: float,
    largest_bias: float,
    dt: float,
) -> int | None:
    """Return how many of a weight's eight bits are given up to hold threshold and bias.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        Of the core.
    tau : float
        Time constant of the synaptic filter [s].
    largest, largest_of_core : float
        Largest weight of a group of synapses, and of all on the core: the current that
        a spike causes.
    largest_bias : float
        Largest bias on the core.
    dt : float
        Length of a timestep [s].

    Returns
    -------
    int or None
        None if NengoLoihi finds no representation at all.
    """
    import_nengo_loihi()
    from nengo_loihi.block import Compartment
    from nengo_loihi.builder.discretize import discretize_compartment

    compartment: Any = Compartment(1)
    base = getattr(neurons, "base_type", neurons)
    if isinstance(base, (nengo.LIF, nengo.LIFRate)):
        compartment.configure_lif(tau_rc=base.tau_rc, tau_ref=base.tau_ref, dt=dt)
    else:
        compartment.configure_relu(vth=1 / dt, dt=dt)
    compartment.configure_filter(tau, dt=dt)
    compartment.bias[:] = largest_bias
    try:
        info = discretize_compartment(compartment, largest_of_core)
    except BuildError:
        return None
    below = math.floor(math.log2(largest_of_core / largest))
    exponent = max(info["w_exp"] - below, MIN_EXPONENT)
    return max(0, -(exponent + 1))  # one bit tells the sign of mixed weights
