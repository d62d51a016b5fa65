"""Loops of passthrough nodes: memories and filters, and what has no finite meaning."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne

TAU = 0.1


def by_name(projections):
    return {p.name: p.n_synapses for p in projections}


def memory(seed=0):
    """stimulus -> a (20 neurons, 1-D) -> memory (3 values) -> b (30 neurons, 3-D).

    A memory as in a Legendre memory unit: a full matrix and a vector, behind a synapse.
    """
    A, B = np.arange(1.0, 10).reshape(3, 3), np.ones((3, 1))
    A[0, 2] = 0
    with nengo.Network(seed=seed) as net:
        stimulus = nengo.Node([0.5], label="stimulus")
        a = nengo.Ensemble(20, 1, label="a")
        b = nengo.Ensemble(30, 3, label="b")
        state = nengo.Node(size_in=3, label="memory")
        nengo.Connection(stimulus, a)
        nengo.Connection(a, state, transform=TAU * B, synapse=TAU)
        nengo.Connection(state, state, transform=TAU * A / 20 + np.eye(3), synapse=TAU)
        nengo.Connection(state, b, synapse=None)
    return net


def test_memory_ends_paths_and_begins_them():
    """Decoders into 3 values; of the matrix all but one; encoders of 30 neurons."""
    topology = ne.trace_topology(memory())
    assert topology.projections == ()
    assert by_name(topology.readouts) == {"a -> memory": 3 * 20}
    assert by_name(topology.inputs) == {"memory -> memory": 8, "memory -> b": 3 * 30}
    (said,) = [a.text for a in topology.assumptions if a.code == "states-on-host"]
    assert "memory" in said


@pytest.mark.parametrize("simulator", ["nengo", "nengo-dl"])
def test_memory_is_counted_as_it_runs(simulator):
    net = memory()
    activity = ne.measure_activity(net, timesteps=100, simulator=simulator)
    counts = ne.count_ops(ne.trace_topology(net), activity)
    spikes = activity.populations["a"].spikes.sum()
    assert spikes > 0 and activity.populations["b"].spikes.sum() > 0
    assert counts.total("synop") == 3 * spikes
    assert counts.total("mac") == (8 + 90) * 100


def test_inputs_that_stay_are_multiplied_once_beside_a_memory():
    net = memory()
    with net:
        still = nengo.Node(np.zeros(2), label="still")
        nengo.Connection(still, net.ensembles[1].neurons, transform=np.ones((30, 2)))
    activity = ne.measure_activity(net, {still: np.ones((1, 2))}, timesteps=100)
    counts = ne.count_ops(ne.trace_topology(net), activity)
    assert counts.total("mac") == (8 + 90) * 100 + 60


def test_paths_of_a_loop_are_summed_up_to_its_synapse():
    """x = in + filtered (1 + 2) x on two ways, one through y; out of y, once more.

    in -> x is read out to 2 values; x -> x is one sum of both ways, which cancel for
    one of the 4 pairs.
    """
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(4, 1, gain=np.ones(4), bias=np.ones(4), label="a")
        b = nengo.Ensemble(5, 1, gain=np.ones(5), bias=np.ones(5), label="b")
        x, y = (nengo.Node(size_in=2, label=label) for label in "xy")
        nengo.Connection(a.neurons, x, transform=np.ones((2, 4)))
        nengo.Connection(x, y, transform=[[1.0, 2], [3, 4]], synapse=None)
        nengo.Connection(x, y, transform=[[1.0, -2], [3, 4]], synapse=None)
        nengo.Connection(y, x, synapse=TAU)
        nengo.Connection(y, b.neurons, transform=np.ones((5, 2)), synapse=None)
    topology = ne.trace_topology(net)
    assert by_name(topology.readouts) == {"a -> x": 8}
    assert by_name(topology.inputs) == {"x -> x": 3, "x -> b": 10}
    loop, _ = topology.inputs
    assert_array_equal(loop.weights.to_sparse().toarray(), [[2, 0], [6, 8]])


def test_filter_of_higher_order_holds_a_value_at_each_synapse():
    """Two states, each driven by the other; what follows holds none."""
    with nengo.Network() as net:
        a = nengo.Ensemble(4, 1, gain=np.ones(4), bias=np.ones(4), label="a")
        one, two, after = (
            nengo.Node(size_in=1, label=x) for x in ("one", "two", "out")
        )
        nengo.Connection(a.neurons, one, transform=np.ones((1, 4)))
        nengo.Connection(one, two, synapse=TAU)
        nengo.Connection(two, one, transform=-1, synapse=TAU)
        nengo.Connection(two, after, synapse=TAU)
    topology = ne.trace_topology(net)
    assert by_name(topology.readouts) == {"a -> one": 4}
    assert by_name(topology.inputs) == {
        "two -> one": 1,
        "one -> two": 1,
        "two -> out": 1,
    }


def test_feedback_of_an_array_is_no_loop_of_nodes():
    """Output to input: 4 ensembles of 10 neurons, each to all that the matrix says."""
    transform = np.triu(np.ones((4, 4)))
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(10, 4, label="array")
        nengo.Connection(array.output, array.input, transform=transform, synapse=TAU)
    topology = ne.trace_topology(net)
    assert topology.inputs == ()
    assert sum(p.n_synapses for p in topology.projections) == 10 * 100
    assert "states-on-host" not in [a.code for a in topology.assumptions]


def test_loop_without_a_synapse_is_refused_by_its_members_alone():
    """start -> (one <-> two) -> out -> end; Nengo refuses it, too, without a name."""
    with nengo.Network() as net:
        start, one, two, out, end = (
            nengo.Node(size_in=1, label=label)
            for label in ("start", "one", "two", "out", "end")
        )
        for pre, post in ((start, one), (one, two), (two, one), (two, out), (out, end)):
            nengo.Connection(pre, post, synapse=None)
        nengo.Connection(end, end, synapse=TAU)  # beside a loop that holds a state
    with pytest.raises(ValueError, match="cycle"):
        nengo.Simulator(net, progress_bar=False)
    with pytest.raises(ne.UnsupportedError, match="without a synapse: one, two;"):
        ne.trace_topology(net)
