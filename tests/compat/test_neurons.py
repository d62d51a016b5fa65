"""Integrate-and-fire neurons against what they are to count."""

import nengo
import numpy as np

import nengo_energy as ne


def network(current):
    with nengo.Network(seed=0) as net:
        node = nengo.Node(current)
        ens = nengo.Ensemble(
            len(current),
            1,
            neuron_type=ne.IntegrateAndFire(amplitude=0.01),
            gain=nengo.dists.Choice([1]),
            bias=nengo.dists.Choice([0]),
        )
        nengo.Connection(node, ens.neurons, synapse=None)
    return net, ens


def test_spikes_are_the_input_rounded():
    """After any time: the integral of the input, plus the half spike to begin with."""
    current = np.array([0.0, 3.0, 7.0, 250.0, 999.0, 2500.0, -40.0])
    net, ens = network(current)
    for simulator in ("nengo", "nengo-dl", "compiled"):
        for timesteps in (10, 100):
            activity = ne.measure_activity(net, None, timesteps, simulator=simulator)
            (population,) = activity.populations.values()
            expected = np.floor(np.maximum(current, 0) * timesteps * 0.001 + 0.5)
            np.testing.assert_array_equal(population.spikes, expected)
    assert activity.populations["ensemble"].peak == 3  # 2.5 a timestep


def test_what_is_below_zero_is_remembered():
    """Input of -100 for 20 ms and then 100: it takes 20 ms to make up for it."""
    with nengo.Network() as net:
        node = nengo.Node(lambda t: -100 if t <= 0.0205 else 100)
        ens = nengo.Ensemble(
            1,
            1,
            neuron_type=ne.IntegrateAndFire(),
            gain=nengo.dists.Choice([1]),
            bias=nengo.dists.Choice([0]),
        )
        nengo.Connection(node, ens.neurons, synapse=None)
        probe = nengo.Probe(ens.neurons)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(100)
    spikes = sim.data[probe][:, 0] * 0.001
    # -2 + 8 by the end, and the half to begin with
    assert spikes.sum() == 6
    assert not spikes[:44].any()
