"""Count spikes inside NengoDL's graph of TensorFlow, in one number for each neuron."""

from __future__ import annotations

import warnings
from typing import Any, Sequence
from weakref import WeakKeyDictionary

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons

from ..common.exceptions import UnsupportedError
from .batched_process import batch_processes
from .counting import (
    Accumulate,
    Wanted,
    accumulate,
    nengo_dl_setting,
    precision,
)
from .imports import import_nengo_dl, import_tensorflow, locked
from .neurons import teach_nengo_dl
from .quiet import quiet_tensorflow

_settings: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
"""Settings of NengoDL by model, which go before those that its network has."""


class Counters:
    """What an open simulator of NengoDL accumulates.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The simulator.
    operators : list of Accumulate
        What was wanted, in that order.
    """

    def __init__(self, sim: Any, operators: Sequence[Accumulate]):
        builders = sim.tensor_graph.op_builder.op_builds
        self._places = {
            op: (builder, columns)
            for ops, builder in builders.items()
            if isinstance(ops[0], Accumulate)
            for op, columns in zip(ops, builder.columns)
        }
        self._operators = operators

    def read_and_clear(self) -> list[np.ndarray]:
        """Return what was accumulated, and begin anew.

        Returns
        -------
        list of (minibatch, n_neurons) ndarray
            In the order in which it was wanted.
        """
        builders = {builder for builder, _ in self._places.values()}
        values = {builder: builder.total.numpy() for builder in builders}
        for builder in builders:
            builder.total.assign(np.zeros_like(values[builder]))
        places = (self._places[op] for op in self._operators)
        return [values[builder][:, columns] for builder, columns in places]


def open_nengo_dl(
    network: nengo.Network, dt: float, minibatch_size: int, wanted: Wanted = ()
) -> tuple[Any, Counters]:
    """Open NengoDL's simulator of a network, with counters.

    Returns
    -------
    tuple of nengo_dl.Simulator and Counters
        Ready to run.
    """
    nengo_dl = import_nengo_dl()
    _install()
    teach_nengo_dl()
    from nengo_dl.builder import NengoBuilder, NengoModel
    from nengo_dl.config import get_setting
    from nengo_dl.graph_optimizer import tree_planner

    model = NengoModel(dt=dt, builder=NengoBuilder(), fail_fast=False)
    # NengoDL builds in single precision unless the network says otherwise
    with precision(nengo_dl_setting(network, "dtype", "float32")[-2:]):
        model.build(network)
        batch_processes(model)
    _check_operators(model)
    counters = [
        Accumulate(kind, model.sig[ensemble.neurons]["out"], spike)
        for ensemble, kind, spike in wanted
    ]
    planner = get_setting(network, "planner", tree_planner)

    def plan(operators: list) -> list:
        groups = planner(operators)
        return groups + _beside_neurons(groups, counters)

    # whatever the network was configured to: it is run on from any timestep, for any
    # number of them, and all are looked at
    _settings[model] = dict(
        planner=plan, stateful=True, use_loop=True, keep_history=True
    )
    seed = None if network.seed is None else network.seed + 1
    with warnings.catch_warnings():
        for said in ("No GPU support detected", ".* have a native TensorFlow"):
            warnings.filterwarnings("ignore", message=said)
        sim = nengo_dl.Simulator(
            None,
            dt=dt,
            seed=seed,
            model=model,
            minibatch_size=minibatch_size,
            progress_bar=False,
        )
    return sim, Counters(sim, counters)


def _check_operators(model: Any) -> None:
    """Raise an error if NengoDL doesn't have an operator of the network, such as RLS.

    By itself it says so as it builds its graph, which takes longer.
    """
    from nengo_dl.builder import Builder

    known = tuple(Builder.builders)
    for op in model.operators:
        if not isinstance(op, known):
            raise UnsupportedError(
                f"NengoDL doesn't have Nengo's operator {type(op).__name__}; measure "
                "with simulator='nengo'"
            )


def _beside_neurons(groups: Sequence, counters: Sequence[Accumulate]) -> list:
    """Group counters as NengoDL's plan groups the neurons that they count.

    The planner isn't told of them: operators that can't be merged take it the cube of
    their number of steps. And the network's own operators come in the order in which
    they do without counters.
    """
    group_of = {
        op.output: k
        for k, group in enumerate(groups)
        for op in group
        if isinstance(op, SimNeurons)
    }
    found: dict[tuple[int, str], list[Accumulate]] = {}
    for counter in counters:
        key = (group_of[counter.reads[0]], counter.kind)
        found.setdefault(key, []).append(counter)
    return [tuple(merged) for merged in found.values()]


