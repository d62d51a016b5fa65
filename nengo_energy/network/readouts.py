"""What probes read: values of nodes, and values that are decoded for them."""

from __future__ import annotations

from typing import Sequence

import nengo
import numpy as np

from .linear_maps import LinearMap, SparseMap
from .objects import has_neurons, once


def rows_read(network: nengo.Network) -> dict[nengo.Node, np.ndarray]:
    """Return which values of nodes are probed, (size_out,) bool ndarray by node."""
    read: dict[nengo.Node, np.ndarray] = {}
    for probe in once(network.all_probes):
        if isinstance(probe.obj, nengo.Node):
            rows = read.setdefault(probe.obj, np.zeros(probe.obj.size_out, dtype=bool))
            rows[_rows(probe)] = True
    return read


def decoding_probes(network: nengo.Network) -> list[list[nengo.Probe]]:
    """Return the probes that need decoders, those together that decode the same."""
    groups: dict[tuple[nengo.Ensemble, object], list[nengo.Probe]] = {}
    for probe in once(network.all_probes):
        if has_neurons(probe.obj) and probe.attr == "decoded_output":
            groups.setdefault((probe.obj, probe.solver), []).append(probe)
    return list(groups.values())


def decoders(probes: Sequence[nengo.Probe], weights: Sequence[np.ndarray]) -> LinearMap:
    """Return what decodes an ensemble for all of some probes: each row once.

    Parameters
    ----------
    probes : sequence of nengo.Probe
        Of one ensemble.
    weights : sequence of (size_in, n_neurons) ndarray
        Decoders of each probe.
    """
    matrix = np.zeros((probes[0].obj.size_out, probes[0].obj.n_neurons))
    for probe, rows in zip(probes, weights):
        matrix[_rows(probe)] = rows
    return SparseMap(matrix)


def _rows(probe: nengo.Probe) -> slice | list[int]:
    return slice(None) if probe.slice is None else probe.slice
