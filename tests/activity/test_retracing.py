"""Activity that was measured with one tracing, and counted by another."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_energy as ne


def decoded(encoders=None):
    """100 neurons -> 2 dimensions -> 60 neurons."""
    options = {} if encoders is None else {"encoders": encoders}
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(np.zeros(2), label="stimulus")
        a = nengo.Ensemble(100, 2, label="a")
        b = nengo.Ensemble(60, 2, label="b", **options)
        nengo.Connection(stimulus, a)
        nengo.Connection(a, b)
    return net


def synops(counts):
    return counts.total("synop")


@pytest.mark.parametrize(
    "measured, counted", [("weights", "factors"), ("factors", "weights")]
)
def test_decoded_connections_are_counted_as_the_topology_says(measured, counted):
    """Each spike of a drives 60 weights, or 2 decoders; b drives nothing."""
    net = decoded()
    topologies = {d: ne.trace_topology(net, decoded=d) for d in ("weights", "factors")}
    x = np.random.RandomState(0).uniform(-1, 1, (3, 2))
    activity = ne.measure_activity(net, x, 50, topology=topologies[measured])
    spikes = activity.populations["a"].spikes_per_inference
    assert np.ptp(spikes) > 0
    counts = ne.count_ops(topologies[counted], activity)
    per_spike = {"weights": 60, "factors": 2}[counted]
    assert synops(counts) == per_spike * spikes.sum()
    (row,) = (row for row in counts.rows if row.operation == "synop")
    assert row.std == pytest.approx(per_spike * np.std(spikes, ddof=1), rel=1e-12)
    assert "spread-of-spikes" not in [a.code for a in counts.assumptions]
    direct = ne.measure_activity(net, x, 50, topology=topologies[counted])
    assert counts.rows == ne.count_ops(topologies[counted], direct).rows


def test_stages_in_the_order_of_the_readme():
    """Tracing with an option first, measuring without the topology."""
    net = decoded()
    topology = ne.trace_topology(net, decoded="factors")
    activity = ne.measure_activity(net, timesteps=200)
    spikes = activity.populations["a"].spikes.sum()
    assert spikes > 0
    counts = ne.count_ops(topology, activity)
    assert synops(counts) == 2 * spikes
    # two encoders of each neuron in each timestep, on the device
    macs = sum(row.total for row in counts.select("event") if row.operation == "mac")
    assert macs == 2 * (100 + 60) * 200


def test_names_of_layers_are_those_of_the_topology():
    net = decoded()
    topology = ne.trace_topology(net, layer_name=str.upper)
    activity = ne.measure_activity(net, timesteps=50)
    layers = {row.layer for row in ne.count_ops(topology, activity).rows}
    assert layers == {"A", "B"}
    assert (
        synops(ne.count_ops(topology, activity))
        == 60 * activity.populations["a"].spikes.sum()
    )


def test_inputs_that_change_are_multiplied_in_each_timestep_for_any_tracing():
    """A node of constants, driven over 5 timesteps: 2 values x 2 neurons in each."""
    with nengo.Network() as net:
        node = nengo.Node([1.0, 1.0], label="node")
        a = nengo.Ensemble(2, 1, gain=np.ones(2), bias=np.zeros(2), label="a")
        nengo.Connection(node, a.neurons, transform=np.ones((2, 2)))
    topology = ne.trace_topology(net, inputs=[node])
    for x, times in ((np.ones((1, 5, 2)), 5), (np.ones((1, 2)), 1)):
        activity = ne.measure_activity(net, {node: x}, timesteps=5)
        assert ne.count_ops(topology, activity).total("mac") == 4 * times


def test_totals_are_exact_where_the_spread_is_not_known():
    """Ten neurons of b are encoded by one of the dimensions alone; a is decoded into it
    by those of its neurons whose decoders aren't zero, so that fan-out differs."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(np.zeros(1), label="stimulus")
        a = nengo.Ensemble(50, 1, label="a")
        b = nengo.Ensemble(3, 2, label="b", encoders=[[1, 0], [0, 1], [0, 1]])
        nengo.Connection(stimulus, a)
        rows = np.zeros((50, 2))
        rows[:20, 0] = rows[10:, 1] = 1
        nengo.Connection(
            a, b, solver=nengo.solvers.NoSolver(rows), function=lambda x: [x, x]
        )
    weights, factors = (
        ne.trace_topology(net, decoded=d) for d in ("weights", "factors")
    )
    x = np.array([[-1.0], [0.1], [0.9]])
    activity = ne.measure_activity(net, x, 100, topology=weights)
    spikes = activity.populations["a"].spikes
    fan_out = (rows != 0).sum(axis=1)
    counts = ne.count_ops(factors, activity)
    assert synops(counts) == spikes @ fan_out > 0
    said = [a.text for a in counts.assumptions if a.code == "spread-of-spikes"]
    assert len(said) == 1 and "a -> b" in said[0]
    # of one inference alone, there is nothing to spread
    alone = ne.measure_activity(net, x[:1], 100, topology=weights)
    codes = [a.code for a in ne.count_ops(factors, alone).assumptions]
    assert "spread-of-spikes" not in codes
