"""Synops are exact: against a loop over events, and against the emulator's own work."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from random_networks import random_networks

import nengo_energy as ne

TIMESTEPS = 25


def events_of(net: nengo.Network, inputs: dict, n_steps: int) -> dict:
    """Spikes of every ensemble as (n_steps, n_neurons), by probing everything."""
    with net:
        probes = {ens: nengo.Probe(ens.neurons) for ens in net.all_ensembles}
    with nengo.Simulator(net, progress_bar=False, dt=0.001) as sim:
        for node, x in inputs.items():
            sim.signals[sim.model.sig[node]["out"]][...] = x
        sim.run_steps(n_steps)
        spikes = {
            ens: np.rint(sim.data[p] * 0.001 / ens.neuron_type.amplitude).astype(int)
            for ens, p in probes.items()
        }
    del net.probes[-len(probes) :]
    return spikes


def loop_over_events(spikes: np.ndarray, matrix: np.ndarray) -> int:
    """Count synops one spike and one weight at a time."""
    count = 0
    for step in spikes:
        for i, n_spikes in enumerate(step):
            for _ in range(n_spikes):
                for j in range(len(matrix)):
                    if matrix[j, i] != 0:
                        count += 1
    return count


@settings(max_examples=8, deadline=None)
@given(random_networks(), st.integers(0, 2**32 - 1))
def test_synops_equal_a_loop_over_events(built, seed):
    rng = np.random.RandomState(seed)
    x = rng.uniform(0, 0.5, size=(2, built.inp.size_out))
    topology = ne.trace_topology(built.net)
    activity = ne.measure_activity(built.net, x, TIMESTEPS, topology=topology)
    counts = ne.count_ops(topology, activity)

    expected = 0
    for row in x:
        spikes = events_of(built.net, {built.inp: row}, TIMESTEPS)
        assert spikes[built.net.ensembles[0]].sum() > 0
        for (pre, _), matrix in built.matrices.items():
            expected += loop_over_events(spikes[pre], matrix)
    assert counts.total("synop") == expected
    assert len(topology.projections + topology.readouts) == len(built.matrices)


@settings(max_examples=5, deadline=None)
@given(random_networks(neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.01)))
def test_several_spikes_per_timestep_are_all_counted(built):
    x = np.full((1, built.inp.size_out), 150.0)
    topology = ne.trace_topology(built.net)
    activity = ne.measure_activity(built.net, x, 5, topology=topology)
    spikes = events_of(built.net, {built.inp: x[0]}, 5)
    encoder = built.net.ensembles[0]
    assert spikes[encoder].max() > 1
    for pop in topology.populations:
        measured = activity.populations[pop.name]
        assert np.array_equal(measured.spikes, spikes[pop.ensemble].sum(axis=0))
        assert measured.peak == spikes[pop.ensemble].max()
        assert measured.active_per_inference == [np.sum(spikes[pop.ensemble] > 0)]
    codes = [assumption.code for assumption in activity.assumptions]
    assert "several-spikes-per-timestep" in codes


@pytest.mark.tensorflow  # NengoLoihi imports TensorFlow
@settings(max_examples=8, deadline=None)
@given(random_networks(), st.integers(0, 2**32 - 1))
def test_synops_equal_the_weights_that_the_emulator_applies(built, seed):
    from nengo_energy.compat import emulator, import_nengo_loihi
    from nengo_energy.loihi import build_loihi_network

    nengo_loihi = import_nengo_loihi()
    from nengo_loihi.emulator import interface

    rng = np.random.RandomState(seed)
    x = rng.uniform(0.2, 0.5, size=built.inp.size_out)
    topology = ne.trace_topology(built.net)
    assume(all(p.n_synapses for p in topology.projections + topology.readouts))
    prepared = build_loihi_network(built.net, topology, [built.probe]).network
    applied = 0
    stock = interface.SynapseState.update_input

    def tapped(self, inputs):
        nonlocal applied
        for synapse, _ in self.items():
            for spike in self.spikes_in[synapse]:
                if synapse.axon_compartment_base(spike.axon_idx) is not None:
                    weights, _ = synapse.axon_weights_indices(
                        spike.axon_idx, atom=spike.atom
                    )
                    applied += np.count_nonzero(weights)
        stock(self, inputs)

    encoder = topology.populations[0]
    on_chip = [pop for pop in topology.populations if pop is not encoder]
    n_sent = {pop.name: np.zeros(pop.n_neurons, int) for pop in topology.populations}

    def watch(t, spikes):
        if t > 0:
            n_sent[encoder.name] += np.rint(spikes * 0.001 / encoder.amplitude).astype(
                int
            )

    with prepared:
        node = nengo.Node(watch, size_in=encoder.n_neurons)
        nengo.Connection(encoder.ensemble.neurons, node, synapse=None)
    interface.SynapseState.update_input = tapped
    try:
        # without rounding weights to 8 bits, so that none becomes zero
        with nengo_loihi.Simulator(
            prepared, target="simreal", progress_bar=False
        ) as sim:
            emulator.set_input(sim, built.inp, x)
            sim.run_steps(TIMESTEPS)
            chip = emulator.chip_spike_counts(sim, [pop.ensemble for pop in on_chip])
            state = sim.sims["emulator"]
            in_flight = {
                pop.name: np.concatenate(
                    [
                        state.compartment.spiked[state.block_info.slices[block]]
                        for block in sim.model.objs[pop.ensemble]["out"]
                    ]
                )
                for pop in on_chip
            }
            in_flight[encoder.name] = _waiting(sim.model.inputs, encoder.n_neurons)
    finally:
        interface.SynapseState.update_input = stock
    for pop in on_chip:
        n_sent[pop.name] = chip[pop.ensemble]
    assert n_sent[encoder.name].sum() > 0
    expected = sum(
        (n_sent[projection.pre] - in_flight[projection.pre]) @ projection.fan_out
        for projection in topology.projections
    )
    assert applied == expected
    assert applied > 0


def _waiting(inputs, n_neurons):
    """Spikes that the host has sent and the chip hasn't taken yet, for each neuron."""
    counts = np.zeros(n_neurons, int)
    first = next(iter(inputs), None)
    if first is not None:
        for indices in first.spikes.values():
            np.add.at(counts, np.asarray(indices, dtype=int), 1)
    return counts
