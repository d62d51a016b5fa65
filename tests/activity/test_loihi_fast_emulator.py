"""The compiled emulator does in every timestep what NengoLoihi's own does."""

from __future__ import annotations

import logging
import sys
import warnings

import nengo
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_array_equal
from random_chips import N_STEPS, random_model
from random_loihi_networks import build_network, loihi_networks

import nengo_energy as ne
from nengo_energy.activity.emulator import open_simulator
from nengo_energy.compat import import_nengo_loihi

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow

SEEDS = st.integers(0, 2**32 - 1)
STATES = ("input", "current", "voltage", "spiked", "ref_count", "spike_count")


@pytest.fixture(scope="module", autouse=True)
def _nengo_loihi():
    import_nengo_loihi()


def emulators(make_model, seed=0):
    """NengoLoihi's emulator and ours, each of its own model: running changes it."""
    from nengo_loihi.emulator import EmulatorInterface

    from nengo_energy.activity.emulator.interface import FastEmulator

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in cast")
        return EmulatorInterface(make_model(), seed), FastEmulator(make_model(), seed)


def state_of(emulator):
    return {name: getattr(emulator.compartment, name).copy() for name in STATES}


def assert_same_state(one, other):
    for name in STATES:
        found, wanted = getattr(one, name), getattr(other, name)
        assert found.dtype == wanted.dtype
        assert_array_equal(found, wanted, err_msg=name)


