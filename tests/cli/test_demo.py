"""The main job on handwritten digits: what it promises, and what it prints."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.cli import demo

pytestmark = pytest.mark.tensorflow

N_COMPARED = 30


@pytest.fixture(scope="module")
def digits():
    return demo.load_digits()


@pytest.fixture(scope="module")
def model(digits):
    return demo.train_digits_model(digits, progress=False)


@pytest.fixture(scope="module")
def snn(model):
    return ne.convert(model, scale_firing_rates=200, synapse=0.005)


def test_data(digits):
    """scikit-learn's 1,797 digits, none of them in both parts."""
    assert digits.x_train.shape == (1347, 8, 8, 1)
    assert digits.x_test.shape == (450, 8, 8, 1)
    images = np.concatenate([digits.x_train, digits.x_test]).reshape(1797, 64)
    assert (images.min(), images.max()) == (0, 1)
    assert len(np.unique(images, axis=0)) == 1797


def test_accuracy_holds_and_simulators_agree(digits, model, snn):
    """Within 2 points of Keras on 450 digits; spikes of each layer within 1 %."""
    guesses = np.argmax(model.predict(digits.x_test, verbose=0), axis=-1)
    keras_accuracy = np.mean(guesses == digits.y_test)
    assert keras_accuracy > 0.93
    activity = snn.measure(digits.x_test, 50, progress=False)
    assert activity.accuracy(digits.y_test) > keras_accuracy - 0.02

    few = digits.x_test[:N_COMPARED]
    for name in ("nengo", "loihi"):
        measured = snn.measure(few, 50, simulator=name, progress=False)
        assert measured.accuracy(digits.y_test[:N_COMPARED]) > keras_accuracy - 0.1
        for layer, population in measured.populations.items():
            expected = activity.populations[layer].spikes_per_inference[:N_COMPARED]
            assert population.spikes.sum() == pytest.approx(expected.sum(), rel=0.01)


def test_synops_follow_the_shapes(digits, snn):
    """By hand: 6 x 6 x 16 -> 4 x 4 x 32 -> pool -> 64 -> 10.

    A neuron of conv_2 feeds one pooled cell, which feeds 64; of the dense layer, 10
    outputs; a neuron of conv_1 meets 1, 2 or 3 taps in each direction, and 32 filters.
    """
    taps = np.array([1, 2, 3, 3, 2, 1])
    expected = np.repeat(np.outer(taps, taps)[:, :, None] * 32, 16, axis=2)
    fan_outs = {p.pre: p.fan_out for p in snn.topology.projections}
    np.testing.assert_array_equal(fan_outs["conv_1"], expected.ravel())
    np.testing.assert_array_equal(fan_outs["conv_2"], 64)
    (readout,) = snn.topology.readouts
    np.testing.assert_array_equal(readout.fan_out, 10)
    activity = snn.measure(digits.x_test[:5], 20, progress=False)
    by_hand = sum(
        int(activity.populations[name].spikes @ fan_out)
        for name, fan_out in [*fan_outs.items(), ("dense", readout.fan_out)]
    )
    assert snn.count(activity).total("synop") == by_hand > 0


def test_demo_says_what_came_out(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "N_EPOCHS", 1)
    monkeypatch.setattr(demo, "N_EMULATED", 2)
    text = demo.run_demo(demo.make_folder(str(tmp_path / "new")), progress=False)
    lines = text.splitlines()
    assert len(lines) <= 45
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 100
    assert lines[0].startswith("Accuracy: ") and "of 450 in 50 timesteps" in lines[0]
    assert lines[1].startswith("Least dynamic energy")
    for words in (
        "nengo_loihi.Simulator (emulator), first 2 test",
        "has shape (50, 10)",
    ):
        assert words in text
    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert {"digits.keras", "test.npz", "estimate.json"} <= written
    estimate = ne.load_estimate(tmp_path / "new" / "estimate.json")
    # the tables of all layers and devices, and the notes, are for those who ask
    assert estimate.notes() not in text
    long = demo.run_demo(verbose=True, progress=False)
    assert "Assumptions\n- " in long and "Activity by " in long
