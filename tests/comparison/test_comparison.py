"""A Keras model beside its converted network: each figure by another way."""

from __future__ import annotations

import json

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose

import nengo_energy as ne
from nengo_energy.comparison.comparing import curve_marks
from nengo_energy.compat import import_tf_keras

pytestmark = pytest.mark.tensorflow

OPTIONS = dict(devices=["cpu", "loihi"], progress=False)


def relay_model(n=4):
    """n neurons that do what the input says, onto 2 outputs."""
    keras = import_tf_keras()
    x = keras.Input((n,), name="x")
    relay = keras.layers.Dense(n, "relu", name="relay", kernel_initializer="identity")
    out = keras.layers.Dense(2, name="out", kernel_initializer="ones")(relay(x))
    return keras.Model(x, out)


def test_layers_by_arithmetic():
    """Scale 1000: activations 0.1005 and 0.2505 fire at 100 and 250 Hz; 2 saturates.

    In 100 timesteps of 1 ms that is 10, 25 and, of 200, the 100 that fit, which decode
    to 0.1, 0.25 and 1.
    """
    snn = ne.convert(relay_model(), scale_firing_rates=1000)
    x = np.array([[0.1005, 0.2505, 2, 0]])
    compared = snn.compare(x, 100, **OPTIONS)
    (layer,) = compared.layers
    assert (layer.layer, layer.n_neurons) == ("relay", 4)
    decoded = np.array([0.1, 0.25, 1, 0])
    error = np.linalg.norm(decoded - x[0]) / np.linalg.norm(x)
    assert layer.relative_error == pytest.approx(error, rel=1e-6)
    expected = np.corrcoef(decoded, x[0])[0, 1]
    assert layer.correlation == pytest.approx(expected, rel=1e-6)
    assert layer.activation == pytest.approx(x.mean(), rel=1e-6)
    assert layer.decoded == pytest.approx(1.35 / 4)
    assert layer.firing_rate == pytest.approx(1350 / 4)
    # of 0, 100, 250, 1000 Hz: between the two in the middle
    assert layer.firing_rate_p50 == pytest.approx(175)
    assert layer.firing_rate_max == pytest.approx(1000)
    assert (layer.silent, layer.saturated, layer.peak) == (0.25, 0.25, 1)
    assert (layer.keras_sparsity, layer.spiking_sparsity) == (0.25, 0.25)


def test_saturation_in_one_inference_counts():
    """The second neuron reaches a spike in every timestep for one input of two."""
    snn = ne.convert(relay_model(2), scale_firing_rates=1000)
    compared = snn.compare(np.array([[0.5, 1.5], [0.5, 0.5]]), 20, **OPTIONS)
    (layer,) = compared.layers
    assert (layer.saturated, layer.silent) == (0.5, 0)


@pytest.fixture(scope="module")
def two_heads():
    """Shared, nested and branched layers, with seeded weights."""
    keras = import_tf_keras()
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.layers.Dense(7, "relu", name="d")], name="inner")
    x = keras.Input((6,), name="x")
    shared = keras.layers.Dense(6, "relu", name="shared")
    h = inner(shared(shared(x)))
    a = keras.layers.Dense(3, name="a")(h)
    b = keras.layers.Dense(4, name="b")(h)
    return keras.Model(x, [a, b], name="two_heads")


@pytest.fixture(scope="module")
def converted(two_heads):
    return ne.convert(two_heads, scale_firing_rates=300, split_shared_weights=True)


def probed(snn, x, timesteps):
    """Return the spikes of each population, (n, n_neurons), from probes in Nengo."""
    net = snn.net
    with net:
        probes = {
            p.name: nengo.Probe(p.ensemble.neurons) for p in snn.topology.populations
        }
    counts = {name: [] for name in probes}
    try:
        for row in x:
            with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
                snn.feed(sim, row)
                sim.run_steps(timesteps, progress_bar=False)
            for name, probe in probes.items():
                counts[name].append((sim.data[probe] > 0).sum(axis=0))
    finally:
        for probe in probes.values():
            net.probes.remove(probe)
    return {name: np.array(rows) for name, rows in counts.items()}


def test_shared_and_nested_layers_against_probes(two_heads, converted):
    """Activations by NumPy from the weights, spikes from probes on every neuron."""
    x = np.random.RandomState(1).uniform(size=(5, 6)).astype("float32")
    compared = converted.compare(x, 40, simulator="nengo", **OPTIONS)

    def dense(values, layer):
        kernel, bias = layer.get_weights()
        return np.maximum(values @ kernel + bias, 0)

    shared = two_heads.get_layer("shared")
    first = dense(x, shared)
    second = dense(first, shared)
    nested = dense(second, two_heads.get_layer("inner").get_layer("d"))
    activations = {"shared.0": first, "shared.1": second, "inner/d": nested}
    spikes = probed(converted, x, 40)
    assert {layer.layer for layer in compared.layers} == set(activations)
    for layer in compared.layers:
        wanted = activations[layer.layer]
        decoded = spikes[layer.layer] / 40 / 0.001 / 300
        assert decoded.any()
        error = np.linalg.norm(decoded - wanted) / np.linalg.norm(wanted)
        assert layer.relative_error == pytest.approx(error, rel=1e-4)
        expected = np.corrcoef(decoded.ravel(), wanted.ravel())[0, 1]
        assert layer.correlation == pytest.approx(expected, rel=1e-4)
        assert layer.silent == np.mean(spikes[layer.layer].sum(axis=0) == 0)
        assert layer.spiking_sparsity == np.mean(spikes[layer.layer] == 0)
        assert layer.keras_sparsity == np.mean(wanted == 0)