# --- models put together by hand -----------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([50, 2**13, 2**16, 2**24]), st.integers(0, 99))
def test_every_state_is_the_same_in_every_timestep(seed, largest_weight, noise_seed):
    """Up to 50, hardly anything overflows; with 24 bits, everything does. Weights of
    more than 15 bits and a sign are stored in 32."""
    stock, fast = emulators(lambda: random_model(seed, largest_weight), noise_seed)
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        for _ in range(N_STEPS):
            complaints.clear()
            stock.step()
            wanted = [str(w.message) for w in complaints]
            complaints.clear()
            fast.step()
            assert [str(w.message) for w in complaints] == wanted
            assert_same_state(fast.compartment, stock.compartment)
            assert fast.t == stock.t


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.lists(st.integers(1, N_STEPS), min_size=1, max_size=3))
def test_probes_record_the_same_however_many_timesteps_are_run_at_once(seed, lengths):
    stock, fast = emulators(lambda: random_model(seed), seed % 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n_steps in lengths:
            stock.run_steps(n_steps)
            fast.run_steps(n_steps)
            outputs = zip(stock.probes.probes, fast.probes.probes)
            for of_stock, of_fast in outputs:
                wanted = stock.collect_probe_output(of_stock)
                found = fast.collect_probe_output(of_fast)
                assert found.dtype == wanted.dtype
                assert_array_equal(found, wanted)
    assert_same_state(fast.compartment, stock.compartment)


def test_random_models_hold_what_they_are_meant_to():
    """So that the tests above don't pass on silence."""
    seen = {"spikes": 0, "refractory": 0, "noise": 0, "clipped": 0, "blocks": 0}
    seen.update({"q0": 0, "current": 0, "u2": 0, "scattered": 0, "32 bits": 0})
    for seed in range(60):
        weight = [50, 2**13, 2**24][seed % 3]
        _, fast = emulators(lambda: random_model(seed, weight))
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            for _ in range(N_STEPS):
                fast.step()
                own = fast.compartment
                seen["spikes"] += own.spiked.sum()
                seen["refractory"] += np.sum(own.ref_count > 1)
                seen["clipped"] += np.sum(own.voltage == own.vmax)
        for complaint in complaints:
            seen[str(complaint.message).split()[-1]] += 1
        seen["noise"] += np.any(fast.compartment.noise.mult)
        routes = fast.program.routes
        begin = routes.rows[:, 0]
        n_blocks, size = routes.shapes[begin], np.append(routes.shapes, 0)[begin + 1]
        seen["blocks"] += np.any(n_blocks > 0)
        seen["scattered"] += np.any((n_blocks == 0) & (size > 1))
        seen["32 bits"] += routes.weights.dtype == np.int32
    assert min(seen.values()) >= 10, {k: int(v) for k, v in seen.items()}


def test_arithmetic_by_hand():
    """One spike of weight 1000 on a compartment that keeps 3000 / 4096 of its current
    and 2048 / 4096 of its voltage, with a bias of 7 and a threshold of 2000.

    current: 1000, floor(1000 x 3000 / 4096) = 732, floor(732 x 3000 / 4096) = 536
    voltage: 1007, floor(1007 / 2) + 739 = 1242, floor(1242 / 2) + 543 = 1164
    """
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.builder import Model
    from nengo_loihi.inputs import SpikeInput

    def make_model():
        model = Model()
        block, spike_input, synapse = LoihiBlock(1), SpikeInput(1), Synapse(1)
        compartment = block.compartment
        # the chip adds one to the decay of the current
        compartment.decay_u = np.array([4096 - 1 - 3000], np.int32)
        compartment.decay_v = np.array([2048], np.int32)
        compartment.bias = np.array([7], np.int32)
        compartment.vth = np.array([2000], np.int32)
        compartment.vmax = 2**23 - 1
        compartment.scale_u = compartment.scale_v = False
        synapse.set_weights([[1000]])
        synapse.weights = [w.astype(np.int32) for w in synapse.weights]
        axon = Axon(1)
        axon.target = synapse
        spike_input.add_axon(axon)
        spike_input.add_spikes(1, [0])
        block.add_synapse(synapse)
        model.add_block(block)
        model.add_input(spike_input)
        return model

    _, fast = emulators(make_model)
    found = []
    for _ in range(4):
        fast.step()
        found.append((fast.state.current[0], fast.state.voltage[0]))
    # a spike of the first timestep arrives in the second; before, the bias alone
    # drives: 7, and then 7 // 2 = 3 more
    assert found == [(0, 7), (1000, 3 + 1007), (732, 505 + 739), (536, 622 + 543)]


@pytest.mark.parametrize("strict", [False, True])
def test_overflow_is_an_error_in_strict_mode(strict, monkeypatch):
    from nengo.exceptions import SimulationError
    from nengo_loihi.emulator import EmulatorInterface

    monkeypatch.setattr(EmulatorInterface, "strict", strict)
    names = set()
    for seed in range(20):
        stopped = []
        for emulator in emulators(lambda: random_model(seed, 2**21)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    emulator.run_steps(N_STEPS)
                    stopped.append((emulator.t, ""))
                except SimulationError as error:
                    stopped.append((emulator.t, str(error)))
        assert stopped[0] == stopped[1]
        names.add(stopped[0][1])
    found = {"Overflow in q0", "Overflow in current", "Overflow in u2"}
    assert names == ({"", *found} if strict else {""})


def test_spikes_of_neurons_that_do_not_exist_are_refused():
    _, fast = emulators(lambda: random_model(1))
    spike_input = fast.inputs[0]
    spike_input.spikes.clear()
    spike_input.add_spikes(1, [spike_input.n_neurons])
    with pytest.raises(IndexError, match=r"input 0.* neurons; got spikes of"):
        fast.run_steps(3)


def test_probes_of_anything_else_are_recorded_by_nengo_loihi():
    from nengo_loihi.probe import LoihiProbe

    def make_model():
        model = random_model(7)
        model.add_probe(LoihiProbe(target=list(model.blocks), key="ref_count"))
        return model

    stock, fast = emulators(make_model)
    assert not fast.recorder.complete
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for emulator in (stock, fast):
            emulator.run_steps(N_STEPS)
    for of_stock, of_fast in zip(stock.probes.probes, fast.probes.probes):
        wanted = stock.collect_probe_output(of_stock)
        assert len(wanted) == N_STEPS
        assert_array_equal(fast.collect_probe_output(of_fast), wanted)


def one_connection():
    """A model of two blocks, with the synapse and the axon of their connection."""
    model = dense(3, 4)
    source, target = model.blocks
    return model, target.synapses[0], source.axons[0]


def name_a_target_twice(synapse, axon):
    synapse.indices[1][0, :2] = 2


def name_a_target_of_another_block(synapse, axon):
    synapse.indices[1][0, 3] = 4


def shift_beyond_the_block(synapse, axon):
    synapse.axon_compartment_bases = [0, 1, 0]


def count_targets_from_the_end(synapse, axon):
    synapse.indices[1][0, 3] = -1


def use_too_many_axons(synapse, axon):
    axon.set_compartment_axon_map(np.array([0, 3, 1]))


def map_too_few_sources(synapse, axon):
    axon.set_compartment_axon_map(np.array([0, 1]))


def use_too_many_atoms(synapse, axon):
    axon.set_compartment_axon_map(np.arange(3), np.array([0, 1, 0]))


def lack_weights(synapse, axon):
    synapse.axon_to_weight_map = {0: 0, 1: 1}


def keep_real_weights(synapse, axon):
    synapse.weights = [w.astype(np.float32) for w in synapse.weights]


def lead_nowhere(synapse, axon):
    from nengo_loihi.block import Synapse

    axon.target = Synapse(3)


def learn(synapse, axon):
    synapse.set_learning()


@pytest.mark.parametrize(
    "change, reason",
    [
        (name_a_target_twice, "an axon with a target named twice"),
        (name_a_target_of_another_block, "targets outside its block"),
        (shift_beyond_the_block, "targets outside its block"),
        (count_targets_from_the_end, "targets below zero"),
        (use_too_many_axons, "leads to axons that .* doesn't have"),
        (map_too_few_sources, "maps 2 sources, and comes from 3"),
        (use_too_many_atoms, "has atoms that .* doesn't know"),
        (lack_weights, "has axons without weights"),
        (keep_real_weights, "weights that aren't integers"),
        (lead_nowhere, "leads to synapses of no block"),
        (learn, "learns"),
    ],
)
def test_what_is_left_to_nengo_loihi_is_named(change, reason):
    from nengo_energy.activity.emulator.interface import FastEmulator

    model, synapse, axon = one_connection()
    FastEmulator(model, 0)
    change(synapse, axon)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in cast")
        with pytest.raises(ne.UnsupportedError, match=reason):
            FastEmulator(model, 0)


# --- memory --------------------------------------------------------------------------


def dense(n_sources, n_targets, density=1.0):
    """Two blocks, and a connection between them."""
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.builder import Model
    from nengo_loihi.builder.discretize import discretize_model

    rng = np.random.RandomState(0)
    model = Model()
    source, target = LoihiBlock(n_sources), LoihiBlock(n_targets)
    for block in (source, target):
        block.compartment.configure_relu()
        model.add_block(block)
    synapse = Synapse(n_sources)
    weights = rng.normal(size=(n_sources, n_targets))
    if density < 1:
        import scipy.sparse as sp

        chosen = rng.rand(n_sources, n_targets) < density
        synapse.set_weights(sp.csr_matrix(weights * chosen))
    else:
        synapse.set_weights(weights)
    target.add_synapse(synapse)
    axon = Axon(n_sources)
    axon.target = synapse
    source.add_axon(axon)
    discretize_model(model)
    return model


@pytest.mark.parametrize(
    "density, limit",
    [
        # 2 bytes for the weight; runs, rows and routes take next to nothing
        (1.0, 2.2),
        # 2 for the weight and 2 for the target
        (0.2, 4.5),
    ],
    ids=["dense", "scattered"],
)
def test_memory_of_a_synapse(density, limit):
    _, fast = emulators(lambda: dense(400, 500, density))
    program = fast.program
    assert abs(program.n_synapses / (400 * 500 * density) - 1) < 0.02
    assert program.nbytes / program.n_synapses < limit
    assert program.nbytes == sum(array.nbytes for array in program.routes)


# --- networks ------------------------------------------------------------------------


def run_on_both(make_network, n_steps, **options):
    """Run a network on both emulators, and return both simulators, closed."""
    sims = []
    for emulator in ("nengo-loihi", "fast"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_simulator(
                make_network(), emulator=emulator, target="sim", **options
            ) as sim:
                for steps in n_steps:
                    sim.run_steps(steps)
                sim.spike_count = sim.sims["emulator"].compartment.spike_count
                sim.emulator_type = type(sim.sims["emulator"]).__name__
        sims.append(sim)
    return sims


def assert_same_probes(one, other):
    pairs = list(zip(one.model.nengo_probes, other.model.nengo_probes))
    pairs += list(zip(one.network.all_probes, other.network.all_probes))
    for mine, theirs in pairs:
        found, wanted = one.data[mine], other.data[theirs]
        assert found.dtype == wanted.dtype
        assert_array_equal(found, wanted, err_msg=str(mine))


@settings(max_examples=25, deadline=None)
@given(loihi_networks())
def test_networks_do_the_same_in_every_timestep(case):
    """Convolutions in split blocks, decoded and recurrent connections, feedback over
    the host, with and without input that is computed ahead."""
    make_network, options = case
    stock, fast = run_on_both(make_network, [1, 29, 10], **options)
    assert (stock.emulator_type, fast.emulator_type) == (
        "EmulatorInterface",
        "FastEmulator",
    )
    assert_same_probes(fast, stock)
    assert_array_equal(fast.spike_count, stock.spike_count)


def test_random_networks_spike_and_split():
    counts = {"spikes": 0, "split": 0, "ahead": 0, "not ahead": 0}
    for seed in range(8):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = build_network(seed, ["conv", "dense"], feedback=seed % 2 == 1)
            with open_simulator(net, target="sim") as sim:
                sim.run_steps(40)
                counts["spikes"] += sim.sims["emulator"].compartment.spike_count.sum()
                counts["ahead" if sim.precompute else "not ahead"] += 1
                pieces = [sim.model.objs[e]["out"] for e in net.ensembles[1:2]]
                counts["split"] += len(pieces[0]) > 1
    assert counts["spikes"] > 1000
    assert min(counts.values()) >= 4


def learning_network():
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(0.5)
        pre, post = nengo.Ensemble(20, 1), nengo.Ensemble(20, 1)
        error = nengo.Node(size_in=1)
        conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES())
        nengo.Connection(inp, pre)
        nengo.Connection(post, error)
        nengo.Connection(inp, error, transform=-1)
        nengo.Connection(error, conn.learning_rule)
        nengo.Probe(post, synapse=0.01)
    return net


def test_learning_runs_on_the_stock_emulator_and_the_log_says_so(caplog):
    caplog.set_level(logging.INFO)
    stock, fast = run_on_both(learning_network, [50])
    assert fast.emulator_type == "EmulatorInterface"
    assert_same_probes(fast, stock)
    (message,) = [m for m in caplog.messages if "NengoLoihi's own emulator runs" in m]
    assert "learns" in message


def plain_network():
    return build_network(0, ["dense"])


def test_real_numbers_run_on_the_stock_emulator(caplog):
    caplog.set_level(logging.INFO)
    with open_simulator(plain_network(), target="simreal") as sim:
        assert type(sim.sims["emulator"]).__name__ == "EmulatorInterface"
        sim.run_steps(3)
    assert "real numbers (simreal)" in caplog.text


def test_without_numba_the_stock_emulator_runs_and_says_what_to_install(
    monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "numba", None)
    with open_simulator(plain_network(), target="sim") as sim:
        assert type(sim.sims["emulator"]).__name__ == "EmulatorInterface"
        sim.run_steps(3)
    (record,) = [r for r in caplog.records if "numba" in r.message]
    assert record.levelname == "WARNING"
    assert 'pip install "nengo-energy[fast]"' in record.message


def test_unknown_emulator_is_refused():
    with pytest.raises(ne.InputError, match="fast, nengo-loihi; got 'quick'"):
        open_simulator(plain_network(), emulator="quick")
    with pytest.raises(ne.InputError, match="'fast' is for simulator='loihi'"):
        ne.measure_activity(plain_network(), timesteps=1, emulator="fast")


def test_simulator_can_be_closed_and_its_data_read():
    net = plain_network()
    with open_simulator(net, target="sim") as sim:
        sim.run_steps(5)
    assert sim.closed
    assert len(sim.data[net.all_probes[0]]) == 5


# --- Keras models --------------------------------------------------------------------


@pytest.fixture(scope="module")
def snn():
    """A small untrained CNN with biases and pooling."""
    from nengo_energy.compat import import_tensorflow

    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, activation="relu", bias_initializer="ones")(image)
    x = layers.Conv2D(8, 3, activation="relu", bias_initializer="ones")(x)
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    x = layers.Dense(12, activation="relu", bias_initializer="ones")(x)
    model = keras.Model(image, layers.Dense(3)(x))
    return ne.convert(model, scale_firing_rates=100, synapse=0.005)


@pytest.mark.parametrize("precompute", [None, False], ids=["ahead", "not ahead"])
def test_simulator_of_a_keras_model_does_the_same(snn, precompute):
    x = np.random.RandomState(0).uniform(size=(8, 8, 1))
    outputs, types = [], []
    for emulator in ("nengo-loihi", "fast"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of what precompute costs
            sim = snn.simulator("loihi", x, emulator=emulator, precompute=precompute)
        with sim:
            sim.run_steps(40)
            types.append(type(sim.sims["emulator"]).__name__)
        outputs.append(sim.data[snn.output_probes[0]])
    assert types == ["EmulatorInterface", "FastEmulator"]
    assert np.ptp(outputs[0]) > 0
    assert_array_equal(outputs[1], outputs[0])


def test_measuring_a_keras_model_gives_the_same_and_is_batched(
    snn, monkeypatch, caplog
):
    """NengoLoihi's emulator has its hosts run by Nengo, one inference by one."""
    from nengo_energy.activity.emulator import batch

    caplog.set_level("INFO")

    sizes = []

    class Watched(batch.ChipBatch):
        def __init__(self, emulator, recorder, n_copies):
            sizes.append(n_copies)
            super().__init__(emulator, recorder, n_copies)

    monkeypatch.setattr(batch, "ChipBatch", Watched)
    x = np.random.RandomState(0).uniform(size=(20, 8, 8, 1))
    found = snn.measure(x, 30, simulator="loihi")
    assert "Nengo runs what is on the host" not in caplog.text
    wanted = snn.measure(x, 30, simulator="loihi", emulator="nengo-loihi")
    assert sizes == [16, 4]
    assert_same_activity(found, wanted)


# --- many inferences at once ---------------------------------------------------------


def assert_same_activity(one, other):
    assert sum(p.spikes.sum() for p in other.populations.values()) > 100
    for name, wanted in other.populations.items():
        found = one.populations[name]
        assert_array_equal(found.spikes, wanted.spikes)
        assert_array_equal(found.spikes_per_inference, wanted.spikes_per_inference)
        assert_array_equal(found.active_per_inference, wanted.active_per_inference)
        assert_array_equal(found.sent_per_inference, wanted.sent_per_inference)
        assert found.peak == wanted.peak
    for found, wanted in zip(one.outputs.values(), other.outputs.values()):
        assert_array_equal(found, wanted)


@pytest.mark.parametrize("varying", [False, True], ids=["stays", "varies"])
@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize("on_host", [False, True], ids=["chip", "host"])
def test_batches_equal_single_runs(varying, warmup, on_host):
    """Of inferences 0 to 6 in batches of 1, 3 (the last holds one) and 7."""
    net = build_network(5, ["conv", "dense"], on_host=on_host, constant=True)
    (inp,) = [node for node in net.nodes if node.label == "input"]
    shape = (7, 30 + warmup, 2) if varying else (7, 2)
    x = {inp: np.random.RandomState(0).uniform(-1, 1, size=shape)}
    options = dict(timesteps=30, warmup=warmup, simulator="loihi", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = ne.measure_activity(net, x, emulator="nengo-loihi", **options)
        assert len(set(wanted.populations["first"].spikes_per_inference)) > 1
        for size in (1, 3, 7):
            found = ne.measure_activity(net, x, minibatch_size=size, **options)
            assert_same_activity(found, wanted)


HOST_NEURONS = [
    nengo.SpikingRectifiedLinear(amplitude=0.01),
    nengo.RegularSpiking(nengo.RectifiedLinear(), amplitude=0.01),
    nengo.LIF(amplitude=0.01),
    nengo.AdaptiveLIF(amplitude=0.01),
]


@pytest.mark.parametrize("neurons", HOST_NEURONS, ids=lambda n: type(n).__name__)
@pytest.mark.parametrize("varying", [False, True], ids=["stays", "varies"])
def test_compiled_hosts_are_nengos_to_the_last_bit(neurons, varying, caplog):
    """Two layers before the chip, and two after it."""
    rng = np.random.RandomState(1)
    layer = dict(neuron_type=neurons, gain=np.ones(12), bias=rng.uniform(40, 90, 12))
    with nengo.Network(seed=2) as net:
        import_nengo_loihi().add_params(net)
        inp = nengo.Node(np.zeros(9))
        a, b, c, d, e = (nengo.Ensemble(12, 1, **layer) for _ in range(5))
        c.neuron_type = import_nengo_loihi().neurons.LoihiSpikingRectifiedLinear(0.01)
        for ensemble in (a, b, d, e):
            net.config[ensemble].on_chip = False
        weights = iter(rng.uniform(-3, 6, size=(4, 12, 12)))
        nengo.Connection(inp, a.neurons, transform=next(weights)[:, :9], synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=next(weights), synapse=0.003)
        nengo.Connection(a.neurons[:5], b.neurons[7:], synapse=nengo.Alpha(0.004))
        nengo.Connection(b.neurons, c.neurons, transform=next(weights), synapse=0.005)
        nengo.Connection(c.neurons, d.neurons, transform=next(weights), synapse=0.005)
        nengo.Connection(d.neurons, e.neurons, synapse=None)
        out = nengo.Node(size_in=12)
        nengo.Connection(e.neurons, out, synapse=0.01)
        nengo.Connection(nengo.Node(np.arange(3.0)), out[:3], synapse=None)
        probe = nengo.Probe(out)
    x = rng.uniform(0, 20, size=(3, 45, 9) if varying else (3, 9))
    options = dict(timesteps=40, warmup=5, simulator="loihi", probes=[probe])
    caplog.set_level("INFO")
    found = ne.measure_activity(net, x, minibatch_size=3, **options)
    assert "precompute is True" in caplog.text
    assert "Nengo runs what is on the host" not in caplog.text
    wanted = ne.measure_activity(net, x, emulator="nengo-loihi", **options)
    assert all(p.spikes.sum() > 10 for p in wanted.populations.values())
    assert_same_activity(found, wanted)


def test_networks_that_need_the_host_in_between_run_one_by_one():
    net = build_network(5, ["dense"], feedback=True, constant=True)
    (inp,) = [node for node in net.nodes if node.label == "input"]
    x = {inp: np.random.RandomState(0).uniform(-1, 1, size=(3, 2))}
    options = dict(timesteps=20, simulator="loihi", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, wanted = (
            ne.measure_activity(net, x, emulator=name, minibatch_size=3, **options)
            for name in ("fast", "nengo-loihi")
        )
    assert_same_activity(found, wanted)


def test_noise_is_that_of_single_runs():
    """Each copy of a chip has the noise of an emulator that was restarted."""
    from nengo_energy.activity.emulator.batch import ChipBatch, arriving

    n_noisy = 0
    for seed in range(10):
        _, fast = emulators(lambda: random_model(seed, 50), seed)
        spikes = [
            (spike_input, np.full(len(indices), t), np.asarray(indices, int))
            for spike_input in fast.inputs
            for t, indices in spike_input.spikes.items()
        ]
        batch = ChipBatch(fast, fast.recorder, 2)
        events = arriving(fast, spikes, N_STEPS), arriving(fast, [], N_STEPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loud, silent = batch.run(events, N_STEPS)
            stock, _ = emulators(lambda: random_model(seed, 50), seed)
            stock.run_steps(N_STEPS)
            # current, voltage and spikes of all blocks come first
            voltage = list(stock.probes.probes)[1]
            wanted = stock.collect_probe_output(voltage)
        n = fast.program.n_compartments
        assert_array_equal(loud.voltage[:, :n], wanted)
        n_noisy += bool(np.any(fast.compartment.noise.mult))
    assert n_noisy >= 2


def test_interrupted_measurement_stops(monkeypatch):
    """Ctrl-C in the middle of a batch ends it, and the next one works."""
    from nengo_energy.activity.emulator import batch

    net = build_network(5, ["dense"], constant=True)
    (inp,) = [node for node in net.nodes if node.label == "input"]
    options = dict(timesteps=20, simulator="loihi", progress=False)

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(batch, "draw_noise", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ne.measure_activity(net, {inp: np.ones((2, 2))}, **options)
    ne.measure_activity(net, {inp: np.ones((2, 2))}, **options)
