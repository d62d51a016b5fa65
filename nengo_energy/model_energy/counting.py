"""Counts and rates of layers -> operations per inference, as if layers spiked."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..common.assumptions import Assumption
from ..counts import OpCount, OpCounts
from ..layer_ops.layer_ops import LayerOps
from .layers import Layer

RATES_FROM_ACTIVATIONS = Assumption(
    "rates-from-activations",
    "Activations of the Keras model are read as firing rates in Hz, and every layer is "
    "taken to run as spiking neurons at these rates. Synops are mean input rate x dt x "
    "timesteps x connections.",
)
ONE_SPIKE_PER_TIMESTEP = Assumption(
    "one-spike-per-timestep",
    "A neuron update is active with the probability rate x dt, at most 1.",
)
INPUT_AS_SPIKES = Assumption(
    "input-as-spikes",
    "The model's input arrives as spikes at the rates that its values say; a converted "
    "network computes with the values themselves, on the host.",
)


def count_expected_ops(
    ops: LayerOps, layers: Sequence[Layer], timesteps: int, dt: float, with_rates: bool
) -> OpCounts:
    """Return the operations of one inference, conventional and as spiking network.

    Parameters
    ----------
    ops : LayerOps
        Counts of the conventional network.
    layers : sequence of Layer
        The same layers with their rates, models within opened.
    timesteps : int
        Timesteps per inference of the spiking network; layers that run along a whole
        sequence take at least one for each of its steps.
    dt : float
        Length of a timestep [s].
    with_rates : bool
        Whether rates are known; without them only the conventional network is counted.

    Returns
    -------
    OpCounts
        Totals of the spiking network are expected values, so not whole numbers.
    """
    rows = list(ops.to_counts())
    longest = max((row.n_steps for row in ops.layers), default=1)
    assumptions = list(ops.assumptions)
    if with_rates:
        for layer in layers:
            rows += _expected(layer, max(timesteps, layer.n_steps), dt)
        assumptions += [RATES_FROM_ACTIVATIONS, ONE_SPIKE_PER_TIMESTEP, INPUT_AS_SPIKES]
    return OpCounts(tuple(rows), max(timesteps, longest), dt, tuple(assumptions))


def _expected(layer: Layer, timesteps: int, dt: float) -> Iterator[OpCount]:
    """Yield the operations of one layer of the spiking network."""
    updates = layer.neurons * timesteps
    active = updates * min(layer.rates.leaving * dt, 1.0)
    totals = {
        "synop": layer.rates.synops * dt * timesteps,
        "neuron_update_active": active,
        "neuron_update_inactive": updates - active,
        "spike": layer.neurons * layer.rates.leaving * dt * timesteps,
    }
    for operation, total in totals.items():
        if total:
            yield OpCount(layer.name, operation, total, n_inferences=1)
