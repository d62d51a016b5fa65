"""What each part of a network becomes."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne

RNG = np.random.RandomState(3)


def neurons(n, label, **options):
    fixed = dict(gain=np.ones(n), bias=np.zeros(n))
    return nengo.Ensemble(n, 1, label=label, **{**fixed, **options})


def by_name(projections):
    return {projection.name: projection for projection in projections}


def test_kinds_of_paths():
    with nengo.Network() as net:
        inp = nengo.Node(np.zeros(4), label="input")
        bias = nengo.Node([2.0], label="bias")
        a, b = neurons(3, "a"), neurons(2, "b")
        out = nengo.Node(size_in=5, label="out")
        nengo.Connection(inp, a.neurons, transform=np.ones((3, 4)))
        nengo.Connection(bias, b.neurons, transform=[[1.0], [-1]])
        nengo.Connection(a.neurons, b.neurons, transform=[[1.0, 0, 1], [1, 1, 1]])
        nengo.Connection(b.neurons, out, transform=np.ones((5, 2)))
    topology = ne.trace_topology(net)
    assert [(p.name, p.n_neurons) for p in topology.populations] == [("a", 3), ("b", 2)]
    assert_array_equal(by_name(topology.projections)["a -> b"].fan_out, [2, 1, 2])
    assert_array_equal(by_name(topology.readouts)["b -> out"].fan_out, [5, 5])
    assert by_name(topology.inputs)["input -> a"].n_synapses == 12
    assert_array_equal(topology.biases[0].values, [2, -2])
    assert (topology.n_neurons, topology.n_synapses) == (5, 5 + 10)
    codes = {assumption.code for assumption in topology.assumptions}
    assert codes == {"input-on-host", "readout-on-device"}


def test_inputs_can_be_named():
    """A constant node is an input if it is said to be one, or holds zeros."""
    with nengo.Network() as net:
        constant = nengo.Node([1.0, 1.0], label="constant")
        a = neurons(2, "a")
        nengo.Connection(constant, a.neurons)
    assert len(ne.trace_topology(net).biases) == 1
    named = ne.trace_topology(net, inputs=[constant])
    assert (len(named.biases), len(named.inputs)) == (0, 1)


def test_chain_of_passthrough_nodes_is_one_projection():
    """Pooling of 2, then a dense layer: each neuron drives all 3 of the next."""
    pool = np.kron(np.eye(3), [[0.5, 0.5]])
    with nengo.Network() as net:
        a, b = neurons(6, "a"), neurons(3, "b")
        pooled, flat = nengo.Node(size_in=3), nengo.Node(size_in=3)
        nengo.Connection(a.neurons, pooled, transform=pool, synapse=0.01)
        nengo.Connection(pooled, flat, synapse=None)
        weights = RNG.uniform(1, 2, size=(3, 3))
        nengo.Connection(flat, b.neurons, transform=weights, synapse=None)
    (projection,) = ne.trace_topology(net).projections
    assert_array_equal(projection.fan_out, [3] * 6)
    assert_array_equal(projection.weights.to_sparse().toarray(), weights @ pool)
    assert projection.filters == (nengo.Lowpass(0.01),)


def test_concatenation_keeps_branches_apart():
    with nengo.Network() as net:
        a, b, c = neurons(2, "a"), neurons(3, "b"), neurons(4, "c")
        joined = nengo.Node(size_in=5)
        nengo.Connection(a.neurons, joined[:2])
        nengo.Connection(b.neurons, joined[2:])
        weights = np.ones((4, 5))
        weights[0, 0] = weights[:2, 4] = 0
        nengo.Connection(joined, c.neurons, transform=weights, synapse=None)
    projections = by_name(ne.trace_topology(net).projections)
    assert_array_equal(projections["a -> c"].fan_out, [3, 4])
    assert_array_equal(projections["b -> c"].fan_out, [4, 4, 2])


def test_skip_connection_meets_in_one_weight():
    """Where an identity is added to a matrix, a pair of neurons has one synapse."""
    with nengo.Network() as net:
        a, b = neurons(3, "a"), neurons(3, "b")
        added = nengo.Node(size_in=3)
        nengo.Connection(
            a.neurons, added, transform=[[1.0, 1, 0], [0, 1, 0], [0, 0, 0]]
        )
        nengo.Connection(a.neurons, added)
        nengo.Connection(added, b.neurons, synapse=None)
    (projection,) = ne.trace_topology(net).projections
    assert_array_equal(projection.fan_out, [1, 2, 1])
    # and where they cancel, it has none
    net.connections[0].transform = nengo.Dense((3, 3), init=-1.0)
    (projection,) = ne.trace_topology(net).projections
    assert_array_equal(projection.fan_out, [0, 0, 0])


def test_paths_with_different_filters_stay_apart():
    with nengo.Network() as net:
        a, b = neurons(2, "a"), neurons(2, "b")
        added = nengo.Node(size_in=2)
        nengo.Connection(a.neurons, added, synapse=0.01)
        nengo.Connection(a.neurons, added, synapse=0.02)
        nengo.Connection(added, b.neurons, synapse=None)
    names = [p.name for p in ne.trace_topology(net).projections]
    assert names == ["a -> b", "a -> b #2"]


def test_direct_connections_are_synapses_of_their_own():
    with nengo.Network() as net:
        a, b = neurons(2, "a"), neurons(2, "b")
        nengo.Connection(a.neurons, b.neurons)
        nengo.Connection(a.neurons, b.neurons)
    assert ne.trace_topology(net).n_synapses == 4


def test_many_paths_take_no_more_time_than_their_nodes():
    """A ladder of 40 diamonds has 2**40 paths; it is walked node by node."""
    with nengo.Network() as net:
        a, b = neurons(1, "a"), neurons(1, "b")
        last = nengo.Node(size_in=1)
        nengo.Connection(a.neurons, last)
        for _ in range(40):
            node = nengo.Node(size_in=1)
            nengo.Connection(last, node, transform=0.5, synapse=None)
            nengo.Connection(last, node, transform=0.25, synapse=None)
            last = node
        nengo.Connection(last, b.neurons, synapse=None)
    assert len(ne.trace_topology(net).projections) == 1


def test_layer_is_the_one_with_the_weights():
    """Convolution, normalisation, activation: the synapses belong to the convolution;
    pooling, dense: to the dense layer; pooling alone: to the pooling."""
    conv = nengo.Convolution(2, (4, 4, 1), (2, 2), init=RNG.uniform(1, 2, (2, 2, 1, 2)))
    kernel = np.zeros((3, 3, 2, 2))
    kernel[:, :, [0, 1], [0, 1]] = 1 / 9
    pool = nengo.Convolution(2, (3, 3, 2), (3, 3), init=kernel)
    with nengo.Network() as net:
        a, b, c = neurons(16, "a"), neurons(18, "b"), neurons(4, "c")
        mixed = nengo.Node(size_in=18, label="conv")
        scaled = nengo.Node(size_in=18, label="norm")
        nengo.Connection(a.neurons, mixed, transform=conv)
        nengo.Connection(mixed, scaled, transform=np.full(18, 2.0), synapse=None)
        nengo.Connection(scaled, b.neurons, synapse=None)
        pooled = nengo.Node(size_in=2, label="pool")
        nengo.Connection(b.neurons, pooled, transform=pool)
        out = nengo.Node(size_in=3, label="dense")
        nengo.Connection(pooled, out, transform=RNG.uniform(1, 2, (3, 2)), synapse=None)
        nengo.Connection(pooled, c.neurons, transform=np.ones((4, 2)), synapse=None)
        nengo.Probe(pooled)
    topology = ne.trace_topology(net)
    layers = {p.name: p.layer for p in topology.projections + topology.readouts}
    assert layers == {
        "a -> b": "conv",
        "b -> c": "c",
        "b -> pool": "pool",
        "b -> dense": "dense",
    }


@pytest.mark.parametrize("decoded", ["weights", "factors"])
def test_decoded_connections(decoded):
    """30 neurons -> 2 dimensions -> 20 neurons: 600 weights, or 60 and 40 factors."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(30, 2, label="a")
        b = nengo.Ensemble(20, 2, label="b")
        nengo.Connection(a, b)
    topology = ne.trace_topology(net, decoded=decoded)
    with nengo.Simulator(net, progress_bar=False) as sim:
        decoders = sim.data[net.connections[0]].weights
        encoders = sim.data[b].scaled_encoders
    if decoded == "weights":
        expected = (encoders @ decoders != 0).sum(axis=0)
        assert topology.encoder_macs == {}
    else:
        expected = (decoders != 0).sum(axis=0)
        assert topology.encoder_macs == {"b": 40}
    assert_array_equal(topology.projections[0].fan_out, expected)
    assert f"decoded-as-{decoded}" in [a.code for a in topology.assumptions]


