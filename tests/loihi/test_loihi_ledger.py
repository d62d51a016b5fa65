"""The ledger says what the emulator did: against taps inside it, and by hand."""

from __future__ import annotations

from dataclasses import replace

import nengo
import numpy as np
import pytest
import scipy.sparse as sp
from emulator_tap import Tap
from hypothesis import assume, given, settings, strategies as st
from loihi_models import CASES, example_input, make
from numpy.testing import assert_array_equal
from random_networks import random_networks

import nengo_energy as ne
from nengo_energy.activity.emulator import meter
from nengo_energy.compat import import_nengo_loihi
from nengo_energy.loihi import book, build_loihi_network, ledger_from_run

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow

SMALL = [
    "mlp",
    "lenet5",
    "residual",
    "downsampling",
    "inception",
    "normalised",
    "time_series",
    "temporal",
    "wide_dense",
    "max_pooled",
]


def check_equal(found, expected):
    """Compare two ledgers in all that was counted."""
    assert found.cores == expected.cores
    assert_array_equal(found.messages, expected.messages)
    assert found.rows == expected.rows
    assert found.pending == expected.pending
    assert found.by_timestep.keys() == expected.by_timestep.keys()
    for name, counts in found.by_timestep.items():
        assert_array_equal(counts, expected.by_timestep[name])


@pytest.fixture(scope="module")
def converted():
    """Each model, converted once."""
    import tensorflow as tf

    made: dict = {}

    def get(name):
        if name not in made:
            model = make(tf.keras, name)
            made[name] = ne.convert(model, verify=False, **CASES[name].convert)
        return made[name]

    return get


@pytest.mark.parametrize("name", SMALL)
def test_ledger_of_a_model_equals_the_emulator(converted, name, monkeypatch):
    """Synops as integers, updates, cores, and what an estimate says."""
    case, snn = CASES[name], converted(name)
    x = example_input(name, 2, case.n_steps)
    tap = Tap(monkeypatch)
    stock = {"emulator": "nengo-loihi", "progress": False}
    ledger = snn.ledger(x, case.n_steps, **stock)
    assert ledger.synops == sum(tap.weights.values()) > 0
    assert ledger.total("zero_synops") == sum(tap.zeros.values())
    assert sorted(core.synops for core in ledger.cores if core.synops) == sorted(
        n for n in tap.weights.values() if n
    )
    n_compartments = ledger.total("compartments")
    assert ledger.neuron_updates == n_compartments * case.n_steps * 2
    prepared = snn.loihi_network()
    assert ledger.n_cores == prepared.n_cores
    assert ledger.fits and ledger.n_chips == 1

    # the compiled emulator's counts come out of its own loop
    monkeypatch.undo()
    check_equal(snn.ledger(x, case.n_steps, emulator="fast", progress=False), ledger)

    # the emulator's own spikes, counted by topology and activity
    activity = snn.measure(x, case.n_steps, simulator="loihi", progress=False)
    compared = ledger.compare(snn.count(activity))
    rows = [row for row in compared.rows if not row.note]
    assert rows
    for row in rows:
        if name == "max_pooled" and row.operation == "synop":
            # kernels of groups hold zeros, which the chip reads and the estimate,
            # which counts weights that aren't zero, doesn't
            assert row.ledger > row.estimate
        else:
            assert row.difference == 0, row
    aside = {row.layer for row in compared.rows if row.note}
    assert set(prepared.on_host) <= aside


def test_ledger_of_an_activity_counts_every_spike_as_delivered(converted):
    snn, n_steps = converted("lenet5"), 40
    x = example_input("lenet5", 2)
    activity = snn.measure(x, n_steps, simulator="loihi", progress=False)
    measured = snn.ledger(activity)
    run = snn.ledger(x, n_steps, progress=False)
    assert measured.synops == run.synops + sum(run.pending.values())
    assert sum(run.pending.values()) > 0 == sum(measured.pending.values())
    for quantity in ("spikes", "messages_out", "messages_from_host", "spikes_to_host"):
        assert measured.total(quantity) == run.total(quantity) > 0, quantity
    assert_array_equal(measured.messages, run.messages)
    assert measured.neuron_updates == run.neuron_updates
    assert measured.simulator == run.simulator == "loihi"


