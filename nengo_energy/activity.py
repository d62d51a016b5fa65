"""Run a simulator on inputs -> integer spike counts, in constant memory."""

from __future__ import annotations

import importlib.metadata
import logging
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import nengo
import numpy as np

from .assumptions import Assumption
from .checks import check_choice, check_count, check_positive
from .exceptions import InputError
from .inputs import check_inputs
from .progress import progress_bar
from .simulators import RUNNERS, SIMULATORS, BatchCounts, Schedule
from .topology import Population, Topology
from .tracing import trace_topology

logger = logging.getLogger(__name__)

BATCH_NEURONS = 2_000_000
"""Neurons that a minibatch holds by default, over all its inferences."""

RATE_AS_SPIKING = "rate-neurons-as-spiking"
MULTI_SPIKE = "several-spikes-per-timestep"


@dataclass(frozen=True)
class PopulationActivity:
    """Spikes of one population.

    Attributes
    ----------
    spikes : (n_neurons,) int64 ndarray
        Spikes of each neuron, summed over inferences.
    spikes_per_inference : (n_inferences,) int64 ndarray
        Spikes of all neurons, in each inference.
    active_per_inference : (n_inferences,) int64 ndarray
        Neurons x timesteps with at least one spike, in each inference.
    sent_per_inference : (n_inferences,) int64 ndarray
        Spikes of neurons that drive at least one synapse, in each inference.
    synops_per_inference : Mapping of {str: (n_inferences,) int64 ndarray}
        Synops of each projection that leaves the population, in each inference.
    peak : int
        Most spikes of any neuron in one timestep.
    """

    spikes: np.ndarray = field(repr=False)
    spikes_per_inference: np.ndarray = field(repr=False)
    active_per_inference: np.ndarray = field(repr=False)
    sent_per_inference: np.ndarray = field(repr=False)
    synops_per_inference: Mapping[str, np.ndarray] = field(repr=False)
    peak: int

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.spikes)


@dataclass(frozen=True)
class Activity:
    """What a network did on a set of inputs.

    Attributes
    ----------
    populations : Mapping of {str: PopulationActivity}
        Spikes by population.
    n_inferences : int
        Number of inputs.
    timesteps : int
        Timesteps of each inference that were counted.
    warmup : int
        Timesteps before them that were run and not counted.
    dt : float
        Length of a timestep [s].
    simulator : str
        ``"nengo"``, ``"nengo-dl"`` or ``"loihi"``.
    static_input : bool
        Whether each input stayed the same over its inference.
    fingerprint : str
        Of the topology that was measured.
    outputs : Mapping of {nengo.Probe: (n_inferences, size) ndarray}
        Probes of the network, averaged over the last half of the counted timesteps.
    assumptions : tuple of Assumption
        What was taken for granted.
    settings : Mapping
        What is needed to measure the same again.
    """

    populations: Mapping[str, PopulationActivity]
    n_inferences: int
    timesteps: int
    warmup: int
    dt: float
    simulator: str
    static_input: bool
    fingerprint: str
    outputs: Mapping[Any, np.ndarray] = field(default_factory=dict, repr=False)
    assumptions: tuple[Assumption, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)

    def firing_rates(self, population: str) -> np.ndarray:
        """Return the mean rate of each neuron, (n_neurons,) ndarray [Hz]."""
        seconds = self.timesteps * self.dt * self.n_inferences
        return self.populations[population].spikes / seconds

    def accuracy(self, labels: Any, probe: nengo.Probe | None = None) -> float:
        """Return the share of inferences whose largest output is at the label.

        Parameters
        ----------
        labels : (n_inferences,) int array_like
            Index of the right output for each inference.
        probe : nengo.Probe, optional
            Output to judge; needed when the network has several.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        InputError
            If the labels don't fit the inferences, or it isn't clear which output.
        """
        if probe is None and len(self.outputs) != 1:
            raise InputError(
                f"the network has {len(self.outputs)} outputs; say which to judge with "
                "probe="
            )
        output = self.outputs[next(iter(self.outputs)) if probe is None else probe]
        wanted = np.asarray(labels)
        if wanted.shape != (self.n_inferences,):
            raise InputError(
                f"labels must have the shape ({self.n_inferences},), one for each "
                f"inference; got {wanted.shape}"
            )
        return float(np.mean(np.argmax(output, axis=1) == wanted))

    def to_frame(self) -> Any:
        """Return one row per population: spikes, rates, silent neurons.

        Returns
        -------
        pandas.DataFrame
            See `nengo_energy.report.activity_frame`.
        """
        from .report import activity_frame

        return activity_frame(self)

    def __str__(self) -> str:
        from .report import format_activity

        return format_activity(self)


