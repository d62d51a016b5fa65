"""Rate neurons have expected spikes, which are summed as they are."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.counts import merge_counts

DT = 0.001
N_NEURONS, N_TARGETS, STEPS = 1000, 200, 200


def slow_neurons(neuron_type=None, seed=0):
    """1,000 neurons below 0.6 Hz onto 200 synapses each, and their rates."""
    rates = np.random.RandomState(seed).uniform(0, 0.6, size=N_NEURONS)
    with nengo.Network(seed=seed) as net:
        a = nengo.Ensemble(
            N_NEURONS,
            1,
            gain=np.ones(N_NEURONS),
            bias=rates,
            neuron_type=neuron_type or nengo.RectifiedLinear(),
            label="a",
        )
        out = nengo.Node(size_in=N_TARGETS, label="out")
        transform = np.ones((N_TARGETS, N_NEURONS))
        nengo.Connection(a.neurons, out, transform=transform, synapse=None)
        nengo.Probe(out)
    return net, rates


@pytest.mark.parametrize(
    "simulator", ["nengo", pytest.param("nengo-dl", marks=pytest.mark.tensorflow)]
)
def test_less_than_a_spike_of_each_adds_up(simulator):
    """About 0.3 Hz x 0.2 s x 1,000 = 60 spikes, none of them half a spike."""
    net, rates = slow_neurons()
    topology = ne.trace_topology(net)
    activity = ne.measure_activity(net, None, STEPS, simulator=simulator)
    spikes = sum(rate * STEPS * DT for rate in rates)
    assert 55 < spikes < 65
    counts = ne.count_ops(topology, activity)
    expected = {
        "synop": N_TARGETS * spikes,
        "spike": spikes,
        "neuron_update_active": spikes,
        "neuron_update_inactive": N_NEURONS * STEPS - spikes,
    }
    assert {row.operation for row in counts.rows} == set(expected)
    for operation, value in expected.items():
        assert_allclose(counts.total(operation), value, rtol=1e-6)
    a = activity.populations["a"]
    assert_allclose(a.spikes, rates * STEPS * DT, rtol=1e-5)
    assert a.peak == 1
    assert_allclose(activity.firing_rates("a"), rates, rtol=1e-5)


def test_inferences_add_up_one_by_one():
    """Beside a loop over the timesteps, neurons and synapses that a probe saw."""
    rng = np.random.RandomState(1)
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(2), label="input")
        a = nengo.Ensemble(12, 2, neuron_type=nengo.LIFRate(), label="a")
        b = nengo.Ensemble(9, 1, neuron_type=nengo.Sigmoid(), label="b")
        weights = rng.choice([0.0, 0.0, 0.3, -0.2], size=(9, 12))
        nengo.Connection(inp, a)
        nengo.Connection(a.neurons, b.neurons, transform=weights)
    x = rng.uniform(-1, 1, size=(3, 2))
    activity = ne.measure_activity(net, x, 30)
    with net:
        probe = nengo.Probe(a.neurons)
    spikes, synops = [], []
    for row in x:
        inp.output = row
        with nengo.Simulator(net, progress_bar=False) as sim:
            sim.run_steps(30)
        spikes.append(0.0)
        synops.append(0.0)
        for rates in sim.data[probe]:
            for i, rate in enumerate(rates):
                spikes[-1] += rate * DT
                synops[-1] += rate * DT * sum(weights[j, i] != 0 for j in range(9))
    measured = activity.populations["a"]
    assert_allclose(measured.spikes_per_inference, spikes)
    assert_allclose(measured.synops_per_inference["a -> b"], synops)
    # not integers, so nothing was rounded on the way
    assert all(abs(n - round(n)) > 1e-3 for n in synops)


@pytest.mark.parametrize(
    "simulator", ["nengo", pytest.param("nengo-dl", marks=pytest.mark.tensorflow)]
)
def test_neurons_above_a_spike_a_timestep_are_active_in_each(simulator):
    """2,500 Hz are 2 or 3 spikes in each timestep of 1 ms, 400 Hz one in 40 %."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(
            2,
            1,
            gain=np.ones(2),
            bias=[2500.0, 400.0],
            neuron_type=nengo.RectifiedLinear(amplitude=0.5),
            label="a",
        )
        out = nengo.Node(size_in=2)
        nengo.Connection(a.neurons, out)
    activity = ne.measure_activity(net, None, 50, simulator=simulator)
    measured = activity.populations["a"]
    assert_allclose(measured.spikes, [125, 20], rtol=1e-6)
    assert_allclose(measured.active_per_inference, [50 + 20], rtol=1e-6)
    assert measured.peak == 3
    counts = ne.count_ops(ne.trace_topology(net), activity)
    assert_allclose(counts.total("neuron_update_inactive"), 30, rtol=1e-5)
    assert "several-spikes-per-timestep" in [a.code for a in counts.assumptions]


