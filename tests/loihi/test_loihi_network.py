"""The network that is deployed: what is where, and that it computes the same."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from random_networks import random_networks

import nengo_energy as ne
from nengo_energy.compat import emulator, import_nengo_loihi, import_tf_keras
from nengo_energy.loihi import build_loihi_network

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow


def neurons(n, label, bias=0.0, neuron_type=nengo.LIF()):
    return nengo.Ensemble(
        n,
        1,
        gain=np.ones(n),
        bias=np.full(n, bias),
        neuron_type=neuron_type,
        label=label,
    )


def prepare(net):
    return build_loihi_network(net, ne.trace_topology(net), net.all_probes).network


def on_host(prepared):
    """Return the ensembles that NengoLoihi runs on the host."""
    from nengo_loihi.splitter import HostChipSplit

    return HostChipSplit(prepared).host_objs & set(prepared.all_ensembles)


def chain(first=nengo.LIF(), second=nengo.LIF(), synapses=(0.005, None)):
    """input -> a -> passthrough node -> b -> out, which has a bias."""
    with nengo.Network(seed=3, label="chain") as net:
        inp = nengo.Node(np.zeros(2), label="input")
        a, b = neurons(2, "a", 1.5, first), neurons(3, "b", 1.2, second)
        node = nengo.Node(size_in=2, label="pool")
        out = nengo.Node(size_in=2, label="out")
        bias = nengo.Node([5.0, -3.0], label="bias")
        nengo.Connection(inp, a.neurons, synapse=None)
        nengo.Connection(a.neurons, node, synapse=synapses[0])
        nengo.Connection(
            node, b.neurons, transform=np.ones((3, 2)), synapse=synapses[1]
        )
        nengo.Connection(b.neurons, out, transform=np.eye(2, 3), synapse=0.005)
        nengo.Connection(bias, out, synapse=None)
        nengo.Probe(out)
    return net


# random voltages at the start would differ: they follow the order of the objects
AT_REST = nengo.LIF(
    tau_ref=0.001, amplitude=0.01, initial_state={"voltage": nengo.dists.Choice([0.0])}
)


@settings(max_examples=15, deadline=None)
@given(random_networks(neuron_type=AT_REST), st.integers(0, 2**32 - 1))
def test_merged_network_spikes_as_the_original_does(built, seed):
    """In Nengo's own simulator, where nothing is rounded; weights that are summed in
    another order may move a spike at the end of a timestep."""
    x = np.random.RandomState(seed).uniform(0.1, 0.5, size=(1, built.inp.size_out))
    topology = ne.trace_topology(built.net)
    assume(all(p.n_synapses for p in topology.projections + topology.readouts))
    prepared = build_loihi_network(built.net, topology, [built.probe]).network
    assert not [n for n in prepared.nodes if n not in (built.inp, built.out)]
    before, after = (
        ne.measure_activity(
            net, {built.inp: x}, 40, topology=topology, probes=[built.probe]
        )
        for net in (built.net, prepared)
    )
    assert before.populations["encoder"].spikes.sum() > 0
    for name, wanted in before.populations.items():
        found = after.populations[name].spikes
        assert np.abs(found - wanted.spikes).sum() <= 1
    assert_allclose(
        after.outputs[built.probe], before.outputs[built.probe], rtol=0.2, atol=1e-2
    )


def test_parts_are_the_networks_own_and_it_is_left_alone():
    net = chain()
    before = (len(net.all_objects), str(net.config))
    prepared = prepare(net)
    assert (len(net.all_objects), str(net.config)) == before
    assert (prepared.label, prepared.seed) == ("chain on Loihi", 3)
    assert prepared.all_ensembles == net.all_ensembles
    assert prepared.all_probes == net.all_probes
    labels = [node.label for node in prepared.all_nodes]
    assert labels == ["input", "out", "out.bias"]
    a, b = net.all_ensembles
    assert prepared.config[a].on_chip is False
    assert prepared.config[b].on_chip is not False
    assert on_host(prepared) == {a}


def test_filters_and_weights_are_merged():
    prepared = prepare(chain())
    (merged,) = [c for c in prepared.connections if c.label == "a -> b"]
    assert merged.synapse == nengo.Lowpass(0.005)
    assert_array_equal(merged.transform.init, np.ones((3, 2)))


def test_two_filters_in_a_row_are_refused():
    with pytest.raises(ne.UnsupportedError, match="a -> b passes 2 synaptic filters"):
        prepare(chain(synapses=(0.005, 0.01)))


def test_output_bias_arrives():
    net = chain()
    net.all_ensembles[1].bias = np.zeros(3)
    net.all_ensembles[0].bias = np.zeros(2)  # nothing spikes
    activity = ne.measure_activity(
        prepare(net),
        timesteps=10,
        simulator="loihi",
        topology=ne.trace_topology(net),
        probes=net.all_probes,
    )
    assert all(not p.spikes.any() for p in activity.populations.values())
    (output,) = activity.outputs.values()
    assert_array_equal(output, [[5, -3]])


def test_neurons_of_the_host_may_be_of_any_type():
    """Those that encode the input; the next layer must be the chip's."""
    other = nengo.AdaptiveLIF()
    assert len(prepare(chain(first=other)).all_ensembles) == 2
    with pytest.raises(ne.UnsupportedError, match="'b' has AdaptiveLIF neurons"):
        prepare(chain(second=other))


