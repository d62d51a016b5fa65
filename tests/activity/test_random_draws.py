"""Noise, processes, random neurons: each inference draws as if it were alone."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.dists import Gaussian
from nengo.processes import FilteredNoise, PresentInput, WhiteNoise, WhiteSignal
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.emulator import open_simulator
from nengo_energy.compat import import_nengo_dl, import_nengo_loihi
from nengo_energy.compat.emulator import nengo_simulators

STEPS = 120
NOISE = WhiteNoise(Gaussian(0, 0.5))
KINDS = {
    "signal": {"node": WhiteSignal(1.0, high=10)},
    "filtered noise": {"node": FilteredNoise(nengo.Alpha(0.01), Gaussian(0, 3))},
    "shown": {"node": PresentInput([[0.2], [-0.4], [0.9]], 0.03)},
    "noise": {"noise": NOISE},
    "voltages": {
        "neurons": nengo.LIF(initial_state={"voltage": nengo.dists.Uniform(0, 1)})
    },
    "poisson": {"neurons": nengo.PoissonSpiking(nengo.LIFRate())},
    "stochastic": {"neurons": nengo.StochasticSpiking(nengo.LIFRate())},
    "all": {
        "node": WhiteSignal(1.0, high=10),
        "noise": NOISE,
        "neurons": nengo.PoissonSpiking(nengo.LIFRate()),
    },
}


def network(kind, seed=5):
    """input, source -> a -> b, of which b is random in what is asked for."""
    wanted = KINDS[kind]
    with nengo.Network(seed=seed) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        source = nengo.Node(wanted.get("node", [0.4]), label="source")
        a = nengo.Ensemble(30, 1, label="a")
        b = nengo.Ensemble(
            30,
            1,
            noise=wanted.get("noise"),
            neuron_type=wanted.get("neurons", nengo.LIF()),
            label="b",
        )
        nengo.Connection(inp, a)
        nengo.Connection(source, a)
        nengo.Connection(a, b)
        # takes a seed of its own in Nengo, and none in NengoDL
        nengo.Connection(source, b, synapse=nengo.synapses.Triangle(0.005))
    return net


def own_run(open_own, net, value=0.0):
    """Spikes of every neuron in a fresh simulator, by probing all of them."""
    with net:
        probes = [nengo.Probe(ens.neurons) for ens in net.all_ensembles]
    stock, net.nodes[0].output = net.nodes[0].output, np.array([value])
    with open_own(net) as sim:
        sim.run_steps(STEPS)
        spikes = [
            np.rint(np.squeeze(sim.data[p]).sum(axis=0) * 0.001).astype(int)
            for p in probes
        ]
    net.nodes[0].output = stock
    del net.probes[-len(probes) :]
    return spikes


def measured(net, x, **options):
    found = {}

    def keep(start, spikes):
        for name, counts in spikes.items():
            found.setdefault(name, []).append(counts)

    ne.measure_activity_at(net, x, [STEPS], on_batch=keep, progress=False, **options)
    return [np.concatenate(parts) for parts in found.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_each_inference_is_a_fresh_run_of_nengo(kind):
    net = network(kind)
    x = np.array([[0.0], [0.3], [0.0]])
    found = measured(net, x)
    for k, value in enumerate(x[:, 0]):
        alone = own_run(
            lambda net: nengo.Simulator(net, optimize=False, progress_bar=False),
            net,
            value,
        )
        for counts, wanted in zip(found, alone):
            assert wanted.sum() > 50
            assert_array_equal(counts[k], wanted)


def test_a_signal_is_that_of_nengos_default_simulator():
    """The optimizer reorders noise, from run to run; a single process it can't."""
    net = network("signal")
    wanted = own_run(lambda net: nengo.Simulator(net, progress_bar=False), net)
    for counts, own in zip(measured(net, np.zeros((1, 1))), wanted):
        assert_array_equal(counts[0], own)


def test_the_seed_decides():
    """As do two networks without one; each of their inferences is alike, though."""
    x = np.zeros((2, 1))
    seeded = [measured(network("all", seed), x)[1] for seed in (1, 1, 2)]
    assert_array_equal(seeded[0], seeded[1])
    assert np.any(seeded[0] != seeded[2])
    free = network("all", None)
    first, second = measured(free, x)[1], measured(free, x)[1]
    assert np.any(first != second)
    assert_array_equal(first[0], first[1])
    assert ne.measure_activity(free, x, 2).settings["seed"] is None


