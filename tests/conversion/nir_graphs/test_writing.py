"""What NIR can say of a network, and what it can't."""

from pathlib import Path

import nengo
import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras

nir = pytest.importorskip("nir")
DATA = Path(__file__).parent / "data"
RNG = np.random.RandomState(0)


def network(neuron_type):
    """Return a network of two populations, with gains, biases, and a readout."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(np.zeros(3), label="stimulus")
        a = nengo.Ensemble(
            8, 1, neuron_type=neuron_type, gain=np.full(8, 2.0), bias=np.full(8, 30.0)
        )
        b = nengo.Ensemble(
            5, 1, neuron_type=neuron_type, gain=np.linspace(1, 2, 5), bias=np.zeros(5)
        )
        a.label, b.label = "a", "b"
        output = nengo.Node(size_in=2, label="output")
        nengo.Connection(
            stimulus, a.neurons, transform=100 * RNG.rand(8, 3), synapse=None
        )
        nengo.Connection(
            a.neurons, b.neurons, transform=RNG.rand(5, 8) * 0.3, synapse=None
        )
        nengo.Connection(b.neurons, output, transform=RNG.rand(2, 5), synapse=None)
        nengo.Probe(output)
    return net


def test_there_and_back():
    """IF with a reset to zero and no negative input is the chip's neuron, but once."""
    loihi = pytest.importorskip("nengo_loihi").neurons
    net = network(loihi.LoihiSpikingRectifiedLinear())
    with pytest.raises(ne.UnsupportedError, match="'a' .*allow=\\['voltage-floor'\\]"):
        ne.to_nir(net)
    model = ne.from_nir(ne.to_nir(net, allow=["voltage-floor"]), dt=0.001)
    x = RNG.rand(2, 3)
    here = ne.measure_activity(net, x, 100)
    there = model.measure(x, 100)
    for name in ("a", "b"):
        spikes = here.populations[name].spikes
        assert spikes.sum() > 100
        np.testing.assert_array_equal(there.populations[name].spikes, spikes)
    (found,), (expected,) = there.outputs.values(), here.outputs.values()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["recurrent", "cuba"])
def test_graphs_come_back_as_they_were(name):
    model = ne.from_nir(DATA / f"{name}.nir")
    again = ne.from_nir(ne.to_nir(model), dt=model.dt)
    x = (np.random.RandomState(0).rand(2, 40, 10) < 0.4).astype(float)
    first, second = model.measure(x), again.measure(x)
    for pop, measured in first.populations.items():
        assert measured.spikes.sum() > 10
        np.testing.assert_array_equal(second.populations[pop].spikes, measured.spikes)


def test_a_file_is_written_and_read(tmp_path):
    graph = ne.to_nir(ne.from_nir(DATA / "cuba.nir"))
    nir.write(str(tmp_path / "again.nir"), graph)
    model = ne.from_nir(tmp_path / "again.nir")
    assert model.dt == 1e-4
    assert [p.n_neurons for p in model.topology.populations] == [20, 5]


@pytest.mark.parametrize(
    "neuron_type, reason",
    [
        (nengo.LIF(), "'a' .*LIF .*refractory period"),
        (nengo.SpikingRectifiedLinear(), "'a' .*several times"),
        (nengo.Izhikevich(), "'a' .*Izhikevich .*allowed: LIF"),
        (nengo.RectifiedLinear(), "'a' .*RectifiedLinear .*allowed: LIF"),
    ],
)
def test_what_nir_cant_say_is_refused(neuron_type, reason):
    with pytest.raises(ne.UnsupportedError, match=reason):
        ne.to_nir(network(neuron_type))


def test_filters_are_leaky_integrators():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(1), label="x")
        a = nengo.Ensemble(
            1, 1, neuron_type=nengo.LIF(tau_ref=0), gain=[1], bias=[0], label="a"
        )
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(node, a.neurons, synapse=None)
        nengo.Connection(a.neurons, out, transform=0.5, synapse=0.01)
    graph = ne.to_nir(net, allow="voltage-floor")
    kinds = [type(node).__name__ for node in graph.nodes.values()]
    assert sorted(kinds) == ["Input", "LI", "LIF", "Linear", "Linear", "Output"]
    (li,) = (node for node in graph.nodes.values() if type(node).__name__ == "LI")
    assert li.tau.tolist() == [0.01]
    # a spike of Nengo's is a pulse of 1 / dt
    assert graph.nodes["a -> out"].weight.tolist() == [[500.0]]


@pytest.mark.tensorflow
def test_a_converted_keras_model_goes_there_and_back(tmp_path):
    """Convolutions, pooling, dense layers: all spikes of all neurons are the same.

    Weights are above 0, so that the floor of voltages, which NIR can't say, has nothing
    to do.
    """
    layers = import_tf_keras().layers
    model = import_tf_keras().Sequential(
        [
            layers.Conv2D(3, 3, activation="relu", input_shape=(10, 10, 1)),
            layers.AveragePooling2D(2),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.Dense(4),
        ]
    )
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(0, 0.3, w.shape) for w in model.get_weights()])
    snn = ne.convert(model, scale_firing_rates=100)
    with pytest.raises(
        ne.UnsupportedError, match="'conv2d.*' has Loihi.*below a minimum"
    ):
        ne.to_nir(snn)
    nir.write(str(tmp_path / "model.nir"), ne.to_nir(snn, allow=["voltage-floor"]))
    back = ne.from_nir(tmp_path / "model.nir", dt=0.001)
    x = rng.uniform(size=(2, 10, 10, 1))
    expected = snn.measure(x, timesteps=40, simulator="nengo")
    found = back.measure(x.reshape(2, -1), 40)
    for name, measured in expected.populations.items():
        assert measured.spikes.sum() > 20
        np.testing.assert_array_equal(found.populations[name].spikes, measured.spikes)
