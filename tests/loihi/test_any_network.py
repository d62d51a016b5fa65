"""Any network on the chip: its ledger is what the emulator does, weight by weight."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from emulator_tap import Tap
from loihi_families import FAMILIES

import nengo_energy as ne
from nengo_energy.compat import import_nengo_loihi
from nengo_energy.loihi import open_simulator

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow


@pytest.mark.parametrize("family", FAMILIES)
def test_ledger_of_a_family_equals_the_emulator(family, monkeypatch):
    """As integers, in total and core by core; the compiled emulator counts the same."""
    prepared = ne.loihi_network(FAMILIES[family]())
    tap = Tap(monkeypatch)
    stock = {"emulator": "nengo-loihi", "progress": False}
    ledger = prepared.ledger(timesteps=100, **stock)
    assert ledger.synops == sum(tap.weights.values()) > 0
    assert ledger.total("zero_synops") == sum(tap.zeros.values())
    assert sorted(core.synops for core in ledger.cores if core.synops) == sorted(
        n for n in tap.weights.values() if n
    )
    assert ledger.neuron_updates == 100 * ledger.total("compartments")
    assert ledger.counts().total("synop") == ledger.synops
    monkeypatch.undo()
    compiled = prepared.ledger(timesteps=100, progress=False)
    assert compiled.cores == ledger.cores and compiled.rows == ledger.rows


def test_decoded_connection_is_counted_as_it_is_built():
    """By hand: each spike drives 20 decode neurons, each spike of these 50 encoders."""
    net = FAMILIES["communication channel"]()
    sender, receiver = net.ensembles
    ledger = ne.loihi_network(net).ledger(timesteps=100, progress=False)
    sent = {core.layer: core.updates_active for core in ledger.cores}
    late = sum(ledger.pending.values())
    spikes = sent["sender"] * 20 + sent["sender -> receiver (decoded)"] * 50
    spikes += sent["receiver"] * 2  # a probe's decoders, for either sign
    # the host's two neurons spike in turns: one in every timestep, two hundredth late
    from_host = ledger.total("messages_from_host") * 50
    assert ledger.synops + late == spikes + from_host
    codes = [assumption.code for assumption in ledger.assumptions]
    assert "decoded-as-built" in codes
    assert ledger.estimate("loihi").total("loihi") > 0


def test_host_has_the_ensembles_that_are_put_there():
    """By hand: neurons, encoders and decoders of the host, and its encoding pair."""
    ledger = ne.loihi_network(FAMILIES["part on host"]()).ledger(
        timesteps=100, progress=False
    )
    assert ledger.on_host == {"on host"}
    host = {
        (row.layer, row.operation): row.total
        for row in ledger.rows
        if row.where == "host" and row.operation != "message"
    }
    assert sum(n for (_, op), n in host.items() if op == "activation") == 100 * (40 + 2)
    # 40 encoders, 40 decoders, and two encoders of the pair
    assert sum(n for (_, op), n in host.items() if op == "mac") == 100 * (40 + 40 + 2)
    assert "on host" not in {core.layer for core in ledger.cores}


@pytest.mark.parametrize("simulator", ["loihi", "nengo"])
def test_estimate_of_loihi_leaves_ensembles_on_the_host_to_the_host(simulator):
    """As NengoLoihi runs them: the chip's updates are those of its own 50 neurons."""
    net = FAMILIES["part on host"]()
    activity = ne.measure_activity(net, timesteps=100, simulator=simulator)
    counts = ne.count_ops(ne.trace_topology(net), activity)
    estimate = ne.estimate_energy(counts, ["loihi", "spinnaker"])
    updated = {}
    for row in estimate.rows:
        if row.operation.startswith("neuron_update") and row.count:
            updated.setdefault(row.device, {}).setdefault(row.layer, 0)
            updated[row.device][row.layer] += row.count
    assert updated["loihi"] == {"on chip": 50 * 100}
    assert updated["spinnaker"] == {"on host": 40 * 100, "on chip": 50 * 100}
    assert "on host" in str([a.text for a in estimate.assumptions])


DECODED = ("functions", "communication channel", "integrator", "oscillator", "arrays")


@pytest.mark.parametrize("family", DECODED)
def test_estimate_of_loihi_counts_decoded_connections_as_built(family):
    """Within an eighth of what the emulator does; low and high hold all ways."""
    net = FAMILIES[family]()
    ledger = ne.loihi_network(net).ledger(timesteps=200, progress=False)
    activity = ne.measure_activity(net, timesteps=200, simulator="loihi")
    built = ledger.synops + sum(ledger.pending.values())
    for decoded in ("weights", "factors"):
        topology = ne.trace_topology(net, decoded=decoded)
        estimate = ne.estimate_energy(ne.count_ops(topology, activity), "loihi")
        rows = [row for row in estimate.rows if row.operation == "synop"]
        joules = rows[0].energy_per_operation
        n = sum(row.count for row in rows)
        assert n == pytest.approx(built, rel=1 / 8)
        low, high = (
            sum(getattr(r, end) for r in rows) / joules for end in ("low", "high")
        )
        assert low < built < high
    (text,) = [
        a.text for a in estimate.assumptions if a.code == "decoded-by-decode-neurons"
    ]
    assert "20 decode neurons" in text and "loihi_network(net).ledger()" in text