def test_decoded_parts_that_are_zero_are_no_synapses():
    """Encoders of one dimension: a slice of the other drives nothing."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(10, 1, label="a")
        b = nengo.Ensemble(4, 2, label="b", encoders=[[1, 0], [-1, 0], [0, 1], [0, -1]])
        nengo.Connection(a, b[0])
    assert_array_equal(ne.trace_topology(net).projections[0].fan_out, [2] * 10)


def test_recurrent_network_and_full_weights():
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(6, 1, label="a")
        nengo.Connection(a, a, solver=nengo.solvers.LstsqL2(weights=True))
    assert_array_equal(ne.trace_topology(net).projections[0].fan_out, [6] * 6)


def test_unseeded_weights_are_said_aloud():
    with nengo.Network() as net:
        a, b = neurons(16, "a"), neurons(18, "b")
        nengo.Connection(
            a.neurons, b.neurons, transform=nengo.Convolution(2, (4, 4, 1), (2, 2))
        )
    codes = [assumption.code for assumption in ne.trace_topology(net).assumptions]
    assert codes == ["unseeded-weights"]


def test_names_stay_unique():
    with nengo.Network() as net:
        neurons(1, "a")
        neurons(1, "a")
        neurons(1, None)
        with nengo.Network(label="inner"):
            neurons(1, "a")
    names = [p.name for p in ne.trace_topology(net).populations]
    assert names == ["a", "a #2", "ensemble", "inner/a"]


def test_tracing_leaves_the_network_alone():
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(5, 1), nengo.Ensemble(5, 1)
        nengo.Connection(a, b)
    before = [len(net.all_objects), str(net.config), net.seed]
    ne.trace_topology(net)
    assert [len(net.all_objects), str(net.config), net.seed] == before


def test_learning_is_refused_by_name():
    with nengo.Network() as net:
        a, b = nengo.Ensemble(5, 1, label="a"), nengo.Ensemble(5, 1, label="b")
        nengo.Connection(a, b, learning_rule_type=nengo.PES())
    with pytest.raises(ne.UnsupportedError, match="'a'.*'b'.*learns"):
        ne.trace_topology(net)


class TensorNode(nengo.Node):
    """Stands for NengoDL's: what counts is the name."""


