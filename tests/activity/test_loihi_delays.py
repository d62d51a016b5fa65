"""How far layers on the chip lag behind simulation: spikes timestep by timestep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.activity.emulator.delays import ENCODING_TAU, pipeline_delays
from nengo_energy.compat import import_nengo_loihi, import_tf_keras

pytestmark = pytest.mark.tensorflow

T = 40


def chain(n_layers: int, synapse: float | None = None) -> Any:
    """Neurons one behind the other; of equal weights, no bit is lost on the chip."""
    keras = import_tf_keras()
    x = h = keras.Input((1,))
    initializer = keras.initializers.Constant(1.3)
    for k in range(n_layers):
        layer = keras.layers.Dense(
            1, "relu", kernel_initializer=initializer, name=f"h{k}"
        )
        h = layer(h)
    model = keras.Model(x, keras.layers.Dense(2, name="out")(h))
    return ne.convert(model, scale_firing_rates=200, synapse=synapse)


def spikes_over_time(snn: Any, simulator: str) -> list[np.ndarray]:
    """Return the spikes of each layer up to each timestep."""
    activities = snn.measure_at(
        [[0.4], [1.0], [2.3]], range(1, T + 6), simulator=simulator, progress=False
    )
    found = [[p.spikes.sum() for p in a.populations.values()] for a in activities]
    return list(np.transpose(found))


@pytest.mark.parametrize("synapse", [None, 0.005])
def test_a_layer_is_a_timestep_behind_the_one_before(synapse: float | None) -> None:
    """The first layer runs on the host. Filters take simulation the timestep too."""
    snn = chain(4, synapse)
    prepared = snn.loihi_network()
    assert prepared.on_host == {"h0"}
    lags = pipeline_delays(prepared.topology, prepared.on_host, 0.001)
    step = 1 if synapse is None else 0
    assert lags == {"h1": step, "h2": 2 * step, "h3": 3 * step}
    simulated, emulated = (spikes_over_time(snn, s) for s in ("nengo-dl", "loihi"))
    for k, (name, lag) in enumerate(lags.items(), start=1):
        assert simulated[k][-1] > 10
        if synapse is None:
            lag = int(lag)
            np.testing.assert_array_equal(
                emulated[k][lag : lag + T], simulated[k][:T], err_msg=name
            )
        else:  # decay is rounded on the chip
            assert np.abs(emulated[k] - simulated[k]).max() <= 1


def test_encoded_input_is_filtered() -> None:
    """Of 200 Hz x 1.3 a neuron of Loihi's makes a spike in each fourth timestep.

    Of a step that passes a filter, 1 - exp(-n dt / tau) have arrived n timesteps later,
    so that sum of exp(-n dt / tau) = 1 / (1 - exp(-dt / tau)) timesteps are missing.
    """
    tau = import_nengo_loihi().builder.Model().decode_tau
    assert ENCODING_TAU == tau
    missing = sum(np.exp(-n * 0.001 / tau) for n in range(1000))
    snn = chain(1)
    prepared = snn.loihi_network()
    assert not prepared.on_host
    (lag,) = pipeline_delays(prepared.topology, (), 0.001).values()
    assert lag == pytest.approx(missing, rel=1e-12) == pytest.approx(5.5, abs=0.1)
    simulated, emulated = (
        snn.measure(np.ones((1, 1)), 400, simulator=s, progress=False)
        for s in ("nengo-dl", "loihi")
    )
    spikes = [a.populations["h0"].spikes.sum() for a in (simulated, emulated)]
    assert spikes[0] == 100
    assert spikes[1] == pytest.approx(100 - missing / 4, abs=1)


def test_results_say_so() -> None:
    snn = chain(3)
    x = np.ones((1, 1))
    activities = [
        snn.measure(x, 20, simulator=s, progress=False) for s in ("loihi", "nengo-dl")
    ]
    codes = [[a.code for a in activity.assumptions] for activity in activities]
    assert ["loihi-pipeline" in found for found in codes] == [True, False]
    (said,) = [a for a in activities[0].assumptions if a.code == "loihi-pipeline"]
    assert "lack at the start: h1 1, h2 2." in said.text
    assert said in snn.estimate(activities[0], "loihi").assumptions
    assert said in snn.compare(x, 20, simulator="loihi", progress=False).assumptions
    run = snn.ledger(x, 20, progress=False)
    assert said in run.assumptions
    # between two simulators it sets counts apart, between two on the chip it doesn't
    counts = [snn.count(activity) for activity in activities]
    beside = [run.compare(found) for found in counts]
    assert [said.text in comparison.notes for comparison in beside] == [False, True]
    assert "What sets them apart" in str(beside[1])
    assert said not in snn.ledger(activities[1]).assumptions


def test_remedies_are_named() -> None:
    said = [
        " ".join(a.text for a in chain(n).loihi_network().assumptions) for n in (1, 2)
    ]
    assert "warmup=21 on both sides" in said[0] and "synapse=" not in said[0]
    assert "synapse=0.005" in said[1] and "warmup" not in said[1]
