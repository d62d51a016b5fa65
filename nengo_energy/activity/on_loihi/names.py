"""What the objects of a network are called in what people read."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.connection import LearningRule
from nengo.ensemble import Neurons


class Names:
    """Names of all objects of a network, also of those without a label.

    An object without a label is named by where it stands, such as
    ``ensemble 3 of network 'arm'``.

    Parameters
    ----------
    network : nengo.Network
        The network.
    """

    def __init__(self, network: nengo.Network):
        self._names: dict[Any, str] = {}
        self._add(network, f" of network {network.label!r}" if network.label else "")

    def _add(self, network: nengo.Network, where: str) -> None:
        kinds = {
            "ensemble": network.ensembles,
            "node": network.nodes,
            "probe": network.probes,
        }
        for kind, objects in kinds.items():
            for k, obj in enumerate(objects, start=1):
                own = f"{kind} {obj.label!r}" if obj.label else f"{kind} {k}"
                self._names.setdefault(obj, own + where)
        for k, sub in enumerate(network.networks, start=1):
            own = f"network {sub.label!r}" if sub.label else f"network {k}"
            self._add(sub, f" of {own}{where}")

    def __getitem__(self, obj: Any) -> str:
        if isinstance(obj, nengo.Connection):
            return f"the connection from {self[obj.pre_obj]} to {self[obj.post_obj]}"
        if isinstance(obj, Neurons):
            return f"the neurons of {self[obj.ensemble]}"
        if isinstance(obj, LearningRule):
            return f"the learning rule of {self[obj.connection]}"
        return self._names.get(obj, str(obj))
