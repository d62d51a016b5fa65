"""Connections in the forms that NengoLoihi has: to whole ensembles, by its transforms.

NengoLoihi connects to whole ensembles, and takes sparse matrices and convolutions from
neurons to neurons alone. What a connection computes stays the same.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.dists import get_samples
from nengo.ensemble import Neurons

from ...network.fanout import SparseMap, transform_map
from ...network.objects import base
from .changes import Change
from .names import Names
from .wires import Wire, from_map

_CONVOLUTIONS = (
    nengo.Convolution,
    getattr(nengo.transforms, "ConvolutionTranspose", nengo.Convolution),
)


def reform(
    conn: nengo.Connection,
    on_chip: Callable[[Any], bool],
    seeds: Mapping[Any, int],
    names: Names,
) -> tuple[Wire, Change] | None:
    """Return a connection in a form that NengoLoihi has, and what was changed.

    Parameters
    ----------
    conn : nengo.Connection
        The connection; it isn't changed.
    on_chip : callable
        Tells whether an ensemble or a node is on the chip.
    seeds : mapping of {nengo.Connection: int}
        Seeds that weights are drawn with.
    names : Names
        Names of the network's objects.

    Returns
    -------
    tuple of Wire and Change, or None
        None if NengoLoihi takes the connection as it is.
    """
    if isinstance(conn.post_obj, LearningRule):
        return None
    from_chip, to_chip = on_chip(base(conn.pre_obj)), on_chip(base(conn.post_obj))
    if not (from_chip or to_chip):
        return None
    spikes = isinstance(conn.pre_obj, Neurons) or (
        from_chip and isinstance(conn.pre_obj, nengo.Node)
    )
    to_neurons = to_chip and isinstance(conn.post_obj, Neurons)
    post = np.arange(conn.post_obj.size_in)[conn.post_slice]

    sliced = to_chip and conn.post_slice != slice(None) and not _solved_for(conn)
    in_part = sliced and not np.array_equal(post, np.arange(conn.post_obj.size_in))
    foreign = not _is_taken(conn, spikes and to_neurons, in_part)
    done = {
        "slices": sliced and "leads to the whole, with zeros for the rest",
        "transform": foreign
        and f"has its {type(conn.transform).__name__} written out as a matrix",
    }
    done = {kind: what for kind, what in done.items() if what}
    if not done:
        return None
    transform = conn.transform
    if in_part or foreign:
        rng = np.random.RandomState(seeds[conn])
        linear = transform_map(transform, conn.size_mid, rng)
        linear = SparseMap.scatter(post, conn.post_obj.size_in) @ linear
        transform = from_map(linear, any_zeros=spikes and to_neurons)
    wire = Wire(conn, conn.post_obj, transform, conn.synapse)
    what, kind = " and ".join(map(str, done.values())), next(iter(done))
    return wire, Change(kind, names[conn], what, "NengoLoihi has it no other way")


def _solved_for(conn: nengo.Connection) -> bool:
    """Tell whether weights to neurons are solved for, by which NengoLoihi can slice."""
    return isinstance(conn.pre_obj, nengo.Ensemble) and conn.solver.weights


def _is_taken(conn: nengo.Connection, between_neurons: bool, in_part: bool) -> bool:
    """Tell whether NengoLoihi has a connection's kind of transform."""
    transform = conn.transform
    if isinstance(transform, nengo.Sparse):
        return between_neurons
    if not isinstance(transform, _CONVOLUTIONS):
        return True
    return (
        between_neurons
        and not in_part
        and isinstance(conn.pre_obj, Neurons)
        and len(transform.kernel_size) == 2
        and getattr(transform, "groups", 1) == 1
        and transform.channels_last == transform.input_shape.channels_last
        and _has_one_gain(conn.post_obj.ensemble)
    )


def _has_one_gain(ens: nengo.Ensemble) -> bool:
    """Tell whether all neurons have one gain, which shared weights need."""
    given = [ens.gain] if ens.gain is not None else [ens.max_rates, ens.intercepts]
    rng = np.random.RandomState(0)
    return all(np.ptp(get_samples(x, ens.n_neurons, rng=rng)) == 0 for x in given)
