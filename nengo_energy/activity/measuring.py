"""Run a simulator on inputs -> spike counts, in constant memory."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import logging
from typing import Any, Callable, Mapping, Sequence

import nengo
import numpy as np

from ..common.checks import check_instance, check_iterable, shown
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..common.progress import progress_bar
from ..common.random_state import kept_random_state
from ..network.objects import once
from ..network.topology import Topology
from ..network.tracing import trace_topology
from .activity import Activity
from .distributing import Job, run_batches
from .inputs import check_inputs
from .on_loihi.names import Names
from .on_loihi.placement import left_to_host
from .run import Run
from .simulators import Simulators

logger = logging.getLogger(__name__)

BATCH_NEURONS = 2_000_000
"""Neurons that a minibatch holds by default, over all its inferences."""

MAX_BATCH = {"compiled": 128, "nengo": 1, "nengo-dl": 128, "loihi": 16}
"""Most inferences that a simulator runs side by side by default."""

OnBatch = Callable[[int, Mapping[str, np.ndarray]], None]
"""Takes the index of a batch's first inference, and the spikes of each neuron in each
inference by population, (batch, n_neurons) ndarray: see `BatchCounts`."""


def measure_activity(
    network: nengo.Network,
    inputs: Mapping[nengo.Node, np.ndarray] | np.ndarray | None = None,
    timesteps: int = 50,
    *,
    simulator: str = "nengo",
    dt: float = DT,
    warmup: int = 0,
    minibatch_size: int | None = None,
    emulator: str | None = None,
    topology: Topology | None = None,
    probes: Sequence[nengo.Probe] | None = None,
    progress: bool | None = None,
    client: Any = None,
) -> Activity:
    """Run a network from reset on each input, and count the spikes of every neuron.

    Nothing is added to the network, and what it computes doesn't change. Memory doesn't
    grow with timesteps, and with inferences only by a few numbers per population. Each
    inference draws the random numbers that it would alone, from the network's seed; see
    "Random draws" in docs/computation.md.

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
    simulator : {"nengo", "compiled", "nengo-dl", "loihi"}
        ``"compiled"`` runs networks in which nothing leads back, in compiled loops on
        all cores; for others ``"nengo-dl"`` runs in its place, and the log says why.
        Both compute in single precision, ``"nengo"`` in double. ``"loihi"`` is
        NengoLoihi, on an emulator.
    dt : float
        Length of a timestep [s].
    warmup : int
        Timesteps that are run before counting begins.
    minibatch_size : int, optional
        Inferences that are run side by side; chosen by the size of the network if not
        given. ``"nengo"`` runs one by one.
    emulator : {"fast", "nengo-loihi"}, optional
        For ``"loihi"``: the compiled emulator, which is the default, or NengoLoihi's
        own, which runs one by one; see
        ``nengo_energy.activity.emulator.open_simulator``.
    topology : Topology, optional
        The traced network, if it is at hand.
    probes : sequence of nengo.Probe, optional
        Probes whose mean output is kept; by default those on nodes.
    progress : bool, optional
        Show a progress bar; by default in a terminal, when a run is long.
    client : dask.distributed.Client, optional
        Its workers run the batches; the result is the same.

    Returns
    -------
    Activity
        Integer counts, or expected values for rate neurons.

    Raises
    ------
    InputError
        If an argument has a value that isn't allowed.
    UnsupportedError
        If the network holds what can't be counted.

    Examples
    --------
    >>> activity = measure_activity(net, timesteps=1000)  # doctest: +SKIP
    >>> activity.to_frame()  # doctest: +SKIP
    """
    run = Run(
        timesteps=(timesteps,),
        simulator=simulator,
        dt=dt,
        warmup=warmup,
        minibatch_size=minibatch_size,
        emulator=emulator,
        progress=progress,
        client=client,
    )
    (activity,) = measure_run(network, inputs, run, topology=topology, probes=probes)
    return activity


def measure_activity_at(
    network: nengo.Network,
    inputs: Mapping[nengo.Node, np.ndarray] | np.ndarray | None,
    timesteps: Sequence[int],
    *,
    simulator: str = "nengo",
    dt: float = DT,
    warmup: int = 0,
    minibatch_size: int | None = None,
    emulator: str | None = None,
    topology: Topology | None = None,
    probes: Sequence[nengo.Probe] | None = None,
    on_batch: OnBatch | None = None,
    progress: bool | None = None,
    client: Any = None,
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
        kept otherwise: a mapping of population to (batch, n_neurons) ndarray of int64,
        or of float for rate neurons.
    progress, client
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

    Examples
    --------
    >>> activities = measure_activity_at(net, [100, 1000])  # doctest: +SKIP
    >>> [activity.timesteps for activity in activities]  # doctest: +SKIP
    [100, 1000]
    """
    run = Run(
        timesteps=timesteps,
        simulator=simulator,
        dt=dt,
        warmup=warmup,
        minibatch_size=minibatch_size,
        emulator=emulator,
        progress=progress,
        client=client,
    )
    return measure_run(
        network, inputs, run, topology=topology, probes=probes, on_batch=on_batch
    )


