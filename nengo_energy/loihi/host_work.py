"""What the host does beside a chip, in every timestep: counted from what was built."""

from __future__ import annotations

from collections import Counter
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule

from ..compat.loihi_host import encoding_ensembles, host_parts
from ..network.fanout import connection_map
from ..network.learning import is_known, operations_of, rules_of
from ..network.objects import base
from .layers import LayerNames

NO_TRANSFORM = getattr(nengo.transforms, "NoTransform", ())


def host_work(sim: Any, names: LayerNames) -> Counter[tuple[str, str]]:
    """Count the operations of the host in a timestep, by layer and operation.

    Each neuron is an activation, and each weight that isn't zero, of connections,
    decoders and encoders, a multiply-accumulate, and so is each number that a learning
    rule changes, reads or keeps. What functions of nodes do isn't counted.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator.
    names : LayerNames
        The layers to list it under. The neurons by which NengoLoihi encodes values for
        the chip are listed under what they encode.
    """
    encoding = encoding_ensembles(sim)

    def layer(obj: Any) -> str | None:
        if obj in encoding:
            return names.of_sender(encoding[obj])
        return names.layers.get(obj)

    work: Counter[tuple[str, str]] = Counter()
    encoders: dict[nengo.Ensemble, int] = {}
    for host in host_parts(sim):
        for obj, built in host.params.items():
            if isinstance(obj, nengo.Ensemble):
                work[layer(obj) or "host", "activation"] += obj.n_neurons
            elif isinstance(obj, nengo.Connection):
                ends = base(obj.post_obj), base(obj.pre_obj)
                found = layer(ends[0]) or layer(ends[1]) or "host"
                work[found, "mac"] += _n_weights(obj, built, host.seeds[obj])
                for rule in filter(is_known, rules_of(obj)):
                    work[found, "mac"] += _n_learning(rule, built, host)
                if isinstance(obj.post_obj, nengo.Ensemble):
                    scaled = host.params[obj.post_obj].scaled_encoders
                    encoders[obj.post_obj] = int(np.count_nonzero(scaled))
    for ens, n_weights in encoders.items():
        work[layer(ens) or "host", "mac"] += n_weights
    return +work


def _n_learning(rule: LearningRule, built: Any, host: nengo.builder.Model) -> int:
    """Return the numbers that a learning rule changes, reads or keeps in a timestep."""
    weights = built.weights
    if rule.modifies == "encoders":
        weights = host.params[base(rule.connection.post_obj)].scaled_encoders
    n_rows, n_columns = np.atleast_2d(weights).shape
    return sum(operations_of(rule, (n_rows, n_columns)).values())


def _n_weights(conn: nengo.Connection, built: Any, seed: int) -> int:
    """Return the weights of a connection that aren't zero, its decoders among them."""
    if isinstance(conn.pre_obj, nengo.Ensemble):
        return int(np.count_nonzero(built.weights))
    if isinstance(conn.transform, NO_TRANSFORM):
        return 0
    return int(connection_map(conn, seed).fan_out.sum())
