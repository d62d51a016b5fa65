"""Inputs of a network, checked before anything long starts."""

from __future__ import annotations

from typing import Any, Mapping

import nengo
import numpy as np

from ..common.checks import check_numbers
from ..common.exceptions import InputError
from ..network.objects import once


def check_inputs(
    network: nengo.Network, inputs: Any, n_steps: int
) -> dict[nengo.Node, np.ndarray]:
    """Return inputs as arrays of (n_inferences, 1 or n_steps, size), or complain."""
    if inputs is None:
        return {}
    sources = [n for n in once(network.all_nodes) if n.size_in == 0 and n.size_out > 0]
    if not isinstance(inputs, Mapping):
        placeholders = [
            n
            for n in sources
            if isinstance(n.output, np.ndarray) and not np.any(n.output)
        ]
        if len(placeholders) != 1:
            names = ", ".join(str(n) for n in sources) or "none"
            raise InputError(
                "an array alone needs a network with one input node of zeros, this one "
                f"has {len(placeholders)}; give a dictionary by node. Nodes: {names}"
            )
        inputs = {placeholders[0]: inputs}
    data = {}
    for node, value in inputs.items():
        if node not in sources:
            names = ", ".join(str(n) for n in sources) or "none"
            raise InputError(f"{node!r} isn't an input node; known: {names}")
        if not isinstance(node.output, np.ndarray):
            raise InputError(
                f"{node} computes its own output; inputs can be given to nodes with "
                "constant output, such as nengo.Node(np.zeros(3))"
            )
        data[node] = _check_array(f"inputs of {node}", value, node.size_out, n_steps)
    lengths = {str(node): len(x) for node, x in data.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"inputs differ in their number of inferences: {lengths}")
    return data


def _check_array(name: str, value: Any, size: int, n_steps: int) -> np.ndarray:
    """Return one input as an array of (n_inferences, 1 or n_steps, size)."""
    x = check_numbers(name, value)
    allowed = f"(n_inferences, {size}) or (n_inferences, {n_steps}, {size})"
    if x.ndim == 2:
        x = x[:, None, :]
    if x.ndim != 3 or x.shape[2] != size or x.shape[1] not in (1, n_steps):
        raise InputError(f"{name} must have the shape {allowed}; got {np.shape(value)}")
    if len(x) == 0:
        raise InputError(f"{name} are empty; give at least one inference")
    if not np.all(np.isfinite(x)):
        n_bad = int(np.sum(~np.isfinite(x)))
        raise InputError(f"{name} hold {n_bad} values that are NaN or infinite")
    return x
