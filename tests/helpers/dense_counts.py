"""Synapses of any Nengo network from dense matrices, path by path, and spikes by step.

It knows nothing of the package: weights are those that Nengo's simulator has built,
written out in full, and followed through passthrough nodes one connection at a time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Iterator

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

Path = tuple[Any, tuple, np.ndarray, "nengo.Connection | None"]
"""Where a path ends, its filters, its weights, and the connection if it is only one."""


def dense_fan_out(net: nengo.Network) -> dict[nengo.Ensemble, list[np.ndarray]]:
    """Return the targets of each neuron along each path, (n_neurons,) int ndarrays."""
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        paths = _Paths(net, sim)
        return {ens: paths.fan_out(ens) for ens in set(net.all_ensembles)}


def run_step_by_step(net: nengo.Network, n_steps: int) -> dict[Any, np.ndarray]:
    """Return the spikes of each neuron, read after every timestep."""
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        neural = [e for e in set(net.all_ensembles) if not _is_direct(e)]
        total = {ens: np.zeros(ens.n_neurons) for ens in neural}
        for _ in range(n_steps):
            sim.step()
            for ens in neural:
                output = sim.signals[sim.model.sig[ens.neurons]["out"]]
                spikes = output * sim.dt / getattr(ens.neuron_type, "amplitude", 1.0)
                total[ens] += np.rint(spikes) if ens.neuron_type.spiking else spikes
    return total


class _Paths:
    def __init__(self, net: nengo.Network, sim: nengo.Simulator):
        self.sim = sim
        self.leaving = defaultdict(list)
        for conn in dict.fromkeys(net.all_connections):
            self.leaving[_object(conn.pre_obj)].append(conn)
        probes = dict.fromkeys(net.all_probes)
        self.probed = {p.obj for p in probes if isinstance(p.obj, nengo.Node)}
        self.decoded = {
            p.obj: p
            for p in probes
            if isinstance(p.obj, nengo.Ensemble) and p.attr == "decoded_output"
        }
        self.tuned = {
            conn.post_obj
            for conn in dict.fromkeys(net.all_connections)
            if any(type(r).__name__ == "Voja" for r in _rules(conn))
        }

    def fan_out(self, ens: nengo.Ensemble) -> list[np.ndarray]:
        """Count non-zeros of each path, those with the same filters summed."""
        if _is_direct(ens):
            return []
        found: dict[Any, np.ndarray] = {}
        for target, filters, matrix, direct in self._follow(ens):
            key = (target, filters, direct)
            found[key] = found.get(key, 0) + matrix
        counts = [np.count_nonzero(m, axis=0) for m in found.values()]
        if ens in self.decoded:
            counts.append(np.full(ens.n_neurons, self.decoded[ens].size_in))
        return counts

    def _follow(self, obj: Any, seen: tuple = ()) -> Iterator[Path]:
        for conn in self.leaving[obj]:
            target = _object(conn.post_obj)
            matrix = self._matrix(conn)
            filters = () if conn.synapse is None else (conn.synapse,)
            if not _is_passthrough(target) or self._holds(target):
                yield target, filters, matrix, conn if not seen else None
                continue
            if target in self.probed or not self.leaving[target]:
                yield target, filters, matrix, None
            for end, more, weights, _ in self._follow(target, seen + (target,)):
                yield end, filters + more, weights @ matrix, None

    def _holds(self, node: nengo.Node) -> bool:
        """Whether a synapse leads to a node from what the node leads to."""
        reached, waiting = set(), [node]
        while waiting:
            for conn in self.leaving[waiting.pop()]:
                target = _object(conn.post_obj)
                if target is node and conn.synapse is not None:
                    return True
                if _is_passthrough(target) and target not in reached:
                    reached.add(target)
                    waiting.append(target)
        return False

    def _matrix(self, conn: nengo.Connection) -> np.ndarray:
        """Return all weights from one object to another, (size_post, size_pre)."""
        pre, post = conn.pre_obj, conn.post_obj
        learns = any(type(rule).__name__ != "Voja" for rule in _rules(conn))
        weights = self.sim.data[conn].weights
        from_neurons = isinstance(pre, nengo.Ensemble) and not _is_direct(pre)
        if weights is None:
            weights = np.eye(conn.size_mid)
        elif isinstance(conn.transform, nengo.Convolution):
            weights = _unrolled(conn.transform, weights)
        elif hasattr(weights, "toarray"):
            weights = weights.toarray()
        weights = np.asarray(weights)
        if weights.ndim < 2:
            weights = np.diag(np.broadcast_to(weights, conn.size_mid))
        if learns:
            weights = np.random.uniform(1, 2, size=weights.shape)
        if from_neurons and getattr(conn.solver, "weights", False):
            return weights
        size_pre = pre.n_neurons if from_neurons else pre.size_out
        full = np.zeros((post.size_in, size_pre))
        rows = np.arange(post.size_in)[conn.post_slice]
        columns = np.arange(size_pre)
        if not from_neurons and conn.function is None:
            columns = columns[conn.pre_slice]
        if weights.shape[1] != len(columns):  # a function of a node: never of neurons
            return np.zeros((post.size_in, size_pre))
        full[np.ix_(rows, columns)] = weights
        if isinstance(post, nengo.Ensemble) and not _is_direct(post):
            encoders = self.sim.data[post].scaled_encoders
            if post in self.tuned:
                encoders = np.random.uniform(1, 2, size=encoders.shape)
            full = encoders @ full
        return full


def _unrolled(transform: nengo.Convolution, kernel: np.ndarray) -> np.ndarray:
    """Write a two-dimensional convolution without padding out as a matrix."""
    height, width, n_channels = transform.input_shape.shape
    n_rows, n_columns, n_filters = transform.output_shape.shape
    full = np.zeros((n_rows, n_columns, n_filters, height, width, n_channels))
    for i, j in np.ndindex(n_rows, n_columns):
        y, x = i * transform.strides[0], j * transform.strides[1]
        for a, b in np.ndindex(*transform.kernel_size):
            full[i, j, :, y + a, x + b, :] = kernel[a, b].T
    return full.reshape(n_rows * n_columns * n_filters, -1)


def _object(obj: Any) -> Any:
    return obj.ensemble if isinstance(obj, Neurons) else obj


def _is_passthrough(obj: Any) -> bool:
    return isinstance(obj, nengo.Node) and obj.output is None


def _is_direct(ens: nengo.Ensemble) -> bool:
    return isinstance(ens.neuron_type, nengo.Direct)


def _rules(conn: nengo.Connection) -> list[Any]:
    rules = conn.learning_rule_type
    if rules is None or isinstance(conn.post_obj, LearningRule):
        return []
    if isinstance(rules, dict):
        return list(rules.values())
    return list(rules) if isinstance(rules, (list, tuple)) else [rules]