def test_tensor_node_is_refused_by_name_or_listed():
    with nengo.Network() as net:
        a, b = neurons(2, "a"), neurons(2, "b")
        node = TensorNode(size_in=2, label="softmax")
        nengo.Connection(a.neurons, node)
        nengo.Connection(a.neurons, b.neurons)
    with pytest.raises(ne.UnsupportedError, match="softmax.*TensorNode"):
        ne.trace_topology(net)
    topology = ne.trace_topology(net, on_unsupported="omit")
    assert topology.omitted == ("softmax (a TensorNode, which runs TensorFlow code)",)
    assert topology.coverage == 2 / 3
    activity = ne.measure_activity(_without(net, node), timesteps=1, topology=topology)
    (incomplete,) = [
        a
        for a in ne.count_ops(topology, activity).assumptions
        if a.code == "incomplete"
    ]
    assert "67%" in incomplete.text and "softmax" in incomplete.text


def _without(net, node):
    """The network with what Nengo's own simulator can't build taken out."""
    net.nodes.remove(node)
    net.connections[:] = [c for c in net.connections if c.post_obj is not node]
    return net


def test_direct_mode_is_refused():
    with nengo.Network() as net:
        nengo.Ensemble(1, 1, neuron_type=nengo.Direct(), label="ideal")
    with pytest.raises(ne.UnsupportedError, match="'ideal'.*Direct"):
        ne.trace_topology(net)


def test_arguments_are_checked():
    net = nengo.Network()
    with pytest.raises(ne.InputError, match="nengo.Network, got str"):
        ne.trace_topology("net")
    with pytest.raises(ne.InputError, match="decoded must be one of weights, factors"):
        ne.trace_topology(net, decoded="both")
    with pytest.raises(
        ne.InputError, match="on_unsupported must be one of error, omit"
    ):
        ne.trace_topology(net, on_unsupported="ignore")


def test_fingerprint_follows_the_weights():
    def build(weight, amplitude=1.0):
        with nengo.Network() as net:
            a = neurons(2, "a", neuron_type=nengo.LIF(amplitude=amplitude))
            b = neurons(2, "b")
            nengo.Connection(a.neurons, b.neurons, transform=[[1, 2], [3, weight]])
        return ne.trace_topology(net).fingerprint

    assert build(4) == build(4)
    assert build(4) != build(5)
    assert build(4) != build(4, amplitude=0.5)


