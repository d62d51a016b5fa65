"""From Keras models to spiking ones: conversion, measurement, deployment."""

from __future__ import annotations

import gc
import weakref

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.measuring import measure_activity
from nengo_energy.compat import import_nengo_loihi, import_tf_keras
from nengo_energy.conversion.keras_map import layer_of_label

pytestmark = pytest.mark.tensorflow


def keras_versions():
    """The Keras that TensorFlow brings, and Keras 2 beside it where they differ."""
    import tensorflow as tf

    return list(dict.fromkeys([tf.keras, import_tf_keras()]))


@pytest.fixture(scope="module", params=[0, 1], ids=["tf.keras", "tf_keras"])
def keras(request):
    """Each Keras in turn."""
    versions = keras_versions()
    if request.param >= len(versions):
        pytest.skip("TensorFlow brings Keras 2 itself")
    return versions[request.param]


def build(keras, shape, make, positive=True, name="model"):
    """A model from a function of its input; weights lean to the positive."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, make(keras.layers, inputs), name=name)
    rng = np.random.RandomState(0)
    if positive:  # so that every layer is active
        model.set_weights(
            # what starts as ones are gains and variances, which must stay above zero
            [
                rng.uniform(0.5 if np.all(w == 1) else -0.1, 0.35, size=w.shape)
                for w in model.get_weights()
            ]
        )
    return model


def mlp(layers, x):
    x = layers.Dense(12, activation="relu", name="hidden")(x)
    x = layers.Dense(9, activation="relu", name="second")(x)
    return layers.Dense(3, name="out")(x)


def conv_pool(layers, x):
    x = layers.Conv2D(4, 3, activation="relu")(x)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(5, 2, activation="relu")(x)
    return layers.Dense(3)(layers.Flatten()(x))


def normalised(layers, x):
    x = layers.Conv2D(4, 3, strides=2, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(5, 2)(x)
    x = layers.Activation("relu")(x)
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


def residual(layers, x):
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(4, 3, padding="same")(x)
    x = layers.ReLU()(layers.Add()([x, y]))
    return layers.Dense(3)(layers.Flatten()(x))


def inception(layers, x):
    a = layers.Conv2D(2, 1, activation="relu")(x)
    b = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    x = layers.Concatenate()([a, b])
    x = layers.Conv2D(4, 2, activation="relu")(layers.ZeroPadding2D(1)(x))
    return layers.Dense(3)(layers.Flatten()(x))


def series(layers, x):
    x = layers.Conv1D(4, 3, activation="relu")(x)
    x = layers.Conv1D(5, 3, strides=2, groups=1, activation="relu")(x)
    x = layers.AveragePooling1D(2)(x)
    return layers.Dense(3)(layers.Flatten()(x))


def grouped(layers, x):
    x = layers.Conv2D(4, 3, activation="relu")(x)
    x = layers.Conv2D(4, 3, groups=2, activation="relu")(x)
    return layers.Dense(3, activation="relu")(layers.Flatten()(x))


ARCHITECTURES = {
    mlp: (10,),
    conv_pool: (8, 8, 1),
    normalised: (9, 9, 2),
    residual: (6, 6, 2),
    inception: (5, 5, 2),
    series: (14, 3),
    grouped: (8, 8, 2),
}


def convert(model):
    return ne.convert(model, scale_firing_rates=100, synapse=0.005)


@pytest.mark.parametrize("make", ARCHITECTURES, ids=lambda f: f.__name__)
def test_simulators_and_the_deployed_network_agree(make):
    """The same spikes in Nengo and NengoDL, before and after merging for the chip, and
    nearly the same on the emulator, which delivers them later and rounds weights."""
    keras, *_ = keras_versions()
    shape = ARCHITECTURES[make]
    model = build(keras, shape, make)
    snn = convert(model)
    x = np.random.RandomState(1).uniform(size=(3,) + shape)
    runs = {
        name: snn.measure(x, 60, simulator=name, warmup=20, progress=False)
        for name in ("nengo", "nengo-dl", "loihi")
    }
    runs["merged"] = measure_activity(
        snn.loihi_network().network,
        {node: x.reshape(3, -1) for node in snn.input_nodes},
        60,
        simulator="nengo",
        warmup=20,
        topology=snn.topology,
        probes=snn.output_probes,
    )
    spikes = {
        name: {pop: a.spikes.sum() for pop, a in run.populations.items()}
        for name, run in runs.items()
    }
    for pop, count in spikes["nengo"].items():
        assert count > 100, pop
        # single and double precision differ in a spike that is due at a timestep's end
        assert spikes["nengo-dl"][pop] == pytest.approx(count, rel=2e-3), pop
        assert spikes["merged"][pop] == pytest.approx(count, rel=2e-3), pop
        assert spikes["loihi"][pop] == pytest.approx(count, rel=0.03), pop
    for run in ("merged", "nengo-dl"):
        assert_allclose(
            *(next(iter(runs[r].outputs.values())) for r in (run, "nengo")), rtol=0.02
        )


def test_keras_versions_convert_alike(keras):
    model = build(keras, (8, 8, 1), conv_pool)
    x = np.random.RandomState(1).uniform(size=(2, 8, 8, 1))
    snn = convert(model)
    first = keras_versions()[0]
    same = convert(build(first, (8, 8, 1), conv_pool))
    measured = [s.measure(x, 20, progress=False).populations for s in (snn, same)]
    for one, other in zip(*(m.values() for m in measured)):
        assert_array_equal(one.spikes, other.spikes)


def test_spiking_output_approaches_keras(keras):
    model = build(keras, (8, 8, 1), conv_pool)
    x = np.random.RandomState(1).uniform(size=(4, 8, 8, 1))
    # neurons that carry the rest over to the next spike lose nothing on the way
    swaps = {keras.activations.relu: nengo.SpikingRectifiedLinear()}
    snn = ne.convert(model, scale_firing_rates=20, synapse=0.01, swap_activations=swaps)
    activity = snn.measure(x, 400, progress=False)
    found = activity.outputs[snn.outputs[model.output]]
    expected = model.predict(x, verbose=0)
    assert np.max(np.abs(found - expected)) < 0.02 * np.max(np.abs(expected))


def test_parts_are_found_by_tensor_layer_and_name(keras):
    model = build(keras, (10,), mlp)
    snn = convert(model)
    probe = snn.outputs[model.output]
    assert isinstance(probe, nengo.Probe)
    assert snn.outputs["out"] is snn.outputs[model.get_layer("out")] is probe
    assert snn.inputs[model.input] is snn.input_nodes[0]
    neurons = snn.layers[model.get_layer("hidden")]
    assert neurons.size_out == 12
    assert snn.layers["hidden"] is snn.layers[model.get_layer("hidden").output]
    with pytest.raises(ne.NotFoundError, match="'third'.*known: .*hidden, second, out"):
        snn.layers["third"]


def test_the_model_is_left_alone(keras):
    model = build(keras, (8, 8, 1), conv_pool)
    weights = [w.copy() for w in model.get_weights()]
    config = model.get_config()
    nodes = [
        len(getattr(layer, "inbound_nodes", getattr(layer, "_inbound_nodes", [])))
        for layer in model.layers
    ]
    snn = convert(model)
    snn.measure(np.ones((1, 8, 8, 1)), 3, progress=False)
    assert snn.model is model
    assert model.get_config() == config
    for before, after in zip(weights, model.get_weights()):
        assert_array_equal(before, after)
    assert nodes == [
        len(getattr(layer, "inbound_nodes", getattr(layer, "_inbound_nodes", [])))
        for layer in model.layers
    ]


def test_biases_are_folded_into_the_neurons(keras):
    """No constant node is left before neurons, and the network computes what it did.

    The converter itself checks the folded network against Keras in rate mode; here the
    biases are the only input.
    """
    model = build(keras, (8, 8, 1), conv_pool)
    snn = ne.convert(model, scale_firing_rates=50, synapse=0.005)
    assert {bias.post for bias in snn.topology.biases} == {model.layers[-1].name}
    weights = model.layers[1].get_weights()[1]
    ensemble = snn.layers[model.layers[1]].ensemble
    assert_allclose(ensemble.bias, 50 * np.tile(weights, 36), rtol=1e-6)


def test_default_neurons_are_the_chips_unless_the_user_says_otherwise(keras):
    model = build(keras, (10,), mlp)
    types = {p.neuron_type for p in convert(model).topology.populations}
    assert types == {"LoihiSpikingRectifiedLinear"}
    several = nengo.SpikingRectifiedLinear()
    for relu in (keras.activations.relu, nengo.RectifiedLinear()):
        snn = ne.convert(model, swap_activations={relu: several})
        types = {p.neuron_type for p in snn.topology.populations}
        assert types == {"SpikingRectifiedLinear"}


def test_scale_by_layer(keras):
    model = build(keras, (10,), mlp)
    hidden = model.get_layer("hidden")
    by_layer = ne.convert(model, scale_firing_rates={hidden: 50, "second": 200})
    amplitudes = {p.name: p.amplitude for p in by_layer.topology.populations}
    assert amplitudes == {"hidden": 1 / 50, "second": 1 / 200}


def test_conventional_and_spiking_counts_stand_side_by_side(keras):
    model = build(keras, (10,), mlp)
    snn = convert(model)
    counts = snn.count(snn.measure(np.ones((2, 10)), 30, progress=False))
    macs = {r.layer: r.total for r in counts.select("dense") if r.operation == "mac"}
    assert macs == {"hidden": 120, "second": 108, "out": 27}
    synops = {
        r.layer: r.total for r in counts.select("event") if r.operation == "synop"
    }
    assert set(synops) == {"second", "out"}
    estimate = snn.estimate(snn.measure(np.ones((2, 10)), 30, progress=False), "cpu")
    # 255 connections and 21 activations at 8.6 nJ
    assert estimate.total("cpu") == pytest.approx((255 + 21) * 8.6e-9, rel=1e-12)


def test_emulator_runs_the_same_object(keras):
    nengo_loihi = import_nengo_loihi()
    model = build(keras, (8, 8, 1), conv_pool)
    snn = convert(model)
    x = np.random.RandomState(1).uniform(size=(2, 8, 8, 1))
    with snn.simulator("loihi", x[0]) as sim:
        assert isinstance(sim, nengo_loihi.Simulator)
        sim.run_steps(50)
        first = sim.data[snn.outputs[model.output]].copy()
    assert first.shape == (50, 3)
    measured = snn.measure(x, 50, simulator="loihi", progress=False)
    (output,) = measured.outputs.values()
    # measuring doesn't change what the chip computes, nor does the inference before
    assert_array_equal(output[0], first[25:].mean(axis=0))
    with snn.simulator("loihi") as sim:
        snn.feed(sim, x[1:])
        sim.run_steps(50)
        second = sim.data[snn.outputs[model.output]]
    assert_array_equal(output[1], second[25:].mean(axis=0))


def test_simulators_open(keras):
    model = build(keras, (10,), mlp)
    snn = convert(model)
    with snn.simulator("nengo", np.ones(10), progress_bar=False) as sim:
        sim.run_steps(5)
        assert sim.data[snn.outputs[model.output]].shape == (5, 3)
    with snn.simulator("nengo-dl", minibatch_size=2, progress_bar=False) as sim:
        sim.run_steps(4, data={snn.inputs[model.input]: np.ones((2, 4, 10))})
        assert sim.data[snn.outputs[model.output]].shape == (2, 4, 3)
    with pytest.raises(ne.InputError, match=r"run_steps\(n, data="):
        snn.simulator("nengo-dl", np.ones(10))
    with pytest.raises(ne.InputError, match="one of nengo-dl, nengo, loihi"):
        snn.simulator("loihi2")


def test_single_layer_goes_on_the_chip():
    """With one layer of neurons there is nothing else to put there."""
    keras, *_ = keras_versions()
    model = build(keras, (6,), lambda k, x: k.Dense(5, activation="relu")(x))
    snn = convert(model)
    with snn.simulator("loihi", np.ones(6)) as sim:
        sim.run_steps(10)
        assert sim.data[snn.outputs[model.output]].shape == (10, 5)
        assert len(sim.model.blocks) >= 1


def test_several_inputs_and_outputs(keras):
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((3, 2), name="b")
    x = layers.Dense(6, activation="relu", name="left")(a)
    y = layers.Dense(5, activation="relu", name="right")(layers.Flatten()(b))
    z = layers.Concatenate()([x, y])
    outputs = [layers.Dense(2, name="two")(z), layers.Dense(4, name="four")(y)]
    snn = convert(keras.Model([a, b], outputs))
    data = {"a": np.ones((3, 4)), "b": np.ones((3, 3, 2))}
    activity = snn.measure(data, 5, progress=False)
    shapes = [activity.outputs[snn.outputs[name]].shape for name in ("two", "four")]
    assert shapes == [(3, 2), (3, 4)]
    in_order = snn.measure([data["a"], data["b"]], 5, progress=False)
    assert_array_equal(
        in_order.populations["right"].spikes, activity.populations["right"].spikes
    )
    with pytest.raises(ne.InputError, match="inputs lack b"):
        snn.measure({"a": data["a"]}, 5)
    with pytest.raises(ne.InputError, match="has 2 inputs; give a list"):
        snn.measure(data["a"], 5)
    with pytest.raises(ne.InputError, match="network has 2 outputs"):
        activity.accuracy([0, 0, 0])


def test_temporal_model(keras):
    layers = keras.layers
    inputs = keras.Input((None, 5))
    x = layers.TimeDistributed(layers.Dense(8, activation="relu"))(inputs)
    model = keras.Model(inputs, layers.Dense(2)(x))
    snn = ne.convert(model, temporal_model=True, scale_firing_rates=100)
    x = np.random.RandomState(0).uniform(size=(2, 30, 5))
    activity = snn.measure(x, 30, progress=False)
    assert not activity.static_input
    assert activity.populations[snn.topology.populations[0].name].spikes.size == 8


def test_both_networks_of_a_temporal_model_take_all_timesteps(keras):
    layers = keras.layers
    inputs = keras.Input((None, 4))
    x = layers.TimeDistributed(layers.Dense(16, "relu"), name="hidden")(inputs)
    model = keras.Model(inputs, layers.TimeDistributed(layers.Dense(2), name="out")(x))
    snn = ne.convert(model, temporal_model=True, scale_firing_rates=100)
    x = np.random.RandomState(0).uniform(size=(3, 10, 4))
    # KerasSpiking's cpu pays 8.6 nJ for each of 4 x 16 + 16 x 2 multiply-accumulates
    # and 16 activations of a timestep
    activities = snn.measure_at(x, [10], progress=False)
    estimate = snn.estimate(*activities, "cpu", host="cpu")
    assert estimate.total("cpu") == pytest.approx(10 * (96 + 16) * 8.6e-9, rel=1e-12)
    counts = snn.count(*activities)
    (host,) = counts.select("event", "host")
    assert host.mean == 10 * 4 * 16
    macs = [r.mean for r in counts.select("dense") if r.operation == "mac"]
    assert macs == [10 * 4 * 16, 10 * 16 * 2]
    (said,) = [a.text for a in counts.assumptions if a.code == "whole-sequence"]
    assert said.endswith("timesteps: hidden 10, out 10.")
    assert "one-timestep" not in [a.code for a in counts.assumptions]
    # an input that stays is one step of the sequence, on host and dense devices
    still = snn.count(snn.measure(x[:, 0], 10, progress=False))
    assert still.select("event", "host")[0].mean == 4 * 16
    macs = [r.mean for r in still.select("dense") if r.operation == "mac"]
    assert macs == [4 * 16, 16 * 2]


def test_one_pass_of_an_input_that_changes_is_said(keras):
    snn = convert(build(keras, (4,), mlp))
    x = np.random.RandomState(0).uniform(size=(2, 5, 4))
    changing, still = (snn.measure(data, 5, progress=False) for data in (x, x[:, 0]))
    codes = [[a.code for a in snn.count(a).assumptions] for a in (changing, still)]
    assert ["one-pass-of-changing-input" in found for found in codes] == [True, False]


def test_layers_have_one_name_in_both_networks(keras):
    """Nested, shared and wrapped layers: rows of the same layer stand together."""
    layers = keras.layers
    inside = keras.Input((6,))
    deep = layers.Dense(5, activation="relu", name="deep")
    inner = keras.Model(inside, deep(inside), name="inner")
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    shared = layers.Dense(3, activation="relu", name="shared")
    both = layers.Concatenate()([shared(one), shared(two)])
    model = keras.Model([one, two], layers.Dense(2, name="last")(inner(both)))
    snn = ne.convert(model)
    names = [p.name for p in snn.topology.populations]
    assert names == ["shared.0", "shared.1", "inner/deep"]
    counts = snn.count(snn.measure([np.ones((1, 4))] * 2, 5, progress=False))
    event, dense = ({row.layer for row in counts.select(e)} for e in ("event", "dense"))
    assert event == dense == {"shared", "inner/deep", "last"}

    steps = keras.Input((None, 4))
    wrapped = layers.Dense(6, activation="relu")
    wrapper = layers.TimeDistributed(wrapped, name="wrapper")
    snn = ne.convert(keras.Model(steps, wrapper(steps)), temporal_model=True)
    assert [p.name for p in snn.topology.populations] == ["wrapper"]


def test_sequential_model(keras):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(4, activation="relu"), layers.Dense(2)]
    )
    snn = convert(model)
    assert snn.outputs[model.outputs[0]] is snn.output_probes[0]


def test_counts_say_what_was_converted_and_how(keras):
    def pooled(layers, x):
        x = layers.Conv2D(2, 3, activation="relu")(x)
        return layers.Dense(2)(layers.Flatten()(layers.MaxPooling2D()(x)))

    model = build(keras, (6, 6, 1), pooled, name="small")
    snn = ne.convert(model, max_to_avg_pool=True, scale_firing_rates=100, synapse=0.005)
    activity = snn.measure(np.ones((1, 6, 6, 1)), 5, progress=False)
    counts = snn.count(activity)
    assert counts.settings["model"] == "small"
    assert counts.settings["scale_firing_rates"] == 100
    assert counts.settings["synapse"] == 0.005
    assert counts.settings["max_to_avg_pool"] is True
    assert counts.settings["simulator"] == "compiled"
    codes = [assumption.code for assumption in counts.assumptions]
    assert codes.count("max-pooling-replaced") == 1
    assert "input-on-host" in codes
    # 4 x 4 x 2 neurons with 9 weights each, on the host at 8.6 nJ; for Loihi, which has
    # the layer, the host encodes 36 values in 5 timesteps by 2 neurons each
    for device, work in (("spinnaker2", 32 * 9), ("loihi", 36 * 5 * 2)):
        alone = snn.estimate(activity, device)
        hosted = snn.estimate(activity, device, host="cpu")
        added = hosted.total(device) - alone.total(device)
        assert added == pytest.approx(work * 8.6e-9, rel=1e-9)


def test_mapped_inputs_go_by_their_names(keras):
    """In whatever order they are given, and to inputs of one size."""
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    x = layers.Dense(4, activation="relu", name="left")(a)
    y = layers.Dense(4, activation="relu", name="right")(b)
    model = keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([x, y])))
    for layer in (model.get_layer("left"), model.get_layer("right")):
        layer.set_weights([np.eye(4), np.zeros(4)])
    snn = convert(model)
    loud, silent = np.full((2, 4), 3.0), np.zeros((2, 4))
    for data in ({"b": loud, "a": silent}, {"a": silent, "b": loud}):
        activity = snn.measure(data, 20, progress=False)
        spikes = {n: p.spikes.sum() for n, p in activity.populations.items()}
        assert spikes["left"] == 0 and spikes["right"] > 8


@pytest.mark.parametrize(
    "label, layer",
    [
        ("dense.0", "dense"),
        ("conv.0.bias", "conv.0.bias"),
        ("block.12/conv.3", "block/conv"),
        ("block2/conv", "block2/conv"),
        ("v1.5x", "v1.5x"),
    ],
)
def test_layer_is_read_off_the_converters_label(label, layer):
    assert layer_of_label(label) == layer


# --- bad input ----------------------------------------------------------------------


def test_what_is_no_model_is_refused():
    with pytest.raises(ne.InputError, match="model is a builtins.int; allowed are"):
        ne.convert(3)


def test_model_never_built_is_refused(keras):
    model = keras.Sequential([keras.layers.Dense(3)], name="unbuilt")
    with pytest.raises(ne.InputError, match="unbuilt.*(Input|build)"):
        ne.convert(model)


def test_max_pooling_becomes_neurons_or_averages(keras):
    def pooled(layers, x):
        x = layers.Conv2D(2, 3, activation="relu", name="conv")(x)
        return layers.MaxPooling2D(name="biggest")(x)

    model = build(keras, (6, 6, 1), pooled)
    snn = ne.convert(model)
    # 4 x 4 x 2 outputs; pairs along rows are 16, then pairs of those 8
    sizes = {p.name: p.n_neurons for p in snn.topology.populations}
    assert sizes == {
        "conv": 32,
        "biggest.0 differences 0": 16,
        "biggest.0 differences 1": 8,
    }
    snn = ne.convert(model, max_to_avg_pool=True)
    assert "max-pooling-replaced" in [a.code for a in snn.assumptions]
    assert snn.topology.n_neurons == 32


def test_output_activation_is_applied_to_decoded_output(keras):
    """Softmax of an output is exact: that of what the same network without it puts out.

    Every output sums to one, and the host's work is one activation per unit.
    """

    def classify(layers, x):
        x = layers.Dropout(0.5)(layers.Dense(20, activation="relu")(x))
        return layers.Dense(3, activation="softmax", name="classes")(x)

    model = build(keras, (4,), classify)
    snn = ne.convert(model, scale_firing_rates=100)
    x = np.random.RandomState(0).uniform(size=(5, 4))
    activity = snn.measure(x, 50)
    (found,) = activity.outputs.values()
    assert all(p.spikes.sum() > 0 for p in activity.populations.values())
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found, np.asarray(model(x)), atol=0.05)
    counts = snn.count(activity)
    host = [row for row in counts.select("event", "host") if row.layer == "classes"]
    assert [(row.operation, row.mean) for row in host] == [("activation", 3)]
    codes = [assumption.code for assumption in counts.assumptions]
    assert {"nothing-at-inference", "output-activation-on-host"} <= set(codes)


def test_wrong_conversion_is_noticed(keras, monkeypatch):
    """A converter that dropped the biases would be found out at conversion."""
    from nengo_energy.conversion import layerwise

    stock = layerwise.fold_biases

    def forgetful(network, topology):
        folded = stock(network, topology)
        for ens in network.all_ensembles:
            ens.bias = np.zeros(ens.n_neurons)
        return folded

    monkeypatch.setattr(layerwise, "fold_biases", forgetful)
    with pytest.raises(ne.UnsupportedError, match="differs by up to"):
        ne.convert(build(keras, (8, 8, 1), conv_pool))


@pytest.mark.parametrize(
    "scale", [0, -1, float("nan"), float("inf"), "fast", {"hidden": -2}]
)
def test_scale_is_checked(scale):
    keras, *_ = keras_versions()
    with pytest.raises(
        ne.InputError, match="scale_firing_rates must be numbers above 0"
    ):
        ne.convert(build(keras, (10,), mlp), scale_firing_rates=scale)


def test_options_are_checked():
    keras, *_ = keras_versions()
    with pytest.raises(
        ne.InputError, match="unknown options max_pool; known: .*temporal"
    ):
        ne.convert(build(keras, (10,), mlp), max_pool=True)
    with pytest.raises(ne.NotFoundError, match="'third'"):
        ne.convert(build(keras, (10,), mlp), scale_firing_rates={"third": 3})


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((2, 11)), r"must have the shape \(n, 10\).*got \(2, 11\)"),
        (np.full((2, 10), np.nan), "NaN"),
        (np.zeros((0, 10)), "empty"),
        (None, "must have the shape|array of numbers"),
    ],
)
def test_measured_inputs_are_checked(x, message):
    keras, *_ = keras_versions()
    snn = convert(build(keras, (10,), mlp))
    with pytest.raises(ne.InputError, match=message):
        snn.measure(x, 5)


@pytest.mark.parametrize(
    "neurons, reason",
    [
        (nengo.RectifiedLinear(), "puts out a rate"),
        (nengo.SpikingRectifiedLinear(), "spikes several times in a timestep"),
    ],
)
def test_neurons_that_the_chip_lacks_are_exchanged_and_said(neurons, reason):
    keras, *_ = keras_versions()
    model = build(keras, (10,), mlp)
    snn = ne.convert(
        model,
        swap_activations={nengo.RectifiedLinear(): neurons},
        scale_firing_rates=100,
    )
    prepared = snn.loihi_network()
    said = [str(c) for c in prepared.changes if c.kind == "neurons"]
    name = type(neurons).__name__
    became = f"{name} became LoihiSpikingRectifiedLinear"
    assert len(said) == 2 and all(became in s and reason in s for s in said)
    # the network itself keeps its neurons, and the chip does what it does for the usual
    assert {p.neuron_type for p in snn.topology.populations} == {name}
    x = np.random.RandomState(0).uniform(size=(2, 10))
    counts = [
        {
            n: p.spikes
            for n, p in s.measure(x, 30, simulator="loihi").populations.items()
        }
        for s in (snn, ne.convert(model, scale_firing_rates=100))
    ]
    assert counts[0]["second"].sum() > 20
    for name in counts[0]:
        assert_array_equal(counts[0][name], counts[1][name])


def test_simulators_stay_open_until_the_model_goes(keras):
    snn = ne.convert(build(keras, (6,), mlp), scale_firing_rates=200)
    x = np.random.RandomState(0).uniform(size=(3, 6))
    first = snn.measure(x, 20, progress=False)
    ((_, runner),) = snn._simulators.idle.items()
    program = weakref.ref(runner.program)
    again = snn.measure(x, 20, progress=False)
    assert next(iter(snn._simulators.idle.values())) is runner
    for name, population in first.populations.items():
        assert_array_equal(again.populations[name].spikes, population.spikes)
    del snn, runner
    gc.collect()
    assert program() is None


def test_measurer_closes_its_simulator(keras):
    snn = ne.convert(build(keras, (6,), mlp), scale_firing_rates=200)
    x = np.random.RandomState(0).uniform(size=(3, 6))
    wanted = snn.measure(x, 20, progress=False)
    with snn.measurer(timesteps=20, progress=False) as measure:
        simulators = measure.func.__self__._simulators
        found, longer = measure(x), measure(x, timesteps=30)
        assert len(simulators.idle) == 1
    assert not simulators.idle
    assert longer.timesteps == 30
    for name, population in wanted.populations.items():
        assert_array_equal(found.populations[name].spikes, population.spikes)
        assert population.spikes.sum() > 0
