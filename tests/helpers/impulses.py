"""Fan-out of neurons by giving each one an impulse, in Nengo itself."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np


class Told(nengo.neurons.NeuronType):
    """Neurons that put out, one after the other, a one: of those that are told to."""

    spiking = False
    negative = True
    first = nengo.params.NumberParam("first")

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def make_neuron_state(self, *args: Any, **kwargs: Any) -> dict:
        return {}

    def gain_bias(self, max_rates: Any, intercepts: Any) -> Any:
        return np.ones_like(max_rates), np.zeros_like(intercepts)

    def max_rates_intercepts(self, gain: Any, bias: Any) -> Any:
        return np.ones_like(gain), np.zeros_like(bias)

    def step(self, dt: float, J: np.ndarray, output: np.ndarray, steps: Any) -> None:
        output[...] = 0
        if 0 <= (k := int(steps[0]) - self.first) < len(output):
            output[k] = 1
        steps[...] += 1

    state = {"steps": nengo.dists.Choice([0])}


def impulse_synapses(net: nengo.Network) -> dict[str, int]:
    """Return the number of synapses of the neurons of each ensemble, by its label.

    Those that end in neurons, in what the host computes, and in nodes that nothing
    leaves or that are probed.
    """
    copied = net.copy()
    for conn in copied.all_connections:
        conn.synapse = None
    for node in copied.all_nodes:
        if node.size_in > 0 and node.output is not None:  # the host's
            for sub in (copied, *copied.all_networks):
                sub.connections[:] = [
                    c for c in sub.connections if _owner(c.pre_obj) is not node
                ]
            size = node.size_in
            node.output = None
            assert node.size_out == size
    probed = {_owner(probe.obj) for probe in copied.all_probes}
    leaving = {_owner(conn.pre_obj) for conn in copied.all_connections}
    for sub in (copied, *copied.all_networks):
        sub.probes.clear()
    start, spans = 0, {}
    for ens in copied.all_ensembles:
        spans[ens.label] = start, start + ens.n_neurons
        ens.neuron_type = Told(start)
        ens.gain, ens.bias = np.ones(ens.n_neurons), np.zeros(ens.n_neurons)
        start += ens.n_neurons
    with copied:
        ends = [
            nengo.Probe(ens.neurons, "input", synapse=None)
            for ens in copied.all_ensembles
        ]
        ends += [
            nengo.Probe(node, synapse=None)
            for node in copied.all_nodes
            if node.size_in > 0 and (node in probed or node not in leaving)
        ]
    # constants would hide what arrives
    for node in copied.all_nodes:
        if isinstance(node.output, np.ndarray):
            node.output = np.zeros_like(node.output)
    with nengo.Simulator(copied, progress_bar=False) as sim:
        sim.run_steps(start)
    arrived = np.concatenate([sim.data[probe] for probe in ends], axis=1)
    return {
        label: int(np.count_nonzero(np.abs(arrived[a:b]) > 1e-12))
        for label, (a, b) in spans.items()
    }


def _owner(obj: Any) -> Any:
    return getattr(obj, "ensemble", obj)
