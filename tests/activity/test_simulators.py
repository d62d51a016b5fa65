"""NengoDL and NengoLoihi's emulator count what Nengo counts."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.simulators import minibatch
from nengo_energy.compat import emulator, import_nengo_loihi

pytestmark = pytest.mark.tensorflow

DT = 2.0**-10
"""With weights and rates that are sums of few powers of two, currents and voltages have
no rounding error, and single precision gives the very spikes of double precision."""

AT_REST = {"voltage": nengo.dists.Choice([0.0])}
SEVERAL = nengo.SpikingRectifiedLinear(amplitude=0.5, initial_state=AT_REST)
RATES = nengo.RectifiedLinear(amplitude=0.5)


def two_layers(neuron_type, bias=16.0):
    """input (3) -> a (4 neurons) -> b (2 neurons) -> out (2)."""
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a, b = (
            nengo.Ensemble(
                n,
                1,
                gain=np.ones(n),
                bias=np.full(n, bias),
                neuron_type=neuron_type,
                label=label,
            )
            for n, label in [(4, "a"), (2, "b")]
        )
        out = nengo.Node(size_in=2, label="out")
        nengo.Connection(inp, a.neurons, transform=np.eye(4, 3), synapse=None)
        weights = [[0.5, 0.25, 0, 0], [0, 1, 0, 0]]
        nengo.Connection(a.neurons, b.neurons, transform=weights, synapse=None)
        nengo.Connection(b.neurons, out, synapse=None)
        nengo.Probe(out)
    return net


def assert_same(one: ne.Activity, other: ne.Activity):
    for name, found in one.populations.items():
        wanted = other.populations[name]
        assert_array_equal(found.spikes, wanted.spikes)
        assert_array_equal(found.spikes_per_inference, wanted.spikes_per_inference)
        assert_array_equal(found.active_per_inference, wanted.active_per_inference)
        assert_array_equal(found.sent_per_inference, wanted.sent_per_inference)
        for key, synops in wanted.synops_per_inference.items():
            assert_array_equal(found.synops_per_inference[key], synops)
        assert found.peak == wanted.peak
    for output, wanted in zip(one.outputs.values(), other.outputs.values()):
        assert_allclose(output, wanted, rtol=1e-5)


@pytest.mark.parametrize("neuron_type", [SEVERAL, RATES], ids=["spikes", "rates"])
def test_minibatches_of_any_size_count_what_nengo_counts(neuron_type):
    """Five inferences in batches of 1, 2 (the last holds one), 3 (two), 5 and 7."""
    net = two_layers(neuron_type)
    # up to 3072 Hz, 3 spikes in a timestep of 1 / 1024 s
    x = np.random.RandomState(0).randint(0, 97, size=(5, 3)) * 32.0
    options = dict(timesteps=40, dt=DT, warmup=8, progress=False)
    wanted = ne.measure_activity(net, x, **options)
    assert wanted.populations["b"].spikes.min() > 10
    if neuron_type is SEVERAL:
        assert wanted.populations["a"].peak > 1
    for size in (1, 2, 3, 5, 7):
        found = ne.measure_activity(
            net, x, simulator="nengo-dl", minibatch_size=size, **options
        )
        assert_same(found, wanted)


def test_rates_are_counted_by_arithmetic():
    """A rate of 128 + 16 Hz for 64 timesteps of 1 / 1024 s: 9 spikes; alone 16 Hz: 1.

    Nengo gives rates in the first timestep already.
    """
    activity = ne.measure_activity(
        two_layers(RATES),
        np.array([[128.0, 0.0, 0.0]]),
        timesteps=64,
        simulator="nengo-dl",
        dt=DT,
    )
    a = activity.populations["a"]
    assert_array_equal(a.spikes, [9, 1, 1, 1])
    assert_array_equal(a.active_per_inference, [12])


def test_chunks_of_a_long_input_add_up(monkeypatch):
    """A burst of 3 spikes a timestep in an early chunk is still the peak at the end."""
    net = two_layers(SEVERAL)
    x = np.zeros((2, 50, 3))
    x[:, 10:13, 0] = 3 * 1024.0
    x[1, 20:40, 1] = np.arange(20) * 64.0
    # the last of the warm-up, and the last of all
    x[:, 7, 2], x[:, 49, 2] = 1024.0, 2048.0
    options = dict(timesteps=42, dt=DT, warmup=8, progress=False)
    wanted = ne.measure_activity(net, x, **options)
    a = wanted.populations["a"]
    # 50 timesteps of 16 / 1024 of a spike don't make one
    assert_array_equal(a.spikes[[0, 2, 3]], [2 * 9, 2 * 2, 0])
    # 64 x (0 + 1 + ... + 19) / 1024, and the rest from the bias
    assert (a.peak, a.spikes[1]) == (3, 12)
    # 2 inputs of 3 numbers of 4 bytes: at most 5 timesteps at a time
    monkeypatch.setattr(minibatch, "CHUNK_BYTES", 5 * 2 * 3 * 4)
    found = ne.measure_activity(net, x, simulator="nengo-dl", **options)
    assert_same(found, wanted)


def test_precision_of_the_user_is_kept():
    """NengoDL builds in single precision; Nengo's own setting comes back after it."""
    before = nengo.rc.get("precision", "bits")
    assert before == "64"
    ne.measure_activity(two_layers(RATES), timesteps=2, simulator="nengo-dl")
    after = nengo.rc.get("precision", "bits")
    nengo.rc.set("precision", "bits", before)
    assert after == before


