"""One rule for what is read out: decoders, or weights, of what is read, once."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.solvers import LstsqL2, NoSolver
from numpy.testing import assert_array_equal

import nengo_energy as ne


def found(net):
    return {p.name: p.n_synapses for p in ne.trace_topology(net).readouts}


def test_probe_reads_decoded_output_as_a_passthrough_node_does():
    """20 neurons, one dimension: 20 decoders either way, one driven by each spike."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(20, 1, label="a")
        node = nengo.Node(size_in=1, label="node")
        nengo.Connection(a, node)
        nengo.Probe(node)
        nengo.Probe(a)
    assert found(net) == {"a -> node": 20, "a -> a.decoded_output": 20}
    topology, activity = ne.trace_topology(net), ne.measure_activity(net, timesteps=100)
    spikes = activity.populations["a"].spikes.sum()
    assert spikes > 0
    assert ne.count_ops(topology, activity).total("synop") == 2 * spikes
    assert "readout-on-device" in [a.code for a in topology.assumptions]


def test_decoders_that_are_zero_are_not_read():
    values = np.zeros((4, 2))
    values[1:, 0] = values[3, 1] = 1
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(4, 2, label="a")
        nengo.Probe(a, solver=NoSolver(values))
    (readout,) = ne.trace_topology(net).readouts
    assert_array_equal(readout.fan_out, [0, 1, 1, 2])
    assert_array_equal(readout.weights.to_sparse().toarray(), values.T)


@pytest.mark.parametrize("part, n_rows", [(0, 1), ([0, 2], 2), (slice(1, None), 2)])
def test_slice_of_a_probe_is_all_that_is_read(part, n_rows):
    """Of an array of 3 ensembles through its output, and of one with 3 dimensions."""
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(20, 3, label="array")
        one = nengo.Ensemble(20, 3, label="one")
        nengo.Probe(array.output[part])
        nengo.Probe(one[part])
    read = found(net)
    assert read.pop("one -> one.decoded_output") == 20 * n_rows
    assert list(read.values()) == [20] * n_rows
    assert set(read) <= {f"array/array_{k} -> array/output" for k in range(3)}


def test_output_that_no_probe_reads_is_read_whole():
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(20, 3, label="array")
    assert sum(found(net).values()) == 60
    with net:
        nengo.Probe(array.output)
    assert sum(found(net).values()) == 60


def test_what_several_probes_read_is_read_once():
    """Filters and labels make no other signal, another solver does."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(20, 3, label="a")
        node = nengo.Node(size_in=3, label="node")
        nengo.Connection(a, node)
        for synapse in (None, 0.1):
            nengo.Probe(a, synapse=synapse)
            nengo.Probe(a[0], label="another")
            nengo.Probe(node[:2], synapse=synapse)
            nengo.Probe(node[1:], synapse=synapse)
        nengo.Probe(a[2], solver=LstsqL2(reg=0.2))
    assert found(net) == {
        "a -> node": 60,
        "a -> a.decoded_output": 60,
        "a -> a.decoded_output #2": 20,
    }


def test_observation_costs_nothing():
    """Spikes, voltages, inputs, weights, and what a connection or a node puts out."""
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(20, 1, label="a"), nengo.Ensemble(10, 1, label="b")
        conn = nengo.Connection(a, b)
        stimulus = nengo.Node(np.sin)
        nengo.Connection(stimulus, a)
        for target, attr in (
            (a.neurons, None),
            (a.neurons, "voltage"),
            (a.neurons[:3], None),
            (a, "input"),
            (conn, None),
            (conn, "weights"),
            (stimulus, None),
        ):
            nengo.Probe(target, attr)
    topology = ne.trace_topology(net)
    assert topology.readouts == ()
    assert topology.n_synapses == 200


def test_host_multiplies_no_more_inputs_than_are_read():
    with nengo.Network() as net:
        stimulus = nengo.Node(np.zeros(4), label="stimulus")
        node = nengo.Node(size_in=3, label="node")
        nengo.Connection(stimulus, node, transform=np.ones((3, 4)))
        nengo.Probe(node[1])
    assert [p.n_synapses for p in ne.trace_topology(net).inputs] == [4]


def test_ensembles_that_probes_decode_need_a_seed():
    for seed, said in ((None, True), (0, False)):
        with nengo.Network() as net:
            nengo.Probe(nengo.Ensemble(5, 1, seed=seed))
        codes = [a.code for a in ne.trace_topology(net).assumptions]
        assert ("unseeded-weights" in codes) == said
