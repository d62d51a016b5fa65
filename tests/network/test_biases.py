"""Constants move from nodes into the neurons, and nothing else changes."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.network.biases import fixed_samples, fold_biases


def neurons(label, gain, bias, **options):
    return nengo.Ensemble(len(gain), 1, gain=gain, bias=bias, label=label, **options)


def biased_network():
    """Input and two constant nodes, one of them through a relay, onto two neurons."""
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(2), label="input")
        a = neurons("a", [2.0, 4.0], [1.0, -1.0], neuron_type=nengo.RectifiedLinear())
        nengo.Connection(inp, a.neurons, synapse=None)
        one = nengo.Node([10.0, 20.0], label="one")
        relay = nengo.Node(size_in=2, label="relay")
        nengo.Connection(one, relay, transform=3.0, synapse=None)
        nengo.Connection(relay, a.neurons, synapse=None)
        with nengo.Network(label="inner"):
            two = nengo.Node([0.5], label="two")
        nengo.Connection(two, a.neurons, transform=[[1.0], [-1.0]], synapse=None)
        nengo.Probe(a.neurons, label="rates")
    return net, a


def rates(net):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(3)
    return sim.data[net.probes[0]][-1]


def test_what_arrives_is_scaled_by_the_gain():
    net, a = biased_network()
    before = rates(net)
    assert fold_biases(net, ne.trace_topology(net)) == ["a"]
    # 1 + 2 x (3 x 10 + 0.5) and -1 + 4 x (3 x 20 - 0.5)
    assert_allclose(a.bias, [62, 237], rtol=1e-12)
    assert_allclose(before, [62, 237])  # the rectified current is the rate
    assert_allclose(rates(net), before)


def test_constant_nodes_and_relays_are_gone_in_every_subnetwork():
    net, _ = biased_network()
    fold_biases(net, ne.trace_topology(net))
    assert [node.label for node in net.all_nodes] == ["input"]
    assert len(net.all_connections) == 1
    assert ne.trace_topology(net).biases == ()


def test_chain_of_relays_goes_with_its_node():
    with nengo.Network() as net:
        last = one = nengo.Node([1.0], label="one")
        for k in range(3):
            relay = nengo.Node(size_in=1, label=f"relay {k}")
            nengo.Connection(last, relay, synapse=None)
            last = relay
        a = neurons("a", [5.0], [0.0])
        nengo.Connection(last, a.neurons, synapse=None)
    assert one in net.nodes
    fold_biases(net, ne.trace_topology(net))
    assert net.all_nodes == [] and net.all_connections == []
    assert_array_equal(a.bias, [5])


def test_relay_that_something_else_feeds_stays():
    with nengo.Network() as net:
        inp = nengo.Node([0.0], label="input")
        one = nengo.Node([1.0], label="one")
        relay = nengo.Node(size_in=1, label="relay")
        a = neurons("a", [1.0], [0.0])
        for node in (inp, one):
            nengo.Connection(node, relay, synapse=None)
        nengo.Connection(relay, a.neurons, synapse=None)
    fold_biases(net, ne.trace_topology(net))
    assert [node.label for node in net.all_nodes] == ["input", "relay"]
    assert [conn.pre_obj.label for conn in net.all_connections] == ["input", "relay"]


def test_node_that_feeds_an_output_too_stays():
    """Otherwise the output would lose its bias."""
    with nengo.Network() as net:
        one = nengo.Node([1.0], label="one")
        a = neurons("a", [1.0], [0.0])
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(one, a.neurons, synapse=None)
        nengo.Connection(one, out, synapse=None)
        nengo.Probe(out)
    assert fold_biases(net, ne.trace_topology(net)) == []
    assert [node.label for node in net.all_nodes] == ["one", "out"]
    assert_array_equal(a.bias, [0])


def test_probed_output_that_nothing_feeds_stays():
    with nengo.Network() as net:
        one = nengo.Node([1.0], label="one")
        a = neurons("a", [1.0], [0.0])
        nengo.Connection(one, a.neurons, synapse=None)
        idle = nengo.Node(size_in=1, label="idle")
        nengo.Probe(idle)
    fold_biases(net, ne.trace_topology(net))
    assert net.all_nodes == [idle]


def test_random_parameters_are_refused_by_name():
    with nengo.Network() as net:
        one = nengo.Node([1.0], label="one")
        a = nengo.Ensemble(3, 1, label="a", gain=np.ones(3))
        nengo.Connection(one, a.neurons, transform=np.ones((3, 1)))
    with pytest.raises(ne.UnsupportedError, match="'a'.* has no fixed bias"):
        fold_biases(net, ne.trace_topology(net))
    a.bias = nengo.dists.Uniform(0, 1)
    with pytest.raises(ne.UnsupportedError, match="'a'.* has no fixed bias"):
        fixed_samples(a, "bias")
    a.bias = nengo.dists.Choice([2.0])  # a distribution of one value
    assert_array_equal(fixed_samples(a, "bias"), [2, 2, 2])