def test_spiking_neurons_stay_integers_beside_them():
    """1,000 Hz for 10 timesteps onto a rate population, both in one layer's counts."""
    at_rest = {"voltage": nengo.dists.Choice([0.0])}
    spiking = nengo.SpikingRectifiedLinear(initial_state=at_rest)
    with nengo.Network(seed=0) as net:
        one, other = (
            nengo.Ensemble(
                1, 1, gain=[1.0], bias=[rate], neuron_type=neurons, label=label
            )
            for rate, neurons, label in [
                (1000.5, spiking, "one"),
                (0.25, nengo.RectifiedLinear(), "other"),
            ]
        )
        out = nengo.Node(size_in=1, label="out")
        for ens in (one, other):
            nengo.Connection(ens.neurons, out, synapse=None)
    activity = ne.measure_activity(net, timesteps=10)
    for pop, kind in (("one", np.int64), ("other", np.float64)):
        measured = activity.populations[pop]
        assert measured.spikes.dtype == kind
        for series in (
            measured.spikes_per_inference,
            measured.active_per_inference,
            measured.sent_per_inference,
            *measured.synops_per_inference.values(),
        ):
            assert series.dtype == kind
    counts = ne.count_ops(ne.trace_topology(net), activity)
    totals = {(row.layer, row.operation): row.total for row in counts.rows}
    assert type(totals["one", "spike"]) is int
    assert totals["one", "spike"] == 10
    # both populations drive the readout: an integer and an expected value
    assert_allclose(totals["out", "synop"], 10 + 0.25 * 10 * DT)


def test_expected_values_reach_files_and_tables():
    net, rates = slow_neurons()
    topology = ne.trace_topology(net)
    parts = [
        ne.count_ops(topology, ne.measure_activity(net, None, steps))
        for steps in (50, 50)
    ]
    merged = merge_counts(parts)
    spikes = rates.sum() * 50 * DT
    assert_allclose(merged.total("synop"), 2 * N_TARGETS * spikes)
    estimate = ne.estimate_energy(merged, "loihi")
    assert ne.load_estimate(estimate.to_json()) == estimate
    frame = estimate.to_frame()
    (synops,) = frame[frame.operation == "synop"]["count"]
    assert_allclose(synops, N_TARGETS * spikes)
    activity = ne.measure_activity(net, None, 50)
    (row,) = activity.to_frame().itertuples()
    assert_allclose(row.spikes, spikes)
    assert row.silent == 0
    assert f" {spikes:,.1f} " in str(activity)


@pytest.mark.tensorflow
def test_a_ledger_rounds_sums():
    """Of neurons that have less than half a spike each, on several cores."""
    from nengo_energy.loihi import build_loihi_network
    from nengo_energy.loihi.accounting import ledger_from_activity

    n, n_targets, steps = 60, 10, 30
    rates = np.random.RandomState(0).uniform(5, 15, size=n)
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(n), label="input")
        kinds = dict(neuron_type=nengo.RectifiedLinear())
        a = nengo.Ensemble(n, 1, gain=np.ones(n), bias=rates, label="a", **kinds)
        m = n_targets
        b = nengo.Ensemble(m, 1, gain=np.ones(m), bias=np.zeros(m), label="b", **kinds)
        out = nengo.Node(size_in=m, label="out")
        nengo.Connection(inp, a.neurons, synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((m, n)))
        nengo.Connection(b.neurons, out)
        probe = nengo.Probe(out)
    topology = ne.trace_topology(net)
    prepared = build_loihi_network(net, topology, [probe])
    ledger = ledger_from_activity(
        prepared, ne.measure_activity(net, np.zeros((1, n)), steps, topology=topology)
    )
    # the first population is on the host, and each of its spikes reads 10 weights
    assert np.all(rates * steps * DT < 0.5)
    from_a = sum(row.total for row in ledger.rows if row.operation == "synop")
    spikes = rates.sum() * steps * DT
    assert from_a >= round(n_targets * spikes) > 100
    (core,) = [core for core in ledger.cores if core.layer == "b"]
    assert core.synops == round(n_targets * spikes)
    assert core.messages_from_host == round(spikes)
    assert_array_equal(ledger.messages, ledger.messages.astype(int))
