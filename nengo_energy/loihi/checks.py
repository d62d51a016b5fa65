"""Check weights and firing rates against what the chip can hold and do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

import nengo
import numpy as np

from ..common.exceptions import InputError, UnsupportedError
from ..compat.loihi_weights import lost_weight_bits
from ..network.biases import fixed_samples
from ..network.topology import Population, Projection, Topology
from .blocks import BlockPlan
from .chip import WEIGHT_BITS
from .convolutions import arrays_of
from .wiring import Wiring


@dataclass(frozen=True)
class Check:
    """Something about a layer that is worth a look.

    Attributes
    ----------
    kind : str
        ``"saturates"``, ``"silent"`` or ``"coarse weights"``.
    layer : str
        Name of the population.
    value : float
        The number that says how much: the highest rate wanted [Hz], the share of silent
        neurons, or the bits that weights keep.
    text : str
        The finding in words.
    """

    kind: str
    layer: str
    value: float
    text: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.text}"


def check_weights(projection: Projection) -> None:
    """Refuse weights that do nothing, or that are no numbers.

    Raises
    ------
    InputError
        Names the layer.
    """
    if not all(np.all(np.isfinite(a)) for a in arrays_of(projection.weights)):
        raise InputError(
            f"layer {projection.layer!r} holds weights that are NaN or infinite "
            f"({projection.name})"
        )
    if projection.n_synapses == 0:
        raise InputError(
            f"all weights of layer {projection.layer!r} are zero ({projection.name}): "
            "no spike would have an effect. Train the layer, or leave it out"
        )


def check_resolution(
    topology: Topology,
    wirings: Mapping[str, Wiring],
    plans: Mapping[str, BlockPlan],
    dt: float,
) -> list[Check]:
    """Find layers whose weights keep few of their bits on some core.

    All weights, the threshold and the biases of a core share one scale; where a bias or
    the threshold is large beside the weights, these lose bits.

    Raises
    ------
    UnsupportedError
        If the weights of a layer are too small beside its threshold or biases to be
        represented at all.
    """
    sources = {p.name: p for p in topology.populations}
    found = []
    for pop in topology.populations:
        if pop.name not in plans:
            continue
        groups = [
            w
            for w in wirings.values()
            if w.projection.post == pop.name
            and isinstance(w.projection.source, nengo.Ensemble)
        ]
        try:
            gain, bias = (
                np.abs(fixed_samples(pop.ensemble, a)) for a in ("gain", "bias")
            )
        except UnsupportedError:
            continue  # drawn when it is built
        lost = _lost_bits(pop, groups, plans[pop.name], sources, gain, bias, dt)
        if lost:
            kept = WEIGHT_BITS - lost
            text = (
                f"weights keep {kept} of {WEIGHT_BITS} bits on some core, since "
                "threshold or biases are large beside them; a lower scale of firing "
                "rates of the layers before it makes them larger"
            )
            found.append(Check("coarse weights", pop.name, kept, text))
    return found


def _lost_bits(
    pop: Population,
    groups: Sequence[Wiring],
    plan: BlockPlan,
    sources: Mapping[str, Population],
    gain: np.ndarray,
    bias: np.ndarray,
    dt: float,
) -> int:
    """Return the bits that are lost on the core that loses most."""
    if not groups:
        return 0
    block_of, n_blocks = plan.partition.block_of, plan.n_cores
    largest = np.zeros((len(groups), n_blocks))
    for row, wiring in zip(largest, groups):
        amplitude = sources[wiring.projection.pre].amplitude
        np.maximum.at(row, block_of, wiring.synapses.largest * gain * amplitude / dt)
    biases = np.zeros(n_blocks)
    np.maximum.at(biases, block_of, bias)
    filters = [w.projection.filters for w in groups]
    tau = max((f[0].tau for f in filters if f), default=0.0)
    cases = {
        (float(value), float(column.max()), float(b))
        for column, b in zip(largest.T, biases)
        for value in column
        if value > 0
    }
    worst = 0
    for value, of_core, b in cases:
        lost = lost_weight_bits(pop.ensemble.neuron_type, tau, value, of_core, b, dt)
        if lost is None:
            raise UnsupportedError(
                f"the weights of layer {pop.layer!r} are too small for the chip: on "
                f"some core, a spike adds {of_core:.3g} at most, beside a threshold of "
                f"{1 / dt:.3g} and biases up to {b:.3g}. Lower the scale of firing "
                "rates of the layers before it, or leave the layer out"
            )
        worst = max(worst, lost)
    return worst


def check_rates(rates: Mapping[str, np.ndarray], dt: float) -> list[Check]:
    """Find layers that want to fire faster than the chip can, and silent ones.

    Parameters
    ----------
    rates : mapping of {str: (n_examples, n_neurons) ndarray}
        Rates that neurons would need, by population [Hz].
    dt : float
        Length of a timestep [s].
    """
    found = []
    limit = 1 / dt
    for name, wanted in rates.items():
        highest = float(wanted.max(initial=0))
        if highest > limit:
            n_neurons = int(np.sum(wanted.max(axis=0) > limit))
            text = (
                f"saturates: {n_neurons} of {wanted.shape[1]} neurons want to fire at "
                f"up to {highest:,.0f} Hz, and one spike a timestep is {limit:,.0f} Hz"
            )
            found.append(Check("saturates", name, highest, text))
        silent = float(np.mean(np.all(wanted <= 0, axis=0)))
        if silent > 0.5:
            text = (
                f"{silent:.0%} of {wanted.shape[1]} neurons are silent on all examples"
            )
            found.append(Check("silent", name, silent, text))
    return found