# --- emulator ------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """The emulators that were opened, to look at what is where."""
    simulators = []
    stock = emulator.open_emulator

    def remembering(*args, **options):
        simulators.append(stock(*args, **options))
        return simulators[-1]

    monkeypatch.setattr(emulator, "open_emulator", remembering)
    return simulators


def ticking(intervals, label):
    """Neurons of the chip that spike on their own, every so many timesteps of 1 ms.

    Their voltage passes 1 half a timestep before it is looked at, so that the chip's
    rounding doesn't matter.
    """
    n = len(intervals)
    neuron_type = import_nengo_loihi().neurons.LoihiSpikingRectifiedLinear(
        initial_state=AT_REST
    )
    return nengo.Ensemble(
        n,
        1,
        gain=np.ones(n),
        bias=1000 / (np.asarray(intervals) - 0.5),
        neuron_type=neuron_type,
        label=label,
    )


@pytest.mark.parametrize(
    "n_neurons, shape",
    [(2500, None), (2500, ((700,), (2500,))), (64, ((4, 4), (8, 8)))],
    ids=["by itself", "as told", "in squares"],
)
def test_ensemble_on_several_cores(n_neurons, shape, opened):
    """A core holds 1,024 neurons. Squares hold neurons that don't follow each other."""
    nengo_loihi = import_nengo_loihi()
    intervals = 2 + np.random.RandomState(0).randint(9, size=n_neurons)
    with nengo.Network(seed=0) as net:
        a = ticking(intervals, "a")
        out = nengo.Node(size_in=1, label="out")
        drives = np.arange(n_neurons) % 3 == 0
        nengo.Connection(a.neurons, out, transform=drives[None] * 1.0)
        if shape is not None:
            nengo_loihi.add_params(net)
            net.config[a].block_shape = nengo_loihi.BlockShape(*shape)
    activity = ne.measure_activity(net, timesteps=60, simulator="loihi", warmup=7)
    blocks = opened[0].model.objs[a]["out"]
    # 2,500 / 1,024 and 2,500 / 700 rounded up, or 2 x 2 squares
    assert len(blocks) == (3 if shape is None else 4)
    expected = 67 // intervals - 7 // intervals
    measured = activity.populations["a"]
    assert_array_equal(measured.spikes, expected)
    assert_array_equal(measured.synops_per_inference["a -> out"], [expected @ drives])
    assert_array_equal(measured.sent_per_inference, [expected @ drives])


