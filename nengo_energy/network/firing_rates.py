"""The rates that neurons would need to fire at, found without a single spike.

A network of rate neurons, without filters, gives in one timestep what spiking neurons
approach over many.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any, Mapping, Sequence

import nengo
import numpy as np
from nengo.neurons import RatesToSpikesNeuronType

from ..common.checks import check_positive
from ..common.defaults import DT
from ..common.exceptions import InputError, UnsupportedError
from ..common.plain_text import plain_line
from ..compat.nengo_dl import open_nengo_dl, predict
from .topology import Topology

MAX_EXAMPLES = 256
"""Most examples that are looked at, taken evenly from those given."""

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

_BATCH = 32

_RECTIFIED = (
    "RectifiedLinear",
    "SpikingRectifiedLinear",
    "LoihiSpikingRectifiedLinear",
    "IntegrateAndFire",
)
_LIF = ("LIFRate", "LIF", "LoihiLIF")


def rate_network(
    network: nengo.Network, corrected: Mapping[nengo.Ensemble, float] | None = None
) -> tuple[nengo.Network, dict[nengo.Ensemble, nengo.Ensemble]]:
    """Return a copy with rate neurons and without filters.

    Parameters
    ----------
    network : nengo.Network
        Of any neurons that have a rate equivalent; it isn't changed.
    corrected : mapping of {nengo.Ensemble: float}, optional
        Factors in amplitudes that make up for what spiking neurons lose, as of
        `corrections`; rate neurons lose nothing.

    Returns
    -------
    tuple of nengo.Network and dict
        The copy, and from ensembles to their copies.

    Raises
    ------
    UnsupportedError
        If a neuron type has no rate equivalent.
    """
    with warnings.catch_warnings():
        # Nengo takes the size of each passthrough node that it copies for news
        warnings.filterwarnings(
            "ignore", message="'Node.size_out' is being overwritten"
        )
        copied = network.copy()
    pairs = dict(zip(network.all_ensembles, copied.all_ensembles))
    for ens in copied.all_ensembles:
        ens.neuron_type = _rate_neurons(ens)
    for ens, factor in (corrected or {}).items():
        pairs[ens].neuron_type = with_amplitude(pairs[ens].neuron_type, 1 / factor)
    for filtered in [*copied.all_connections, *copied.all_probes]:
        filtered.synapse = None
    for node in copied.all_nodes:
        if getattr(node.output, "tau", None):  # a mean over time is a filter too
            node.output = node.output.with_tau(0.0)
    return copied, pairs


def wanted_rates(
    network: nengo.Network,
    inputs: Mapping[nengo.Node, np.ndarray],
    corrected: Mapping[nengo.Ensemble, float] | None = None,
) -> dict[nengo.Ensemble, np.ndarray]:
    """Return the rate at which each neuron would have to fire.

    Parameters
    ----------
    network : nengo.Network
        Of any neurons that have a rate equivalent; it isn't changed.
    inputs : mapping of {nengo.Node: ndarray}
        (n, size) for each input node, or (n, timesteps, size), whose timesteps are
        taken as examples of their own.
    corrected : mapping of {nengo.Ensemble: float}, optional
        See `rate_network`.

    Returns
    -------
    dict of {nengo.Ensemble: (n_examples, n_neurons) ndarray}
        Rates [Hz], not limited by what a neuron can do.
    """
    data = {node: _examples(x) for node, x in inputs.items()}
    n_examples = min(map(len, data.values()), default=1)
    batch_size = min(_BATCH, n_examples)
    ensembles = network.all_ensembles
    with RateSimulator(network, ensembles, batch_size, corrected) as rates:
        return rates.run(data)


class RateSimulator:
    """Runs one timestep of a network of rate neurons. Use as a context manager.

    Parameters
    ----------
    network : nengo.Network
        Of any neurons that have a rate equivalent; it isn't changed.
    ensembles : sequence of nengo.Ensemble
        Whose rates are wanted.
    batch_size : int
        Examples that are run side by side.
    corrected : mapping of {nengo.Ensemble: float}, optional
        See `rate_network`.
    """

    def __init__(
        self,
        network: nengo.Network,
        ensembles: Sequence[nengo.Ensemble],
        batch_size: int,
        corrected: Mapping[nengo.Ensemble, float] | None = None,
    ):
        copied, pairs = rate_network(network, corrected)
        self._nodes = dict(zip(network.all_nodes, copied.all_nodes))
        with copied:
            self._probes = {
                ens: nengo.Probe(pairs[ens].neurons, synapse=None) for ens in ensembles
            }
        self._amplitudes = {
            ens: getattr(pairs[ens].neuron_type, "amplitude", 1.0) for ens in ensembles
        }
        self._network, self._batch_size = copied, batch_size

    def __enter__(self) -> RateSimulator:
        self._sim, _ = open_nengo_dl(
            self._network, dt=DT, minibatch_size=self._batch_size
        )
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._sim.close()

    def run(
        self, inputs: Mapping[nengo.Node, np.ndarray]
    ) -> dict[nengo.Ensemble, np.ndarray]:
        """Return the rates on inputs, (n, size) by node; see `wanted_rates`."""
        n_examples = min(map(len, inputs.values()), default=1)
        found: dict[nengo.Ensemble, list[np.ndarray]] = {e: [] for e in self._probes}
        for start in range(0, n_examples, self._batch_size):
            stop = min(start + self._batch_size, n_examples)
            # the last batch is filled up with its last example
            rows = np.minimum(np.arange(start, start + self._batch_size), stop - 1)
            batch = {self._nodes[n]: x[rows, None] for n, x in inputs.items()}
            output = predict(self._sim, batch)
            for ens, probe in self._probes.items():
                values = output[probe][: stop - start, 0] / self._amplitudes[ens]
                found[ens].append(values)
        return {ens: np.concatenate(parts) for ens, parts in found.items()}


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
        if pop.neuron_type == "LoihiSpikingRectifiedLinear":
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
    return type(neurons).__name__ in _RECTIFIED


def _rate_neurons(ens: nengo.Ensemble) -> nengo.neurons.NeuronType:
    neurons = ens.neuron_type
    name = type(neurons).__name__  # what is derived from these may do something else
    if not neurons.spiking:
        return neurons
    if name in _RECTIFIED:
        return nengo.RectifiedLinear(amplitude=neurons.amplitude)
    if name in _LIF:
        return nengo.LIFRate(
            tau_rc=neurons.tau_rc, tau_ref=neurons.tau_ref, amplitude=neurons.amplitude
        )
    if isinstance(neurons, RatesToSpikesNeuronType):
        base = neurons.base_type
        if hasattr(base, "amplitude"):
            return with_amplitude(base, neurons.amplitude)
        if neurons.amplitude == 1:
            return base
    raise UnsupportedError(
        f"{ens} has {name} neurons, whose rates can't be worked out without spikes; "
        f"known: {', '.join(_RECTIFIED + _LIF)}"
    )


def _examples(x: np.ndarray) -> np.ndarray:
    """Return at most `MAX_EXAMPLES` rows, taken evenly."""
    rows = np.asarray(x, dtype=float).reshape(-1, np.shape(x)[-1])
    if len(rows) == 0 or not np.all(np.isfinite(rows)):
        raise InputError(
            "example data must hold at least one example, and finite numbers alone"
        )
    chosen = np.linspace(0, len(rows) - 1, min(MAX_EXAMPLES, len(rows))).astype(int)
    return rows[chosen]