@locked
def _install() -> None:
    """Teach NengoDL to run `Accumulate` in TensorFlow, and to take settings of ours."""
    import_nengo_dl()
    from nengo_dl import config
    from nengo_dl.builder import Builder, OpBuilder

    if Accumulate in Builder.builders:
        return
    tf = import_tensorflow()
    stock = config.get_setting

    def get_setting(model: Any, setting: str, *args: Any, **options: Any) -> Any:
        own = _settings.get(model, {})
        if setting in own:
            return own[setting]
        return stock(model, setting, *args, **options)

    config.get_setting = get_setting
    _keep_grouped_convolutions_apart()

    @Builder.register(Accumulate)
    class AccumulateBuilder(OpBuilder):
        """Build several `Accumulate` operators of one kind.

        What they accumulate is a variable beside NengoDL's own, which are handed from
        timestep to timestep.
        """

        def __init__(self, ops: Any):
            super().__init__(ops)
            ends = np.cumsum([op.reads[0].shape[0] for op in ops])
            self.columns = [slice(*x) for x in zip([0, *ends], ends)]
            self.total: Any = None

        def build_pre(self, signals: Any, config: Any) -> None:
            super().build_pre(signals, config)
            self.outputs = signals.combine([op.reads[0] for op in self.ops])
            spikes = [np.full(op.reads[0].shape, op.spike) for op in self.ops]
            self.spike = tf.constant(np.concatenate(spikes), signals.dtype)
            if self.total is None:
                with tf.init_scope():
                    zeros = tf.zeros(self.outputs.full_shape, signals.dtype)
                    self.total = tf.Variable(zeros, trainable=False)

        def build_step(self, signals: Any) -> Any:
            output = signals.gather(self.outputs)
            kind = self.ops[0].kind
            return self.total.assign(
                accumulate(tf, kind, self.total, output, self.spike)
            )


def _keep_grouped_convolutions_apart() -> None:
    """Have NengoDL merge convolutions of one input only where none has groups.

    It makes one kernel of several, which then has another number of channels a group.
    """
    from nengo_dl.transform_builders import ConvIncBuilder

    mergeable = ConvIncBuilder.mergeable

    def mergeable_without_groups(x: Any, y: Any) -> bool:
        grouped = any(getattr(op.conv, "groups", 1) > 1 for op in (x, y))
        return not grouped and mergeable(x, y)

    ConvIncBuilder.mergeable = staticmethod(mergeable_without_groups)


def predict(sim: Any, inputs: Any, **options: Any) -> Any:
    """Return what ``predict_on_batch`` does, without its warnings of graphs."""
    with quiet_tensorflow():
        return sim.predict_on_batch(inputs, **options)


def restart(sim: Any) -> None:
    """Bring a simulator of NengoDL back to its first timestep.

    All inferences of the minibatch get the random numbers that NengoDL gives to the
    first run of a minibatch of one. By itself it gives each others, and others again
    after a reset. What TensorFlow draws, for neurons that spike at random, goes on.
    """
    sim.reset(include_trainable=False, include_probes=False, include_processes=False)
    graph = sim.tensor_graph
    rng = _OneForAll(sim.seed, sim.minibatch_size)
    for builder in graph.op_builder.op_builds.values():
        process = getattr(builder, "built_process", None)
        if process is not None:
            process.config = process.config._replace(rng=rng)
    # input nodes are run once, and their output is given to all
    graph.minibatch_size = 1
    try:
        graph.build_post()
    finally:
        graph.minibatch_size = sim.minibatch_size


class _OneForAll(np.random.RandomState):
    """Gives the same seed to each inference of a minibatch, one after the other."""

    def __init__(self, seed: int, minibatch_size: int):
        super().__init__(seed)
        self._minibatch_size = minibatch_size
        self._waiting: list[int] = []

    def randint(self, *args: Any, **options: Any) -> Any:
        if not self._waiting:
            number = super().randint(*args, **options)
            self._waiting = [number] * self._minibatch_size
        return self._waiting.pop()
