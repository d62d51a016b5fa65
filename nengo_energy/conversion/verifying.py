"""Compare a converted network with its Keras model, in rate mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

import nengo
import numpy as np

from ..common.assumptions import Assumption
from ..common.defaults import DT
from ..common.exceptions import UnsupportedError
from ..compat.nengo_dl import open_nengo_dl
from ..keras_models.graph import leaves
from ..network.firing_rates import rate_network

if TYPE_CHECKING:
    from .spiking_model import SpikingModel

TOLERANCE = 1e-4
"""Largest difference between Keras and the converted network in rate mode, relative to
the largest output. Single precision leaves about 1e-6."""

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
    are left out, and so one timestep gives the outputs.

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
    rng = np.random.RandomState(0)
    # the time axis of a temporal model may be open; one timestep is enough
    data = [
        rng.uniform(size=(2, *(n or 1 for n in tuple(tensor.shape)[1:])))
        for tensor in snn.clone.model.inputs
    ]
    data = [
        x if tensor.dtype.is_floating else np.round(x).astype(tensor.dtype.name)
        for x, tensor in zip(data, snn.clone.model.inputs)
    ]
    if snn.options.get("temporal_model"):
        data = [x[:, :1] for x in data]
    expected = leaves(
        snn.clone.model(data if len(data) > 1 else data[0], training=False)
    )
    found = _one_step(snn, data)
    replaced = []
    for tensor, wanted in zip(snn.clone.model.outputs, expected):
        want = np.asarray(wanted).reshape(2, -1)
        have = found[snn.probes[tensor]]
        error = np.max(np.abs(want - have), initial=0.0)
        largest = max(1.0, np.max(np.abs(want), initial=0.0))
        if error <= TOLERANCE * largest:
            continue
        name = tensor._keras_history[0].name
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


def _one_step(
    snn: SpikingModel, data: list[np.ndarray]
) -> Mapping[nengo.Probe, np.ndarray]:
    """Return the outputs of the network of rates, (2, size) ndarray by probe."""
    network, _ = rate_network(snn.net)
    nodes = dict(zip(snn.net.all_nodes, network.all_nodes))
    probes = dict(zip(network.all_probes, snn.net.all_probes))
    inputs = {nodes[n]: x.reshape(2, 1, -1) for n, x in zip(snn.input_nodes, data)}
    sim, _ = open_nengo_dl(network, dt=DT, minibatch_size=2)
    with sim:
        values = sim.predict_on_batch(inputs)
    outputs = {probes[p]: np.asarray(x)[:, 0] for p, x in values.items() if p in probes}
    return {probe: snn.final(probe, value) for probe, value in outputs.items()}
