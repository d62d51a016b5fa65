"""Models that people have, each for a kind, convert and compute the right thing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import nengo
import numpy as np
import pytest
from converted_layers import random_weight
from rate_outputs import rate_outputs

import nengo_energy as ne
from nengo_energy.compat import import_tensorflow, import_tf_keras

pytestmark = pytest.mark.tensorflow


def model_of(keras: ModuleType, shape: Any, *made: Any, **options: Any) -> Any:
    """Return a sequential model with random weights."""
    model = keras.Sequential([keras.Input(shape, **options), *made], name="model")
    return randomized(model)


def randomized(model: Any) -> Any:
    rng = np.random.RandomState(0)
    model.set_weights([random_weight(rng, w) for w in model.weights])
    return model


def check_rates(model: Any, snn: Any, seed: int = 1) -> None:
    """Compare the network of rates with the model."""
    rng = np.random.RandomState(seed)
    xs = [rng.uniform(-1, 1, size=(2, *x.shape[1:])) for x in model.inputs]
    expected = model(xs if len(xs) > 1 else xs[0], training=False)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    for want, got in zip(expected, rate_outputs(snn, xs)):
        want = np.reshape(want, got.shape)
        assert np.ptp(want) > 0
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * np.max(np.abs(want)))


def test_dense_layers_take_inputs_of_any_shape(keras: ModuleType) -> None:
    layers = keras.layers
    dense = [layers.Dense(4, activation="relu"), layers.Dense(3, activation="relu")]
    model = model_of(keras, (3, 5, 2), *dense, layers.Dense(2))
    snn = ne.convert(model)
    check_rates(model, snn)
    sizes = [p.n_neurons for p in snn.topology.populations]
    assert sizes == [3 * 5 * 4, 3 * 5 * 3]
    # a place's four neurons lead to its own three alone
    assert snn.topology.projections[0].fan_out.tolist() == [3] * 60


def test_output_that_feeds_neurons_deploys(keras: ModuleType) -> None:
    """A latent layer and its decoder: the bias belongs to both."""
    layers = keras.layers
    inputs = keras.Input((6,))
    x = layers.Dense(8, activation="relu", name="encoder")(inputs)
    latent = layers.Dense(3, name="latent", bias_initializer="ones")(x)
    x = layers.ReLU(name="rectified")(latent)
    x = layers.Dense(5, activation="relu", name="decoder")(x)
    model = keras.Model(inputs, [latent, layers.Dense(2, name="out")(x)])
    rng = np.random.RandomState(3)
    model.set_weights([rng.uniform(0, 0.5, w.shape) for w in model.get_weights()])
    snn = ne.convert(model, scale_firing_rates=200)
    check_rates(model, snn)
    x = rng.uniform(size=(2, 6))
    on_chip = snn.measure(x, 100, simulator="loihi", progress=False)
    beside = snn.measure(x, 100, progress=False)
    for name in ("encoder", "rectified", "decoder"):
        a, b = (run.populations[name].spikes.sum() for run in (on_chip, beside))
        assert b > 20 and abs(a - b) <= 0.1 * b, name
    # the emulator's neurons have the bias: without it they would spike less
    model.get_layer("latent").bias.assign(np.zeros(3))
    without = ne.convert(model, scale_firing_rates=200)
    silent = without.measure(x, 100, simulator="loihi", progress=False)
    key = "rectified"
    assert silent.populations[key].spikes.sum() < on_chip.populations[key].spikes.sum()


@pytest.mark.parametrize("scale", [100, "auto"])
def test_smooth_functions_keep_their_shape_whatever_the_scale(scale: Any) -> None:
    keras = import_tf_keras()
    layers = keras.layers
    names = ("sigmoid", "tanh", "swish", "gelu", "softplus", "elu")
    dense = [layers.Dense(5, activation=name) for name in names]
    model = model_of(keras, (4,), *dense, layers.Dense(2))
    x = np.random.RandomState(0).uniform(-1, 1, size=(50, 4))
    options = {"example_data": x} if scale == "auto" else {}
    snn = ne.convert(model, scale_firing_rates=scale, **options)
    check_rates(model, snn)
    assert len(snn.topology.populations) == len(names)
    # over a long time, spikes come near to rates
    found = snn.measure(x[:4], 400, progress=False)
    (output,) = found.outputs.values()
    wanted = model(x[:4]).numpy()
    assert np.max(np.abs(output - wanted)) < 0.2 * np.ptp(wanted)


def test_swapped_neurons_are_measured_and_said() -> None:
    """The neurons that are run compute something else, and by how much is said."""
    keras = import_tf_keras()
    layers = keras.layers
    model = model_of(keras, (6,), layers.Dense(9, activation="relu"), layers.Dense(3))
    neurons = nengo.RegularSpiking(nengo.LIFRate())
    relu = import_tensorflow().nn.relu
    snn = ne.convert(model, swap_activations={relu: neurons})
    assert [p.neuron_type for p in snn.topology.populations] == ["RegularSpiking"]
    (said,) = (a.text for a in snn.assumptions if a.code == "activations-replaced")
    x = sample_of_verification((6,))
    wanted = model(x).numpy()
    (got,) = rate_outputs(snn, [x])
    error = np.max(np.abs(got - wanted)) / max(1, np.max(np.abs(wanted)))
    assert error > 1
    assert f"by up to {error:.2g}" in said


def sample_of_verification(shape: tuple[int, ...]) -> np.ndarray:
    """Two samples, one from 0 to 1 and one from -2 to 2, as the page says."""
    x = np.random.RandomState(0).uniform(size=(2, *shape))
    x[1] = 4 * x[1] - 2
    return x.astype("float32")


@pytest.mark.parametrize("asked_for", ["function", "neurons"])
def test_relu_layers_are_swapped_like_relu_functions(asked_for: str) -> None:
    keras = import_tf_keras()
    layers = keras.layers
    model = model_of(keras, (6,), layers.Dense(5), layers.ReLU(), layers.Dense(3))
    key = {
        "function": import_tensorflow().nn.relu,
        "neurons": nengo.RectifiedLinear(),
    }[asked_for]
    snn = ne.convert(
        model, swap_activations={key: nengo.RegularSpiking(nengo.LIFRate())}
    )
    assert [p.neuron_type for p in snn.topology.populations] == ["RegularSpiking"]


def test_functions_are_swapped_by_any_of_their_names() -> None:
    tf, keras = import_tensorflow(), import_tf_keras()
    layers = keras.layers
    model = model_of(
        keras, (6,), layers.Dense(5, activation="softmax"), layers.Dense(3)
    )
    snn = ne.convert(model, swap_activations={tf.nn.softmax: tf.nn.relu})
    assert [p.n_neurons for p in snn.topology.populations] == [5]
    assert not snn.host_layers
    with pytest.warns(UserWarning, match="holds softplus, which no layer has"):
        ne.convert(model, swap_activations={tf.nn.softplus: tf.nn.relu})


def test_what_no_spikes_compute_is_measured_like_all_else() -> None:
    """Whether a fallback is asked for or not."""
    keras = import_tf_keras()
    layers = keras.layers
    parts = [layers.Dense(5, activation="relu"), layers.LayerNormalization()]
    model = model_of(keras, (6,), *parts, layers.Dense(3, activation="relu"))
    snn = ne.convert(model, allow_fallback=True, scale_firing_rates=100)
    assert snn.host_layers == ("layer_normalization",) or len(snn.host_layers) == 1
    check_rates(model, snn)
    activity = snn.measure(np.ones((1, 6)), 5, progress=False)
    assert {r.where for r in snn.count(activity).rows} > {"host"}


def test_all_obstacles_are_named_at_once(keras: ModuleType) -> None:
    layers = keras.layers
    inputs = keras.Input((None, 4))
    x = layers.Conv1D(3, 3, padding="same", name="along")(inputs)
    x = layers.TimeDistributed(layers.Dense(5, activation="relu"), name="alone")(x)
    x = layers.GRU(4, return_sequences=True, name="recurrent")(x)
    model = keras.Model(inputs, x, name="temporal")
    with pytest.raises(ne.UnsupportedError) as caught:
        ne.convert(model, temporal_model=True)
    text = str(caught.value)
    assert "2 layers of model 'temporal' can't be converted" in text
    assert "layer 'along' (Conv1D): it works across the time axis" in text
    assert "layer 'recurrent' (GRU): it works across the time axis" in text
    assert "alone" not in text and "without temporal_model=True" in text
    found = ne.check_model(model, temporal_model=True)
    assert not found.converts and len(found.refusals) == 2
    becomes = {layer.layer: layer.becomes for layer in found.layers}
    assert becomes == {"along": "refused", "alone": "neurons", "recurrent": "refused"}


def test_open_inputs_are_refused_with_what_helps(keras: ModuleType) -> None:
    model = model_of(keras, (None, 4), keras.layers.Dense(3, activation="relu"))
    with pytest.raises(ne.UnsupportedError, match=r"\(None, None, 4\).*temporal_model"):
        ne.convert(model)


@pytest.mark.parametrize("steps", [None, 6])
def test_temporal_models_take_each_step_by_itself(
    keras: ModuleType, steps: int | None
) -> None:
    """With an open time axis or a fixed one, and with layers of all kinds."""
    layers = keras.layers
    inputs = keras.Input((steps, 8))
    x = layers.TimeDistributed(layers.Reshape((4, 2)))(inputs)
    x = layers.TimeDistributed(layers.Conv1D(3, 2, activation="relu6"))(x)
    x = layers.TimeDistributed(layers.MaxPooling1D(2))(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    x = layers.BatchNormalization()(layers.Dropout(0.2)(x))
    x = layers.LayerNormalization()(layers.Dense(6, activation="tanh")(x))
    x = layers.Concatenate()([x, layers.LeakyReLU()(x)])
    x = layers.Add()([layers.Dense(4)(x), layers.Dense(4, activation="gelu")(x)])
    x = layers.TimeDistributed(layers.Dense(3, activation="softmax"))(x)
    model = randomized(keras.Model(inputs, x))
    # each step is compared with Keras's, or this would raise
    snn = ne.convert(model, temporal_model=True, scale_firing_rates=100)
    assert snn.assumptions[0].code == "nothing-at-inference"
    n = steps or 9
    x = np.random.RandomState(2).uniform(size=(2, n, 8))
    (output,) = snn.measure(x, n, progress=False).outputs.values()
    assert output.shape == (2, 3)


def test_several_outputs_of_a_layer(keras: ModuleType) -> None:
    """Output and states of a recurrent layer, each for something else."""
    layers = keras.layers
    inputs = keras.Input((4, 3))
    x, hidden, cell = layers.LSTM(5, return_sequences=True, return_state=True)(inputs)
    outputs = [
        layers.Dense(9, activation="relu")(hidden),
        layers.Dense(2)(cell),
        layers.Conv1D(2, 2)(x),
    ]
    model = randomized(keras.Model(inputs, outputs))
    snn = ne.convert(model)
    check_rates(model, snn)
    assert len(snn.host_layers) == 1


def test_masks_reach_the_layers_that_use_them(keras: ModuleType) -> None:
    """Of padded texts, as embeddings tell, and of padded series."""
    layers = keras.layers
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(
        layers.Dropout(0.1)(x)
    )
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
    snn = ne.convert(randomized(model))
    x = np.array([[3, 8, 1, 0, 0, 0], [1, 2, 3, 4, 5, 0]])
    (got,) = rate_outputs(snn, [x])
    np.testing.assert_allclose(got, model(x), atol=1e-5)
    others = np.array(model(np.where(x == 0, 7, x)))
    assert np.max(np.abs(got - others)) > 0.01

    series = keras.Input((5, 2))
    x = layers.LSTM(3)(layers.Masking(mask_value=-1.0)(series))
    model = randomized(keras.Model(series, layers.Dense(2, activation="relu")(x)))
    snn = ne.convert(model)
    x = np.random.RandomState(0).uniform(size=(2, 5, 2))
    x[0, 3:] = -1
    (got,) = rate_outputs(snn, [x])
    np.testing.assert_allclose(got, model(x), atol=1e-5)


def test_inputs_that_lead_nowhere(keras: ModuleType) -> None:
    one, two = keras.Input((3,), name="one"), keras.Input((4,), name="two")
    model = keras.Model([one, two], keras.layers.Dense(2, activation="relu")(one))
    snn = ne.convert(randomized(model), scale_firing_rates=100)
    check_rates(model, snn)
    activity = snn.measure([np.ones((2, 3)), np.ones((2, 4))], 5, progress=False)
    assert activity.n_inferences == 2


def test_straight_lines_stand_in_for_smooth_functions_on_the_chip() -> None:
    keras = import_tf_keras()
    layers = keras.layers
    dense = [layers.Dense(9, activation="relu"), layers.Dense(7, activation="tanh")]
    model = model_of(keras, (6,), *dense, layers.Dense(3))
    x = np.random.RandomState(0).uniform(-1, 1, size=(3, 6))
    options = {"scale_firing_rates": "auto", "example_data": x}
    smooth = ne.convert(model, **options)
    with pytest.raises(ne.UnsupportedError, match="tanh.*piecewise=8"):
        smooth.loihi_network()
    snn = ne.convert(model, piecewise=12, **options)
    said = {a.code: a.text for a in snn.assumptions}
    assert said["piecewise-stand-in"].startswith(
        "Straight lines stand in for tanh by 12 neurons a unit, off by up to 0.0"
    )
    assert "dense" in said["piecewise-stand-in"]
    # of the whole network, the rates are off by as much as is said
    wanted = model(sample_of_verification((6,))).numpy()
    (got,) = rate_outputs(snn, [sample_of_verification((6,))])
    error = np.max(np.abs(got - wanted)) / max(1, np.max(np.abs(wanted)))
    assert 1e-4 < error < 0.1
    assert f"by up to {error:.2g}" in said["activations-replaced"]
    counts = [p.n_neurons for p in snn.topology.populations]
    assert counts == [9] + [7] * 12
    (output,) = snn.measure(x, 200, simulator="loihi", progress=False).outputs.values()
    assert np.max(np.abs(output - model(x).numpy())) < 0.25 * np.ptp(model(x).numpy())
    with pytest.raises(ne.InputError, match="piecewise must be a whole number"):
        ne.convert(model, piecewise=1)


@pytest.mark.parametrize("neurons", ["loihi", "integrate-and-fire"])
def test_differences_of_spikes_are_filtered_where_neurons_lose_them(
    neurons: str,
) -> None:
    """Spikes of two sides cancel in a maximum, as far as neurons let them."""
    keras = import_tf_keras()
    layers = keras.layers
    inputs = keras.Input((4, 64))
    x = layers.MaxPooling1D(4, name="pool")(layers.ReLU(name="relu")(inputs))
    model = keras.Model(inputs, layers.Flatten()(x))
    snn = ne.convert(model, scale_firing_rates=1, neurons=neurons)
    loses = neurons == "loihi"
    said = [a.text for a in snn.assumptions if a.code == "differences-filtered"]
    assert [s.partition(",")[0] for s in said] == [
        "Spikes on their way to pool pass a low-pass filter of 1 ms"
    ] * loses
    x = np.random.RandomState(0).uniform(20, 200, size=(1, 4, 64))
    pairs = x[0].reshape(2, 2, 64)
    halves = pairs.max(axis=1)
    wanted = [
        np.maximum(pairs[:, 1] - pairs[:, 0], 0).sum(),
        np.maximum(halves[1] - halves[0], 0).sum(),
    ]
    for simulator in ("compiled", "nengo-dl", "loihi")[: 3 if loses else 2]:
        activity = snn.measure(x, 1000, simulator=simulator, progress=False)
        (found,) = activity.outputs.values()
        assert loses or np.mean(np.abs(found[0] - x[0].max(axis=0))) < 2, simulator
        _, *parts = activity.populations.values()
        spikes = np.array([part.spikes.sum() for part in parts])
        # resets lose spikes: more than half without a filter; with voltages that stop
        # at zero the second is 1.04 times what is wanted
        assert np.all(spikes < np.multiply(wanted, 1.0 if loses else 1.03)), simulator
        assert sum(spikes) > sum(wanted) * (0.7 if loses else 0.99), simulator
    filtered = ne.convert(model, scale_firing_rates=1, synapse=0.01, neurons=neurons)
    assert "differences-filtered" not in [a.code for a in filtered.assumptions]


def test_volumes_are_refused_by_nengos_own_simulator() -> None:
    keras = import_tf_keras()
    conv = keras.layers.Conv3D(2, 2, activation="relu", name="volume")
    model = model_of(keras, (3, 3, 3, 1), conv, keras.layers.Flatten())
    snn = ne.convert(model, scale_firing_rates=100)
    with pytest.raises(ne.UnsupportedError, match="volume.*'compiled' or 'nengo-dl'"):
        snn.measure(np.ones((1, 3, 3, 3, 1)), 2, simulator="nengo")
    with pytest.raises(ne.UnsupportedError, match="volume"):
        snn.simulator("nengo")
    spikes = snn.measure(np.ones((1, 3, 3, 3, 1)), 50).populations["volume"].spikes
    assert spikes.sum() > 0
