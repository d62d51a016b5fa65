"""The rates that neurons would need to fire at, found without a single spike.

A network of rate neurons, without filters, gives in one timestep what spiking neurons
approach over many.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any, Mapping, Sequence

import nengo
import numpy as np
from nengo.neurons import RatesToSpikesNeuronType

from ..common.defaults import DT
from ..common.exceptions import InputError, UnsupportedError
from ..common.optional_imports import has_numba
from ..common.plain_text import plain_line
from ..compat.nengo_dl import open_nengo_dl, predict
from ..network.firing_rates import RECTIFIED, with_amplitude

logger = logging.getLogger(__name__)

MAX_EXAMPLES = 256
"""Most examples that are looked at, taken evenly from those given."""

_BATCH = 32

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
        self._values = ProbedValues(copied, [*self._probes.values()], batch_size)

    def __enter__(self) -> RateSimulator:
        self._values.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._values.__exit__()

    def run(
        self, inputs: Mapping[nengo.Node, np.ndarray]
    ) -> dict[nengo.Ensemble, np.ndarray]:
        """Return the rates on inputs, (n, size) by node; see `wanted_rates`."""
        values = self._values.run(
            {self._nodes[n]: x[:, None] for n, x in inputs.items()}
        )
        return {
            ens: values[probe][:, 0] / self._amplitudes[ens]
            for ens, probe in self._probes.items()
        }


class ProbedValues:
    """What probes of a network see from the first timestep on. A context manager.

    Compiled loops are ready at once, where TensorFlow takes many seconds to build a
    deep network; it runs what they can't.

    Parameters
    ----------
    network : nengo.Network
        The network.
    probes : sequence of nengo.Probe
        Probes of it.
    batch_size : int
        Inferences that are run side by side.
    """

    def __init__(
        self, network: nengo.Network, probes: Sequence[nengo.Probe], batch_size: int
    ):
        self.network, self.probes, self.batch_size = network, probes, batch_size
        self._program: Any = None
        self._sim: Any = None

    def __enter__(self) -> ProbedValues:
        if has_numba("NengoDL runs the network of rate neurons"):
            from .compiled.program import network_program

            try:
                self._program = network_program(self.network, DT, [], self.probes)
                return self
            except UnsupportedError as reason:
                words = plain_line(str(reason))
                logger.info("NengoDL runs the network of rate neurons, as %s", words)
        self._sim, _ = open_nengo_dl(self.network, DT, self.batch_size)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if self._sim is not None:
            self._sim.close()

    def run(
        self, inputs: Mapping[nengo.Node, np.ndarray]
    ) -> dict[nengo.Probe, np.ndarray]:
        """Return the values on inputs, (n, n_steps, size) by node, in that shape."""
        n = min(map(len, inputs.values()), default=1)
        n_steps = max((x.shape[1] for x in inputs.values()), default=1)
        # the last batch is filled up with its last example
        rows = [
            np.minimum(np.arange(start, start + self.batch_size), n - 1)
            for start in range(0, n, self.batch_size)
        ]
        batches = [{node: x[each] for node, x in inputs.items()} for each in rows]
        if self._program is None:
            done = [predict(self._sim, batch) for batch in batches]
        else:
            done = self._run_program(batches, n_steps)
        return {p: np.concatenate([each[p] for each in done])[:n] for p in self.probes}

    def _run_program(
        self, batches: list[dict[nengo.Node, np.ndarray]], n_steps: int
    ) -> list[dict[nengo.Probe, np.ndarray]]:
        from .compiled.program import run_on_cores

        def run(batch: dict[nengo.Node, np.ndarray], room: Any) -> dict:
            execution = self._program.open(batch, self.batch_size, room)
            execution.run(0, n_steps)
            return {p: execution.probed(p).copy() for p in self.probes}

        return run_on_cores(run, batches)


def _rate_neurons(ens: nengo.Ensemble) -> nengo.neurons.NeuronType:
    neurons = ens.neuron_type
    name = type(neurons).__name__  # what is derived from these may do something else
    if not neurons.spiking:
        return neurons
    if name in RECTIFIED:
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
        f"known: {', '.join(RECTIFIED + _LIF)}"
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
