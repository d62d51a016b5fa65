"""Layers that the chip can't do justice to are named; bad input is refused early."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from loihi_models import CASES, example_input, make
from numpy.testing import assert_allclose

import nengo_energy as ne
from nengo_energy.compat import import_nengo_loihi, import_tf_keras
from nengo_energy.loihi import build_loihi_network, check_rates

pytestmark = pytest.mark.tensorflow


def tf_keras():
    import tensorflow as tf

    return tf.keras


def chain(last=None, units=(6, 5, 3)):
    """A model of three dense layers, and its inner layer."""
    keras = tf_keras()
    x = inputs = keras.Input((4,))
    x = keras.layers.Dense(units[0], activation="relu", name="first")(x)
    x = keras.layers.Dense(units[1], name="inner")(x)
    x = (last or keras.layers.ReLU)()(x)
    model = keras.Model(inputs, keras.layers.Dense(units[2], name="out")(x))
    rng = np.random.RandomState(0)
    model.set_weights(
        [rng.uniform(0.1, 0.6, size=w.shape) for w in model.get_weights()]
    )
    return model


@pytest.fixture
def no_build(monkeypatch):
    """Fails the test if NengoLoihi begins to build."""
    nengo_loihi = import_nengo_loihi()

    def build(*args, **kwargs):
        raise AssertionError("NengoLoihi was asked to build")

    monkeypatch.setattr(nengo_loihi, "Simulator", build)


# --- bad input -----------------------------------------------------------------------


def test_neurons_that_the_chip_lacks_are_refused(no_build):
    layers = tf_keras().layers
    snn = ne.convert(chain(lambda: layers.Activation("sigmoid", name="curve")))
    with pytest.raises(
        ne.UnsupportedError, match="'curve' computes sigmoid.*exchange it for ReLU"
    ):
        snn.simulator("loihi")
    swaps = {nengo.RectifiedLinear(): nengo.Tanh()}
    snn = ne.convert(chain(), swap_activations=swaps)
    with pytest.raises(
        ne.UnsupportedError, match="has Tanh neurons.*can't be negative.*swap_activ"
    ):
        snn.simulator("loihi")


def test_recurrent_networks_and_learning_are_refused(no_build):
    with nengo.Network(seed=0) as net:
        fixed = dict(gain=np.ones(3), bias=np.zeros(3), neuron_type=nengo.LIF())
        a, b = nengo.Ensemble(3, 1, **fixed), nengo.Ensemble(3, 1, **fixed)
        a.label, b.label = "a", "b"
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((3, 3)))
        back = nengo.Connection(b.neurons, a.neurons, transform=np.ones((3, 3)))
    with pytest.raises(ne.UnsupportedError, match="loop: 'a', 'b'.*feed-forward"):
        build_loihi_network(net, ne.trace_topology(net), [])
    net.connections.remove(back)
    with net:
        error = nengo.Node(size_in=1)
        conn = nengo.Connection(
            a.neurons,
            b.neurons,
            transform=np.ones((3, 3)),
            learning_rule_type=nengo.PES(),
        )
        nengo.Connection(error, conn.learning_rule)
    with pytest.raises(
        ne.UnsupportedError, match="PES of a -> b learns.*simulator='loihi'"
    ):
        build_loihi_network(net, ne.trace_topology(net), [])


@pytest.mark.parametrize("layer", ["first", "inner", "out"])
def test_weights_that_are_all_zero_name_their_layer(layer, no_build):
    model = chain()
    weights, biases = model.get_layer(layer).get_weights()
    model.get_layer(layer).set_weights([0 * weights, biases])
    with pytest.raises(ne.InputError, match=f"weights of layer '{layer}' are zero"):
        ne.convert(model).simulator("loihi")


def test_weights_that_are_no_numbers_name_their_layer(no_build):
    model = chain()
    weights, biases = model.get_layer("inner").get_weights()
    weights[0, 0] = np.nan
    model.get_layer("inner").set_weights([weights, biases])
    with pytest.raises(ne.InputError, match="'inner'.*1 weights that are NaN"):
        ne.convert(model, verify=False).simulator("loihi")


def test_layer_without_units_is_named(no_build):
    keras = import_tf_keras()
    inputs = keras.Input((4,))
    x = keras.layers.Dense(0, activation="relu", name="nobody")(inputs)
    with pytest.raises(ne.InputError, match="'nobody' has no units"):
        ne.convert(keras.Model(inputs, keras.layers.Dense(2)(x)))


def test_other_timesteps_are_refused_before_the_build(no_build):
    snn = ne.convert(chain())
    with pytest.raises(ne.InputError, match=r"dt is 0.002 s.*prepared for 0.001 s"):
        snn.simulator("loihi", dt=0.002)
    model = import_nengo_loihi().builder.Model(dt=0.005)
    with pytest.raises(ne.InputError, match="dt is 0.005 s"):
        snn.simulator("loihi", model=model)
    for dt in (0, -1, float("nan")):
        with pytest.raises(ne.InputError, match="dt must be a number above 0"):
            snn.loihi_network(dt=dt)


def test_another_dt_can_be_prepared_for():
    snn = ne.convert(chain(), scale_firing_rates=100)
    with snn.loihi_network(dt=0.002).simulator(target="sim") as sim:
        assert sim.dt == 0.002


def test_filters_of_other_kinds_are_refused(no_build):
    snn = ne.convert(chain(), synapse=nengo.Alpha(0.01))
    with pytest.raises(ne.UnsupportedError, match="Alpha.*low-pass"):
        snn.simulator("loihi")


def test_choice_of_the_host_is_checked(no_build):
    snn = ne.convert(chain())
    with pytest.raises(ne.InputError, match="on_host holds last; known: first, re_lu"):
        snn.loihi_network(on_host=["last"])
    with pytest.raises(ne.InputError, match="on_host must be a sequence; got 'first'"):
        snn.loihi_network(on_host="first")
    with pytest.raises(ne.InputError, match="every layer; leave at least one"):
        snn.loihi_network(on_host=[p.layer for p in snn.topology.populations])
    with pytest.raises(ne.InputError, match="'re_lu.*can't run on the host.*'first'"):
        snn.loihi_network(on_host=[snn.topology.populations[1].layer])
    with pytest.raises(ne.InputError, match="are for the simulator 'loihi'"):
        snn.simulator("nengo", on_host=[])


# --- weights and rates ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet5", "residual", "wide_dense", "mlp"])
def test_bits_that_weights_keep_are_foreseen(name):
    """As many as NengoLoihi keeps when it builds."""
    snn = ne.convert(make(tf_keras(), name), verify=False, **CASES[name].convert)
    prepared = snn.loihi_network()
    foreseen = {c.layer: c.value for c in prepared.checks}
    assert {c.kind for c in prepared.checks} <= {"coarse weights"}
    ledger = snn.ledger(example_input(name, 1), 2, progress=False)
    kept = {}
    for core in ledger.cores:
        kept[core.layer] = min(kept.get(core.layer, 8), 8 - core.lost_bits)
    assert kept == {layer: foreseen.get(layer, 8) for layer in kept}
    assert (min(kept.values()) < 8) == (name != "mlp")


def test_large_biases_cost_bits_of_the_weights():
    """As many as when NengoLoihi builds; without the bias, none are lost."""
    kept = {}
    for bias in (0.0, 4000.0):
        model = chain()
        weights, _ = model.get_layer("inner").get_weights()
        model.get_layer("inner").set_weights([weights, np.full(5, bias)])
        snn = ne.convert(model, scale_firing_rates=20)
        (core,) = snn.ledger(np.ones((1, 4)), 2, progress=False).cores
        checks = snn.loihi_network().checks
        assert [c.value for c in checks] == [8 - core.lost_bits] * bool(core.lost_bits)
        kept[bias] = 8 - core.lost_bits
    assert kept[0.0] == 8 > kept[4000.0]


def test_weights_too_small_for_the_chip_are_refused(no_build):
    model = chain()
    weights, biases = model.get_layer("inner").get_weights()
    model.get_layer("inner").set_weights([weights * 1e-6, 0 * biases])
    snn = ne.convert(model, scale_firing_rates=200)
    with pytest.raises(ne.UnsupportedError, match="'re_lu.*are too small for the chip"):
        snn.simulator("loihi")


def test_rates_that_no_neuron_reaches_are_named():
    """A neuron of activation 3 at a scale of 500 wants 1,500 Hz."""
    model = chain()
    model.get_layer("first").set_weights([np.eye(4, 6), np.array([0, 0, 0, 0, -1, -1])])
    snn = ne.convert(model, scale_firing_rates=500)
    x = np.array([[3.0, 1.0, 0.5, 0.0], [0.1, 0.1, 0.1, 0.0]])
    checks = {
        c.kind: c
        for c in snn.loihi_network(example_data=x).checks
        if c.layer == "first"
    }
    assert checks["saturates"].value == pytest.approx(1500)
    assert "1 of 6 neurons want to fire at up to 1,500 Hz" in str(checks["saturates"])
    assert "silent" not in checks  # three of six, and it takes more than half
    assert snn.loihi_network(example_data=x / 10).checks == ()
    silent = snn.loihi_network(example_data=x * [0, 1, 0, 0]).checks
    assert ["first: 83% of 6 neurons are silent on all examples"] == [
        str(c) for c in silent if c.kind == "silent"
    ]
    assert snn.loihi_network().checks == ()  # nothing stays behind


def test_limit_follows_from_dt():
    rates = {"a": np.array([[400.0, 600.0]])}
    assert check_rates(rates, 0.001) == []
    (check,) = check_rates(rates, 0.002)
    assert "1 of 2 neurons want to fire at up to 600 Hz" in check.text


# --- scales --------------------------------------------------------------------------


def test_automatic_scales_bring_every_layer_to_the_target():
    """From Keras's own activations: the 99.9th percentile of those above zero."""
    keras = tf_keras()
    model = make(keras, "inception")
    x = example_input("inception", 40)  # more than a minibatch
    snn = ne.convert(
        model,
        scale_firing_rates="auto",
        example_data=x,
        target_rate=200,
        synapse=0.005,
        verify=False,
    )
    for pop in snn.topology.populations:
        activation = keras.Model(model.input, model.get_layer(pop.layer).output)
        values = np.asarray(activation(x)).ravel()
        highest = np.percentile(values[values > 0], 99.9)
        assert_allclose(1 / pop.amplitude, 200 / highest, rtol=1e-4)
        wanted = values.reshape(40, -1) / pop.amplitude
        assert_allclose(snn.wanted_rates(x)[pop.name], wanted, rtol=1e-3, atol=1e-2)
    rates = snn.wanted_rates(x)
    assert all(np.max(r) >= 200 for r in rates.values())
    assert set(snn.options["scale_firing_rates"]) == set(rates)


