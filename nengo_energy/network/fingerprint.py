"""A digest of all that a network's counts hang on, so that another one is noticed."""

from __future__ import annotations

import hashlib
from types import CodeType
from typing import Any

import nengo
import numpy as np
import scipy.sparse as sp
from nengo.builder.connection import get_targets
from nengo.connection import LearningRule
from nengo.dists import get_samples
from nengo.params import FrozenObject, iter_params

from .keras_maps import keras_layer
from .learning import rules_of
from .objects import once

N_POINTS = 50
"""Points at which functions of connections are compared."""

_ASPECTS = {
    "n_neurons": "neurons",
    "neuron_type": "neurons",
    "noise": "neurons",
    "transform": "transforms",
    "synapse": "synapses",
    "learning_rule_type": "connections",
    "seed": "seeds",
}
"""Aspect that an attribute belongs to; the others tune neurons, or decode them."""

_NOT_VALUES = {"label", "pre", "post", "function_info"}


def fingerprint(network: nengo.Network) -> str:
    """Return digests of a network's neurons, connections and weights.

    Networks with the same fingerprint have the same synapses, and the same spikes on
    the same inputs. It holds what the network is made of: neurons and all that tunes
    them, connections with slices, transforms, functions, solvers and synapses, and the
    seeds that Nengo draws all the rest from. Labels and probes don't matter, nor what
    input nodes put out. Functions are compared by their code, and those of ensembles
    by their values.

    A network without a seed gets other weights each time that it is built: by a
    simulator, and when it is traced. Its fingerprint says what they are drawn from.
    Activity of the same object is accepted, and so is that of a network made alike; the
    topology's assumptions say ``unseeded-weights``.

    Returns
    -------
    str
        ``"aspect:digest"`` for each aspect, the same in any process.
    """
    prints = _Prints()
    prints.add_network(network)
    return " ".join(f"{aspect}:{d.hexdigest()}" for aspect, d in prints.digests.items())


def differing_aspects(one: str, other: str) -> list[str]:
    """Return in what the networks with two fingerprints differ."""
    ours, theirs = (
        dict(part.split(":", 1) for part in text.split() if ":" in part)
        for text in (one, other)
    )
    return [aspect for aspect in ours if ours[aspect] != theirs.get(aspect)]


