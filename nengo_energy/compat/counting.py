"""Count spikes inside a simulation, in one number for each neuron.

An `Accumulate` operator beside the neurons adds up what they put out, in Nengo's own
simulator and in NengoDL's TensorFlow graph. Nothing is recorded, so that memory doesn't
grow with time, and nothing is added to the network, so that it computes what it did.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, Iterator, Mapping, Sequence

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from .imports import import_nengo_dl, import_tensorflow, locked

KINDS = ("sum", "magnitude", "active", "peak")
"""What can be accumulated of the neurons' outputs: their sum, the sum of their absolute
values, the number of timesteps with one, or the largest absolute value."""


class Accumulate(Operator):
    """Add one timestep's output of some neurons to what came before.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    output : Signal
        Output of the neurons.
    total : Signal
        What is accumulated.
    threshold : float
        Output above which a neuron is active.
    """

    def __init__(self, kind: str, output: Signal, total: Signal, threshold: float):
        super().__init__(tag=f"count {kind}")
        self.kind = kind
        self.threshold = threshold
        self.sets: list[Signal] = []
        self.incs: list[Signal] = []
        self.reads, self.updates = [output], [total]

    def make_step(self, signals: Mapping, dt: float, rng: Any) -> Any:
        """Return the function that takes a timestep, for Nengo's simulator."""
        output, total = signals[self.reads[0]], signals[self.updates[0]]

        def step() -> None:
            total[...] = accumulate(np, self.kind, total, output, self.threshold)

        return step


def accumulate(lib: Any, kind: str, total: Any, output: Any, threshold: float) -> Any:
    """Return what is accumulated after one more timestep.

    Parameters
    ----------
    lib : module
        NumPy or TensorFlow: the functions have the same names.
    kind : str
        One of `KINDS`.
    total, output : array
        What is accumulated so far, and the neurons' output.
    threshold : float
        Output above which a neuron is active.
    """
    if kind == "sum":
        return total + output
    if kind == "magnitude":
        return total + lib.abs(output)
    if kind == "active":
        return total + lib.where(lib.abs(output) > threshold, 1.0, 0.0)
    return lib.maximum(total, lib.abs(output))


def add_counters(
    model: Model, wanted: Sequence[tuple[nengo.Ensemble, str, float]]
) -> list[Signal]:
    """Add operators that count to a model that was built from a network.

    Parameters
    ----------
    model : nengo.builder.Model
        Built by Nengo or NengoDL; it is changed.
    wanted : sequence of (Ensemble, kind, threshold)
        What to accumulate; see `Accumulate`.

    Returns
    -------
    list of Signal
        What is accumulated, in the order of ``wanted``.
    """
    totals = []
    for ensemble, kind, threshold in wanted:
        output = model.sig[ensemble.neurons]["out"]
        total = Signal(np.zeros(output.shape), name=f"{ensemble}.{kind}")
        model.add_op(Accumulate(kind, output, total, threshold))
        totals.append(total)
    return totals


def open_nengo(
    network: nengo.Network,
    dt: float,
    wanted: Sequence[tuple[nengo.Ensemble, str, float]],
) -> tuple[nengo.Simulator, list[Signal]]:
    """Open Nengo's simulator of a network, with counters.

    Returns
    -------
    tuple of nengo.Simulator and list of Signal
        ``sim.signals[total]`` is the count so far.
    """
    model = Model(dt=dt)
    model.build(network)
    totals = add_counters(model, wanted)
    # Nengo's optimizer knows no operators but its own
    sim = nengo.Simulator(None, dt=dt, model=model, optimize=False, progress_bar=False)
    return sim, totals


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


def open_nengo_dl(
    network: nengo.Network,
    dt: float,
    minibatch_size: int,
    wanted: Sequence[tuple[nengo.Ensemble, str, float]] = (),
) -> tuple[Any, list[Signal]]:
    """Open NengoDL's simulator of a network, with counters.

    Returns
    -------
    tuple of nengo_dl.Simulator and list of Signal
        `read_and_clear` reads the counts.
    """
    nengo_dl = import_nengo_dl()
    _install_accumulate()
    from nengo_dl.builder import NengoBuilder, NengoModel

    model = NengoModel(dt=dt, builder=NengoBuilder(), fail_fast=False)
    with precision(nengo_dl_setting(network, "dtype", "float32")[-2:]):
        model.build(network)
        totals = add_counters(model, wanted)
    seed = None if network.seed is None else network.seed + 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No GPU support detected")
        sim = nengo_dl.Simulator(
            None,
            dt=dt,
            seed=seed,
            model=model,
            minibatch_size=minibatch_size,
            progress_bar=False,
        )
    return sim, totals


def read_and_clear(sim: Any, total: Signal) -> np.ndarray:
    """Read a count from a nengo_dl.Simulator, and set it back to zero.

    Returns
    -------
    (minibatch, n_neurons) ndarray
        What was accumulated since the last call.
    """
    placed = sim.tensor_graph.signals[total]
    variable = sim.tensor_graph.saved_state[placed.key]
    state = variable.numpy()
    indices = np.concatenate([np.arange(*ends) for ends in placed.slices])
    count: np.ndarray = state[:, indices]
    state[:, indices] = 0
    variable.assign(state)
    return count


@locked
def _install_accumulate() -> None:
    """Teach NengoDL to run `Accumulate` inside TensorFlow's graph."""
    import_nengo_dl()
    from nengo_dl.builder import Builder, OpBuilder

    if Accumulate in Builder.builders:
        return
    tf = import_tensorflow()

    # Operators aren't merged, as NengoDL offers: merged ones share their arrays, and
    # then each layer of neurons would write to a part of a large array every timestep.
    @Builder.register(Accumulate)
    class AccumulateBuilder(OpBuilder):
        """Build one `Accumulate` operator."""

        def build_pre(self, signals: Any, config: Any) -> None:
            super().build_pre(signals, config)
            (op,) = self.ops
            self.kind, self.threshold = op.kind, op.threshold
            self.output, self.total = signals[op.reads[0]], signals[op.updates[0]]

        def build_step(self, signals: Any) -> None:
            output, total = signals.gather(self.output), signals.gather(self.total)
            new = accumulate(tf, self.kind, total, output, self.threshold)
            signals.scatter(self.total, new)
