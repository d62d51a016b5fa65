"""A network that is ready to run: many inferences, on all cores."""

from __future__ import annotations

import contextlib
import functools
import os
from typing import Any, Mapping, Sequence

import nengo
import numpy as np

from ...common.exceptions import UnsupportedError
from ...compat.counting import build_model, nengo_dl_setting
from .graph import Graph
from .neurons import Neurons, Stepped
from .parts import Input, Part, Room, Stretch, dense

CELLS = 2**20
"""Units x timesteps x inferences that a part works on at once: few enough for the
processor's caches, many enough that calls don't matter."""


class Program:
    """A network whose neurons are counted.

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

    def __init__(
        self,
        network: nengo.Network,
        dt: float,
        ensembles: Sequence[nengo.Ensemble],
        probes: Sequence[nengo.Probe],
    ):
        if nengo_dl_setting(network, "learning_phase", None):
            raise UnsupportedError("the network was told to run as it learns")
        model = build_model(network, dt)
        inputs = {
            model.sig[node]["out"]: node
            for node in network.all_nodes
            if node.size_in == 0 and isinstance(node.output, np.ndarray)
        }
        outputs = [model.sig[ensemble.neurons]["out"] for ensemble in ensembles]
        probed = [model.sig[probe]["in"] for probe in probes]
        graph = Graph(model, inputs, outputs + probed)
        self.dtype = graph.dtype
        self.part_of = dict(zip([*ensembles, *probes], graph.wanted))
        self.parts = graph.parts
        self.largest = max((part.size for part in self.parts), default=1)
        self.own = {
            part: np.asarray(part.name.output, self.dtype)
            for part in self.parts
            if isinstance(part, Input)
        }

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
        inputs : mapping of {nengo.Node: ndarray}
            (n_images, 1 or n_steps, size) each.
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
                inputs[part.name].astype(program.dtype)
                if part.name in inputs
                else own[None, None]
            )
            for part, own in program.own.items()
            if isinstance(part, Input)
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

    def counted(self, ensemble: nengo.Ensemble, kind: str) -> np.ndarray:
        """Return what neurons put out since `clear`, (n_images, n_neurons) ndarray."""
        part = self.program.part_of[ensemble]
        assert isinstance(part, Neurons)
        counts = part.counted(self.stretch.counts[part], kind)
        return np.broadcast_to(counts, (self.stretch.n_images, counts.shape[1])).copy()

    def probed(self, probe: nengo.Probe) -> np.ndarray:
        """Return what a probe saw in the last stretch, (n_images, n_steps, size)."""
        stretch, part = self.stretch, self.program.part_of[probe]
        shape = (stretch.n_images, stretch.n_steps, part.size)
        return np.broadcast_to(dense(stretch.values[part]), shape)


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