class _Prints:
    """Digests of the aspects of a network, filled as it is walked through."""

    def __init__(self) -> None:
        aspects = (
            "neurons tuning nodes connections transforms decoders functions synapses "
            "seeds"
        )
        self.digests = {
            aspect: hashlib.blake2b(digest_size=6) for aspect in aspects.split()
        }
        self.numbers: dict[Any, int] = {}
        self.parameters: dict[type, frozenset[str]] = {}
        self.frozen: dict[int, tuple[FrozenObject, bytes]] = {}

    def add(self, aspect: str, *values: Any) -> None:
        """Add values to the digest of an aspect."""
        self.digests[aspect].update(self._encode(values))

    def add_network(self, network: nengo.Network) -> None:
        """Add all objects, each once, as Nengo builds them."""
        networks = once([network, *network.all_networks])
        for obj in networks + network.all_ensembles + network.all_nodes:
            self.numbers.setdefault(obj, len(self.numbers))
        for net in networks:
            # what Nengo draws seeds from: that of the network, and the objects in order
            parts = (net.connections, net.ensembles, net.networks)
            inner = [self.numbers[sub] for sub in net.networks]
            self.add("seeds", net.seed, [len(part) for part in parts], inner)
        for obj in once(network.all_ensembles):
            self._add_values(obj, "tuning")
        for node in once(network.all_nodes):
            computes = node.output if node.size_in else None
            layer = keras_layer(node)
            if layer is not None:
                computes = [type(layer).__name__, _options(layer)]
            self.add("nodes", node.size_in, node.size_out, computes)
        connections = once(network.all_connections)
        self.numbers.update((conn, k) for k, conn in enumerate(connections))
        for conn in connections:
            self._add_connection(conn)

    def _add_connection(self, conn: nengo.Connection) -> None:
        self._add_values(conn, "decoders")
        ends = ((conn.pre_obj, conn.pre_slice), (conn.post_obj, conn.post_slice))
        for end, part in ends:
            number = self.numbers.get(getattr(end, "ensemble", end))
            self.add("connections", type(end).__name__, number, part)
            if isinstance(end, LearningRule):
                conn_of_rule = end.connection
                which = rules_of(conn_of_rule).index(end)
                self.add("connections", self.numbers.get(conn_of_rule), which)
        if conn.function is not None:
            self.add("functions", self.numbers.get(conn.pre_obj), conn.function)
            if isinstance(conn.pre_obj, nengo.Ensemble):
                self.add("functions", _values(conn))

    def _add_values(self, obj: Any, otherwise: str) -> None:
        for name in sorted(self._parameters(obj) - _NOT_VALUES):
            self.add(_ASPECTS.get(name, otherwise), name, getattr(obj, name))

    def _encode(self, value: Any) -> bytes:
        """Return bytes that say what a value is made of, the same in any process."""
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, (str, bytes, int, float, complex, slice)):
            return f"{value!r};".encode()
        if isinstance(value, dict):
            value = list(value.items())
        if isinstance(value, list) and value and all(type(x) is int for x in value):
            return f"({';'.join(map(str, value))};)".encode()  # as below, and quicker
        if isinstance(value, (list, tuple)):
            return b"(" + b"".join(map(self._encode, value)) + b")"
        if isinstance(value, np.ndarray):
            flat = np.ascontiguousarray(value).ravel()
            head = f"{value.dtype.str}{value.shape}".encode()
            return head + hashlib.blake2b(flat.data).digest()
        if sp.issparse(value):
            entries = value.tocoo()
            return self._encode((value.shape, entries.row, entries.col, entries.data))
        if isinstance(value, FrozenObject):
            if id(value) not in self.frozen:
                self.frozen[id(value)] = value, self._encode(self._state(value))
            return self.frozen[id(value)][1]
        if isinstance(value, CodeType):
            return self._encode((value.co_code, value.co_names, value.co_consts))
        # a function, or an object that is called
        code = getattr(value, "__code__", None)
        called = code or getattr(type(value).__call__, "__code__", None)
        return self._encode(called or getattr(value, "__name__", type(value).__name__))

    def _state(self, value: FrozenObject) -> list[Any]:
        """Return the type and the parameters of a transform, distribution, solver."""
        plain = {
            name: held
            for name, held in vars(value).items()
            if name[0] != "_" and isinstance(held, (str, float, int, np.ndarray))
        }
        params = {name: getattr(value, name) for name in self._parameters(value)}
        return [type(value).__name__, *sorted({**plain, **params}.items())]

    def _parameters(self, obj: Any) -> frozenset[str]:
        """Return the names of an object's parameters."""
        cls = type(obj)
        if cls not in self.parameters:
            self.parameters[cls] = frozenset(iter_params(cls))
        return self.parameters[cls]


def _options(layer: Any) -> list[tuple[str, str]]:
    """Return what a Keras layer was made with, but for its name."""
    return [(k, str(v)) for k, v in sorted(layer.get_config().items()) if k != "name"]


def _values(conn: nengo.Connection) -> np.ndarray:
    """Return what a connection's function makes of some of the evaluation points.

    It is rounded, as other processors compute the last digits otherwise.
    """
    ens, points, scaled = conn.pre_obj, conn.eval_points, conn.scale_eval_points
    if points is None:
        points, scaled = ens.eval_points, True
    rng = np.random.RandomState(0)
    found = get_samples(points, N_POINTS, ens.dimensions, rng)[:N_POINTS]
    return get_targets(conn, found * (ens.radius if scaled else 1), dtype=np.float32)
