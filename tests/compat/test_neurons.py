"""Neurons of our own against what they are to count."""

import nengo
import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat.neurons import LoihiRectifiedLinear


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


@pytest.mark.parametrize("lowest, n_spikes", [(0.0, 10), (-1.0, 10), (-4.0, 1)])
def test_spikes_of_two_sides_cancel_above_the_lowest_voltage(
    lowest: float, n_spikes: int
) -> None:
    """Every 10 timesteps 2.5 thresholds, and a timestep later 2.5 less.

    The first makes a spike, which resets to zero; from -2.5 the next leads to zero.
    Where the voltage stops at -1 or at 0, the next leads to 1.5 or 2.5, and spikes.
    """
    with nengo.Network(seed=0) as net:
        first, later, last = (
            nengo.Ensemble(
                1,
                1,
                neuron_type=LoihiRectifiedLinear(lowest, amplitude=0.001),
                gain=np.ones(1),
                bias=np.full(1, bias),
            )
            for bias in (105.0, 0.0, 0.0)
        )
        for pre, post, weight in ((first, later, 2), (first, last, 2.5)):
            nengo.Connection(
                pre.neurons, post.neurons, transform=1000 * weight, synapse=0
            )
        nengo.Connection(later.neurons, last.neurons, transform=-2500.0, synapse=0)
    for simulator in ("nengo", "nengo-dl", "compiled", "loihi"):
        activity = ne.measure_activity(net, None, 104, simulator=simulator)
        counts = [int(p.spikes.sum()) for p in activity.populations.values()]
        assert counts == [10, 10, n_spikes], simulator
