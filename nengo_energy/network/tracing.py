"""nengo.Network -> Topology: what the paths of a network are, and their names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Callable, Sequence

import nengo
import numpy as np
from nengo.connection import LearningRule

from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_choice, check_iterable, shown
from ..common.exceptions import InputError, UnsupportedError
from . import fanout
from .built import BuiltWeights
from .fingerprint import fingerprint
from .keras_maps import KNOWN
from .learning import (
    LEARNED_WEIGHTS,
    RULES,
    Learning,
    is_known,
    operations_of,
    rules_of,
)
from .linear_maps import LinearMap
from .objects import (
    base,
    constants,
    has_neurons,
    is_chip_process,
    is_passthrough,
    is_tensor_node,
    labels,
    once,
)
from .paths import Path, Stage
from .readouts import decoders, decoding_probes, rows_read
from .topology import (
    INPUT_ON_HOST,
    READOUT_ON_DEVICE,
    STATES_ON_HOST,
    Bias,
    Population,
    Projection,
    Topology,
)
from .walk import Walk, merge


def trace_topology(
    network: nengo.Network,
    *,
    inputs: Sequence[nengo.Node] | None = None,
    decoded: str = "weights",
    on_unsupported: str = "error",
    layer_name: Callable[[str], str] | None = None,
) -> Topology:
    """Find the populations of a network and the synapses between them.

    Parameters
    ----------
    network : nengo.Network
        Any network, converted from Keras or not. It isn't changed.
    inputs : sequence of nengo.Node, optional
        Nodes with constant output that stand for inputs. By default those whose
        constants are all zero, which are placeholders; other constants are biases.
    decoded : {"weights", "factors"}
        What a decoded connection between ensembles costs: ``"weights"``, one synapse
        for each non-zero weight between two neurons (encoders x transform x decoders);
        ``"factors"``, synapses for the decoders alone, and multiply-accumulates for the
        encoders in every timestep.
    on_unsupported : {"error", "omit"}
        What to do with an object that can't be counted, such as a ``TensorNode``: raise
        an error that names it, or leave it out and list it in ``omitted``.
    layer_name : callable, optional
        Turns the label of an object into the name of its layer; by default the label.

    Returns
    -------
    Topology
        Populations, projections, readouts, inputs and biases.

    Raises
    ------
    UnsupportedError
        If an object can't be counted, such as a learning rule that isn't Nengo's.
    InputError
        If an argument is none of the choices.

    Examples
    --------
    >>> with nengo.Network() as net:
    ...     a = nengo.Ensemble(3, 1, label="a")
    ...     b = nengo.Ensemble(2, 1, label="b")
    ...     _ = nengo.Connection(a.neurons, b.neurons, transform=np.ones((2, 3)))
    >>> trace_topology(net).projections[0].fan_out
    array([2, 2, 2])
    """
    if not isinstance(network, nengo.Network):
        raise InputError(
            f"network must be a nengo.Network, got {type(network).__name__}"
        )
    if inputs is not None:
        inputs = check_iterable("inputs", inputs)
    if layer_name is not None and not callable(layer_name):
        raise InputError(f"layer_name must be a function; got {shown(layer_name)}")
    check_choice("decoded", decoded, ("weights", "factors"))
    check_choice("on_unsupported", on_unsupported, ("error", "omit"))
    tracer = Tracer(network, inputs, decoded, on_unsupported == "omit", layer_name)
    return tracer.trace()


class Tracer:
    """Collects the parts of a `Topology`."""

    def __init__(
        self,
        network: nengo.Network,
        inputs: Sequence[nengo.Node] | None,
        decoded: str,
        omit: bool,
        layer_name: Callable[[str], str] | None,
    ):
        self.network = network
        self.omit = omit
        self.layer_name = layer_name or (lambda label: label)
        self.labels = dict(labels(network))
        for conn in once(network.all_connections):
            self._label_rules(conn)
        self.omitted: list[str] = []
        self.assumptions: list[Assumption] = []
        self.connections = [c for c in once(network.all_connections) if self._usable(c)]
        self.computed = {c.pre_obj for c in self.connections if c.function is not None}
        self.inputs = set(inputs) if inputs is not None else None
        self.decoding = decoding_probes(network)
        self.built = BuiltWeights(
            network, self.connections, sum(self.decoding, []), decoded == "factors"
        )
        self.assumptions.extend(self.built.assumptions())
        self.populations = {
            ens: self._population(ens)
            for ens in once(network.all_ensembles)
            if has_neurons(ens)
        }
        self.encoders: dict[nengo.Ensemble, LinearMap] = {}
        self._make_names_unique()

    def trace(self) -> Topology:
        """Return the topology."""
        walk = Walk(
            self.labels,
            self.connections,
            self.built.maps,
            self._stage,
            rows_read(self.network),
        )
        arrived = walk.arrivals()
        for probes in self.decoding:
            path = self._decoded(probes)
            arrived[path.source, probes[0]] = [(path, None)]
        projections, readouts, inputs, biases = [], [], [], []
        names: Counter[str] = Counter()
        for (source, target), paths in arrived.items():
            post = self._name(target)
            if self._is_constant(source):
                values = sum(p.weights.apply(constants(source)) for p, _ in paths)
                encoded = [p.values for p, _ in merge(paths) if p.values is not None]
                n_encoded = sum(each.size_out for each in encoded)
                biases.append(Bias(post, np.asarray(values), source, target, n_encoded))
                continue
            for path, connection in merge(paths):
                pre = self._name(source)
                names[f"{pre} -> {post}"] += 1
                repeat = names[f"{pre} -> {post}"]
                projection = Projection(
                    name=f"{pre} -> {post}" + (f" #{repeat}" if repeat > 1 else ""),
                    pre=pre,
                    post=post,
                    layer=path.layer,
                    weights=path.weights,
                    filters=path.filters,
                    source=source,
                    target=target,
                    connection=connection,
                    values=path.values,
                    encoders=None if path.values is None else self._encoders(target),
                    decoded=path.decoded,
                )
                if source not in self.populations:
                    inputs.append(projection)
                elif target in self.populations:
                    projections.append(projection)
                else:
                    readouts.append(projection)
        if inputs:
            self.assumptions.append(INPUT_ON_HOST)
        if walk.held:
            text = STATES_ON_HOST.text.format(", ".join(map(self._name, walk.held)))
            self.assumptions.append(Assumption(STATES_ON_HOST.code, text))
        if readouts:
            self.assumptions.append(READOUT_ON_DEVICE)
        rules = [rule for conn in self.connections for rule in rules_of(conn)]
        learning = [self._learning(rule) for rule in rules if is_known(rule)]
        if learning:
            text = LEARNED_WEIGHTS.text.format(
                ", ".join(each.name for each in learning)
            )
            self.assumptions.append(Assumption(LEARNED_WEIGHTS.code, text))
        return Topology(
            populations=tuple(self.populations.values()),
            projections=tuple(projections),
            readouts=tuple(readouts),
            inputs=tuple(inputs),
            biases=tuple(biases),
            learning=tuple(learning),
            encoder_macs={
                self._name(ens): macs for ens, macs in self.built.encoder_macs().items()
            },
            omitted=tuple(self.omitted),
            assumptions=merge_assumptions(self.assumptions),
            fingerprint=fingerprint(self.network),
        )

    # --- objects ---------------------------------------------------------------------

    def _usable(self, conn: nengo.Connection) -> bool:
        """Check a connection; False if it is to be left out."""
        for rule in rules_of(conn):
            if not is_known(rule):
                known = ", ".join(kind.__name__ for kind in RULES)
                self._leave_out(
                    rule, "a rule of somebody's own", f"learn by one of {known}"
                )
        for end in (base(conn.pre_obj), base(conn.post_obj)):
            if is_tensor_node(end) and not is_passthrough(end):
                held = getattr(end, "tensor_func", None)
                kind = "" if held is None else f": {type(held).__name__}"
                return self._leave_out(
                    end,
                    f"a TensorNode, which runs TensorFlow code{kind}",
                    "exchange the layer for one that NengoDL converts to native "
                    f"objects, or that is linear ({', '.join(KNOWN)})",
                )
            if is_chip_process(end):
                return self._leave_out(
                    end,
                    "spikes that the chip has of a file, and that aren't measured",
                    "account for it by nengo_energy.loihi_network(net).ledger()",
                )
        return True

    def _label_rules(self, conn: nengo.Connection) -> None:
        pre, post = (self.labels.get(base(e)) for e in (conn.pre_obj, conn.post_obj))
        taken = set(self.labels.values())
        for rule in rules_of(conn):
            label = f"{type(rule.learning_rule_type).__name__} of {pre} -> {post}"
            repeat = 1 + sum(name.split(" #")[0] == label for name in taken)
            self.labels[rule] = label if repeat == 1 else f"{label} #{repeat}"
            taken.add(self.labels[rule])

    def _learning(self, rule: LearningRule) -> Learning:
        conn, shape = rule.connection, self.built.learned_shape(rule)
        place = conn.pre_obj if rule.modifies == "decoders" else conn.post_obj
        return Learning(
            name=self.labels[rule],
            layer=self._stage(conn).layer,
            place=self._name(base(place)),
            shape=shape,
            operations=operations_of(rule, shape),
            rule=rule,
        )

    def _leave_out(self, obj: Any, reason: str, instead: str) -> bool:
        name = f"{self.labels.get(obj, obj)} ({reason})"
        if not self.omit:
            raise UnsupportedError(
                f'can\'t count {name}; {instead}, or pass on_unsupported="omit" to '
                "leave it out and have it listed"
            )
        if name not in self.omitted:
            self.omitted.append(name)
        return False

    def _population(self, ens: nengo.Ensemble) -> Population:
        neuron_type = ens.neuron_type
        label = self.labels[ens]
        return Population(
            name=label,
            layer=self.layer_name(label),
            n_neurons=ens.n_neurons,
            neuron_type=type(neuron_type).__name__,
            spiking=bool(getattr(neuron_type, "spiking", True)),
            amplitude=float(getattr(neuron_type, "amplitude", 1.0)),
            ensemble=ens,
        )

    def _make_names_unique(self) -> None:
        """Name populations by their layer where that is clear, else by their label."""
        layers = Counter(p.layer for p in self.populations.values())
        for ens, pop in self.populations.items():
            if layers[pop.layer] == 1:
                self.populations[ens] = replace(pop, name=pop.layer)

    def _name(self, obj: Any) -> str:
        if obj in self.populations:
            return self.populations[obj].name
        if isinstance(obj, nengo.Probe):
            return f"{self._name(obj.obj)}.{obj.attr}"
        return self.layer_name(self.labels[obj])

    def _decoded(self, probes: Sequence[nengo.Probe]) -> Path:
        """Return what some probes read of an ensemble's decoded output."""
        weights = decoders(probes, [self.built.probe_decoders(p) for p in probes])
        stage = Stage(self._name(probes[0]), rank=2)
        return Path(probes[0].obj, weights, (), (stage,), decoded=True)

    def _is_constant(self, obj: Any) -> bool:
        """Tell whether a node is a bias: a constant that nothing is computed with."""
        if obj in self.computed:
            return False
        if not isinstance(obj, nengo.Node) or not isinstance(obj.output, np.ndarray):
            return False
        if self.inputs is not None:
            return obj not in self.inputs
        return bool(np.any(obj.output))

    def _encoders(self, ens: nengo.Ensemble) -> LinearMap:
        if ens not in self.encoders:
            self.encoders[ens] = self.built.encoders(ens)
        return self.encoders[ens]

    def _stage(self, conn: nengo.Connection) -> Stage:
        layer = self.layer_name(self.labels[base(conn.post_obj)])
        return Stage(layer, fanout.weight_rank(conn.transform))
