"""Keras layers in nodes of NengoDL, counted against what Keras makes of impulses."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tf_keras

pytestmark = pytest.mark.tensorflow


def reached(layers, shape):
    """Count the outputs that each input of some layers reaches, by impulses."""
    x = np.eye(np.prod(shape), dtype="float32").reshape(-1, *shape)
    for layer in layers:
        config = {**layer.get_config(), "name": None}
        if "use_bias" in config:
            config["use_bias"] = False
        x = type(layer).from_config(config)(x)
    return np.count_nonzero(np.reshape(x, (len(x), -1)), axis=1)


def picture_network():
    """The structure of NengoDL's own example: layers between neurons."""
    dl, layers = import_nengo_dl(), import_tf_keras().layers
    first = layers.Conv2D(3, 3, strides=2, padding="same")
    inner = [layers.AveragePooling2D(2), layers.Conv2D(4, 2), layers.Flatten()]
    last = layers.Dense(5)
    with nengo.Network(seed=0) as net:
        config = net.config[nengo.Ensemble]
        config.max_rates = nengo.dists.Choice([200])
        config.intercepts = nengo.dists.Choice([-0.1])
        config.neuron_type = nengo.LIF()
        inp = nengo.Node(np.zeros(64), label="picture")
        x = dl.Layer(first)(inp, shape_in=(8, 8, 1))
        a = x = dl.Layer(nengo.LIF(amplitude=0.01))(x)
        shapes = [(4, 4, 3), (2, 2, 3), (1, 1, 4)]
        for layer, shape in zip(inner, shapes):
            x = dl.Layer(layer)(x, shape_in=shape)
        b = x = dl.Layer(nengo.LIF(amplitude=0.01))(x)
        out = dl.Layer(last)(x)
        nengo.Probe(out)
    expected = {
        a.ensemble: reached(inner, (4, 4, 3)),
        b.ensemble: reached([last], (4,)),
    }
    return net, inp, expected, reached([first], (8, 8, 1))


def test_layers_are_counted_by_the_spikes_before_them():
    net, inp, expected, of_input = picture_network()
    topology = ne.trace_topology(net)
    assert len(topology.projections) == len(topology.readouts) == 1
    for projection in topology.projections + topology.readouts:
        assert_array_equal(projection.fan_out, expected[projection.source])
    assert_array_equal(topology.inputs[0].fan_out, of_input)
    data = np.random.RandomState(0).uniform(size=(2, 64))
    activity = ne.measure_activity(net, {inp: data}, 30, simulator="nengo-dl")
    counts = ne.count_ops(topology, activity)
    synops = 0
    for pop in topology.populations:
        spikes = activity.populations[pop.name].spikes
        assert spikes.sum() > 10
        synops += spikes @ expected[pop.ensemble]
    assert counts.total("synop") == synops
    # the layers have weights by now, and are the same network
    again = ne.trace_topology(net)
    assert ne.count_ops(again, activity).total("synop") == synops


def test_the_compiled_simulator_leaves_layers_to_nengo_dl():
    net, *_ = picture_network()
    activity = ne.measure_activity(net, timesteps=5, simulator="compiled")
    assert activity.simulator == "nengo-dl"
    with pytest.raises(ne.UnsupportedError, match="TensorNode.*simulator='nengo-dl'"):
        ne.measure_activity(net, timesteps=5)


@pytest.mark.parametrize("name", ["Dense", "BatchNormalization"])
def test_other_layers_are_refused_by_their_class(name):
    layers = import_tf_keras().layers
    options = {"units": 3, "activation": "relu"} if name == "Dense" else {}
    with nengo.Network() as net:
        a = nengo.Ensemble(4, 1, label="a")
        layer = getattr(layers, name)(**options)
        node = import_nengo_dl().Layer(layer)(a.neurons)
        node.label = "curve"
    with pytest.raises(
        ne.UnsupportedError, match=f"curve.*TensorFlow code: {name}.*linear"
    ):
        ne.trace_topology(net)
    assert len(ne.trace_topology(net, on_unsupported="omit").omitted) == 1


def test_networks_of_layers_and_decoders():
    """Decoders are Nengo's, also where it can't run the whole."""
    layers = import_tf_keras().layers
    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(n, 2, label=f"{n}") for n in (10, 7))
        node = import_nengo_dl().Layer(layers.Dense(2, use_bias=False))(a)
        nengo.Connection(node, b)
    (projection,) = ne.trace_topology(net).projections
    assert_array_equal(projection.fan_out, [7] * 10)