def test_own_placement_of_any_network_is_kept(opened):
    """On the host neurons spike 5 times in 2 timesteps, on the chip once in each."""
    nengo_loihi = import_nengo_loihi()
    with nengo.Network(seed=0) as net:
        fast = nengo.SpikingRectifiedLinear(amplitude=0.25, initial_state=AT_REST)
        host, chip = (
            nengo.Ensemble(
                1, 1, gain=[1.0], bias=[2500.5], neuron_type=fast, label=label
            )
            for label in ("host", "chip")
        )
        with nengo.Network(label="inner"):
            inner = ticking([4], "inner")
            sink = nengo.Ensemble(1, 1, gain=[1.0], bias=[0.0], label="sink")
        nengo.Connection(host.neurons, sink.neurons, transform=-1.0)
        nengo_loihi.add_params(net)
        net.config[host].on_chip = False
    activity = ne.measure_activity(net, timesteps=40, simulator="loihi", warmup=10)
    found = {name: p.spikes[0] for name, p in activity.populations.items()}
    assert found == {
        "host": 100,
        "chip": 40,
        "inner/inner": 50 // 4 - 10 // 4,
        "inner/sink": 0,
    }
    peaks = [p.peak for p in activity.populations.values()]
    assert peaks == [3, 1, 1, 0]
    assert host not in opened[0].model.objs
    assert {chip, inner, sink} <= set(opened[0].model.objs)
    assert activity.populations["chip"].active_per_inference == [40]
    assert activity.populations["host"].active_per_inference == [40]


def test_subclasses_of_ensembles_and_connections_can_be_measured():
    class MyEnsemble(nengo.Ensemble):
        """What a user derives."""

    class MyConnection(nengo.Connection):
        """What a user derives."""

    with nengo.Network(seed=0) as net:
        a = MyEnsemble(1, 1, gain=[1.0], bias=[400.0], neuron_type=nengo.LIF())
        b = nengo.Ensemble(1, 1, gain=[1.0], bias=[0.0])
        MyConnection(a.neurons, b.neurons)
    activity = ne.measure_activity(net, timesteps=20, simulator="loihi")
    assert next(iter(activity.populations.values())).spikes[0] > 0


def test_nothing_of_an_inference_is_left_in_the_next(opened):
    """Loud, silent, loud: spikes that were in flight at the end don't arrive."""
    loihi = import_nengo_loihi().neurons.LoihiSpikingRectifiedLinear(
        initial_state=AT_REST
    )
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        host, chip = (
            nengo.Ensemble(1, 1, gain=[1.0], bias=[0.0], neuron_type=loihi, label=label)
            for label in ("host", "chip")
        )
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(inp, host.neurons, synapse=None)
        nengo.Connection(host.neurons, chip.neurons, synapse=0.01)
        nengo.Connection(chip.neurons, out, synapse=0.01)
        nengo.Probe(out)
        import_nengo_loihi().add_params(net)
        net.config[host].on_chip = False
    x = np.array([[900.0], [0.0], [900.0], [0.0]])
    activity = ne.measure_activity(net, x, timesteps=30, simulator="loihi")
    for name in ("host", "chip"):
        first, *others = activity.populations[name].spikes_per_inference
        assert first >= 5
        assert others == [0, first, 0]
    (output,) = activity.outputs.values()
    assert output[0] > 0
    assert_array_equal(output[[1, 2, 3]], [[0], output[0], [0]])
    assert len(opened) == 1  # built once


def test_time_starts_again_with_each_inference():
    """A node that is silent after 10 timesteps: 10 in each inference, not in the first
    alone."""
    loihi = import_nengo_loihi().neurons.LoihiSpikingRectifiedLinear(
        initial_state=AT_REST
    )
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        clock = nengo.Node(lambda t: 2000.0 * (t < 0.0105), label="clock")
        host = nengo.Ensemble(
            1, 1, gain=[1.0], bias=[0.0], neuron_type=loihi, label="host"
        )
        for node in (inp, clock):
            nengo.Connection(node, host.neurons, synapse=None)
        chip = nengo.Ensemble(
            1, 1, gain=[1.0], bias=[0.0], neuron_type=loihi, label="chip"
        )
        # each spike is one of the next neuron
        nengo.Connection(host.neurons, chip.neurons, transform=1.5, synapse=None)
        import_nengo_loihi().add_params(net)
        net.config[host].on_chip = False
    activity = ne.measure_activity(net, np.zeros((3, 1)), 25, simulator="loihi")
    assert_array_equal(activity.populations["host"].spikes_per_inference, [10] * 3)
    assert_array_equal(activity.populations["chip"].spikes_per_inference, [10] * 3)


