"""Run a simulator on inputs -> integer spike counts, in constant memory."""

from __future__ import annotations

import importlib.metadata
import logging
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

import nengo
import numpy as np

from nengo_energy.activity.emulator import EMULATORS
from nengo_energy.activity.inputs import check_inputs
from nengo_energy.activity.simulators import RUNNERS, SIMULATORS, Schedule
from nengo_energy.activity.totals import PopulationActivity, Totals
from nengo_energy.common.assumptions import Assumption
from nengo_energy.common.checks import (
    check_choice,
    check_count,
    check_counts,
    check_positive,
)
from nengo_energy.common.exceptions import InputError
from nengo_energy.common.progress import progress_bar
from nengo_energy.network.topology import Topology
from nengo_energy.network.tracing import trace_topology

logger = logging.getLogger(__name__)

BATCH_NEURONS = 2_000_000
"""Neurons that a minibatch holds by default, over all its inferences."""

MAX_BATCH = {"nengo": 1, "nengo-dl": 128, "loihi": 16}
"""Most inferences that a simulator runs side by side by default."""

__all__: Sequence[str] = [
    "Activity",
    "PopulationActivity",
    "default_minibatch",
    "measure_activity",
    "measure_activity_at",
]


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
            See `nengo_energy.estimates.report.activity_frame`.
        """
        from nengo_energy.estimates.report import activity_frame

        return activity_frame(self)

    def __str__(self) -> str:
        from nengo_energy.estimates.report import format_activity

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
    emulator: str | None = None,
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
        ``"nengo-dl"`` runs minibatches; ``"loihi"`` is NengoLoihi, on an emulator.
    dt : float
        Length of a timestep [s].
    warmup : int
        Timesteps that are run before counting begins.
    minibatch_size : int, optional
        Inferences that ``"nengo-dl"`` and ``"loihi"`` run side by side; chosen by the
        size of the network if not given. ``"nengo"`` runs one by one.
    emulator : {"fast", "nengo-loihi"}, optional
        For ``"loihi"``: the compiled emulator, which is the default, or NengoLoihi's
        own, which runs one by one; see `nengo_energy.activity.emulator.open_simulator`.
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
    (activity,) = measure_activity_at(
        network,
        inputs,
        [timesteps],
        simulator=simulator,
        dt=dt,
        warmup=warmup,
        minibatch_size=minibatch_size,
        emulator=emulator,
        topology=topology,
        probes=probes,
        progress=progress,
    )
    return activity


def measure_activity_at(
    network: nengo.Network,
    inputs: Mapping[nengo.Node, np.ndarray] | np.ndarray | None,
    timesteps: Sequence[int],
    *,
    simulator: str = "nengo",
    dt: float = 0.001,
    warmup: int = 0,
    minibatch_size: int | None = None,
    emulator: str | None = None,
    topology: Topology | None = None,
    probes: Sequence[nengo.Probe] | None = None,
    on_batch: Callable[[int, Mapping[str, np.ndarray]], None] | None = None,
    progress: bool | None = None,
) -> tuple[Activity, ...]:
    """Measure activity after several numbers of timesteps, in one run over the longest.

    Each activity is the one that `measure_activity` returns for that number of
    timesteps, count by count.

    Parameters
    ----------
    network, inputs
        See `measure_activity`. An input that changes every timestep must do so for the
        longest run.
    timesteps : sequence of int
        Timesteps per inference, each number once, in any order.
    simulator, dt, warmup, minibatch_size, emulator, topology, probes
        See `measure_activity`.
    on_batch : callable, optional
        Called after each batch of inferences with the index of its first inference, and
        the spikes of each neuron in each inference over the longest run, which aren't
        kept otherwise: a mapping of population to (batch, n_neurons) int64 ndarray.
    progress : bool, optional
        See `measure_activity`.

    Returns
    -------
    tuple of Activity
        One for each number of timesteps, in the order given.

    Raises
    ------
    InputError
        If an argument has a value that isn't allowed.
    UnsupportedError
        If the network holds what can't be counted.
    """
    check_choice("simulator", simulator, SIMULATORS)
    asked = check_counts("timesteps", timesteps)
    warmup = check_count("warmup", warmup, minimum=0)
    dt = check_positive("dt", dt, "s")
    if topology is None:
        topology = trace_topology(network)
    schedule = Schedule(warmup, tuple(sorted(asked)))
    data = check_inputs(network, inputs, schedule.total)
    n_inferences = len(next(iter(data.values()))) if data else 1
    most = MAX_BATCH[simulator]
    if minibatch_size is None:
        minibatch_size = default_minibatch(topology.n_neurons, n_inferences, simulator)
    batch_size = check_count("minibatch_size", minibatch_size)
    if most == 1:
        batch_size = 1
    options = {}
    if emulator is not None:
        check_choice("emulator", emulator, EMULATORS)
        if simulator != "loihi":
            raise InputError(
                f"emulator={emulator!r} is for simulator='loihi'; got {simulator!r}"
            )
        options = {"emulator": emulator}
    if probes is None:
        probes = [p for p in network.all_probes if isinstance(p.obj, nengo.Node)]
    totals = [Totals(topology) for _ in schedule.marks]
    logger.info("measuring %d inferences by %s", n_inferences, simulator)
    runner = RUNNERS[simulator](
        network, topology.populations, probes, dt, batch_size, **options
    )
    n_steps = n_inferences * schedule.total
    with progress_bar(n_steps, f"simulating ({simulator})", progress) as tick, runner:
        for start in range(0, n_inferences, batch_size):
            batch = {node: x[start : start + batch_size] for node, x in data.items()}
            for counts, total in zip(runner.run(batch, schedule, tick), totals):
                spikes = total.add(counts)
            if on_batch is not None:
                on_batch(start, spikes)
    activities = {
        mark: Activity(
            total.populations(),
            n_inferences,
            mark,
            warmup,
            dt,
            simulator,
            _stays(topology, data),
            topology.fingerprint,
            total.outputs(),
            total.assumptions(),
            {
                "simulator": simulator,
                "timesteps": mark,
                "warmup": warmup,
                "dt": dt,
                "n_inferences": n_inferences,
                "seed": network.seed,
                "neuron_types": sorted({p.neuron_type for p in topology.populations}),
                "versions": _versions(simulator),
            },
        )
        for mark, total in zip(schedule.marks, totals)
    }
    return tuple(activities[mark] for mark in asked)


def default_minibatch(
    n_neurons: int, n_inferences: int, simulator: str = "nengo-dl"
) -> int:
    """Return how many inferences are run side by side unless told otherwise."""
    fitting = min(MAX_BATCH[simulator], BATCH_NEURONS // max(1, n_neurons))
    return min(n_inferences, max(1, fitting))


def _stays(topology: Topology, data: Mapping[nengo.Node, np.ndarray]) -> bool:
    """Tell whether no input changes during an inference."""
    sources = {projection.source for projection in topology.inputs}
    return all(
        len(data[node][0]) == 1 if node in data else isinstance(node.output, np.ndarray)
        for node in sources
    )


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