def test_range_of_a_decoded_connection_by_hand():
    """50 neurons, 1-D, on 50: 50, 1 and 20 synops a spike, and 50 in each timestep."""
    net = FAMILIES["communication channel"]()
    activity = ne.measure_activity(net, timesteps=100)
    counts = ne.count_ops(ne.trace_topology(net), activity)
    n = int(activity.populations["sender"].spikes.sum())
    (row,) = [
        row
        for row in counts.deployed().rows
        if (row.layer, row.operation) == ("receiver", "synop")
    ]
    built = 20 * n + 50 * 100
    assert row.total == built
    low, high = counts.deployment.synop_range["receiver"]
    assert (low * built, high * built) == pytest.approx((n, max(50 * n, built)))
    # the pair of neurons that encodes the stimulus, and the one that reads out
    synops = {
        r.layer: r.total for r in counts.deployed().rows if r.operation == "synop"
    }
    assert synops["sender"] == 50 * 100
    read = 2 * int(activity.populations["receiver"].spikes.sum())
    assert sum(synops.values()) == built + 50 * 100 + read
    # other devices have the decoded connection as it was traced
    spinnaker = ne.estimate_energy(counts, "spinnaker")
    (row,) = [
        r for r in spinnaker.rows if (r.layer, r.operation) == ("receiver", "synop")
    ]
    assert row.count == 50 * n
    codes = [a.code for a in spinnaker.assumptions]
    assert "decoded-by-decode-neurons" not in codes


@pytest.mark.parametrize("family", FAMILIES)
def test_host_has_the_same_ensembles_whatever_was_simulated(family):
    """Those that NengoLoihi's own split leaves there, which Nengo isn't asked for."""
    from nengo_loihi.splitter import HostChipSplit

    net = FAMILIES[family]()
    prepared = ne.loihi_network(net)
    split = HostChipSplit(prepared.network)
    left = {p.ensemble for p in _populations(prepared.network)} & split.host_objs
    if family == "chip process":
        return
    activity = ne.measure_activity(net, timesteps=1)
    names = {prepared.names.populations[ens] for ens in left}
    assert set(activity.settings["on_host"]) == names


def _populations(net):
    return ne.trace_topology(net, on_unsupported="omit").populations


def test_spikes_of_a_file_are_no_analog_input():
    with pytest.raises(ne.UnsupportedError, match="events.*loihi_network"):
        ne.trace_topology(FAMILIES["chip process"]())