def test_single_population_goes_on_the_chip():
    with nengo.Network() as net:
        inp = nengo.Node(np.zeros(2))
        a = neurons(2, "a")
        nengo.Connection(inp, a.neurons)
    prepared = prepare(net)
    assert on_host(prepared) == set()
    # and then all its populations are checked
    a.neuron_type = nengo.AdaptiveLIF()
    with pytest.raises(ne.UnsupportedError, match="'a' has AdaptiveLIF neurons"):
        prepare(net)


def test_bias_that_feeds_an_output_too_is_copied_into_the_neurons():
    """Neurons "a" have a bias of 1.5 of their own, and receive 5 and -3."""
    net = chain()
    ens, bias = net.all_ensembles[0], net.nodes[-1]
    with net:
        nengo.Connection(bias, ens.neurons, synapse=None)
    (copy,) = (e for e in prepare(net).all_ensembles if e.label == "a")
    np.testing.assert_allclose(copy.bias, 1.5 + ens.gain * [5.0, -3.0])
    np.testing.assert_array_equal(ens.bias, [1.5, 1.5])  # the user's own


def test_whole_network_is_needed():
    net = chain()
    topology = ne.trace_topology(net)
    lacking = type(topology)(
        **{**vars(topology), "omitted": ("softmax (a TensorNode)",)}
    )
    with pytest.raises(ne.UnsupportedError, match="whole network.*softmax"):
        build_loihi_network(net, lacking, [])


def test_decoded_connection_becomes_weights():
    """Decoders and encoders multiplied out, so that activity stays on the chip."""
    import_nengo_loihi()
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(20, 1, label="a"), nengo.Ensemble(10, 1, label="b")
        nengo.Connection(a, b)
    (merged,) = prepare(net).connections
    assert (merged.pre, merged.post) == (a.neurons, b.neurons)
    with nengo.Simulator(net, progress_bar=False) as sim:
        decoders = sim.data[net.connections[0]].weights
        encoders = sim.data[b].scaled_encoders
    assert_allclose(merged.transform.init, encoders @ decoders, rtol=1e-12)


def test_weights_that_are_all_zero_are_refused():
    net = chain()
    with net:
        nengo.Connection(
            net.all_ensembles[0].neurons,
            net.all_ensembles[1].neurons,
            transform=np.zeros((3, 2)),
        )
    with pytest.raises(ne.InputError, match=r"weights of layer 'b' are zero \(a -> b"):
        prepare(net)