def test_outputs_and_curve_are_those_of_separate_runs(two_heads, converted):
    x = np.random.RandomState(2).uniform(size=(9, 6))
    labels = {"b": np.arange(9) % 4}
    compared = converted.compare(
        x, 30, labels, curve=[4, 10, 30], minibatch_size=4, **OPTIONS
    )
    keras = [np.asarray(y) for y in two_heads(x.astype("float32"))]
    a, b = compared.outputs
    assert (a.output, b.output) == ("a", "b")
    assert a.accuracy is None and a.keras_accuracy is None
    assert b.keras_accuracy.count == np.sum(keras[1].argmax(axis=1) == labels["b"])
    for k, timesteps in enumerate([4, 10, 30]):
        alone = converted.measure(x, timesteps, progress=False)
        for output, wanted in zip(compared.outputs, keras):
            found = alone.outputs[converted.outputs[output.output]]
            point = output.curve[k]
            assert point.timesteps == timesteps
            same = np.sum(found.argmax(axis=1) == wanted.argmax(axis=1))
            assert point.agreement.count == same
        accuracy = alone.accuracy(labels["b"], converted.outputs["b"])
        assert b.curve[k].accuracy.value == accuracy
        estimate = converted.estimate(alone, ["cpu", "loihi"])
        for device in ("cpu", "loihi"):
            energy = compared.estimates[timesteps].total(device)
            assert energy == estimate.total(device)
    assert a.curve[-1].agreement == a.agreement
    error = np.linalg.norm(found - keras[1]) / np.linalg.norm(keras[1])
    assert b.relative_error == pytest.approx(error, rel=1e-5)


def test_batches_make_no_difference(converted):
    x = np.random.RandomState(3).uniform(size=(7, 6))
    one, other = (
        converted.compare(x, 20, minibatch_size=size, **OPTIONS).to_frame()
        for size in (2, 7)
    )
    for column in one:
        if column != "layer":
            assert_allclose(one[column], other[column], rtol=1e-6)


def test_frames_text_and_json_say_the_same(converted):
    x = np.random.RandomState(4).uniform(size=(8, 6))
    compared = converted.compare(x, 20, {"a": np.zeros(8, int)}, **OPTIONS)
    frame = compared.to_frame()
    assert list(frame["layer"]) == [layer.layer for layer in compared.layers]
    assert frame.attrs["units"]["firing_rate"] == "Hz"
    outputs, curve = compared.outputs_frame(), compared.curve_frame()
    assert outputs["accuracy"].isna().tolist() == [False, True]
    assert (outputs["agreement_low"] < outputs["agreement"]).all()
    assert list(curve["timesteps"].unique()) == list(range(2, 21, 2))
    assert (curve["energy cpu"] == compared.estimate.total("cpu")).all()
    content = json.loads(compared.to_json())
    assert content["layers"][0]["correlation"] == frame["correlation"][0]
    assert content["outputs"][1]["accuracy"] is None
    assert content["curve"][-1]["energy loihi"] == compared.estimate.total("loihi")
    text = str(compared)
    assert f"{compared.outputs[0].agreement}" in text
    for words in ("8 inferences of 20 timesteps", "shared.1", "converted network"):
        assert words in text


@pytest.mark.parametrize("timesteps", [1, 7, 10, 50, 47, 1000])
def test_curve_ends_at_the_last_timestep(timesteps):
    marks = curve_marks(timesteps)
    assert marks[-1] == timesteps and marks[0] > 0 and len(marks) <= 10
    assert len(set(np.diff(marks))) <= 1


def test_a_number_alone_decides_nothing():
    keras = import_tf_keras()
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)]
    )
    snn = ne.convert(model, scale_firing_rates=300)
    compared = snn.compare(np.ones((2, 3)), 10, **OPTIONS)
    (output,) = compared.outputs
    assert output.agreement is None and output.curve == ()
    assert len(compared.curve_frame()) == 0 and "agreement" in str(compared)
    assert "no-decision: Output dense_" in " ".join(compared.notes().split())


def ones_beyond_zero(keras, activation=None):
    """A classifier that is right where its label says whether inputs add up above 0."""
    x = keras.Input((4,))
    h = keras.layers.Dense(8, "relu", name="hidden")(x)
    model = keras.Model(x, keras.layers.Dense(1, activation, name="out")(h))
    # relu(x) - relu(-x) = x
    model.get_layer("hidden").set_weights(
        [np.concatenate([np.eye(4), -np.eye(4)], axis=1), np.zeros(8)]
    )
    model.get_layer("out").set_weights(
        [np.repeat([[1.0], [-1.0]], 4, axis=0), np.zeros(1)]
    )
    return model