def measure_activity(
    network: nengo.Network,
    inputs: Mapping[nengo.Node, np.ndarray] | np.ndarray | None = None,
    timesteps: int = 50,
    *,
    simulator: str = "nengo",
    dt: float = 0.001,
    warmup: int = 0,
    minibatch_size: int | None = None,
    topology: Topology | None = None,
    probes: Sequence[nengo.Probe] | None = None,
    progress: bool | None = None,
) -> Activity:
    """Run a network from reset on each input, and count the spikes of every neuron.

    Nothing is added to the network, and what it computes doesn't change. Memory doesn't
    grow with timesteps, and with inferences only by a few numbers per population.

    Parameters
    ----------
    network : nengo.Network
        The network to run.
    inputs : mapping of {nengo.Node: ndarray} or ndarray, optional
        For each input node, one row per inference: (n_inferences, size) for an input
        that stays, or (n_inferences, warmup + timesteps, size) for one that changes
        every timestep. An array alone goes to the only input node. Without inputs the
        network runs once, with what its nodes put out.
    timesteps : int
        Timesteps per inference.
    simulator : {"nengo", "nengo-dl", "loihi"}
        ``"nengo-dl"`` runs minibatches and is the fastest by far; ``"loihi"`` is
        NengoLoihi's emulator.
    dt : float
        Length of a timestep [s].
    warmup : int
        Timesteps that are run before counting begins.
    minibatch_size : int, optional
        Inferences that ``"nengo-dl"`` runs side by side; chosen by the size of the
        network if not given. The other simulators run one by one.
    topology : Topology, optional
        The traced network, if it is at hand.
    probes : sequence of nengo.Probe, optional
        Probes whose mean output is kept; by default those on nodes.
    progress : bool, optional
        Show a progress bar; by default in a terminal, when a run is long.

    Returns
    -------
    Activity
        Integer counts.

    Raises
    ------
    InputError
        If an argument has a value that isn't allowed.
    UnsupportedError
        If the network holds what can't be counted.
    """
    check_choice("simulator", simulator, SIMULATORS)
    timesteps = check_count("timesteps", timesteps)
    warmup = check_count("warmup", warmup, minimum=0)
    dt = check_positive("dt", dt, "s")
    if topology is None:
        topology = trace_topology(network)
    data = check_inputs(network, inputs, warmup + timesteps)
    n_inferences = len(next(iter(data.values()))) if data else 1
    if minibatch_size is None:
        fitting = max(1, min(128, BATCH_NEURONS // max(1, topology.n_neurons)))
        minibatch_size = min(n_inferences, fitting)
    batch_size = check_count("minibatch_size", minibatch_size)
    if simulator != "nengo-dl":
        batch_size = 1
    if probes is None:
        probes = [p for p in network.all_probes if isinstance(p.obj, nengo.Node)]
    schedule = Schedule(warmup, timesteps, window=(timesteps + 1) // 2)
    totals = _Totals(topology)
    logger.info("measuring %d inferences by %s", n_inferences, simulator)
    runner = RUNNERS[simulator](network, topology.populations, probes, dt, batch_size)
    n_steps = n_inferences * schedule.total
    with progress_bar(n_steps, f"simulating ({simulator})", progress) as tick, runner:
        for start in range(0, n_inferences, batch_size):
            batch = {node: x[start : start + batch_size] for node, x in data.items()}
            totals.add(runner.run(batch, schedule, tick))
    return Activity(
        totals.populations(),
        n_inferences,
        timesteps,
        warmup,
        dt,
        simulator,
        _stays(topology, data),
        topology.fingerprint,
        totals.outputs(),
        totals.assumptions(),
        {
            "simulator": simulator,
            "timesteps": timesteps,
            "warmup": warmup,
            "dt": dt,
            "n_inferences": n_inferences,
            "seed": network.seed,
            "neuron_types": sorted({p.neuron_type for p in topology.populations}),
            "versions": _versions(simulator),
        },
    )


def _stays(topology: Topology, data: Mapping[nengo.Node, np.ndarray]) -> bool:
    """Tell whether no input changes during an inference."""
    sources = {projection.source for projection in topology.inputs}
    return all(
        len(data[node][0]) == 1 if node in data else isinstance(node.output, np.ndarray)
        for node in sources
    )


class _Totals:
    """Sums the batches up."""

    def __init__(self, topology: Topology):
        self.topology = topology
        self.outgoing = {
            p.name: topology.outgoing(p.name) for p in topology.populations
        }
        self.spikes = {
            p.name: np.zeros(p.n_neurons, np.int64) for p in topology.populations
        }
        self.series: dict[tuple[str, str], list[np.ndarray]] = {}
        self.peak = {p.name: 0 for p in topology.populations}
        self.probed: dict[Any, list[np.ndarray]] = {}

    def add(self, batch: BatchCounts) -> None:
        """Add a batch: everything by neuron is reduced here."""
        for pop in self.topology.populations:
            spikes = np.rint(batch.spikes[pop.name]).astype(np.int64)
            active = np.rint(batch.active[pop.name]).astype(np.int64)
            self.spikes[pop.name] += spikes.sum(axis=0)
            self.peak[pop.name] = max(self.peak[pop.name], batch.peak[pop.name])
            self._append(pop, "spikes", spikes.sum(axis=1))
            self._append(pop, "active", active)
            driving = np.zeros(pop.n_neurons, dtype=bool)
            for projection in self.outgoing[pop.name]:
                self._append(pop, projection.name, spikes @ projection.fan_out)
                driving |= projection.fan_out > 0
            self._append(pop, "sent", spikes[:, driving].sum(axis=1))
        for probe, value in batch.outputs.items():
            self.probed.setdefault(probe, []).append(value)

    def _append(self, pop: Population, key: str, values: np.ndarray) -> None:
        self.series.setdefault((pop.name, key), []).append(values)

    def populations(self) -> dict[str, PopulationActivity]:
        """Return the activity of each population."""
        series = {key: np.concatenate(parts) for key, parts in self.series.items()}
        return {
            pop.name: PopulationActivity(
                self.spikes[pop.name],
                series[pop.name, "spikes"],
                series[pop.name, "active"],
                series[pop.name, "sent"],
                {p.name: series[pop.name, p.name] for p in self.outgoing[pop.name]},
                self.peak[pop.name],
            )
            for pop in self.topology.populations
        }

    def outputs(self) -> dict[Any, np.ndarray]:
        """Return the mean of each probe over the window, for each inference."""
        return {probe: np.concatenate(parts) for probe, parts in self.probed.items()}

    def assumptions(self) -> tuple[Assumption, ...]:
        """Return what the neurons' kinds make us assume."""
        found = []
        rates = [p.name for p in self.topology.populations if not p.spiking]
        if rates:
            text = (
                f"{', '.join(rates)} don't spike; their output in Hz is taken as the "
                "rate that spiking neurons in their place would have."
            )
            found.append(Assumption(RATE_AS_SPIKING, text))
        many = [f"{name} (up to {k})" for name, k in self.peak.items() if k > 1]
        if many:
            text = (
                "Some neurons spike several times in a timestep, which Loihi's can't: "
                f"{', '.join(many)}."
            )
            found.append(Assumption(MULTI_SPIKE, text))
        return tuple(found)


def _versions(simulator: str) -> dict[str, str]:
    """Return the versions of the packages that took part."""
    packages = {"nengo": ["nengo"], "nengo-dl": ["nengo", "nengo-dl", "tensorflow"]}
    names = packages.get(simulator, ["nengo", "nengo-loihi"]) + ["numpy"]
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # e.g. tensorflow-cpu
            continue
    return found