def test_automatic_scales_of_wrapped_and_nested_layers():
    keras = tf_keras()
    layers = keras.layers
    inside = keras.Input((6,))
    inner = keras.Model(
        inside, layers.Dense(5, activation="relu", name="deep")(inside), name="inner"
    )
    x = keras.Input((4,))
    y = layers.Dense(6, activation="relu", name="first")(x)
    model = keras.Model(x, layers.Dense(2)(inner(y)))
    data = np.random.RandomState(0).uniform(0.5, 1, size=(20, 4))
    snn = ne.convert(model, scale_firing_rates="auto", example_data=data)
    rates = snn.wanted_rates(data)
    assert set(rates) == {"first", "inner/deep"}
    for found in rates.values():
        assert np.percentile(found[found > 0], 99.9) == pytest.approx(250, rel=1e-4)

    steps = keras.Input((None, 4))
    wrapper = layers.TimeDistributed(layers.Dense(6, activation="relu"), name="wrapper")
    model = keras.Model(steps, layers.Dense(2)(wrapper(steps)))
    data = np.random.RandomState(0).uniform(0.5, 1, size=(3, 10, 4))
    snn = ne.convert(
        model, temporal_model=True, scale_firing_rates="auto", example_data=data
    )
    found = snn.wanted_rates(data)["wrapper"]
    assert found.shape == (30, 6)  # timesteps are examples
    assert np.percentile(found[found > 0], 99.9) == pytest.approx(250, rel=1e-4)