def test_spikes_of_a_file_are_counted():
    """By hand: each of 500 events that arrived drove 30 neurons."""
    net = FAMILIES["chip process"]()
    (events,) = net.nodes
    times, where = events.output._read_events()
    ledger = ne.loihi_network(net).ledger(timesteps=60, progress=False)
    n_sent = ledger.total("messages_from_host")
    assert abs(n_sent - np.sum(times < 60_000)) <= np.sum(times // 1000 == 60)
    assert 30 * n_sent == ledger.synops + sum(ledger.pending.values()) > 0
    assert not [row for row in ledger.rows if row.operation == "mac"]


def changes(net):
    return {
        (c.kind, c.layer): f"{c.what}; {c.why}" for c in ne.loihi_network(net).changes
    }


def test_neurons_are_exchanged_or_left_to_the_host_aloud():
    found = changes(FAMILIES["rate neurons"]())
    assert "LIFRate neurons became LoihiLIF" in found["neurons", "ensemble 'first'"]
    found = changes(FAMILIES["noise"]())
    assert "noise" in found["host", "ensemble 'noisy'"]
    found = changes(FAMILIES["other neurons"]())
    assert "no Izhikevich" in found["host", "ensemble 'izhikevich'"]
    found = changes(FAMILIES["learning between ensembles"]())
    assert {"ensemble 'post'", "ensemble 'error'"} == {name for _, name in found}
    found = changes(FAMILIES["slices"]())
    assert ("slices", "the connection from node 1 to ensemble 2") in found
    text = str(ne.loihi_network(FAMILIES["noise"]()))
    assert "Changed for the chip" in text and "noisy" in text


def test_exchanged_neurons_are_asked_for_by_those_of_the_network():
    net = FAMILIES["rate neurons"]()
    first, second = net.ensembles
    types = [type(ens.neuron_type) for ens in net.ensembles]
    with open_simulator(net, target="sim", progress_bar=False) as sim:
        sim.run_steps(200)
        (probe,) = net.probes
        assert abs(sim.data[probe][100:].mean() - 0.5) < 0.2
        assert sim.data[first].encoders.shape == (50, 1)
    assert [type(ens.neuron_type) for ens in net.ensembles] == types
    activity = ne.measure_activity(net, timesteps=100, simulator="loihi")
    ledger = ne.loihi_network(net).ledger(timesteps=100, progress=False)
    sent = {core.layer: core.updates_active for core in ledger.cores}
    for name in ("first", "second"):
        assert activity.populations[name].spikes.sum() == sent[name] > 0


def test_parts_that_exceed_a_core_are_split():
    """110 neurons, each with an axon to 40 blocks: 4400 axons, and a core has 4096."""
    loihi = import_nengo_loihi()
    with nengo.Network(seed=1) as net:
        loihi.add_params(net)
        source = nengo.Ensemble(110, 1, label="source")
        goal = nengo.Ensemble(40, 1, label="goal")
        nengo.Connection(
            source.neurons, goal.neurons, transform=np.full((40, 110), 1e-4)
        )
        net.config[goal].block_shape = loihi.BlockShape((1,), (40,))
    prepared = ne.loihi_network(net)
    ledger = prepared.ledger(timesteps=20, progress=False)
    assert ledger.n_cores == 2 + 40
    assert ledger.total("out_axons") == 4400
    (change,) = prepared.changes
    assert change.layer == "ensemble 'source'" and "2 blocks" in change.what
    sent = sum(c.updates_active for c in ledger.cores if c.layer == "source")
    assert ledger.synops + sum(ledger.pending.values()) == 40 * sent > 0


def two(**options):
    a = nengo.Ensemble(20, 1, label="a", **options)
    return a, nengo.Ensemble(20, 1, label="b")


def no_alpha():
    nengo.Connection(*two(), synapse=nengo.Alpha(0.1))


def tiny_weights():
    a, b = two()
    nengo.Connection(a.neurons, b.neurons, transform=np.full((20, 20), 1e-9))


def huge_weights():
    a, b = two()
    nengo.Connection(a.neurons, b.neurons, transform=np.full((20, 20), 1e3))


def slow_synapse():
    nengo.Connection(*two(), synapse=100.0)


def slow_neurons():
    two(neuron_type=nengo.LIF(tau_rc=100.0))


def probed_weights():
    nengo.Probe(nengo.Connection(*two()), "weights")


def probed_state():
    nengo.Probe(two()[0].neurons, "refractory_time")


def many_dimensions():
    nengo.Connection(nengo.Node(np.zeros(3000)), nengo.Ensemble(9, 3000, label="a"))


def rates_to_the_chip():
    a, b = two(neuron_type=nengo.Sigmoid())
    nengo.Connection(a.neurons, b.neurons)


def no_chip():
    nengo.Ensemble(20, 1, neuron_type=nengo.Izhikevich(), label="a")


REFUSED = {
    no_alpha: ["connection from ensemble 'a' to ensemble 'b'", "Lowpass"],
    tiny_weights: ["ensemble 'b'", "larger weights"],
    huge_weights: ["ensemble 'b'", "smaller weights"],
    slow_synapse: ["connection from ensemble 'a' to ensemble 'b'", "shorter"],
    slow_neurons: ["ensemble 'a'", "shorter tau_rc"],
    probed_weights: ["probe 1", "'weights'", "Take the probe out"],
    probed_state: ["probe 1", "refractory_time", "voltage"],
    many_dimensions: ["ensemble 'a'", "6000 input axons", "EnsembleArray"],
    rates_to_the_chip: ["neurons of ensemble 'a'", "Sigmoid", "from the ensemble"],
    no_chip: ["ensemble 'a'", "Izhikevich", "nengo.LIF"],
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_refusals_name_the_object_and_what_helps(make):
    """No bare AssertionError or BuildError of NengoLoihi's reaches anybody."""
    with nengo.Network(seed=0) as net:
        make()
    with pytest.raises(ne.UnsupportedError) as caught:
        open_simulator(net, target="sim")
    for words in REFUSED[make]:
        assert words in str(caught.value)
    assert " at 0x" not in str(caught.value)


def test_errors_reach_what_learns_on_the_host():
    with nengo.Network(seed=0) as net:
        a, b = two(noise=nengo.processes.WhiteNoise(seed=0))
        learnt = nengo.Connection(a, b, learning_rule_type=nengo.PES())
        nengo.Connection(nengo.Node([0.0]), learnt.learning_rule)
        nengo.Ensemble(20, 1, label="other")
    activity = ne.measure_activity(net, timesteps=50, simulator="loihi")
    assert activity.settings["on_host"] == ["a", "b"]
    assert all(pop.spikes.sum() > 0 for pop in activity.populations.values())


def test_places_that_cannot_be_are_refused():
    with nengo.Network() as net:
        import_nengo_loihi().add_params(net)
        ens = nengo.Ensemble(20, 1, neuron_type=nengo.Izhikevich(), label="odd")
        net.config[ens].on_chip = True
    with pytest.raises(ne.UnsupportedError, match="ensemble 'odd' is put on the chip"):
        ne.loihi_network(net)
    with pytest.raises(ne.InputError, match="must be a nengo.Network; got str"):
        ne.loihi_network("odd")
    prepared = ne.loihi_network(FAMILIES["integrator"](), dt=0.001)
    with pytest.raises(ne.InputError, match="prepared for"):
        prepared.simulator(dt=0.002)
