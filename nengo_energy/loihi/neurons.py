"""Neurons for the chip in place of those it doesn't have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

import nengo
import numpy as np

from ..activity.on_loihi.neurons import (
    CHIP_NEURON_TYPES,
    HOST_NEURON_TYPES,
    neurons_for_chip,
)
from ..common.exceptions import UnsupportedError
from ..network.biases import fixed_samples
from ..network.topology import Population


def for_chip(
    population: Population, on_host: bool = False
) -> tuple[Population, str | None]:
    """Return a population with neurons that suit the chip, and why they changed.

    Parameters
    ----------
    population : Population
        It isn't changed; where its neurons don't suit, an ensemble is made that has the
        same gains and biases.
    on_host : bool
        Whether it runs on the host and only sends its spikes to the chip.

    Returns
    -------
    tuple of Population and (str or None)
        None if nothing changed.

    Raises
    ------
    UnsupportedError
        If the chip has nothing like these neurons.
    """
    name, neurons = population.neuron_type, population.ensemble.neuron_type
    allowed = HOST_NEURON_TYPES if on_host else CHIP_NEURON_TYPES
    curve = getattr(getattr(neurons, "base_type", None), "name", None)
    if curve is not None:
        raise UnsupportedError(
            f"layer {population.layer!r} computes {curve}, and Loihi has no neurons "
            "with that curve; have straight lines stand in for it (piecewise=8, on the "
            "command line --piecewise 8), exchange it for ReLU and train a little "
            "further, or run the model on another simulator"
        )
    if name in allowed:
        return population, None
    found = neurons_for_chip(neurons)
    if found is None:
        below_zero = neurons.negative or getattr(neurons, "negative_slope", 0)
        negative = "; its spikes can't be negative" if below_zero else ""
        place = "on the host" if on_host else "on the chip"
        raise UnsupportedError(
            f"layer {population.layer!r} has {name} neurons, which Loihi doesn't have"
            f"{negative}. Allowed {place}: {', '.join(allowed)}; RectifiedLinear, "
            "SpikingRectifiedLinear and LIFRate are exchanged for the chip's. Choose "
            "others with swap_activations"
        )
    chosen, why = found
    swapped = replace(
        population,
        neuron_type=type(chosen).__name__,
        spiking=True,
        ensemble=_with_neurons(population.ensemble, chosen),
    )
    return swapped, why


def with_bias(population: Population, values: Sequence[np.ndarray]) -> Population:
    """Return a population whose neurons have constant inputs in their biases.

    Parameters
    ----------
    population : Population
        It isn't changed.
    values : sequence of (n_neurons,) ndarray
        Constants that reach each neuron.
    """
    if not values:
        return population
    ens = population.ensemble
    bias = fixed_samples(ens, "bias") + fixed_samples(ens, "gain") * sum(values)
    return replace(population, ensemble=_with_neurons(ens, ens.neuron_type, bias))


def _with_neurons(
    ens: nengo.Ensemble, neuron_type: Any, bias: np.ndarray | None = None
) -> nengo.Ensemble:
    return nengo.Ensemble(
        ens.n_neurons,
        ens.dimensions,
        gain=fixed_samples(ens, "gain"),
        bias=fixed_samples(ens, "bias") if bias is None else bias,
        neuron_type=neuron_type,
        label=ens.label,
        seed=ens.seed,
        eval_points=ens.eval_points,
        n_eval_points=ens.n_eval_points,
        add_to_container=False,
    )
