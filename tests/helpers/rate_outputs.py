"""What a converted network puts out with rates in place of spikes, in Nengo itself."""

from __future__ import annotations

import copy
from typing import Any

import nengo
import numpy as np


def rate_outputs(snn: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of a converted model, (n, size) each, after one timestep.

    Inputs have the shapes that the Keras model takes.
    """
    copied = snn.net.copy()
    for ens in copied.all_ensembles:
        ens.neuron_type = rates_of(ens.neuron_type)
    for obj in [*copied.all_connections, *copied.all_probes]:
        obj.synapse = None
    nodes = dict(zip(snn.net.all_nodes, copied.all_nodes))
    probes = dict(zip(snn.net.all_probes, copied.all_probes))
    for node in copied.all_nodes:
        if hasattr(node.output, "with_tau"):
            node.output = node.output.with_tau(0.0)
    rows = []
    for k in range(len(inputs[0])):
        for node, x in zip(snn.input_nodes, inputs):
            nodes[node].output = np.ravel(x[k]).astype(float)
        with nengo.Simulator(copied, progress_bar=False) as sim:
            sim.step()
        rows.append([sim.data[probes[p]][0] for p in snn.output_probes])
    return [
        snn.final(probe, np.array(values))
        for probe, values in zip(snn.output_probes, zip(*rows))
    ]


def rates_of(neurons: nengo.neurons.NeuronType) -> nengo.neurons.NeuronType:
    """Return neurons that put out the rates of others."""
    if isinstance(neurons, nengo.RegularSpiking):
        base = copy.copy(neurons.base_type)
        type(base).amplitude.data[base] = base.amplitude * neurons.amplitude
        return base
    return nengo.RectifiedLinear(amplitude=neurons.amplitude)