def test_silent_layer_gets_a_guess_and_a_warning():
    model = chain()
    model.get_layer("inner").set_weights([np.full((6, 5), -1.0), np.zeros(5)])
    with pytest.warns(UserWarning, match="layers re_lu.* are silent on all examples"):
        snn = ne.convert(model, scale_firing_rates="auto", example_data=np.ones((2, 4)))
    first, second = (1 / p.amplitude for p in snn.topology.populations)
    assert first == pytest.approx(second)


def test_automatic_scales_are_checked():
    model = chain()
    with pytest.raises(ne.InputError, match='"auto" needs example_data'):
        ne.convert(model, scale_firing_rates="auto")
    with pytest.raises(ne.InputError, match='are for scale_firing_rates="auto"; got 3'):
        ne.convert(model, scale_firing_rates=3, target_rate=100)
    for bad in (0, -5, float("inf"), "fast"):
        with pytest.raises(ne.InputError, match="target_rate must be a number above 0"):
            ne.convert(
                model,
                scale_firing_rates="auto",
                example_data=np.ones((2, 4)),
                target_rate=bad,
            )
    with pytest.raises(ne.InputError, match="NaN or infinite"):
        ne.convert(
            model, scale_firing_rates="auto", example_data=np.full((2, 4), np.nan)
        )
    adapting = {nengo.RectifiedLinear(): nengo.AdaptiveLIF()}
    snn = ne.convert(chain(), swap_activations=adapting)
    assert "activations-replaced" in [a.code for a in snn.assumptions]
    with pytest.raises(ne.UnsupportedError, match="AdaptiveLIF.*can't be worked out"):
        snn.wanted_rates(np.ones((2, 4)))
    curve = chain(lambda: tf_keras().layers.Activation("sigmoid", name="curve"))
    rates = ne.convert(curve).wanted_rates(np.ones((2, 4)))["curve"]
    assert np.all((0 < rates) & (rates < 1))  # a sigmoid's own values
