"""Network of spiking neurons -> NIR graph, for what NIR can say."""

from __future__ import annotations

from typing import Any, Callable, Collection

import nengo
import numpy as np

from ...common.checks import check_choice, check_positive
from ...common.defaults import DT
from ...common.exceptions import InputError, UnsupportedError
from ...common.optional_imports import import_or_explain
from ...network.biases import fixed_samples
from ...network.objects import is_decoded
from ...network.topology import Population, Projection, Topology
from ...network.tracing import trace_topology
from .neurons import CubaLIFNeurons, IFNeurons, LIFNeurons, NIRNeurons, ThresholdNeurons

MAX_WEIGHTS = 2**26
"""Most weights of a matrix that is written, zeros included."""

LOSSES = {
    "initial-voltage": "voltages that don't begin at rest",
    "refractory-period": "the refractory period",
    "reset-by-subtraction": "that a spike takes the threshold off the voltage",
    "several-spikes": "that neurons may spike several times in a timestep",
    "voltage-floor": "that voltages don't fall below a minimum",
}
"""What NIR can't say, and ``allow`` lets go."""

LOST = {
    "LIF": ("refractory-period", "voltage-floor"),
    "LoihiLIF": ("refractory-period", "voltage-floor"),
    "LoihiSpikingRectifiedLinear": ("voltage-floor",),
    "LoihiRectifiedLinear": ("voltage-floor",),
    "SpikingRectifiedLinear": (
        *("reset-by-subtraction", "several-spikes", "voltage-floor"),
    ),
    "IntegrateAndFire": (
        *("initial-voltage", "reset-by-subtraction", "several-spikes"),
    ),
}
"""What is lost of each neuron type of Nengo's, NengoLoihi's and ours."""


def to_nir(snn: Any, *, dt: float = DT, allow: Collection[str] = ()) -> Any:
    """Express a network as a NIR graph, which ``nir.write`` writes to a file.

    Weights are written as matrices between populations: convolutions too, as Keras and
    NIR arrange channels differently. NIR has no time in its filters' way, so that what
    Nengo filters arrives a timestep earlier.

    Parameters
    ----------
    snn : SpikingModel, NIRModel or nengo.Network
        The network; its gains and biases must be fixed.
    dt : float
        Length of a timestep [s]: a spike of Nengo's is a pulse of height 1 / dt, and
        NIR's a 1 for a timestep.
    allow : collection of str
        What may be lost: ``"refractory-period"``, ``"voltage-floor"``,
        ``"reset-by-subtraction"``, ``"several-spikes"``, ``"initial-voltage"``.

    Returns
    -------
    nir.NIRGraph
        Populations by their names, matrices as ``pre -> post``.

    Raises
    ------
    UnsupportedError
        If NIR can't say what the network does, and ``allow`` doesn't let it go.
    MissingDependencyError
        If nir isn't installed.

    Examples
    --------
    >>> graph = ne.to_nir(snn, allow=["voltage-floor"])  # doctest: +SKIP
    >>> nir.write("network.nir", graph)  # doctest: +SKIP
    """
    nir = import_or_explain("nir", '"nengo-energy[nir]"', "to_nir")
    allowed = [allow] if isinstance(allow, str) else list(allow)
    for loss in allowed:
        check_choice("allow", loss, tuple(LOSSES))
    dt = check_positive("dt", getattr(snn, "dt", dt), "s")
    topology = trace_topology(snn) if isinstance(snn, nengo.Network) else None
    topology = getattr(snn, "topology", None) if topology is None else topology
    if not isinstance(topology, Topology):
        raise InputError(
            "snn must be a SpikingModel, a NIRModel or a nengo.Network; got "
            f"{type(snn).__name__}"
        )
    return _Writer(nir, topology, dt, allowed).graph()


