"""Compare a converted network with its Keras model, in rate mode."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import nengo
import numpy as np

from ..activity.rates import ProbedValues, rate_network
from ..common.assumptions import Assumption
from ..common.exceptions import UnsupportedError
from ..compat import import_tf_keras
from ..keras_models.check import INDEXING_LAYERS
from ..keras_models.graph import leaves
from ..keras_models.held import held_by

if TYPE_CHECKING:
    from .spiking_model import SpikingModel

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
"""Largest difference between Keras and the converted network in rate mode, relative to
the largest output. Single precision leaves about 1e-6."""

STEPS = 4
"""Timesteps that a temporal model is compared for, where their number is open."""

FILTER_LAYERS = ("Alpha", "Lowpass")
"""Layers of KerasSpiking that are filters."""

AVERAGE_POOLING = Assumption(
    "max-pooling-replaced",
    "Max pooling was replaced by average pooling, which computes something else; the "
    "converted network wasn't compared with the Keras model.",
)
UNVERIFIED_SPIKES = Assumption(
    "spiking-layers-unverified",
    "KerasSpiking's neurons start from random states, so the converted network wasn't "
    "compared with the Keras model.",
)


def verify_conversion(snn: SpikingModel, approximate: bool) -> tuple[Assumption, ...]:
    """Compare the outputs of a network of rate neurons with the model's.

    The neurons that are run are exchanged for those that put out their rates, filters
    are left out, and so one timestep gives the outputs; of a temporal model, each
    timestep its own.

    Parameters
    ----------
    snn : SpikingModel
        The converted model.
    approximate : bool
        Whether activations were swapped, which may compute something else on purpose.

    Returns
    -------
    tuple of Assumption
        What couldn't be compared, or differs on purpose.

    Raises
    ------
    UnsupportedError
        If an output differs.
    """
    classes = {type(layer).__name__ for layer in snn.clone.model.layers}
    if snn.options.get("max_pooling") == "average" and any(
        "Max" in name and "Pool" in name for name in classes
    ):
        return (AVERAGE_POOLING,)
    if "SpikingActivation" in classes:
        return (UNVERIFIED_SPIKES,)
    try:
        outputs = outputs_of_rates(snn)
    except UnsupportedError as reason:
        if not approximate:
            raise
        text = f"The converted network wasn't compared with the Keras model: {reason}."
        return (Assumption("activations-replaced", text),)
    replaced = []
    for name, (want, have) in outputs.items():
        error = np.max(np.abs(want - have), initial=0.0)
        largest = max(1.0, np.max(np.abs(want), initial=0.0))
        if error <= TOLERANCE * largest:
            continue
        if not approximate:
            raise UnsupportedError(
                f"the converted network doesn't compute what the model does: with rate "
                f"neurons, output {name!r} differs by up to {error:.3g} (allowed: "
                f"{TOLERANCE:g} of the largest output). If that is intended, "
                "pass verify=False"
            )
        replaced.append(f"{name} by up to {error / largest:.2g}")
    if not replaced:
        return ()
    text = (
        "Activations were swapped for neurons that compute something else: with their "
        "rates, on random input, outputs differ from the Keras model's, relative to "
        f"the largest output: {', '.join(replaced)}."
    )
    return (Assumption("activations-replaced", text),)


def outputs_of_rates(snn: SpikingModel) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what the model puts out on random input, and the network of rate neurons.

    Parameters
    ----------
    snn : SpikingModel
        The converted model.

    Returns
    -------
    dict of {str: tuple of (n, size) ndarray}
        By name of the layer; rows that aren't finite in Keras are left out.
    """
    temporal = bool(snn.options.get("temporal_model"))
    data = [_random_values(tensor, temporal) for tensor in snn.clone.model.inputs]
    expected = leaves(
        snn.clone.model(data if len(data) > 1 else data[0], training=False)
    )
    found = _outputs(snn, data, temporal)
    outputs = {}
    for k, (tensor, wanted) in enumerate(zip(snn.clone.model.outputs, expected)):
        have = found[snn.probes[tensor]]
        want = np.asarray(wanted).reshape(have.shape)
        usable = np.all(np.isfinite(want), axis=1)  # the square root of -1 isn't
        name = tensor._keras_history[0].name
        name = f"{name}, {k}" if name in outputs else name
        outputs[name] = want[usable], have[usable]
    return outputs


def _random_values(tensor: Any, temporal: bool) -> np.ndarray:
    """Return two samples for an input: one from 0 to 1, one of either sign.

    Where numbers of rows or categories are asked for, they are whole and known to all.
    """
    rng = np.random.RandomState(0)
    sizes = [n or STEPS for n in tensor.shape[1:2]] if temporal else []
    sizes += tensor.shape[2 if temporal else 1 :]
    dtype = np.dtype(tensor.dtype.as_numpy_dtype)
    indexing = list(_indexing_behind(tensor._keras_history[0]))
    if dtype.kind in "iub" or indexing:
        known = [getattr(held_by(layer), "input_dim", 2) for layer in indexing]
        n_values = min([2 if dtype.kind == "b" else 8, *known])
        return rng.randint(n_values, size=(2, *sizes)).astype(dtype)
    values = rng.uniform(size=(2, *sizes))
    values[1] = 4 * values[1] - 2
    return values.astype(dtype)


def _indexing_behind(layer: Any) -> Iterator[Any]:
    """Yield the layers that read numbers of rows off a layer, as it is or moved."""
    open_layers, seen = [layer], set()
    while open_layers:
        for node in open_layers.pop().outbound_nodes:
            follower = node.layer
            if id(follower) in seen:
                continue
            seen.add(id(follower))
            if type(held_by(follower)).__name__ in INDEXING_LAYERS:
                yield follower
            elif isinstance(follower, import_tf_keras().Model):
                open_layers += [t._keras_history[0] for t in follower.inputs]
            elif not follower.weights:
                open_layers.append(follower)


def _outputs(
    snn: SpikingModel, data: list[np.ndarray], temporal: bool
) -> Mapping[nengo.Probe, np.ndarray]:
    """Return the outputs of the network of rates, (n, size) ndarray by probe.

    A row for each sample, or for each step of each sample.
    """
    network, _ = rate_network(snn.net, snn.corrected)
    nodes = dict(zip(snn.net.all_nodes, network.all_nodes))
    probes = dict(zip(network.all_probes, snn.net.all_probes))
    _keep_own_filters(snn, network)
    n_steps = data[0].shape[1] if temporal else 1
    inputs = {
        nodes[n]: x.reshape(2, n_steps, -1) for n, x in zip(snn.input_nodes, data)
    }
    with ProbedValues(network, network.all_probes, batch_size=2) as opened:
        values = opened.run(inputs)
    return {
        probes[p]: snn.final(probes[p], np.asarray(x).reshape(2 * n_steps, -1))
        for p, x in values.items()
        if p in probes
    }


def _keep_own_filters(snn: SpikingModel, network: nengo.Network) -> None:
    """Give a network without filters those back that are layers of the model."""
    own = {
        snn.parts[layer]
        for layer in snn.clone.model.layers
        if type(layer).__name__ in FILTER_LAYERS
    }
    for conn, copied in zip(snn.net.all_connections, network.all_connections):
        if conn.post_obj in own:
            copied.synapse = conn.synapse
