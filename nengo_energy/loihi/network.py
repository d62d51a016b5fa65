"""Prepare a converted network for the chip, so that NengoLoihi builds it unedited.

Populations, input nodes, output nodes and probes are the network's own objects; what is
new are the connections: passthrough nodes (pooling, concatenation, padding) are merged
into the weights that follow, so that activity stays on the chip.
"""

from __future__ import annotations

import logging
from typing import Any, Sequence

import nengo
import numpy as np
import scipy.sparse as sp

from ..compat import import_nengo_loihi
from ..exceptions import UnsupportedError
from ..linear_maps import LinearMap
from ..topology import Population, Projection, Topology, require_supported

logger = logging.getLogger(__name__)

CHIP_NEURON_TYPES = (
    "LoihiSpikingRectifiedLinear",
    "LoihiLIF",
    "LIF",
    "SpikingRectifiedLinear",
    "RegularSpiking",
)
"""Neuron types that NengoLoihi puts on the chip."""

SPARSE_BELOW = 0.3
"""Share of non-zero weights below which merged weights are a sparse matrix."""


def build_loihi_network(
    network: nengo.Network, topology: Topology, outputs: Sequence[nengo.Probe]
) -> nengo.Network:
    """Build a network for `nengo_loihi.Simulator` from the parts of another.

    The populations that analog inputs feed run on the host, where they encode the input
    as spikes; if that would leave nothing for the chip, they go on the chip, and
    NengoLoihi encodes the input.

    Parameters
    ----------
    network : nengo.Network
        The converted network, with biases folded; it isn't changed.
    topology : Topology
        What was traced of it.
    outputs : sequence of nengo.Probe
        Probes of the network to keep.

    Returns
    -------
    nengo.Network
        Holds the same ensembles, input nodes, output nodes and probes.

    Raises
    ------
    UnsupportedError
        If a neuron type isn't on the chip, or a part can't be expressed.
    """
    nengo_loihi = import_nengo_loihi()
    require_supported(topology, "deployment to Loihi")
    encoding = {projection.post for projection in topology.inputs}
    on_host = {p.name for p in topology.populations if p.name in encoding}
    if len(on_host) == len(topology.populations):
        on_host = set()
    _check_neuron_types([p for p in topology.populations if p.name not in on_host])

    prepared = nengo.Network(
        label=f"{network.label or 'network'} on Loihi",
        seed=network.seed,
        add_to_container=False,
    )
    nengo_loihi.add_params(prepared)
    ensembles = {p.name: p.ensemble for p in topology.populations}
    prepared.ensembles.extend(ensembles.values())
    for name in on_host:
        prepared.config[ensembles[name]].on_chip = False
    inputs = [projection.source for projection in topology.inputs]
    targets = [projection.target for projection in topology.readouts]
    prepared.nodes.extend(dict.fromkeys(inputs + targets))
    on_chip = set(ensembles) - on_host
    for projection in topology.inputs + topology.projections + topology.readouts:
        _connect(
            prepared,
            projection,
            (projection.pre not in on_chip, projection.post not in on_chip),
        )
    _add_output_biases(prepared, topology)
    known = {*ensembles.values(), *prepared.nodes}
    prepared.probes.extend(p for p in outputs if _owner(p) in known)
    return prepared


def _connect(
    prepared: nengo.Network, projection: Projection, on_host: tuple[bool, bool]
) -> None:
    """Add one projection, in a form that NengoLoihi takes between host and chip."""
    if projection.n_synapses == 0:
        # NengoLoihi can't store a synapse without weights
        logger.info("%s has no weights but zeros, and is left out", projection.name)
        return
    source = projection.source
    original = projection.connection
    if original is not None and _is_taken(original, on_host):
        prepared.connections.append(original)
        return
    filters = projection.filters
    if len(filters) > 1:
        raise UnsupportedError(
            f"{projection.name} passes {len(filters)} synaptic filters in a row; "
            "the chip has one for each connection"
        )
    dense = on_host[0] != on_host[1]  # NengoLoihi takes only dense weights there
    if isinstance(source, nengo.Ensemble) and on_host == (True, False):
        dense = False  # spikes cross, and the weights are on the chip
    with prepared:
        nengo.Connection(
            _end(source),
            _end(projection.target),
            transform=_transform(projection.weights, dense),
            synapse=filters[0] if filters else None,
            label=projection.name,
        )


def _is_taken(conn: nengo.Connection, on_host: tuple[bool, bool]) -> bool:
    """Tell whether NengoLoihi builds a connection as it is."""
    if on_host == (True, True):
        return True
    transform = conn.transform
    whole = conn.pre_slice == slice(None) and conn.post_slice == slice(None)
    if isinstance(transform, nengo.Dense):
        return whole or on_host == (False, False)
    spikes_to_chip = isinstance(conn.pre_obj, nengo.ensemble.Neurons) and not on_host[1]
    if isinstance(transform, nengo.Sparse):
        return whole and spikes_to_chip
    if isinstance(transform, nengo.Convolution):
        plain = transform.dimensions == 2 and getattr(transform, "groups", 1) == 1
        return whole and spikes_to_chip and plain
    return whole


def _end(obj: Any) -> Any:
    return obj.neurons if isinstance(obj, nengo.Ensemble) else obj


def _transform(weights: LinearMap, dense: bool) -> Any:
    matrix = weights.to_sparse()
    if dense or matrix.nnz >= SPARSE_BELOW * weights.size_in * weights.size_out:
        return matrix.toarray()
    return nengo.Sparse(matrix.shape, init=sp.csr_matrix(matrix))


def _add_output_biases(prepared: nengo.Network, topology: Topology) -> None:
    """Give output nodes what constant nodes gave them."""
    for bias in topology.biases:
        if isinstance(bias.target, nengo.Ensemble):
            raise UnsupportedError(
                f"the bias of {bias.post} comes from a node that feeds an output too; "
                "fold_biases can't move it into the neurons"
            )
        with prepared:
            node = nengo.Node(np.array(bias.values), label=f"{bias.post}.bias")
            nengo.Connection(node, bias.target, synapse=None)


def _check_neuron_types(populations: Sequence[Population]) -> None:
    for pop in populations:
        if pop.neuron_type not in CHIP_NEURON_TYPES:
            raise UnsupportedError(
                f"layer {pop.layer!r} has {pop.neuron_type} neurons, which Loihi "
                f"doesn't have; allowed: {', '.join(CHIP_NEURON_TYPES)}. Choose others "
                "with swap_activations"
            )


def _owner(probe: nengo.Probe) -> Any:
    obj = probe.obj
    return obj.ensemble if isinstance(obj, nengo.ensemble.Neurons) else obj
