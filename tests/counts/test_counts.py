"""Spikes of a network, given by hand, become operations in each layer."""

from __future__ import annotations

from dataclasses import replace

import nengo
import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.activity.activity import PopulationActivity
from nengo_energy.counts import merge_counts


def three_layers():
    """input (2) -> a (3 neurons) -> weights -> b (2 neurons) -> out (4).

    Neuron 2 of ``a`` drives nothing. The layer named "mix" holds the weights to b.
    """
    with nengo.Network() as net:
        inp = nengo.Node(np.zeros(2), label="input")
        a = nengo.Ensemble(3, 1, gain=np.ones(3), bias=np.zeros(3), label="a")
        mix = nengo.Node(size_in=2, label="mix")
        b = nengo.Ensemble(2, 1, gain=np.ones(2), bias=np.zeros(2), label="b")
        out = nengo.Node(size_in=4, label="out")
        nengo.Connection(inp, a.neurons, transform=[[1.0, 1], [1, 0], [0, 1]])
        nengo.Connection(a.neurons, mix, transform=[[1.0, 2, 0], [3, 0, 0]])
        nengo.Connection(mix, b.neurons, synapse=None)
        nengo.Connection(b.neurons, out, transform=np.ones((4, 2)))
    return net


def hand_made_activity(topology, **changes):
    """Three inferences of 10 timesteps, after a warm-up of 5."""
    populations = {
        "a": PopulationActivity(
            spikes=np.array([6, 3, 9]),
            spikes_per_inference=np.array([4, 6, 8]),
            active_per_inference=np.array([4, 5, 8]),
            sent_per_inference=np.array([2, 3, 4]),
            # neuron 0 drives 2, neuron 1 drives 1
            synops_per_inference={"a -> b": np.array([3, 5, 7])},
            peak=2,
        ),
        "b": PopulationActivity(
            spikes=np.array([1, 1]),
            spikes_per_inference=np.array([0, 0, 2]),
            active_per_inference=np.array([0, 0, 2]),
            sent_per_inference=np.array([0, 0, 2]),
            synops_per_inference={"b -> out": np.array([0, 0, 8])},
            peak=1,
        ),
    }
    activity = ne.Activity(
        populations, 3, 10, 5, 0.001, "nengo", True, topology.fingerprint
    )
    return replace(activity, **changes)


def table(counts):
    return {(r.layer, r.operation, r.where): r.total for r in counts.rows}


def test_operations_of_each_layer():
    topology = ne.trace_topology(three_layers())
    counts = ne.count_ops(topology, hand_made_activity(topology))
    assert table(counts) == {
        # 4 weights of the input, multiplied once in each of 3 inferences
        ("a", "mac", "host"): 4 * 3,
        # 3 neurons x 10 timesteps x 3 inferences, without the warm-up
        ("a", "neuron_update_active", "device"): 4 + 5 + 8,
        ("a", "neuron_update_inactive", "device"): 90 - 17,
        ("a", "spike", "device"): 2 + 3 + 4,  # those that drive something
        ("mix", "synop", "device"): 3 + 5 + 7,
        ("b", "neuron_update_active", "device"): 2,
        ("b", "neuron_update_inactive", "device"): 60 - 2,
        ("b", "spike", "device"): 2,
        ("out", "synop", "device"): 8,
    }
    assert (counts.timesteps, counts.dt) == (10, 0.001)
    assert {row.n_inferences for row in counts.rows} == {3}
    assert {row.execution for row in counts.rows} == {"event"}


def test_rows_follow_the_signal():
    """Weights before the neurons that they drive, the order of OPERATIONS within."""
    topology = ne.trace_topology(three_layers())
    rows = ne.count_ops(topology, hand_made_activity(topology)).rows
    layers = list(dict.fromkeys(row.layer for row in rows))
    assert layers == ["a", "mix", "b", "out"]
    assert [row.layer for row in rows] == sorted(
        [row.layer for row in rows], key=layers.index
    )
    order = list(ne.OPERATIONS)
    for layer in layers:
        places = [order.index(row.operation) for row in rows if row.layer == layer]
        assert places == sorted(places)


def test_spread_over_inferences_is_that_of_a_sample():
    topology = ne.trace_topology(three_layers())
    counts = ne.count_ops(topology, hand_made_activity(topology))
    std = {(row.layer, row.operation): row.std for row in counts.rows}
    # 3, 5, 7: deviations -2, 0, 2, and one degree of freedom less than inferences
    assert std["mix", "synop"] == pytest.approx((8 / 2) ** 0.5, rel=1e-12)
    # 0, 0, 8: mean 8/3
    squares = 2 * (8 / 3) ** 2 + (16 / 3) ** 2
    assert std["out", "synop"] == pytest.approx((squares / 2) ** 0.5, rel=1e-12)
    assert std["a", "mac"] == 0