@pytest.mark.parametrize("activation, threshold", [(None, "0"), ("sigmoid", "0.5")])
def test_binary_classifiers(activation, threshold):
    model = ones_beyond_zero(import_tf_keras(), activation)
    snn = ne.convert(model, scale_firing_rates={"hidden": 1000})
    x = np.random.RandomState(0).uniform(-1, 1, size=(40, 4))
    x = x[np.abs(x.sum(axis=1)) > 0.1]
    labels = (x.sum(axis=1) > 0).astype(int)
    assert 0.2 < labels.mean() < 0.8
    compared = snn.compare(x, 100, labels[:, None], **OPTIONS)
    (output,) = compared.outputs
    assert output.keras_accuracy.value == 1
    assert output.accuracy.value == output.agreement.value == 1
    said = f"The single value of output out decides for class 1 above {threshold}."
    assert said in [a.text for a in compared.assumptions]
    activity = snn.measure(x, 100, progress=False)
    for given in (labels, labels.astype(bool), np.eye(2)[labels]):
        assert activity.accuracy(given) == 1
    assert activity.accuracy(np.ones(len(x), int)) == labels.mean()
    assert activity.accuracy(1 - labels) == 0


def test_segmentation_is_judged_position_by_position():
    """Three kernels that take out one channel each: the largest input is the class."""
    keras = import_tf_keras()
    image = keras.Input((4, 5, 3))
    layer = keras.layers.Conv2D(3, 1, activation="relu", name="relu")
    classes = keras.layers.Conv2D(3, 1, name="classes")
    model = keras.Model(image, classes(layer(image)))
    for part in (layer, classes):
        part.set_weights([np.eye(3)[None, None], np.zeros(3)])
    snn = ne.convert(model, scale_firing_rates=400)
    rng = np.random.RandomState(0)
    labels = rng.randint(3, size=(2, 4, 5))
    x = np.eye(3)[labels] + 0.1
    wrong = labels.copy()
    wrong[0, 0] = (wrong[0, 0] + 1) % 3  # 5 of 40 pixels
    compared = snn.compare(x, 40, wrong, **OPTIONS)
    (output,) = compared.outputs
    assert output.keras_accuracy == output.accuracy
    assert (output.accuracy.count, output.accuracy.n) == (35, 40)
    assert (output.agreement.count, output.agreement.n) == (40, 40)
    notes = " ".join(compared.notes().split())
    assert "at 20 positions: shares are of positions" in notes
    activity = snn.measure(x, 40, progress=False)
    assert activity.accuracy(wrong) == 35 / 40
    # without labels it might be a picture that is put together again
    (output,) = snn.compare(x, 40, **OPTIONS).outputs
    assert output.agreement is None and output.correlation > 0.99


def test_autoencoders_decide_nothing():
    keras = import_tf_keras()
    model = keras.Sequential(
        [keras.Input((9,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(9)]
    )
    snn = ne.convert(model, scale_firing_rates=300)
    compared = snn.compare(np.ones((2, 9)), 10, **OPTIONS)
    (output,) = compared.outputs
    assert output.agreement is None and output.correlation is not None
    said = [a.text for a in compared.assumptions if a.code == "no-decision"]
    assert "it has the shape of an input, as a reconstruction has" in said[0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(labels=np.zeros(3, int)), "2 outputs.*mapping by output, of a, b"),
        (dict(labels={"a": [0, 1]}), r"shape \(3,\)"),
        (dict(labels={"a": [0, 1, 3]}), "between 0 and 2"),
        (dict(curve=[5, 30]), "up to the 20 timesteps"),
        (dict(curve=[0]), "timesteps must be a whole number"),
        (dict(simulator="spinnaker"), "simulator must be one of"),
        (dict(devices="abacus"), "abacus"),
    ],
)
def test_bad_arguments(converted, arguments, message):
    x = np.zeros((3, 6))
    with pytest.raises((ne.InputError, ne.NotFoundError), match=message):
        converted.compare(x, 20, progress=False, **arguments)


def test_inputs_that_change_cannot_be_compared(converted):
    with pytest.raises(ne.InputError, match="input 'x' changes over time"):
        converted.compare(np.zeros((3, 20, 6)), 20, progress=False)


def test_figure_shows_layers_and_the_curve(converted):
    pytest.importorskip("matplotlib")
    x = np.random.RandomState(4).uniform(size=(4, 6))
    compared = converted.compare(x, 20, **OPTIONS)
    layers, curve = compared.plot().axes
    shown = [label.get_text() for label in layers.get_yticklabels()]
    shown += [label.get_text() for label in layers.get_xticklabels()]
    assert set(compared.to_frame()["layer"]) <= set(shown)
    a, *_ = curve.get_lines()
    assert list(a.get_xdata()) == list(range(2, 21, 2))
