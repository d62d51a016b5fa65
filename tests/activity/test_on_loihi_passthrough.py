"""Passthrough nodes beside the chip: every value arrives, as in Nengo."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.on_loihi.preparing import prepare_network
from nengo_energy.compat import import_nengo_loihi
from nengo_energy.loihi import open_simulator

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow

VALUE = 0.8
N_STEPS, N_LAST = 200, 60


def relayed(source, target, chain=False, synapse=None, relay_probed=False):
    """a -> relay (-> mid) -> b, and relay -> seen, which is on the host."""
    with nengo.Network(seed=1) as net:
        import_nengo_loihi().add_params(net)
        inp = nengo.Node([VALUE], label="input")
        a, b = (nengo.Ensemble(100, 1, label=label) for label in "ab")
        nengo.Connection(inp, a, synapse=None)
        relay = last = nengo.Node(size_in=1, label="relay")
        if source == "decoded":
            nengo.Connection(a, relay, synapse=synapse)
        else:  # about 30 neurons of the hundred fire, at 100 Hz and more
            nengo.Connection(
                a.neurons, relay, transform=np.full((1, 100), 1e-4), synapse=synapse
            )
        if chain:
            last = nengo.Node(size_in=1, label="mid")
            nengo.Connection(relay, last, synapse=None)
        nengo.Connection(last, b)
        if target == "passthrough":
            seen = nengo.Node(size_in=1, label="seen")
        elif target == "function":
            seen = nengo.Node(lambda t, x: x, size_in=1, label="seen")
        else:
            seen = nengo.Ensemble(80, 1, label="seen")
            net.config[seen].on_chip = False
        nengo.Connection(relay, seen, synapse=0.005)
        probes = [nengo.Probe(seen, synapse=0.02), nengo.Probe(b, synapse=0.02)]
        if relay_probed:
            probes.append(nengo.Probe(relay, synapse=0.02))
    return net, probes


def means(sim, probes):
    with sim:
        sim.run_steps(N_STEPS)
        return np.array([sim.data[p][-N_LAST:].mean() for p in probes])


WAYS = [(False, None, False), (True, None, True), (True, 0.005, False)]
"""Whether there is a second node, the synapse into the first, and if it is probed."""


@pytest.mark.filterwarnings("ignore:.*low-pass filters in a row")
@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("target", ["passthrough", "function", "ensemble"])
@pytest.mark.parametrize("source", ["decoded", "neurons"])
def test_what_a_passthrough_node_feeds_reads_its_value(source, target, way):
    """Seen on the host and on the chip; Nengo, and NengoLoihi that removes none."""
    import nengo_loihi

    net, probes = relayed(source, target, *way)
    found = means(open_simulator(net), probes)
    wanted = means(nengo.Simulator(net, progress_bar=False), probes)
    assert np.all(wanted > 0.3)
    np.testing.assert_allclose(found, wanted, atol=0.17)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in cast")
        stock = nengo_loihi.Simulator(net, target="sim", remove_passthrough=False)
    np.testing.assert_allclose(found, means(stock, probes), atol=0.17)


def test_both_emulators_and_each_run_give_the_same():
    net, probes = relayed("decoded", "passthrough", chain=True, relay_probed=True)
    found = [
        means(open_simulator(net, emulator=name), probes)
        for name in ("fast", "nengo-loihi", "fast")
    ]
    assert np.all(found[0] > 0.5)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_what_is_not_merged_is_built_as_it_was():
    """Connections that go away don't shift the seeds of what stays."""
    net, probes = relayed("decoded", "function", chain=True)
    before = [len(net.connections), len(net.nodes), len(net.probes)]
    ensembles = net.all_ensembles
    with open_simulator(net) as ours, open_simulator(
        net, remove_passthrough=False
    ) as kept:
        for ens in ensembles:
            assert_array_equal(ours.data[ens].encoders, kept.data[ens].encoders)
            assert_array_equal(ours.data[ens].gain, kept.data[ens].gain)
    assert before == [len(net.connections), len(net.nodes), len(net.probes)]


def arrays(n=3):
    """Two arrays of ensembles, the second fed the first's values times a matrix."""
    matrix = np.arange(n * n).reshape(n, n) / 20
    with nengo.Network(seed=3) as net:
        inp = nengo.Node(np.full(n, 0.5))
        first = nengo.networks.EnsembleArray(80, n, label="first")
        second = nengo.networks.EnsembleArray(80, n, label="second")
        nengo.Connection(inp, first.input, synapse=None)
        nengo.Connection(first.output, second.input, transform=matrix)
        probes = [nengo.Probe(first.output, synapse=0.02)]
        probes.append(nengo.Probe(second.output, synapse=0.02))
    return net, probes, matrix


