"""What the objects of a Nengo network are, and what they are called."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Iterator, TypeVar

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.ensemble import Neurons

from ..common.tables import plural
from .keras_maps import layer_map

T = TypeVar("T")


def once(objects: Iterable[T]) -> list[T]:
    """Return objects of a network each once, in order.

    A network may hold another one twice; Nengo builds it once.
    """
    return list(dict.fromkeys(objects))


def base(obj: Any) -> Any:
    """Return the ensemble or node that a view, or its neurons, is part of."""
    if isinstance(obj, ObjView):
        obj = obj.obj
    return obj.ensemble if isinstance(obj, Neurons) else obj


def is_passthrough(obj: Any) -> bool:
    """Tell whether a node passes on what it gets, by the weights of a layer at most."""
    if is_tensor_node(obj):
        return layer_map(obj) is not None
    return isinstance(obj, nengo.Node) and obj.output is None


def is_tensor_node(obj: Any) -> bool:
    return any(cls.__name__ == "TensorNode" for cls in type(obj).__mro__)


def is_chip_process(obj: Any) -> bool:
    """Tell whether a node stands for spikes that NengoLoihi's chip has of a file."""
    kinds = type(getattr(obj, "output", None)).__mro__
    return any(cls.__name__ == "ChipProcess" for cls in kinds)


def is_decoded(conn: nengo.Connection) -> bool:
    """Tell whether decoders or encoders take part in a connection."""
    return has_neurons(conn.pre_obj) or has_neurons(conn.post_obj)


def has_full_weights(conn: nengo.Connection) -> bool:
    """Tell whether weights between two ensembles' neurons are solved for."""
    ends = (conn.pre_obj, conn.post_obj)
    return all(isinstance(e, nengo.Ensemble) for e in ends) and conn.solver.weights


def has_neurons(obj: Any) -> bool:
    """Tell whether an object is an ensemble of neurons, and computes by spikes."""
    return isinstance(obj, nengo.Ensemble) and not isinstance(
        obj.neuron_type, nengo.Direct
    )


def constants(node: nengo.Node) -> np.ndarray:
    return np.atleast_1d(np.asarray(node.output, dtype=float))


def labels(network: nengo.Network) -> Iterator[tuple[Any, str]]:
    """Yield each ensemble and node with a label that is unique in the network."""
    seen: Counter[str] = Counter()
    walked: set[nengo.Network] = set()

    def walk(net: nengo.Network, prefix: str) -> Iterator[tuple[Any, str]]:
        if net in walked:
            return
        walked.add(net)
        for obj in once([*net.ensembles, *net.nodes]):
            label = prefix + (obj.label or type(obj).__name__.lower())
            seen[label] += 1
            yield obj, label if seen[label] == 1 else f"{label} #{seen[label]}"
        for sub in net.networks:
            yield from walk(sub, f"{prefix}{sub.label or 'network'}/")

    yield from walk(network, "")


def said_of_network(name: str, network: nengo.Network) -> str:
    """Return in a line how large a network is."""
    sizes = [ensemble.n_neurons for ensemble in network.all_ensembles]
    return f"{name}: {plural(sum(sizes), 'neuron')} in {plural(len(sizes), 'ensemble')}"