class _Writer:
    """Collects the nodes and edges of a graph."""

    def __init__(self, nir: Any, topology: Topology, dt: float, allowed: list[str]):
        self.nir, self.topology, self.dt = nir, topology, dt
        self.allowed = allowed
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.populations = {p.ensemble: p for p in topology.populations}

    def graph(self) -> Any:
        """Return the graph."""
        topology = self.topology
        if topology.omitted:
            raise UnsupportedError(f"can't write {', '.join(topology.omitted)}")
        for pop in topology.populations:
            self._add(pop.name, self._neurons(pop))
        for projection in topology.inputs + topology.projections + topology.readouts:
            self._project(projection)
        self._add_biases()
        return self.nir.NIRGraph(self.nodes, self.edges)

    def _add(self, name: str, node: Any) -> str:
        """Add a node; return the name that it has there."""
        name = name.replace("/", "_")  # groups of HDF5 files have paths
        if name in self.nodes:
            raise UnsupportedError(f"two objects would have the name {name!r} in NIR")
        self.nodes[name] = node
        return name

    def _neurons(self, pop: Population) -> Any:
        """Return the node of a population."""
        kind, n = pop.ensemble.neuron_type, pop.n_neurons
        if isinstance(kind, (NIRNeurons, ThresholdNeurons)):
            return self._own(kind)
        lost = LOST.get(pop.neuron_type)
        if lost is None:
            raise UnsupportedError(
                f"population {pop.name!r} has {pop.neuron_type} neurons, which NIR "
                f"doesn't have; allowed: {', '.join(LOST)}, and those of from_nir"
            )
        missing = [loss for loss in lost if loss not in self.allowed]
        if getattr(kind, "tau_ref", 0) == 0:
            missing = [loss for loss in missing if loss != "refractory-period"]
        if missing:
            what = "; ".join(LOSSES[loss] for loss in missing)
            raise UnsupportedError(
                f"population {pop.name!r} has {pop.neuron_type} neurons, and NIR can't "
                f"say {what}. To let that go: allow={missing!r}"
            )
        ones = np.ones(n)
        if pop.neuron_type in ("LIF", "LoihiLIF"):
            return self.nir.LIF(ones * kind.tau_rc, ones, 0 * ones, ones, 0 * ones)
        return self.nir.IF(ones, ones, 0 * ones)

    def _own(self, kind: Any) -> Any:
        """Return the node that neurons of `from_nir` came from."""
        if isinstance(kind, ThresholdNeurons):
            return self.nir.Threshold(np.array(kind.threshold))
        if kind.reset == "subtraction" and "reset-by-subtraction" not in self.allowed:
            raise UnsupportedError(
                f"NIR can't say {LOSSES['reset-by-subtraction']}. To let that go: "
                "allow=['reset-by-subtraction']"
            )
        makers: dict[type, tuple[Callable[..., Any], str]] = {
            IFNeurons: (self.nir.IF, "r v_threshold v_reset"),
            LIFNeurons: (self.nir.LIF, "tau r v_leak v_threshold v_reset"),
            CubaLIFNeurons: (
                self.nir.CubaLIF,
                "tau_syn tau_mem r v_leak v_threshold v_reset w_in",
            ),
        }
        make, names = makers[type(kind)]
        return make(**{name: np.array(getattr(kind, name)) for name in names.split()})

    def _project(self, projection: Projection) -> None:
        """Add weights, and a filter before them where there is one."""
        weights = projection.weights
        if weights.size_in * weights.size_out > MAX_WEIGHTS:
            raise UnsupportedError(
                f"{projection.name} has {weights.size_out} x {weights.size_in} "
                f"weights; NIR takes them as a matrix, and {MAX_WEIGHTS} are allowed"
            )
        connection = projection.connection
        if connection is not None and is_decoded(connection):
            raise UnsupportedError(
                f"{projection.name} is decoded: what it carries is drawn when Nengo "
                "builds it. Connect .neurons, with weights of your own"
            )
        gain = self._gain(projection.target)
        matrix = weights.to_sparse().toarray() * gain[:, None]
        source = self.populations.get(projection.source)
        if source is not None:
            matrix = matrix * (source.amplitude / self.dt)
        before = projection.pre.replace("/", "_")
        if source is None and before not in self.nodes:
            self._add(projection.pre, self.nir.Input(np.array([weights.size_in])))
        for synapse in projection.filters:
            if type(synapse).__name__ != "Lowpass":
                raise UnsupportedError(
                    f"{projection.name} has the filter {synapse}; NIR has low-pass "
                    "filters (LI) alone"
                )
            if synapse.tau > 0:
                ones = np.ones(weights.size_in)
                node = self.nir.LI(ones * synapse.tau, ones, 0 * ones)
                after = self._add(f"{projection.name} filter {len(self.nodes)}", node)
                self.edges.append((before, after))
                before = after
        name = self._add(projection.name, self.nir.Linear(matrix))
        self.edges += [(before, name), (name, self._target(projection))]

    def _target(self, projection: Projection) -> str:
        name = projection.post.replace("/", "_")
        if name not in self.nodes:
            size = np.array([projection.weights.size_out])
            self._add(projection.post, self.nir.Output(size))
        return name

    def _gain(self, target: Any) -> np.ndarray:
        """Return what Nengo multiplies the input of neurons by, which NIR doesn't."""
        if target not in self.populations:
            return np.ones(1)
        return fixed_samples(target, "gain")

    def _add_biases(self) -> None:
        """Make affine maps of those by which biases come, one for each target."""
        biases: dict[str, Any] = {}
        for pop in self.topology.populations:
            if not isinstance(pop.ensemble.neuron_type, ThresholdNeurons):
                biases[pop.name] = fixed_samples(pop.ensemble, "bias")
        for bias in self.topology.biases:
            values = self._gain(bias.target) * bias.values
            biases[bias.post] = biases.get(bias.post, 0) + values
        for post, values in biases.items():
            if not np.any(values):
                continue
            post = post.replace("/", "_")
            name = next((pre for pre, to in self.edges if to == post), None)
            if name is None:
                raise UnsupportedError(
                    f"{post!r} has a bias and nothing that drives it; NIR has biases "
                    "of weights alone"
                )
            matrix = self.nodes[name].weight
            self.nodes[name] = self.nir.Affine(matrix, np.array(values, dtype=float))