def test_layer_that_the_chip_drives_is_on_the_chip():
    """Even where it has an input of its own, which NengoLoihi then encodes."""
    net = chain()
    a, b = net.all_ensembles
    with net:
        late = nengo.Node(np.zeros(2), label="late")
        c = neurons(2, "c")
        nengo.Connection(b.neurons, c.neurons, transform=np.ones((2, 3)))
        nengo.Connection(late, c.neurons, synapse=None)
    prepared = prepare(net)
    assert on_host(prepared) == {a}
    with emulator.open_emulator(prepared, target="sim") as sim:
        emulator.set_input(sim, late, np.ones(2))
        sim.run_steps(10)
        assert len(sim.model.inputs) == 2


def test_convolutions_that_lie_differently_in_one_layer():
    """The second of them can't share weights, and is written out."""
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(32), label="input")
        a, b = neurons(32, "a", 1.5), neurons(32, "b", 1.2)
        nengo.Connection(inp, a.neurons, synapse=None)
        rng = np.random.RandomState(0)
        for shape in ((4, 4, 2), (2, 4, 4)):
            kernel = rng.uniform(size=(3, 3, shape[2], shape[2]))
            conv = nengo.Convolution(shape[2], shape, padding="same", init=kernel)
            nengo.Connection(a.neurons, b.neurons, transform=conv)
    topology = ne.trace_topology(net)
    built = build_loihi_network(net, topology, [])
    kinds = [type(c.transform).__name__ for c in built.network.connections[1:]]
    assert kinds == ["Convolution", "Sparse"]
    assert built.plans["b"].partition.shape == (4, 4, 2)
    with built.simulator(target="sim") as sim:
        block = sim.model.objs[b]["out"]
        block = block[0] if isinstance(block, list) else block
        use = block.utilization()
    assert use["synapses"][0] == built.plans["b"].synapse_bits[0]
    assert use["in-axons"][0] == built.plans["b"].in_axons[0]
    assert built.block_shapes == {"b": (4, 4, 2)}


@pytest.mark.parametrize("groups, form", [(2, "Convolution"), (4, "Sparse")])
def test_kernels_of_many_groups_are_written_out(groups, form):
    """A shared kernel would hold zeros between groups, which the chip reads: half of it
    for two groups, three quarters for four."""
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(64), label="input")
        a, b = neurons(64, "a", 1.5), neurons(64, "b", 1.2)
        nengo.Connection(inp, a.neurons, synapse=None)
        kernel = np.random.RandomState(0).uniform(size=(3, 3, 4 // groups, 4))
        conv = nengo.Convolution(
            4, (4, 4, 4), padding="same", init=kernel, groups=groups
        )
        nengo.Connection(a.neurons, b.neurons, transform=conv)
    topology = ne.trace_topology(net)
    built = build_loihi_network(net, topology, [])
    assert type(built.network.connections[-1].transform).__name__ == form
    with built.simulator(target="sim") as sim:
        sim.run_steps(2)


@pytest.mark.tensorflow
def test_a_layer_on_more_cores_does_the_same():
    """As many spikes and synops, on at least the cores asked for."""
    keras = import_tf_keras()
    keras.utils.set_random_seed(0)
    x = h = keras.Input((5,))
    for name in ("first", "second", "third"):
        h = keras.layers.Dense(12, "relu", name=name)(h)
    model = keras.Model(x, keras.layers.Dense(2)(h))
    snn = ne.convert(model, scale_firing_rates=300, synapse=0.005)
    x = np.random.RandomState(0).uniform(size=(2, 5))
    few = snn.ledger(x, 20, progress=False)
    many = snn.ledger(x, 20, min_cores={"second": 3}, progress=False)
    assert [core.layer for core in few.cores] == ["second", "third"]
    assert [core.layer for core in many.cores] == ["second"] * 3 + ["third"]
    assert few.synops == many.synops > 0
    assert few.neuron_updates == many.neuron_updates
    with pytest.raises(ne.InputError, match="min_cores must be one of second, third"):
        snn.loihi_network(min_cores={"first": 2})
