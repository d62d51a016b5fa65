"""Work that can't fit is refused before it starts, by a container's limits as well."""

from __future__ import annotations

import math
from pathlib import Path

import nengo
import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.common import available_memory as module
from nengo_energy.common.available_memory import VARIABLE, available_memory


def test_the_least_limit_counts(tmp_path, monkeypatch):
    """1,000 allowed, 700 taken, of them 200 of files that go when asked: 500."""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 200\n")
    monkeypatch.setattr(module, "_cgroups", lambda: [tmp_path])
    assert available_memory() == 500
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() > 2**20
    if Path("/proc/meminfo").exists():
        assert available_memory() < math.inf


@pytest.mark.parametrize("said", ["much", "-1", "nan", "0"])
def test_the_variable_is_checked(said, monkeypatch):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(ne.InputError, match=f"{VARIABLE} must be a number"):
        available_memory()


def test_a_run_that_cannot_fit_is_refused(monkeypatch):
    """1,000 neurons in 64 inferences take 16 bytes each at least, 1.02 MB."""
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.5])
        nengo.Connection(node, nengo.Ensemble(1000, 1).neurons, transform=[[1]] * 1000)
    x = {node: np.ones((64, 1))}
    options = {"timesteps": 1, "simulator": "compiled", "minibatch_size": 64}
    monkeypatch.setenv(VARIABLE, "1e6")
    message = "1,000 neurons on 64 inferences.* 1.02 MB .* 1 MB .*minibatch_size.*inf"
    with pytest.raises(ne.InputError, match=message):
        ne.measure_activity(net, x, **options)
    ne.measure_activity(net, x, **{**options, "minibatch_size": 32})
    monkeypatch.setenv(VARIABLE, "inf")
    assert ne.measure_activity(net, x, **options).n_inferences == 64


@pytest.mark.tensorflow
def test_a_model_that_cannot_fit_is_refused():
    """Gain and bias of 30,000 x 30,000 x 1,000 neurons: 14.4 TB."""
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    x = keras.Input((30_000, 30_000, 1))
    model = keras.Model(x, keras.layers.Conv2D(1000, 1, activation="relu")(x))
    with pytest.raises(ne.InputError, match=r"converting 'model.*14\.4 TB .*narrower"):
        ne.convert(model)


def dense_pair(n=200):
    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(n, 1, label=label) for label in "ab")
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((n, n)))
    return net


@pytest.mark.tensorflow
def test_weights_that_the_emulator_cannot_hold_are_refused(monkeypatch):
    """200 x 200 weights take 32 bytes each at least, 1.28 MB."""
    monkeypatch.setenv(VARIABLE, "1e6")
    message = "building 40,000 weights .* 1.28 MB .* 1 MB are"
    with pytest.raises(ne.InputError, match=message):
        ne.loihi_network(dense_pair()).ledger(timesteps=1)


def converted(n_outputs):
    from nengo_energy.compat import import_tf_keras

    layers = import_tf_keras().layers
    x = layers.Input((20, 20, 2), name="image")
    y = layers.Conv2D(4, 1, activation="relu", name="first")(x)
    y = layers.Conv2D(4, 3, activation="relu", name="second")(y)
    y = layers.Dense(n_outputs, name="last")(layers.Flatten()(y))
    return ne.convert(import_tf_keras().Model(x, y), scale_firing_rates=100)


@pytest.mark.tensorflow
def test_a_network_that_cannot_be_prepared_or_built_is_refused(monkeypatch):
    """1,296 neurons are read out by a matrix for 300 outputs, 3.11 MB; one for 3, and
    the synapses of 3 cores, fit in a tenth of it."""
    snn, small = converted(300), converted(3)
    monkeypatch.setenv(VARIABLE, "3e6")
    with pytest.raises(
        ne.InputError, match="weights of .*'last'.* 3.11 MB .* 3 MB are"
    ):
        snn.loihi_network()
    prepared = small.loihi_network()
    n_bits = sum(plan.synapse_bits.sum() for plan in prepared.plans.values())
    monkeypatch.setenv(VARIABLE, str(4 * n_bits - 1))
    with pytest.raises(ne.InputError, match="synapses on . cores .*available"):
        prepared.simulator()
