"""A network that is ready to run: many inferences, on all cores."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator, Mapping, Sequence, TypeVar

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.signal import Signal

from ...common.exceptions import UnsupportedError
from ...compat.counting import build_model, nengo_dl_setting
from .graph import Graph
from .neurons import Neurons, Stepped
from .parts import Input, Part, Room, Spikes, Stretch, Value, dense

Group = TypeVar("Group")
Done = TypeVar("Done")

CELLS = 2**20
"""Units x timesteps x inferences that a part works on at once: few enough for the
processor's caches, many enough that calls don't matter."""


def network_program(
    network: nengo.Network,
    dt: float,
    ensembles: Sequence[nengo.Ensemble],
    probes: Sequence[nengo.Probe],
) -> Program:
    """Return the program of a network whose neurons are counted.

    Parameters
    ----------
    network : nengo.Network
        The network.
    dt : float
        Length of a timestep [s].
    ensembles : sequence of nengo.Ensemble
        Whose spikes are counted.
    probes : sequence of nengo.Probe
        Probes of the network whose values are wanted.

    Raises
    ------
    UnsupportedError
        If the network has what this can't do.
    """
    if nengo_dl_setting(network, "learning_phase", None):
        raise UnsupportedError("the network was told to run as it learns")
    for conn in network.all_connections:
        if conn.learning_rule_type is not None:
            raise UnsupportedError(f"{conn} learns")
    model = build_model(network, dt)
    outputs = {ens: model.sig[ens.neurons]["out"] for ens in ensembles}
    probed = {probe: model.sig[probe]["in"] for probe in probes}
    inputs = constant_nodes(network, model)
    return Program(model, inputs, {**outputs, **probed})


def constant_nodes(network: nengo.Network, model: Model) -> dict[Signal, nengo.Node]:
    """Return what nodes put out that stays or is given, of those that a model has."""
    return {
        model.sig[node]["out"]: node
        for node in network.all_nodes
        if node.size_in == 0
        and isinstance(node.output, np.ndarray)
        and node in model.sig
    }


class Program:
    """A built model, or as much of it as what is wanted of it needs.

    Parameters
    ----------
    model : nengo.builder.Model
        The model.
    inputs : mapping of {Signal: object}
        Signals that may be given from outside, and what they are called.
    wanted : mapping of {object: Signal}
        Signals whose values are wanted, and what they are called.
    like : nengo.Simulator, optional
        See `Graph`.

    Raises
    ------
    UnsupportedError
        If the model has what this can't do.
    """

    def __init__(
        self,
        model: Model,
        inputs: Mapping[Signal, Any],
        wanted: Mapping[Any, Signal],
        like: nengo.Simulator | None = None,
    ):
        graph = Graph(model, inputs, [*wanted.values()], like)
        self.dtype = graph.dtype
        self.part_of = dict(zip(wanted, graph.wanted))
        self.parts = graph.parts
        self.largest = max((part.size for part in self.parts), default=1)
        self.inputs = {
            inputs[signal]: (part, np.asarray(signal.initial_value, self.dtype))
            for signal, part in graph.made.items()
            if signal in inputs and isinstance(part, Input)
        }

    def renamed(self, names: Mapping[Any, Any]) -> Program:
        """Return the program with other names for what is given and what is wanted."""
        other = copy.copy(self)
        other.part_of = {names[name]: part for name, part in self.part_of.items()}
        other.inputs = {names[name]: given for name, given in self.inputs.items()}
        return other

    def group_size(self, n_steps: int) -> int:
        """Return how many inferences of some timesteps are best run together."""
        return max(1, CELLS // (self.largest * n_steps))

    @property
    def longest(self) -> int:
        """How many timesteps are best run at once."""
        return max(1, CELLS // self.largest)

    def open(
        self, inputs: Mapping[Any, np.ndarray], n_images: int, room: Room
    ) -> Execution:
        """Return an execution of some inferences, before its first timestep.

        Parameters
        ----------
        inputs : mapping of {object: ndarray}
            (n_images, 1 or n_steps, size) each, by what inputs are called.
        n_images : int
            Inferences.
        room : Room
            What arrays are taken from; nobody else's meanwhile.
        """
        return Execution(self, inputs, n_images, room)


class Execution:
    """Some inferences of a program, from the first timestep on."""

    def __init__(
        self,
        program: Program,
        inputs: Mapping[Any, np.ndarray],
        n_images: int,
        room: Room,
    ):
        self.program = program
        self.inputs: dict[Part, np.ndarray] = {
            part: (
                inputs[name].astype(program.dtype)
                if name in inputs
                else own[None, None]
            )
            for name, (part, own) in program.inputs.items()
        }
        self.stretch = Stretch(
            n_images,
            0,
            values={},
            states={part: part.start(n_images) for part in program.parts},
            counts={},
            room=room,
        )
        self.clear()
        self.staying: set[Part] = set()
        for part in program.parts:
            stays = part.keeps_time and self.staying.issuperset(part.sources)
            if stays and (part not in self.inputs or self.inputs[part].shape[1] == 1):
                self.staying.add(part)

    def clear(self) -> None:
        """Count anew."""
        for part in self.program.parts:
            if isinstance(part, Neurons):
                self.stretch.counts[part] = part.no_counts(self.stretch.n_images)

    def run(self, start: int, end: int) -> None:
        """Run the timesteps from one to before another."""
        stretch = self.stretch
        stretch.n_steps = end - start
        for part in self.program.parts:
            if part in self.inputs:
                x = self.inputs[part]
                stretch.values[part] = x if x.shape[1] == 1 else x[:, start:end]
            elif part not in self.staying or start == 0:
                stretch.values[part] = part.run(stretch)
            if isinstance(part, Stepped):
                part.count(stretch, dense(stretch.values[part]))

    def counted(self, name: Any, kind: str) -> np.ndarray:
        """Return what neurons put out since `clear`, (n_images, n_neurons) ndarray."""
        part = self.program.part_of[name]
        assert isinstance(part, Neurons)
        counts = part.counted(self.stretch.counts[part], kind)
        return np.broadcast_to(counts, (self.stretch.n_images, counts.shape[1])).copy()

    def value(self, name: Any) -> Value:
        """Return what was wanted in the last stretch, as it is."""
        return self.stretch.values[self.program.part_of[name]]

    def nonzero(self, name: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield timesteps and units in which what was wanted wasn't zero in the last
        stretch, inference after inference."""
        value, n_steps = self.value(name), self.stretch.n_steps
        for k in range(self.stretch.n_images):
            if isinstance(value, Spikes):
                first = value.first[k * n_steps : (k + 1) * n_steps + 1]
                units = value.source[first[0] : first[-1]].copy()
                yield np.repeat(np.arange(n_steps), np.diff(first)), units
            else:
                shape = (n_steps, value.shape[-1])
                x = value[k % len(value)]
                steps, units = np.nonzero(np.broadcast_to(x, shape))
                yield steps, units

    def probed(self, name: Any) -> np.ndarray:
        """Return what was wanted in the last stretch, (n_images, n_steps, size)."""
        value = dense(self.value(name))
        shape = (self.stretch.n_images, self.stretch.n_steps, value.shape[-1])
        return np.broadcast_to(value, shape)