@settings(max_examples=12, deadline=None)
@given(random_networks(), st.integers(0, 2**32 - 1))
def test_synops_of_random_networks(built, seed):
    rng = np.random.RandomState(seed)
    x = rng.uniform(0.2, 0.5, size=(2, built.inp.size_out))
    topology = ne.trace_topology(built.net)
    assume(all(p.n_synapses for p in topology.projections + topology.readouts))
    prepared = build_loihi_network(built.net, topology, [built.probe])
    with pytest.MonkeyPatch.context() as monkeypatch:
        tap = Tap(monkeypatch)
        ledger = ledger_from_run(
            prepared, {built.inp: x}, 25, emulator="nengo-loihi", progress=False
        )
    check_equal(ledger_from_run(prepared, {built.inp: x}, 25, progress=False), ledger)
    assert ledger.synops == sum(tap.weights.values()) > 0
    assert ledger.total("zero_synops") == sum(tap.zeros.values())
    arrived = ledger.total("messages_in") + ledger.total("messages_from_host")
    assert sum(tap.arrived.values()) <= arrived  # those of the last timestep are late


def neurons(n, label, bias=0.0):
    loihi = import_nengo_loihi().neurons
    return nengo.Ensemble(
        n,
        1,
        gain=np.ones(n),
        bias=np.full(n, float(bias)),
        neuron_type=loihi.LoihiSpikingRectifiedLinear(amplitude=0.01),
        label=label,
    )


@pytest.fixture
def by_hand():
    """input -> a (host, 2) -> b (4) -> c (3) -> out, each neuron of a period of 4.

    A bias of 300 exceeds the threshold of 1,000 in the fourth timestep. A spike adds
    its amplitude by dt, 10: at most 40 in a period, too few to spike in the third.
    """
    with nengo.Network(seed=0, label="by hand") as net:
        inp = nengo.Node(np.zeros(1), label="input")
        a, b, c = neurons(2, "a", 300), neurons(4, "b", 300), neurons(3, "c", 300)
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(inp, a.neurons, transform=np.ones((2, 1)), synapse=None)
        weights = np.ones((4, 2))
        nengo.Connection(a.neurons, b.neurons, transform=weights, synapse=None)
        weights = np.ones((3, 4))
        nengo.Connection(b.neurons, c.neurons, transform=weights, synapse=None)
        nengo.Connection(c.neurons, out, transform=np.ones((1, 3)), synapse=None)
        nengo.Probe(out)
    return net


