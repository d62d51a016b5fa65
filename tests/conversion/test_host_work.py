"""Work of the host: what it computes, and how it is counted."""

import numpy as np
import pytest
import tf_keras as keras

import nengo_energy as ne
from nengo_energy.conversion.layers.host import HostLayer

layers = keras.layers


def gated(n_hidden=8):
    keras.utils.set_random_seed(0)
    image = keras.Input((6,), name="image")
    x = layers.Dense(n_hidden, activation="relu", name="features")(image)
    gate = layers.Dense(n_hidden, activation="relu", name="gate")(image)
    x = layers.Multiply(name="product")([x, gate])
    return keras.Model(image, layers.Dense(3, name="last")(x))


def test_mean_has_no_bias_at_the_start():
    """Of a constant it is that constant from the first timestep on."""
    layer = HostLayer(lambda x: 2 * x, [2], 2, tau=0.02)
    step = layer.make_step((2,), (2,), 0.001, None, layer.make_state((2,), (2,), 0.001))
    x = np.array([1.5, -3.0])
    for k in range(1, 5):
        np.testing.assert_allclose(step(k * 0.001, x), 2 * x, rtol=1e-6)


def test_mean_forgets_by_its_time_constant():
    """Weights fall off by exp(-1/20) a timestep, written out as a sum."""
    layer = HostLayer(lambda x: 1 * x, [1], 1, tau=0.02)
    step = layer.make_step((1,), (1,), 0.001, None, layer.make_state((1,), (1,), 0.001))
    x = np.random.RandomState(0).uniform(size=10)
    for k in range(10):
        found = step((k + 1) * 0.001, x[k : k + 1])
        weights = np.exp(-np.arange(k, -1, -1) / 20)
        expected = np.sum(weights * x[: k + 1]) / weights.sum()
        np.testing.assert_allclose(found, [expected], rtol=1e-5)


@pytest.mark.parametrize("simulator", ["nengo", "nengo-dl"])
def test_product_is_the_hosts(simulator):
    snn = ne.convert(gated(), scale_firing_rates=200, neurons="integrate-and-fire")
    assert snn.host_layers == ("product",)
    x = np.random.RandomState(0).uniform(size=(3, 6))
    timesteps = 200
    activity = snn.measure(x, timesteps, simulator=simulator)
    assert all(p.spikes.sum() > 0 for p in activity.populations.values())
    (found,) = activity.outputs.values()
    expected = np.asarray(snn.model(x))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=0.05 * scale)
    host = {
        (row.layer, row.operation): row.mean
        for row in snn.count(activity).select("event", "host")
    }
    # 8 products a timestep, and the 8 x 3 weights behind them in each as well; the
    # input stays, so its 6 x 8 weights are multiplied once for each layer
    assert host["product", "mac"] == 8 * timesteps
    assert host["last", "mac"] == 8 * 3 * timesteps
    assert host["features", "mac"] == host["gate", "mac"] == 6 * 8
    (text,) = [
        a.text for a in snn.count(activity).assumptions if a.code == "layers-on-host"
    ]
    # 8 products of 2 x 48 + 16 activations + 8 + 24 operations
    assert "product" in text and f"{8 / 144:.1%}" in text


def test_layers_that_input_alone_feeds_are_computed_once():
    words = keras.Input((5,), dtype="int32")
    x = layers.Embedding(10, 4, name="embedding")(words)
    x = layers.GRU(6, name="gru")(x)
    x = layers.Dense(4, activation="relu", name="dense")(x)
    model = keras.Model(words, layers.Dense(2, name="last")(x))
    snn = ne.convert(model, scale_firing_rates=500)
    x = np.random.RandomState(0).randint(0, 10, size=(2, 5))
    activity = snn.measure(x, 40)
    host = {
        (row.layer, row.operation): row.mean
        for row in snn.count(activity).select("event", "host")
    }
    dense = {
        (row.layer, row.operation): row.total
        for row in snn.count(activity).select("dense")
    }
    assert host["gru", "mac"] == dense["gru", "mac"]
    assert host["dense", "mac"] == 6 * 4


def lookups():
    """Return ways in which numbers of rows come to an embedding, by name."""
    one = keras.Input((6,))  # in floating point, as is Keras's default
    plain = layers.Flatten()(layers.Embedding(30, 4)(one))
    pair = keras.Input((2,))
    columns = layers.Concatenate()(
        [layers.Embedding(30, 4)(pair[:, 0]), layers.Embedding(40, 4)(pair[:, 1])]
    )
    nested = keras.Input((6,))
    tower = keras.Sequential([layers.Embedding(30, 4), layers.Flatten()])
    return {
        "plain": keras.Model(one, head(plain)),
        "columns": keras.Model(pair, head(columns)),
        "nested": keras.Model(nested, head(tower(layers.Reshape((6,))(nested)))),
    }


def head(x):
    return layers.Dense(3)(layers.Dense(8, activation="relu")(x))


@pytest.mark.parametrize("name", ["plain", "columns", "nested"])
def test_rows_are_looked_up_by_whole_numbers(name):
    model = lookups()[name]
    x = np.random.RandomState(0).randint(30, size=(2, model.input_shape[1]))
    snn = ne.convert(model, neurons="integrate-and-fire", scale_firing_rates=50_000)
    (output,) = snn.measure(x, 200).outputs.values()
    wanted = model.predict(x, verbose=0)
    np.testing.assert_allclose(output, wanted, atol=0.02 * np.ptp(wanted) + 1e-3)


def test_many_layers_of_the_chips_neurons_are_warned_of():
    model = keras.Sequential([keras.Input((6,))])
    for _ in range(9):
        model.add(layers.Dense(6, activation="relu"))
    deep = ne.convert(model, scale_firing_rates=100)
    assert "loss-in-depth" in [a.code for a in deep.assumptions]
    kept = ne.convert(model, scale_firing_rates=100, neurons="integrate-and-fire")
    assert "loss-in-depth" not in [a.code for a in kept.assumptions]


def test_models_that_the_host_computes_are_priced_and_compared():
    sequence = keras.Input((5, 3))
    model = keras.Model(sequence, layers.LSTM(4, name="lstm")(sequence))
    snn, x = ne.convert(model), np.random.RandomState(0).normal(size=(3, 5, 3))
    estimate = snn.estimate(snn.measure(x, 5))
    assert sorted(estimate.devices) == ["arm", "cpu", "gpu"]
    labels = np.argmax(model.predict(x, verbose=0), axis=1)
    (output,) = snn.compare(x, timesteps=5, labels=labels).outputs
    assert output.keras_accuracy.count == output.accuracy.count == 3