def test_full_weights_need_no_encoders():
    """Only what other connections decode is encoded, at 5 neurons x 2 dimensions."""
    with nengo.Network(seed=0) as net:
        a, b, c = (nengo.Ensemble(5, 2, label=label) for label in "abc")
        nengo.Connection(a, b, solver=nengo.solvers.LstsqL2(weights=True))
        nengo.Connection(a, c)
    topology = ne.trace_topology(net, decoded="factors")
    assert topology.encoder_macs == {"c": 10}
    fan_out = {p.name: p.fan_out.sum() for p in topology.projections}
    assert fan_out == {"a -> b": 25, "a -> c": 10}


def test_decoders_reach_the_dimension_that_is_sliced():
    """The second dimension is encoded by one neuron alone."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(10, 1, label="a")
        b = nengo.Ensemble(3, 2, label="b", encoders=[[1, 0], [-1, 0], [0, 1]])
        nengo.Connection(a, b[1])
    weights = ne.trace_topology(net).projections[0].weights.to_sparse().toarray()
    assert_array_equal((weights != 0).sum(axis=1), [0, 0, 10])


def test_constants_add_up_over_all_ways():
    """2 directly, 3 x 2 through another connection; one of them is zero."""
    with nengo.Network() as net:
        bias = nengo.Node([2.0, 0.0], label="bias")
        a = neurons(2, "a")
        nengo.Connection(bias, a.neurons, synapse=None)
        nengo.Connection(bias, a.neurons, transform=3.0, synapse=0.1)
        other = nengo.Node([-1.0], label="other")
        nengo.Connection(other, a.neurons[1], synapse=None)
    biases = {bias.source.label: bias for bias in ne.trace_topology(net).biases}
    assert_array_equal(biases["bias"].values, [8, 0])
    assert_array_equal(biases["other"].values, [0, -1])
    assert ne.trace_topology(net).inputs == ()


def test_filters_are_listed_in_the_order_of_the_signal():
    with nengo.Network() as net:
        a, b = neurons(2, "a"), neurons(2, "b")
        node = nengo.Node(size_in=2)
        nengo.Connection(a.neurons, node, synapse=0.01)
        nengo.Connection(node, b.neurons, synapse=nengo.Alpha(0.02))
    (projection,) = ne.trace_topology(net).projections
    assert projection.filters == (nengo.Lowpass(0.01), nengo.Alpha(0.02))


def test_connection_is_kept_where_the_projection_is_nothing_else():
    with nengo.Network(seed=0) as net:
        a, b = neurons(2, "a"), neurons(2, "b")
        c = nengo.Ensemble(2, 1, label="c")
        node = nengo.Node(size_in=2)
        direct = nengo.Connection(a.neurons, b.neurons)
        nengo.Connection(b.neurons, node)
        nengo.Connection(node, a.neurons)
        nengo.Connection(c, a.neurons[0])  # has decoders besides
    kept = {p.name: p.connection for p in ne.trace_topology(net).projections}
    assert kept == {"a -> b": direct, "b -> a": None, "c -> a": None}


def test_probe_of_a_slice_makes_a_readout():
    with nengo.Network() as net:
        a, b = neurons(2, "a"), neurons(2, "b")
        node = nengo.Node(size_in=2, label="node")
        nengo.Connection(a.neurons, node)
        nengo.Connection(node, b.neurons)
        nengo.Probe(node[0])
    topology = ne.trace_topology(net)
    assert [p.name for p in topology.readouts] == ["a -> node"]
    assert [p.name for p in topology.projections] == ["a -> b"]


def test_tensor_node_is_noticed_as_a_source_too():
    with nengo.Network() as net:
        node = TensorNode(lambda t: [t], size_in=0, label="embedding")
        b = neurons(1, "b")
        nengo.Connection(node, b.neurons)
    with pytest.raises(ne.UnsupportedError, match="embedding.*TensorNode"):
        ne.trace_topology(net)
    topology = ne.trace_topology(net, on_unsupported="omit")
    assert len(topology.omitted) == 1 and topology.inputs == ()


def test_populations_of_one_layer_keep_their_own_names():
    with nengo.Network() as net:
        neurons(1, "conv.0")
        neurons(2, "conv.1")
        neurons(3, "dense.0")
    topology = ne.trace_topology(net, layer_name=lambda label: label[:-2])
    assert [(p.name, p.layer) for p in topology.populations] == [
        ("conv.0", "conv"),
        ("conv.1", "conv"),
        ("dense", "dense"),
    ]


@pytest.mark.parametrize("seed, said", [(None, True), (3, False)])
def test_seed_decides_whether_weights_are_known(seed, said):
    """That of the network for decoders, that of the connection for its own weights."""
    codes = []
    with nengo.Network(seed=seed) as net:
        nengo.Connection(nengo.Ensemble(3, 1), nengo.Ensemble(3, 1))
    codes.append([a.code for a in ne.trace_topology(net).assumptions])
    with nengo.Network() as net:
        random = nengo.Dense((2, 2), init=nengo.dists.Uniform(0, 1))
        a, b = neurons(2, "a"), neurons(2, "b")
        nengo.Connection(a.neurons, b.neurons, transform=random, seed=seed)
    codes.append([a.code for a in ne.trace_topology(net).assumptions])
    assert ["unseeded-weights" in found for found in codes] == [said, said]


def test_readouts_hold_synapses_that_populations_drive():
    with nengo.Network() as net:
        a, b = neurons(2, "a"), neurons(3, "b")
        out = nengo.Node(size_in=4, label="out")
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((3, 2)))
        nengo.Connection(a.neurons, out, transform=np.ones((4, 2)))
    topology = ne.trace_topology(net)
    assert [p.name for p in topology.outgoing("a")] == ["a -> b", "a -> out"]
    assert topology.outgoing("b") == ()
    assert topology.n_synapses == 3 * 2 + 4 * 2


def _small_network(
    gain=1.0, pre=slice(None), post="b", synapse=0.01, value=1.0, size=2
):
    with nengo.Network() as net:
        a, b = neurons(2, "a", gain=np.full(2, gain)), neurons(2, "b")
        sparse = nengo.Sparse((2, 2), indices=[(0, 0), (1, 1)], init=[1.0, value])
        target = {"a": a, "b": b}[post]
        nengo.Connection(
            a.neurons[pre], target.neurons, transform=sparse, synapse=synapse
        )
        nengo.Node(np.zeros(size), label="input")
    return ne.trace_topology(net).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"gain": 2.0},
        {"pre": [1, 0]},
        {"post": "a"},
        {"synapse": 0.02},
        {"value": 0.0},
        {"size": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_fingerprint_follows_what_spikes_depend_on(change):
    assert _small_network() == _small_network()
    assert _small_network(**change) != _small_network()


def registered_twice():
    """A network in another, twice, as basal ganglia are in a thalamus of nengo.spa.

    Three inputs -> a -> sum of 2 on the way -> b, and a directly to b.
    """
    with nengo.Network(seed=0) as net:
        with nengo.Network(label="inner") as inner:
            stimulus = nengo.Node(np.zeros(3), label="stimulus")
            a, b = neurons(4, "a"), neurons(5, "b", gain=np.ones(5), bias=np.zeros(5))
            summed, relay = (nengo.Node(size_in=2, label=x) for x in ("sum", "relay"))
            nengo.Connection(stimulus, a.neurons, transform=np.full((4, 3), 0.5))
            nengo.Connection(a.neurons, b.neurons, transform=np.ones((5, 4)))
            nengo.Connection(a.neurons, summed, transform=np.ones((2, 4)))
            nengo.Connection(summed, relay, synapse=None)
            nengo.Connection(relay, b.neurons, transform=np.ones((5, 2)), synapse=None)
            nengo.Probe(relay)
        net.networks.append(inner)
    return net


def test_network_that_is_registered_twice_counts_once():
    topology = ne.trace_topology(registered_twice())
    found = {
        p.name: p.n_synapses
        for p in topology.inputs + topology.projections + topology.readouts
    }
    assert found == {
        "inner/stimulus -> inner/a": 12,
        "inner/a -> inner/b": 20,
        "inner/a -> inner/b #2": 20,
        "inner/a -> inner/relay": 8,
    }
    assert [p.name for p in topology.populations] == ["inner/a", "inner/b"]


def test_functions_of_nodes_are_computed_before_the_weights():
    """Of two values of an input, and of two constants, the product drives 30 neurons; a
    function of constants makes no bias of them as they are."""

    def product(x):
        return x[0] * x[1]

    with nengo.Network(seed=0) as net:
        a = neurons(30, "a")
        for label, values in (("input", np.zeros(3)), ("constant", np.ones(3))):
            node = nengo.Node(values, label=label)
            nengo.Connection(
                node[:2], a.neurons, function=product, transform=np.ones((30, 1))
            )
    topology = ne.trace_topology(net)
    assert [p.n_synapses for p in topology.inputs] == [30, 30]
    # two functions of one node, with other sizes, on their way through another
    with net:
        relay = nengo.Node(size_in=30, label="relay")
        for function, size in ((product, 1), (lambda x: x, 2)):
            ones = np.ones((30, size))
            nengo.Connection(node[:2], relay, function=function, transform=ones)
        nengo.Connection(relay, a.neurons, synapse=None)
    topology = ne.trace_topology(net)
    assert [p.n_synapses for p in topology.inputs] == [30, 30, 30, 60]
    assert topology.biases == ()