def test_reset_brings_back_the_first_timestep():
    with nengo.Network(seed=0) as net:
        a = ticking([3], "a")
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(a.neurons, out, synapse=None)
        probe = nengo.Probe(out)
    with emulator.open_emulator(net, target="sim", progress_bar=False) as sim:
        sim.run_steps(10)
        first = sim.data[probe].copy()
        assert first.any()
        emulator.reset_emulator(sim)
        assert (sim.n_steps, sim.time, len(sim.data[probe])) == (0, 0.0, 0)
        assert emulator.chip_spike_counts(sim, [a])[a] == [0]
        sim.run_steps(10)
        assert_array_equal(sim.data[probe], first)
        assert_allclose(sim.trange(), np.arange(1, 11) * 0.001)
        assert emulator.chip_spike_counts(sim, [a])[a] == [10 // 3]


@pytest.mark.parametrize("simulator", ["compiled", "nengo-dl", "loihi"])
@pytest.mark.parametrize("marks", [[10, 20, 50], [3, 20, 37]])
def test_one_run_gives_what_shorter_ones_do(simulator, marks):
    """To the last bit, outputs included, wherever the run is cut into stretches."""
    if simulator == "loihi":
        # 200 Hz without any input
        loihi = import_nengo_loihi().neurons
        net = two_layers(loihi.LoihiSpikingRectifiedLinear(), bias=200.0)
    else:
        net = two_layers(SEVERAL)
    x = np.random.RandomState(0).uniform(0, 2000, size=(3, 3))
    options = dict(simulator=simulator, warmup=4, progress=False)
    found = ne.measure_activity_at(net, x, marks, **options)
    for timesteps, activity in zip(marks, found):
        alone = ne.measure_activity(net, x, timesteps, **options)
        assert_same(activity, alone)
        for probe, output in alone.outputs.items():
            assert_array_equal(activity.outputs[probe], output)
    assert sum(p.spikes.sum() for p in found[-1].populations.values()) > 100


@pytest.mark.parametrize("simulator", ["nengo", "nengo-dl", "loihi"])
def test_network_that_is_registered_twice_runs_once(simulator):
    """Its only input is found, and spikes are those of the network registered once."""
    synops = []
    for times in (1, 2):
        with nengo.Network(seed=0) as net:
            with nengo.Network(label="inner") as inner:
                stimulus = nengo.Node(np.zeros(2), label="stimulus")
                tuning = {"gain": np.full(3, 2.0), "bias": np.full(3, 1.0)}
                a = nengo.Ensemble(3, 1, label="a", **tuning)
                b = nengo.Ensemble(3, 1, label="b", **tuning)
                relay = nengo.Node(size_in=3, label="relay")
                out = nengo.Node(size_in=2, label="out")
                nengo.Connection(stimulus, a.neurons, transform=np.ones((3, 2)))
                nengo.Connection(a.neurons, relay, transform=np.full((3, 3), 1e-3))
                nengo.Connection(relay, b.neurons, synapse=None)
                nengo.Connection(b.neurons, out, transform=np.ones((2, 3)))
                nengo.Probe(out)
            net.networks.extend([inner] * (times - 1))
        activity = ne.measure_activity(net, np.ones((1, 2)), 50, simulator=simulator)
        a, b = (pop.spikes.sum() for pop in activity.populations.values())
        assert a > 0 and b > 0 and len(activity.outputs) == 1
        counts = ne.count_ops(ne.trace_topology(net), activity)
        assert counts.total("synop") == 3 * a + 2 * b
        synops.append((a, b))
    assert synops[0] == synops[1]