def test_arrays_are_joined_by_a_connection_for_each_weight():
    net, probes, matrix = arrays()
    form = prepare_network(net)
    made = [c for c in form.network.all_connections if c in form.stands_for]
    between = [c for c in made if isinstance(c.post_obj, nengo.Ensemble)]
    # first.output is probed, so it stays and is fed by three connections more
    weights = sorted(float(c.transform.init[0, 0]) for c in between)
    assert weights == pytest.approx(sorted(matrix[matrix != 0]))
    found, wanted = np.zeros((2, 2, 3))
    for values, sim in (
        (found, open_simulator(net)),
        (wanted, nengo.Simulator(net, progress_bar=False)),
    ):
        with sim:
            sim.run_steps(300)
            values[:] = [sim.data[p][-N_LAST:].mean(axis=0) for p in probes]
    np.testing.assert_allclose(wanted[1], matrix @ np.full(3, 0.5), atol=0.1)
    np.testing.assert_allclose(found, wanted, atol=0.1)


def test_slices_random_weights_and_several_ways_are_added_up():
    """The matrix of all ways, worked out with numpy."""
    rng = np.random.RandomState(0)
    first, second = rng.rand(2, 3), rng.rand(4, 2)
    with nengo.Network(seed=3) as net:
        a, b = (nengo.Ensemble(n, 1, label=str(n)) for n in (3, 4))
        one, two = nengo.Node(size_in=5), nengo.Node(size_in=3)
        nengo.Connection(a.neurons, one[[4, 1]], transform=first, synapse=None)
        drawn = nengo.Connection(
            one[1:3], two[2], transform=nengo.dists.Uniform(1, 2), synapse=None, seed=7
        )
        nengo.Connection(one[::-2], two, synapse=None)
        nengo.Connection(two[[0, 2]], b.neurons, transform=second, synapse=0.01)
        nengo.Connection(one[4:], b.neurons[3], transform=5, synapse=0.01)
    form = prepare_network(net)
    (made,) = form.network.all_connections
    weights = drawn.transform.sample(rng=np.random.RandomState(7))
    into = np.zeros((5, 3))
    into[[4, 1]] = first
    middle = into[::-2].copy()
    middle[2] += weights[0] @ into[1:3]
    wanted = second @ middle[[0, 2]]
    wanted[3] += 5 * into[4]
    matrix = made.transform.init
    matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    np.testing.assert_allclose(matrix, wanted)
    assert made.synapse == nengo.Lowpass(0.01)
    assert not form.network.all_nodes


def test_filters_in_a_row_become_one_aloud():
    net, _ = relayed("decoded", "function", synapse=0.005)
    with pytest.warns(UserWarning, match="the connection from ensemble 'a' to node "):
        form = prepare_network(net)
    synapses = {c.synapse for c in form.network.all_connections if c in form.stands_for}
    assert synapses == {nengo.Lowpass(0.01)}


def loop(net, relay, mid):
    nengo.Connection(mid, relay, synapse=0.1)


def alpha(net, relay, mid):
    nengo.Connection(relay, mid, synapse=nengo.Alpha(0.01), transform=0.1)


def error(net, relay, mid):
    out = nengo.Node(size_in=1)
    learned = nengo.Connection(net.ensembles[0], out, learning_rule_type=nengo.PES())
    nengo.Connection(mid, learned.learning_rule)


@pytest.mark.parametrize(
    "extra, reason",
    [
        (loop, "in a loop"),
        (alpha, "Alpha"),
        (error, "gives its error to the learning rule of the connection"),
    ],
)
def test_what_cannot_be_merged_stays_on_the_host_and_runs(extra, reason):
    net, probes = relayed("decoded", "function", chain=True, synapse=0.005)
    with net:
        extra(net, net.nodes[1], net.nodes[2])
    form = prepare_network(net)
    assert form.network is net
    said = {change.layer: change.why for change in form.changes}
    assert reason in said["node 'relay'"] and reason in said["node 'mid'"]
    assert np.all(means(open_simulator(net), probes) > 0.3)


def test_a_tensor_node_is_refused_by_name():
    from nengo_energy.compat import import_nengo_dl

    nengo_dl = import_nengo_dl()
    net, _ = relayed("decoded", "function")
    with net:
        node = nengo_dl.TensorNode(lambda t, x: x, shape_in=(1,), label="layer")
        nengo.Connection(net.nodes[1], node)
    with pytest.raises(ne.UnsupportedError, match="node 'layer' is a TensorNode"):
        open_simulator(net)
