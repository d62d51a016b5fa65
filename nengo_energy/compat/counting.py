"""Count spikes inside Nengo's simulator, in one number for each neuron.

Operators beside the network's own add up what neurons put out. Nothing is recorded, so
that memory doesn't grow with time, and nothing is added to the network, so that it
computes what it did, with the same random numbers.
"""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

KINDS = ("sum", "magnitude", "active", "peak")
"""What can be accumulated of the neurons' outputs: their sum, the sum of their absolute
values, the number of timesteps with a spike, or the largest absolute value."""

Wanted = Sequence[tuple[nengo.Ensemble, str, float]]
"""What to accumulate: ensemble, kind, and the output of one spike."""


def accumulate(lib: Any, kind: str, total: Any, output: Any, spike: Any) -> Any:
    """Return what is accumulated after one more timestep.

    Parameters
    ----------
    lib : module
        NumPy or TensorFlow: the functions have the same names.
    kind : str
        One of `KINDS`. A neuron that puts out less than a spike is active to that
        share, as a rate stands for a spike in some of the timesteps.
    total, output : array
        What is accumulated so far, and the neurons' output.
    spike : float or array
        Output of one spike.
    """
    if kind == "sum":
        return total + output
    if kind == "magnitude":
        return total + lib.abs(output)
    if kind == "active":
        return total + lib.minimum(lib.abs(output) / spike, 1.0)
    return lib.maximum(total, lib.abs(output))


class Onlooker(Operator):
    """An operator that looks at a signal, if at any, and changes none."""

    def __init__(self, tag: str, *seen: Signal):
        super().__init__(tag=tag)
        self.sets: list[Signal] = []
        self.incs: list[Signal] = []
        self.updates: list[Signal] = []
        self.reads = list(seen)


class Accumulate(Onlooker):
    """Add one timestep's output of some neurons to what came before.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    output : Signal
        Output of the neurons.
    spike : float
        Output of one spike.

    Attributes
    ----------
    total : ndarray
        What was accumulated since the first timestep.
    """

    def __init__(self, kind: str, output: Signal, spike: float):
        super().__init__(f"count {kind}", output)
        self.kind, self.spike = kind, spike
        self.total = np.zeros(output.shape)

    def make_step(self, signals: Mapping, dt: float, rng: Any) -> Any:
        """Return the function that takes a timestep."""
        (output,) = self.reads
        values, total = signals[output], self.total
        total[...] = 0

        def step() -> None:
            total[...] = accumulate(np, self.kind, total, values, self.spike)

        return step


class Record(Onlooker):
    """Record what a probe sees in every timestep, however seldom it records itself.

    Attributes
    ----------
    rows : list of ndarray
        One for each timestep since the first, or since they were cleared.
    """

    def __init__(self, seen: Signal):
        super().__init__("record", seen)
        self.rows: list[np.ndarray] = []

    def make_step(self, signals: Mapping, dt: float, rng: Any) -> Any:
        """Return the function that takes a timestep."""
        (seen,) = self.reads
        values, rows = signals[seen], self.rows
        rows.clear()
        return lambda: rows.append(values.copy())


class Rewind(Onlooker):
    """Bring random neurons back to where they began when a simulator is reset.

    Nengo's reset does so for its processes, but forgets the neurons' generators.
    """

    def __init__(self, generators: Sequence[np.random.RandomState]):
        super().__init__("rewind")
        self.beginnings = [(rng, rng.get_state()) for rng in generators]

    def make_step(self, signals: Mapping, dt: float, rng: Any) -> Any:
        """Go back, and return the function that takes a timestep: it does nothing."""
        for generator, state in self.beginnings:
            generator.set_state(state)
        return lambda: None


def make_repeatable(sim: nengo.Simulator, seed: int | None) -> None:
    """Let a simulator that has run no timestep do the same after each reset.

    Parameters
    ----------
    sim : nengo.Simulator
        It is reset.
    seed : int or None
        Of its processes; None for the one that it has.
    """
    operators = [op for op in sim.step_order if isinstance(op, SimNeurons)]
    generators = [rng for op in operators for rng in op.state_extra.values()]
    if generators:
        sim.step_order.append(Rewind(generators))
    sim.reset(seed=seed)


def count_in(sim: nengo.Simulator, wanted: Wanted) -> list[np.ndarray]:
    """Let a simulator that has run no timestep count.

    Returns
    -------
    list of (n_neurons,) ndarray
        What was accumulated since the first timestep, in the order of ``wanted``, now
        and after every timestep to come.
    """
    counters = [
        Accumulate(kind, sim.model.sig[ensemble.neurons]["out"], spike)
        for ensemble, kind, spike in wanted
    ]
    # behind all others, so that these draw the random numbers that they drew
    sim.step_order.extend(counters)
    sim.reset()
    return [counter.total for counter in counters]


def record_in(
    sim: nengo.Simulator, probes: Sequence[nengo.Probe]
) -> dict[nengo.Probe, list[np.ndarray]]:
    """Let a simulator that has run no timestep record what probes see in each.

    Returns
    -------
    dict of {nengo.Probe: list}
        See `Record`.
    """
    recorders = {probe: Record(sim.model.sig[probe]["in"]) for probe in probes}
    sim.step_order.extend(recorders.values())
    sim.reset()
    return {probe: recorder.rows for probe, recorder in recorders.items()}


def build_model(network: nengo.Network, dt: float) -> Model:
    """Return a network as Nengo builds it, in the precision that NengoDL would take."""
    model = Model(dt=dt)
    with precision(nengo_dl_setting(network, "dtype", "float32")[-2:]):
        model.build(network)
    return model


def nengo_dl_setting(network: nengo.Network, name: str, default: Any) -> Any:
    """Return what ``nengo_dl.configure_settings`` set in a network."""
    try:
        return getattr(network.config[network], name, default)
    except nengo.exceptions.ConfigError:
        return default


@contextlib.contextmanager
def precision(bits: str) -> Iterator[None]:
    """Let Nengo build in single precision ("32") or double ("64")."""
    before = nengo.rc.get("precision", "bits")
    nengo.rc.set("precision", "bits", bits)
    try:
        yield
    finally:
        nengo.rc.set("precision", "bits", before)


def open_nengo(network: nengo.Network, dt: float) -> nengo.Simulator:
    """Open Nengo's simulator of a network, the same after each reset.

    It isn't optimized, as Nengo's optimizer puts the operators into an order that
    changes from one run of Python to the next, and with it who draws which seed.
    """
    sim = nengo.Simulator(
        network, dt=dt, model=Model(dt=dt), optimize=False, progress_bar=False
    )
    make_repeatable(sim, None)
    return sim
