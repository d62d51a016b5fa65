"""Weights of connections as Nengo builds them: seeds, decoders and encoders."""

from __future__ import annotations

import traceback
from functools import cached_property
from typing import Any, Sequence

import nengo
import numpy as np
from nengo.base import NengoObject
from nengo.builder.network import seed_network
from nengo.connection import LearningRule
from nengo.dists import Distribution

from ..common.assumptions import Assumption
from ..common.exceptions import UnsupportedError
from . import fanout
from .learning import learns, rules_of
from .linear_maps import DenseMap, LinearMap, SparseMap
from .objects import base, has_neurons, is_decoded
from .solving import SharedSolving
from .topology import DECODED_AS_FACTORS, DECODED_AS_WEIGHTS, UNSEEDED_WEIGHTS


class BuiltWeights:
    """The weights that Nengo draws and solves for when it builds a network.

    NengoDL and NengoLoihi take the same seeds, and draw the same transforms from them.
    Without a seed, this is one of many draws, and always the same one.

    Parameters
    ----------
    network : nengo.Network
        The network.
    connections : sequence of nengo.Connection
        Those whose weights are wanted.
    probes : sequence of nengo.Probe
        Those whose decoders are wanted.
    as_factors : bool
        Whether encoders are left out of decoded connections.
    """

    def __init__(
        self,
        network: nengo.Network,
        connections: Sequence[nengo.Connection],
        probes: Sequence[nengo.Probe],
        as_factors: bool,
    ):
        self.connections = connections
        self.probes = probes
        self.as_factors = as_factors
        self.model = nengo.builder.Model(decoder_cache=SharedSolving())
        self.model.toplevel = network  # keeps Nengo from drawing seeds once more
        seed_network(
            network,
            self.model.seeds,
            self.model.seeded,
            base_rng=np.random.RandomState(0),
        )
        self.has_decoders = any(map(is_decoded, connections))
        self.tuned = {
            base(conn.post_obj)
            for conn in connections
            for rule in rules_of(conn)
            if rule.modifies == "encoders"
        }
        if self.has_decoders or probes or any(map(rules_of, connections)):
            try:
                self.model.build(network)
            except nengo.exceptions.NengoException as error:
                frames = traceback.walk_tb(error.__traceback__)
                objects = [frame.f_locals.get("obj") for frame, _ in frames]
                last = [obj for obj in objects if isinstance(obj, NengoObject)][-1]
                raise UnsupportedError(
                    f"Nengo doesn't build {last}: {error}"
                ) from error

    def maps(self, conn: nengo.Connection) -> tuple[LinearMap, LinearMap | None]:
        """Return the weights of one connection, decoders and encoders included.

        Those that learn may become any: zeros among them are left out. The second map
        is the one before encoders, if these take part.
        """
        decoded = has_neurons(conn.pre_obj)
        if decoded and conn.solver.weights:
            return DenseMap(self._weights(conn)), None
        if decoded or learns(conn):
            linear: LinearMap = DenseMap(self._weights(conn))
            post = np.arange(conn.post_obj.size_in)[conn.post_slice]
            linear = SparseMap.scatter(post, conn.post_obj.size_in) @ linear
            if not decoded:
                pre = np.arange(conn.pre_obj.size_out)[conn.pre_slice]
                linear = linear @ SparseMap.gather(pre, conn.pre_obj.size_out)
        else:
            linear = fanout.connection_map(conn, self.model.seeds[conn])
        if not has_neurons(conn.post_obj):
            return linear, None
        if self.as_factors:
            return linear, linear
        return self.encoders(conn.post_obj) @ linear, linear

    def learned_shape(self, rule: LearningRule) -> tuple[int, int]:
        """Return the shape of the weights, decoders or encoders that a rule changes."""
        conn = rule.connection
        if rule.modifies == "encoders":
            weights = self.model.params[base(conn.post_obj)].scaled_encoders
        else:
            weights = self._weights(conn)
        n_rows, n_columns = weights.shape
        return n_rows, n_columns

    def _weights(self, conn: nengo.Connection) -> np.ndarray:
        weights = np.atleast_2d(self.model.params[conn].weights)
        return _without_zeros(weights) if learns(conn) else weights

    def probe_decoders(self, probe: nengo.Probe) -> np.ndarray:
        """Return the decoders of a probe, (size_in, n_neurons) ndarray."""
        return np.atleast_2d(self.model.params[self._probe_connections[probe]].weights)

    @cached_property
    def _probe_connections(self) -> dict[nengo.Probe, nengo.Connection]:
        """The connections that Nengo builds for probes."""
        return {
            obj.post_obj: obj
            for obj in self.model.params
            if isinstance(obj, nengo.Connection)
            and isinstance(obj.post_obj, nengo.Probe)
        }

    def encoder_macs(self) -> dict[nengo.Ensemble, int]:
        """Return the multiply-accumulates of each ensemble's encoders in a timestep."""
        if not self.as_factors:
            return {}
        encoded = dict.fromkeys(
            conn.post_obj
            for conn in self.connections
            if has_neurons(conn.post_obj)
            and not (has_neurons(conn.pre_obj) and conn.solver.weights)
        )
        return {ens: int(self.encoders(ens).fan_out.sum()) for ens in encoded}

    def assumptions(self) -> list[Assumption]:
        """Return what is taken for granted of the weights."""
        said = []
        if self.has_decoders:
            said.append(DECODED_AS_FACTORS if self.as_factors else DECODED_AS_WEIGHTS)
        drawn = [*map(self._drawn, self.connections), [p.obj for p in self.probes]]
        if not all(self.model.seeded[obj] for objects in drawn for obj in objects):
            said.append(UNSEEDED_WEIGHTS)
        return said

    def encoders(self, ens: nengo.Ensemble) -> LinearMap:
        encoders = np.asarray(self.model.params[ens].scaled_encoders)
        return DenseMap(_without_zeros(encoders) if ens in self.tuned else encoders)

    def _drawn(self, conn: nengo.Connection) -> list[Any]:
        """Return the objects whose seeds decide on the weights of a connection."""
        drawn: list[Any] = [
            end for end in (conn.pre_obj, conn.post_obj) if has_neurons(end)
        ]
        if fanout.is_random(conn.transform) or (
            drawn and isinstance(conn.eval_points, Distribution)
        ):
            drawn.append(conn)
        return drawn


def _without_zeros(weights: np.ndarray) -> np.ndarray:
    """Return weights with numbers for zeros, which they may become as they learn.

    They are drawn, so that nothing cancels out where weights are multiplied.
    """
    numbers = np.random.RandomState(0).uniform(0.5, 1.0, size=weights.shape)
    return np.where(weights == 0, numbers, weights)
