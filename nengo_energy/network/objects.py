"""What the objects of a Nengo network are, and what they are called."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Iterator, TypeVar

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.ensemble import Neurons

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
    return (
        isinstance(obj, nengo.Node) and obj.output is None and not is_tensor_node(obj)
    )


def is_tensor_node(obj: Any) -> bool:
    return any(cls.__name__ == "TensorNode" for cls in type(obj).__mro__)


def is_chip_process(obj: Any) -> bool:
    """Tell whether a node stands for spikes that NengoLoihi's chip has of a file."""
    kinds = type(getattr(obj, "output", None)).__mro__
    return any(cls.__name__ == "ChipProcess" for cls in kinds)


def is_decoded(conn: nengo.Connection) -> bool:
    """Tell whether decoders or encoders take part in a connection."""
    return any(isinstance(end, nengo.Ensemble) for end in (conn.pre_obj, conn.post_obj))


def constants(node: nengo.Node) -> np.ndarray:
    return np.atleast_1d(np.asarray(node.output, dtype=float))


def labels(network: nengo.Network, prefix: str = "") -> Iterator[tuple[Any, str]]:
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

    yield from walk(network, prefix)
