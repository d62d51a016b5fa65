"""Many layers of Loihi's neurons: filtered and corrected if scales come from data."""

from types import SimpleNamespace

import numpy as np
import tf_keras as keras
from numpy.testing import assert_allclose

import nengo_energy as ne
from nengo_energy.conversion.verifying import outputs_of_rates
from nengo_energy.network.firing_rates import corrections

layers = keras.layers


def chain(n_layers, n_units=10):
    """Return layers that each take means of pairs, so that values stay as they are."""
    model = keras.Sequential([keras.Input((n_units,))])
    weights = (np.eye(n_units) + np.roll(np.eye(n_units), 1, axis=0)) / 2
    for _ in range(n_layers):
        model.add(layers.Dense(n_units, activation="relu"))
        model.layers[-1].set_weights([weights, np.zeros(n_units)])
    return model


def test_corrections_are_least_squares_of_whole_periods():
    populations = [
        SimpleNamespace(name=n, layer="a", neuron_type=f"Loihi{kind}")
        for n, kind in (("relu", "SpikingRectifiedLinear"), ("lif", "LIF"))
    ]
    rates = {"relu": np.array([[200.0, 130.0, 0.0]]), "lif": np.array([[100.0]])}
    found = corrections(rates, {"a": 2.0}, SimpleNamespace(populations=populations))
    # 400 Hz want 2.5 timesteps of 1 ms and take 3; 260 Hz want 3.8 and take 4
    reached = np.array([1000 / 3, 250.0])
    best = np.linalg.lstsq(reached[:, None], np.array([400.0, 260.0]), rcond=None)[0]
    assert list(found) == ["relu"]
    assert_allclose(found["relu"], best[0], rtol=1e-12)


def test_what_deep_networks_lose_is_made_up_for():
    model, x = chain(12), np.random.RandomState(0).uniform(0.2, 1, size=(6, 10))
    wanted = model.predict(x, verbose=0)
    snn = ne.convert(model, scale_firing_rates="auto", example_data=x)
    (found,) = snn.measure(x, 400).outputs.values()
    assert "deep-filtered" in [a.code for a in snn.assumptions]
    # rates that all become alike are rounded alike: 333 or 500 Hz for what is between
    assert abs(np.mean(found / wanted) - 1) < 0.1
    # the same rates and filter, without corrections
    plain = ne.convert(model, scale_firing_rates=scales_of(snn), synapse=0.01)
    (lost,) = plain.measure(x, 400).outputs.values()
    assert np.mean(lost / wanted) < 0.7
    # rates that are wanted, and what layers put out, don't hold the corrections
    for name, rates in plain.wanted_rates(x).items():
        assert_allclose(snn.wanted_rates(x)[name], rates, rtol=1e-4, atol=1e-3)
    for keras_out, rate_out in outputs_of_rates(snn).values():
        assert_allclose(rate_out, keras_out, rtol=1e-4, atol=1e-5)


def scales_of(snn):
    """Return the gains of a network's layers."""
    return {
        pop.layer: float(pop.ensemble.gain.sample(1)[0])
        for pop in snn.topology.populations
    }


def test_networks_of_few_layers_are_left_alone():
    x = np.random.RandomState(0).uniform(0.2, 1, size=(6, 10))
    snn = ne.convert(chain(7), scale_firing_rates="auto", example_data=x)
    assert not snn.corrected and snn.options["synapse"] is None
    kept = ne.convert(
        chain(12),
        scale_firing_rates="auto",
        example_data=x,
        neurons="integrate-and-fire",
    )
    assert not kept.corrected and kept.options["synapse"] is None