def test_counts_worked_out_by_hand(by_hand):
    """Every neuron spikes in timesteps 4, 8, 12, 16 and 20 of 20; spikes of the last
    are on their way. Two inferences."""
    prepared = build_loihi_network(
        by_hand, ne.trace_topology(by_hand), by_hand.all_probes
    )
    ledger = ledger_from_run(prepared, np.zeros((2, 1)), 20, progress=False)
    b, c = ledger.cores
    assert (b.layer, c.layer) == ("b", "c")
    assert (b.compartments, c.compartments) == (4, 3)
    assert (b.updates_active, c.updates_active) == (4 * 5 * 2, 3 * 5 * 2)
    assert (b.updates_inactive, c.updates_inactive) == (4 * 15 * 2, 3 * 15 * 2)
    # a's 2 neurons x 4 spikes that arrive x 4 weights; b's 4 x 4 x 3
    assert (b.synops, c.synops) == (2 * 4 * 4 * 2, 4 * 4 * 3 * 2)
    assert ledger.pending == {"b": 2 * 1 * 4 * 2, "c": 4 * 1 * 3 * 2}
    assert (b.spikes, c.spikes) == (40, 0)
    assert (b.messages_out, c.messages_in) == (40, 40)
    assert (b.messages_from_host, c.messages_from_host) == (2 * 5 * 2, 0)
    assert (b.spikes_to_host, c.spikes_to_host) == (0, 30)
    assert (b.in_axons, c.in_axons, b.out_axons, c.out_axons) == (2, 4, 4, 0)
    # 2 axons of 4 weights of 8 bits and a header of 10: a word each; 4 of 3
    assert (b.synapse_bits, c.synapse_bits) == (2 * 64, 4 * 64)
    assert b.synapse_share == 128 / (128 * 1024 * 8)
    assert_array_equal(ledger.messages, [[0, 40], [0, 0]])
    assert ledger.hops("row-major") == ledger.hops("greedy") == (0, 0)  # of one tile
    assert (b.saturated, b.overflows, c.saturated) == (0, 0, 0)

    spiking = np.tile([0, 0, 0, 1], 5 * 2)[:, None]
    expected = {
        "neuron_update_active": spiking * [4, 3],
        "neuron_update_inactive": (1 - spiking) * [4, 3],
        "spike": spiking * [4, 0],
        "message": spiking * [4, 0],
        "message_in": spiking * [2, 4],
        "synop_dense": spiking * [2 * 4, 4 * 3],
    }
    assert ledger.by_timestep.keys() == expected.keys()
    for name, counts in expected.items():
        assert_array_equal(ledger.by_timestep[name], counts)

    counts = ledger.counts()
    totals = {
        (row.layer, row.operation, row.where): (row.total, row.std)
        for row in counts.rows
    }
    assert totals["c", "synop", "device"] == (96, 0)
    assert totals["b", "message", "device"] == (40, 0)
    assert totals["a", "message", "host"] == (20, 0)
    assert totals["b", "hop_east_west", "device"] == (0, 0)
    assert totals["c", "neuron_update_inactive", "device"] == (90, 0)
    assert counts.total("neuron_update_active") == 70
    assert (counts.timesteps, counts.dt) == (20, 0.001)


def test_first_inferences_are_followed(by_hand, monkeypatch):
    """Two inferences of 20 timesteps are 40; the third isn't kept."""
    monkeypatch.setattr(book, "MAX_FOLLOWED", 40)
    topology = ne.trace_topology(by_hand)
    prepared = build_loihi_network(by_hand, topology, by_hand.all_probes)
    ledger = ledger_from_run(prepared, np.zeros((3, 1)), 20, progress=False)
    assert ledger.by_timestep["spike"].shape == (40, 2)
    assert ledger.total("spikes") == 3 * 4 * 5
    codes = {a.code for a in ledger.counts().assumptions}
    assert "loihi-busiest-cores" in codes and "loihi-mean-timestep" not in codes
    measured = replace(ledger, by_timestep={})
    assert "loihi-mean-timestep" in {a.code for a in measured.counts().assumptions}


def test_cores_are_the_allocators(converted):
    """By any of NengoLoihi's allocators."""
    import_nengo_loihi()
    from nengo_loihi.hardware.allocators import Greedy, GreedyInterchip, RoundRobin

    snn = converted("residual")
    ledger = snn.ledger(example_input("residual", 1), 5, progress=False)
    with snn.simulator("loihi", target="sim") as sim:
        for allocator in (Greedy(), RoundRobin(), GreedyInterchip()):
            board = allocator(sim.model, 1)
            assert sum(board.n_cores_per_chip) == ledger.n_cores
        by_allocator = [
            b.n_neurons
            for core in Greedy()(sim.model, 1).chips[0].cores
            for b in core.blocks
        ]
    assert [core.compartments for core in ledger.cores] == by_allocator
    assert [core.core for core in ledger.cores] == list(range(ledger.n_cores))