def measure_run(
    network: nengo.Network,
    inputs: Mapping[nengo.Node, np.ndarray] | np.ndarray | None,
    run: Run,
    *,
    topology: Topology | None = None,
    probes: Sequence[nengo.Probe] | None = None,
    on_batch: OnBatch | None = None,
    simulators: Simulators | None = None,
) -> tuple[Activity, ...]:
    """Measure activity as a run says; see `measure_activity_at`.

    The simulator is one of ``simulators``, which keep it open, if they are given.
    """
    if topology is None:
        topology = trace_topology(network)
    check_instance("topology", topology, Topology, ", of ne.trace_topology")
    schedule = run.schedule
    data = check_inputs(network, inputs, schedule.total)
    n_inferences = len(next(iter(data.values()))) if data else 1
    batch_size = _batch_size(run, topology.n_neurons, n_inferences)
    if on_batch is not None and not callable(on_batch):
        raise InputError(f"on_batch must be a function; got {shown(on_batch)}")
    if probes is not None:
        probes = check_iterable("probes", probes)
        for probe in probes:
            check_instance("probes", probe, nengo.Probe)
    else:
        probes = [p for p in once(network.all_probes) if isinstance(p.obj, nengo.Node)]
    logger.info("measuring %d inferences by %s", n_inferences, run.simulator)
    job = Job(
        network,
        topology,
        tuple(probes),
        tuple(data),
        run,
        batch_size,
        spikes_wanted=on_batch is not None,
    )
    totals = job.new_totals()
    n_steps = n_inferences * schedule.total
    label = f"simulating ({run.simulator})"
    with contextlib.ExitStack() as stack:
        if network.seed is not None:  # without one, it is drawn from the global state
            stack.enter_context(kept_random_state())
        tick = stack.enter_context(progress_bar(n_steps, label, run.progress))
        if run.client is not None:
            for start, result in run_batches(run.client, job, data, n_inferences):
                for state, total in zip(result.states, totals):
                    total.merge(state, probes)
                if on_batch is not None and result.spikes is not None:
                    on_batch(start, result.spikes)
                tick(min(batch_size, n_inferences - start) * schedule.total)
            conduct = result.conduct
        else:
            if simulators is None:
                simulators = stack.enter_context(contextlib.closing(Simulators()))
            runner = stack.enter_context(job.open(simulators))
            for start in range(0, n_inferences, batch_size):
                batch = [x[start : start + batch_size] for x in data.values()]
                spikes = job.run_batch(runner, batch, totals, tick)
                if on_batch is not None:
                    on_batch(start, spikes)
            conduct = job.ask(runner)
    activities = {
        mark: Activity(
            populations=total.populations(),
            n_inferences=n_inferences,
            timesteps=mark,
            warmup=run.warmup,
            dt=run.dt,
            simulator=conduct.simulator,
            static_input=_stays(topology, data),
            fingerprint=topology.fingerprint,
            learning=learning,
            outputs=total.outputs(),
            assumptions=total.assumptions() + conduct.assumptions,
            settings={
                "simulator": conduct.simulator,
                "timesteps": mark,
                "warmup": run.warmup,
                "dt": run.dt,
                "n_inferences": n_inferences,
                "seed": network.seed,
                "neuron_types": sorted({p.neuron_type for p in topology.populations}),
                "versions": _versions(conduct.simulator),
                **_placement(network, topology),
            },
        )
        for mark, total, learning in zip(schedule.marks, totals, conduct.learning)
    }
    return tuple(activities[mark] for mark in run.timesteps)


def _placement(network: nengo.Network, topology: Topology) -> dict[str, list[str]]:
    """Return the populations that a host runs for a chip, if the chip has any."""
    left = left_to_host(network, Names(network))
    on_host = [pop.name for pop in topology.populations if pop.ensemble in left]
    chip_has_some = len(on_host) < len(topology.populations)
    return {"on_host": sorted(on_host)} if chip_has_some else {}


def _batch_size(run: Run, n_neurons: int, n_inferences: int) -> int:
    """Return how many inferences are run side by side."""
    if MAX_BATCH[run.simulator] == 1:
        return 1
    if run.minibatch_size is None:
        return default_minibatch(n_neurons, n_inferences, run.simulator)
    return run.minibatch_size


def default_minibatch(
    n_neurons: int, n_inferences: int, simulator: str = "nengo-dl"
) -> int:
    """Return how many inferences are run side by side unless told otherwise."""
    fitting = min(MAX_BATCH[simulator], BATCH_NEURONS // max(1, n_neurons))
    return min(n_inferences, max(1, fitting))


def _stays(topology: Topology, data: Mapping[nengo.Node, np.ndarray]) -> bool:
    """Tell whether no input changes during an inference.

    Nodes in the middle of the network aren't inputs; see `Topology.changing_nodes`.
    """
    sources = {p.source for p in topology.inputs if p.source.size_in == 0}
    sources |= {bias.source for bias in topology.biases}
    return all(
        len(data[node][0]) == 1 if node in data else isinstance(node.output, np.ndarray)
        for node in sources
        if node.size_in == 0
    )


def _versions(simulator: str) -> dict[str, str]:
    """Return the versions of the packages that took part."""
    packages = {
        "compiled": ["nengo", "numba"],
        "nengo": ["nengo"],
        "nengo-dl": ["nengo", "nengo-dl", "tensorflow"],
    }
    names = packages.get(simulator, ["nengo", "nengo-loihi"]) + ["numpy"]
    versions = {name: _version(name) for name in names}
    return {name: version for name, version in versions.items() if version is not None}


@functools.lru_cache(maxsize=None)
def _version(package: str) -> str | None:
    """Return a package's version, which is read from files, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # e.g. tensorflow-cpu
        return None