def run_on_cores(
    run: Callable[[Group, Room], Done], groups: Sequence[Group]
) -> list[Done]:
    """Run groups of inferences side by side, and return what came of each.

    Parameters
    ----------
    run : callable
        Takes a group, and a room that is nobody else's meanwhile.
    groups : sequence
        The groups.
    """
    n_threads = max(1, min(n_cores(), len(groups)))
    rooms = [Room() for _ in range(n_threads)]

    def run_one(group: Group) -> Done:
        room = rooms.pop()
        done = run(group, room)
        rooms.append(room)
        return done

    with single_threaded_products():
        if n_threads == 1:
            return [run_one(group) for group in groups]
        with ThreadPoolExecutor(n_threads) as pool:
            try:
                return list(pool.map(run_one, groups))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def single_threaded_products() -> contextlib.AbstractContextManager:
    """Let products of matrices take one thread each, if that can be told."""
    controller = _thread_pools()
    return (
        contextlib.nullcontext() if controller is None else controller.limit(limits=1)
    )


@functools.lru_cache(maxsize=None)
def _thread_pools() -> Any:
    """Return what knows the threads of libraries, which it searches memory for."""
    import scipy.linalg  # noqa: F401  whose library multiplies matrices

    try:
        import threadpoolctl
    except ImportError:
        return None
    return threadpoolctl.ThreadpoolController()


def n_cores() -> int:
    """Return how many threads are used: as many as there are cores, or fewer if told
    by ``OMP_NUM_THREADS``."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(told)) if told.isdigit() and int(told) > 0 else cores