def test_shorter_runs_draw_the_same():
    net = network("all")
    both = ne.measure_activity_at(net, np.zeros((2, 1)), [40, 90], warmup=10)
    for timesteps, activity in zip([40, 90], both):
        alone = ne.measure_activity(net, np.zeros((1, 1)), timesteps, warmup=10)
        for name, pop in activity.populations.items():
            wanted = alone.populations[name].spikes_per_inference[0]
            assert_array_equal(pop.spikes_per_inference, [wanted, wanted])


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", ["filtered noise", "noise", "all"])
def test_the_first_inference_is_a_fresh_run_of_nengo_dl(kind):
    nengo_dl = import_nengo_dl()
    net = network(kind)

    def open_own(net):
        sim = nengo_dl.Simulator(net, progress_bar=False)
        run = sim.run_steps
        sim.run_steps = lambda n: run(n, progress_bar=False)
        return sim

    wanted = own_run(open_own, net)
    found = measured(net, np.zeros((3, 1)), simulator="nengo-dl", minibatch_size=1)
    for counts, own in zip(found, wanted):
        assert_array_equal(counts[0], own)
        assert own.sum() > 50


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", ["signal", "filtered noise", "noise"])
def test_minibatches_of_any_size_draw_the_same(kind):
    """NengoDL gives each inference of a minibatch other noise, and filtered noise a
    state that all share."""
    net = network(kind)
    x = np.zeros((5, 1))
    one, three = (
        measured(net, x, simulator="nengo-dl", minibatch_size=size) for size in (1, 3)
    )
    for found in (one, three):
        for counts, wanted in zip(found, one):
            assert_array_equal(counts, np.tile(wanted[:1], (5, 1)))


@pytest.mark.tensorflow
def test_what_tensorflow_draws_is_decided_by_the_seed():
    net = network("poisson")
    runs = [
        measured(net, np.zeros((4, 1)), simulator="nengo-dl", minibatch_size=2)[1]
        for _ in range(2)
    ]
    assert_array_equal(runs[0], runs[1])


def loihi_network(loop, seed=5):
    """source -> before (host) -> chip -> after (host), and back again if asked for."""
    nengo_loihi = import_nengo_loihi()
    with nengo.Network(seed=seed) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        source = nengo.Node(WhiteSignal(1.0, high=10), label="source")
        before, chip, after = (
            nengo.Ensemble(30, 1, noise=noise, neuron_type=neurons, label=label)
            for label, noise, neurons in [
                ("before", NOISE, nengo.LIF()),
                ("chip", None, nengo.LIF()),
                ("after", NOISE, nengo.PoissonSpiking(nengo.LIFRate())),
            ]
        )
        nengo.Connection(inp, chip)
        for one, other in [(source, before), (before, chip), (chip, after)]:
            nengo.Connection(one, other)
        if loop:
            nengo.Connection(after, before)
        nengo_loihi.add_params(net)
        for ens in (before, after):
            net.config[ens].on_chip = False
    return net


@pytest.mark.tensorflow
@pytest.mark.parametrize("loop", [False, True], ids=["two hosts", "one host"])
def test_hosts_of_the_chip_are_seeded(loop):
    net = loihi_network(loop)
    runs = [
        measured(net, np.zeros((2, 1)), simulator="loihi", emulator=emulator)
        for emulator in ("fast", "fast", "nengo-loihi")
    ]
    own = own_run(lambda net: open_simulator(net, target="sim"), net)
    for found in runs:
        for counts, wanted in zip(found, own):
            assert wanted.sum() > 20
            assert_array_equal(counts, [wanted, wanted])


@pytest.mark.tensorflow
def test_the_two_hosts_draw_other_numbers():
    with open_simulator(loihi_network(loop=False), target="sim") as sim:
        seeds = [host.seed for host in nengo_simulators(sim)]
    assert seeds == [6, 7]  # that of Nengo, and the next
    with open_simulator(loihi_network(loop=False), target="sim", seed=40) as sim:
        assert [host.seed for host in nengo_simulators(sim)] == [40, 41]