def test_saturated_overflowing_and_silent_layers_are_named():
    """300 inputs of the largest weight, 254 x 64, in one timestep exceed 21 bits."""
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        fast = neurons(300, "fast", 2000)  # twice what a neuron can do
        loud, mute = neurons(2, "loud", 10), neurons(2, "mute", -10)
        flood, last = neurons(2, "flood"), neurons(1, "last")
        nengo.Connection(inp, fast.neurons, transform=np.ones((300, 1)))
        few = np.zeros((2, 300))
        few[:, :2] = 150.0
        for target, weights in ((loud, few), (mute, -few), (flood, np.ones((2, 300)))):
            nengo.Connection(
                fast.neurons, target.neurons, transform=weights, synapse=None
            )
            nengo.Connection(target.neurons, last.neurons, transform=np.ones((1, 2)))
    prepared = build_loihi_network(net, ne.trace_topology(net), [])
    ledger = ledger_from_run(prepared, np.zeros((1, 1)), 30, progress=False)
    stock = ledger_from_run(
        prepared, np.zeros((1, 1)), 30, emulator="nengo-loihi", progress=False
    )
    check_equal(ledger, stock)
    by_layer = {core.layer: core for core in ledger.cores}
    # the host's neurons spike in every timestep, of which 29 arrive
    assert by_layer["flood"].overflows >= 2 * 29
    assert by_layer["loud"].overflows == 0
    assert by_layer["loud"].saturated == 2 and by_layer["mute"].updates_active == 0
    text = str(ledger)
    assert text.startswith("Warning: mute, last spiked less than once in ten")
    assert "of the neurons of loud fire as fast as they can" in " ".join(text.split())
    assert "loud: 2 neurons fire as fast as they can" in text
    n = by_layer["flood"].overflows
    assert f"flood: inputs or currents exceeded their bits {n} times" in text


def test_spike_without_a_weight_sends_no_message():
    """The second of two neurons has none in a sparse matrix; both spike 7 times."""
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        a, b, c = neurons(1, "a"), neurons(2, "b", 300), neurons(2, "c")
        nengo.Connection(inp, a.neurons, synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((2, 1)))
        matrix = sp.csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0]]))
        sparse = nengo.Sparse(matrix.shape, init=matrix)
        nengo.Connection(b.neurons, c.neurons, transform=sparse, synapse=None)
    prepared = build_loihi_network(net, ne.trace_topology(net), [])
    ledger = ledger_from_run(prepared, np.zeros((1, 1)), 29, progress=False)
    core, target = ledger.cores
    assert core.updates_active == 2 * 7
    assert (core.spikes, core.messages_out, target.messages_in) == (7, 7, 7)
    assert target.synops == 7 * 2


def test_measured_activity_must_fit(converted):
    snn = converted("mlp")
    activity = snn.measure(np.ones((1, 64)), 5, progress=False)
    other = converted("keyword_spotter").measure(np.ones((1, 390)), 5, progress=False)
    with pytest.raises(ne.InputError, match="another network"):
        snn.ledger(other)
    with pytest.raises(ne.InputError, match="has 5 timesteps; got 6"):
        snn.ledger(activity, 6)
    with pytest.raises(ne.InputError, match="dt=0.001 s.*prepared for 0.002 s"):
        snn.ledger(activity, dt=0.002)
    with pytest.raises(ne.UnsupportedError, match="spikes weren't measured"):
        snn.ledger(activity, on_host=[])
    keras_relu = nengo.RectifiedLinear()
    several = ne.convert(
        snn.model,
        swap_activations={keras_relu: nengo.SpikingRectifiedLinear()},
        scale_firing_rates=20000,
        verify=False,
    )
    loud = several.measure(np.ones((1, 64)), 5, progress=False)
    with pytest.raises(ne.InputError, match=r"several spikes.*dense.* \(up to"):
        several.ledger(loud)