def test_input_that_changes_is_multiplied_in_each_timestep():
    topology = ne.trace_topology(three_layers())
    activity = hand_made_activity(topology, static_input=False)
    counts = ne.count_ops(topology, activity)
    assert table(counts)["a", "mac", "host"] == 4 * 10 * 3


def test_encoders_are_multiplied_on_the_device_in_each_timestep():
    topology = replace(ne.trace_topology(three_layers()), encoder_macs={"b": 7})
    counts = ne.count_ops(topology, hand_made_activity(topology))
    assert table(counts)["b", "mac", "device"] == 7 * 10 * 3
    assert counts.total("mac") == 210 + 12
    (host,) = counts.select("event", where="host")
    assert host.layer == "a"
    assert host not in counts.select("event")
    assert counts.select("dense") == ()


def test_conventional_network_stands_beside():
    topology = ne.trace_topology(three_layers())
    said = ne.Assumption("flat", "Something was assumed.")
    activity = hand_made_activity(
        topology, assumptions=(said,), settings={"simulator": "by hand"}
    )
    counts = ne.count_ops(topology, activity)
    assert said in counts.assumptions
    assert set(topology.assumptions) <= set(counts.assumptions)
    assert counts.settings == {"simulator": "by hand"}
    assert counts.select("dense") == ()

    other = ne.Assumption("dense", "Something else was assumed.")

    class Ops:  # what a LayerOps offers
        assumptions = (other,)

        def to_counts(self):
            return (ne.OpCount("dense", "mac", 5, 1, execution="dense"),)

    both = ne.count_ops(topology, activity, layer_ops=Ops())
    assert both.rows == counts.rows + Ops().to_counts()
    assert both.assumptions == counts.assumptions + (other,)


SPIKES = {
    "a": np.array([[1, 1, 2], [2, 1, 3], [3, 1, 4]]),
    "b": np.array([[0, 0], [0, 0], [1, 1]]),
}
"""Of each neuron in each inference, whose sums `hand_made_activity` has."""


def part_of(activity, part):
    """Return the activity on some of the inferences."""
    populations = {
        name: replace(
            pop,
            spikes=SPIKES[name][part].sum(axis=0),
            spikes_per_inference=pop.spikes_per_inference[part],
            active_per_inference=pop.active_per_inference[part],
            sent_per_inference=pop.sent_per_inference[part],
            synops_per_inference={
                key: series[part] for key, series in pop.synops_per_inference.items()
            },
        )
        for name, pop in activity.populations.items()
    }
    n = len(populations["a"].spikes_per_inference)
    settings = {"n_inferences": n, "simulator": "nengo"}
    return replace(activity, populations=populations, n_inferences=n, settings=settings)


@pytest.mark.parametrize("cut", [1, 2])
def test_merged_counts_are_those_of_the_whole(cut):
    """Totals as integers; standard deviations of 3 from those of 1 and 2."""
    topology = ne.trace_topology(three_layers())
    activity = hand_made_activity(topology)
    whole = ne.count_ops(topology, part_of(activity, slice(None)))
    parts = [
        ne.count_ops(topology, part_of(activity, part))
        for part in (slice(cut), slice(cut, None))
    ]
    merged = merge_counts(parts)
    assert table(merged) == table(whole)
    assert all(isinstance(row.total, int) for row in merged.rows)
    assert any(row.std > 0 for row in whole.rows)
    for row, wanted in zip(merged.rows, whole.rows):
        assert row.std == pytest.approx(wanted.std, rel=1e-12)
        assert row.n_inferences == 3
    assert merged.settings == whole.settings
    assert merged.assumptions == whole.assumptions


def test_an_operation_that_one_part_lacks_was_never_done_there():
    """10 in 2 inferences and none in 3 others: mean 2."""
    parts = [
        ne.OpCounts(
            (ne.OpCount("a", "synop", 10, 2), ne.OpCount("a", "mac", 4, 2)), 5, 1
        ),
        ne.OpCounts((ne.OpCount("a", "synop", 5, 3),), 5, 1),
    ]
    merged = merge_counts(parts)
    assert [(row.total, row.n_inferences) for row in merged.rows] == [(15, 5), (4, 5)]


def test_counts_of_different_timesteps_are_not_merged():
    row = (ne.OpCount("a", "synop", 1, 1),)
    with pytest.raises(ne.InputError, match="same timesteps and dt; got 5 x 1 s, 6"):
        merge_counts([ne.OpCounts(row, 5, 1), ne.OpCounts(row, 6, 1)])
    with pytest.raises(ne.InputError, match="none"):
        merge_counts([])