def test_input_encoded_by_nengo_loihi_is_counted(converted):
    """Two spikes at most a timestep for each of 64 values, to one core."""
    snn = converted("mlp")
    ledger = snn.ledger(np.full((1, 64), 0.5), 40, on_host=[], progress=False)
    assert ledger.on_host == frozenset()
    assert {core.layer for core in ledger.cores} == {
        p.name for p in snn.topology.populations
    }
    assert 0 < ledger.cores[0].messages_from_host <= 64 * 2 * 40
    assert not [
        row
        for row in ledger.compare(
            snn.count(snn.measure(np.ones((1, 64)), 5, progress=False))
        ).rows
        if row.note == "runs on the host"
    ]


def test_hops_of_layers_add_up(converted):
    """Of layers that several cores hold."""
    ledger = converted("wide_dense").ledger(
        example_input("wide_dense", 1), 40, progress=False
    )
    for name in ("row-major", "greedy"):
        counts = ledger.counts(name)
        across, along = ledger.hops(name)
        assert across > 0
        assert counts.total("hop_east_west") == across
        assert counts.total("hop_north_south") == along
        assert counts.settings["placement"] == name


def test_frame_and_text_hold_the_totals(converted):
    snn = converted("residual")
    ledger = snn.ledger(example_input("residual", 2), 40, progress=False)
    frame = ledger.to_frame()
    assert len(frame) == ledger.n_cores
    for quantity in ("synops", "spikes", "messages_out", "updates_inactive"):
        assert frame[quantity].sum() == ledger.total(quantity)
    for name in ("row-major", "greedy"):
        across, along = ledger.hops(name)
        assert frame[f"hops_east_west ({name})"].sum() == across
        assert frame[f"hops_north_south ({name})"].sum() == along
    text = str(ledger)
    assert f"{ledger.n_cores} cores on 1 chip (fits on one chip)" in text
    assert f"{ledger.synops / 2:,.0f}" in text
    assert "loihi-mesh-of-8x4" in text
    compared = ledger.compare(
        snn.count(snn.measure(example_input("residual", 2), 40, progress=False))
    )
    table = compared.to_frame()
    assert set(table["operation"]) == {
        "synop",
        "neuron_update_active",
        "neuron_update_inactive",
    }
    chip = table[table["note"] == ""]
    synops = chip[chip["operation"] == "synop"]
    assert synops["ledger"].sum() * 2 == ledger.synops
    assert "on the chip, synop" in str(compared)
    assert "runs on the host" in str(compared)


def test_choices_are_checked(converted):
    snn = converted("mlp")
    ledger = snn.ledger(np.ones((1, 64)), 5, progress=False)
    with pytest.raises(ne.InputError, match="placement must be one of row-major"):
        ledger.counts("best")
    with pytest.raises(ne.InputError, match="placement must be one of row-major"):
        ledger.hops("best")
    with pytest.raises(ne.InputError, match="quantity must be one of .*synops"):
        ledger.plot("joules")
    with pytest.raises(ne.InputError, match="timesteps must be a whole number"):
        snn.ledger(np.ones((1, 64)), 0)


def test_picture_shows_every_core(converted):
    ledger = converted("lenet5").ledger(example_input("lenet5", 1), 40, progress=False)
    figure = ledger.plot("synapse_share", "row-major")
    mesh = figure.axes[0]
    # tiles, and a square for each core
    assert len(mesh.patches) == 32 + ledger.n_cores
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == list(dict.fromkeys(core.layer for core in ledger.cores))
    assert len(legend) == 3


def test_memory_of_a_run_does_not_grow_with_time(converted):
    """Probes are cleared on the way: the simulator holds no timestep at the end."""
    snn = converted("mlp")
    seen = []
    stock = meter.SpikeMeter.waiting.fget

    def spy(meter):
        seen.append(
            {k: len(v) for k, v in meter.sim.data.raw.items() if isinstance(v, list)}
        )
        return stock(meter)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(meter.SpikeMeter, "waiting", property(spy))
        snn.ledger(np.ones((1, 64)), 250, progress=False)
    assert all(n == 0 for held in seen for n in held.values())
