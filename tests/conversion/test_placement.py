"""Where layers that the input feeds are: alike in estimate, ledger, deployment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras
from nengo_energy.counts import merge_counts

pytestmark = pytest.mark.tensorflow

T, N = 30, 2
SYNOP, UPDATE = 27.1e-12, 81e-12  # KerasSpiking's Loihi [J]
MAC = 8.6e-9  # its CPU, for a multiply-accumulate and for an activation [J]


def converted(*widths: int) -> tuple[Any, np.ndarray]:
    """Dense layers h0, h1, ... of some widths, behind 5 inputs and before 3 outputs."""
    keras = import_tf_keras()
    keras.utils.set_random_seed(0)
    x = h = keras.Input((5,))
    for k, width in enumerate(widths):
        h = keras.layers.Dense(width, "relu", name=f"h{k}")(h)
    model = keras.Model(x, keras.layers.Dense(3, name="out")(h))
    snn = ne.convert(model, scale_firing_rates=300, synapse=0.005)
    return snn, np.random.RandomState(0).uniform(0.2, 1, size=(N, 5))


@pytest.fixture(scope="module")
def two() -> Any:
    """Two layers, and what they did in simulation and on the emulator."""
    snn, x = converted(8, 6)
    simulated = snn.measure(x, T, progress=False)
    emulated = snn.measure(x, T, simulator="loihi", progress=False)
    assert simulated.populations["h1"].spikes.any()
    return snn, x, simulated, emulated


def rows(counts: Any) -> dict[tuple[str, str, str], float]:
    return {
        (row.layer, row.operation, row.where): row.mean
        for row in counts.rows
        if row.execution == "event"
    }


def test_the_first_layer_is_the_hosts_on_loihi_alone(two: Any) -> None:
    """8 neurons encode 5 inputs on the host, 6 are on the chip, 3 outputs are read."""
    snn, x, activity, _ = two
    spikes = {
        name: population.spikes.sum() / N
        for name, population in activity.populations.items()
    }
    synops = 6 * spikes["h0"] + 3 * spikes["h1"]
    estimate = snn.estimate(activity, ["loihi", "spinnaker2"], host="cpu")
    on_device = estimate.dynamic("loihi")
    assert on_device == pytest.approx(SYNOP * synops + UPDATE * 6 * T, rel=1e-12)
    # the host multiplies the input once, and advances 8 neurons in every timestep
    assert estimate.total("loihi") - on_device == pytest.approx(
        MAC * (5 * 8 + 8 * T), rel=1e-12
    )
    spinnaker2 = ne.devices.get("spinnaker2").energies
    everything = spinnaker2["synop"].value * synops
    everything += spinnaker2["neuron_update_active"].value * (8 + 6) * T
    assert estimate.dynamic("spinnaker2") == pytest.approx(everything, rel=1e-12)
    said = [a.text for a in estimate.assumptions if a.code == "first-layers-on-host"]
    assert said and said[0].startswith("For loihi, the host runs h0 and sends")
    assert estimate.settings["on_host"] == ["h0"]
    unpriced = {(o.operation, o.where): o.count for o in estimate.not_modelled}
    assert unpriced["spike", "host"] == spikes["h0"]


def test_placement_is_an_argument_of_both(two: Any) -> None:
    """On the chip, 5 inputs are a spike each in every timestep, for 8 weights each."""
    snn, x, activity, _ = two
    placed = rows(snn.count(activity, on_host=[]))
    assert placed["h0", "synop", "device"] == 5 * T * 8
    assert placed["h0", "spike", "host"] == 5 * T
    assert placed["h0", "activation", "host"] == 2 * 5 * T
    assert ("h0", "mac", "host") not in placed
    updates = [placed["h0", f"neuron_update_{k}active", "device"] for k in ("", "in")]
    assert sum(updates) == 8 * T
    # given, it holds for all event-driven devices
    for device in ("loihi", "spinnaker2"):
        price = ne.devices.get(device).energies["synop"].value
        default = rows(snn.count(activity))
        more = 5 * T * 8 * price
        assert ("h0", "synop", "device") not in default
        found = snn.estimate(activity, device, on_host=[])
        listed = [
            row.energy
            for row in found.rows
            if (row.layer, row.operation) == ("h0", "synop")
        ]
        assert sum(listed) == pytest.approx(more, rel=1e-12)
        (said,) = [a.text for a in found.assumptions if a.code == "encoded-input"]
        assert said.startswith(f"For {device}, the host encodes the input of h0")
    everything_on_host = snn.count(activity, on_host=["h0"]).rows
    assert everything_on_host == snn.count(activity).deployed().rows
    with pytest.raises(ne.InputError, match="on_host holds h9; known: h0, h1"):
        snn.estimate(activity, "loihi", on_host=["h9"])


@pytest.mark.parametrize("on_host", [None, []])
def test_counts_are_those_of_the_ledger(two: Any, on_host: Any) -> None:
    snn, x, _, emulated = two
    counts = snn.count(emulated, on_host=on_host)
    if on_host is None:
        ledger = snn.ledger(x, T, progress=False)
        compared = ledger.compare(counts)
        assert all(row.difference == 0 for row in compared.rows if not row.note)
        assert "h0: on the host in both" in compared.notes
    else:
        ledger = snn.ledger(x, T, on_host=[], progress=False)
        (row,) = [
            row
            for row in ledger.compare(counts).rows
            if (row.layer, row.operation) == ("h0", "synop")
        ]
        # of each pair of encoding neurons, the first timesteps lack a spike or so
        assert row.ledger + row.pending == pytest.approx(row.estimate, rel=0.05)


def test_a_single_layer_is_on_the_chip_in_both() -> None:
    snn, x = converted(8)
    activity = snn.measure(x, T, progress=False)
    estimate = snn.estimate(activity, "loihi")
    assert not snn.loihi_network().on_host
    synops = 5 * T * 8 + 3 * activity.populations["h0"].spikes.sum() / N
    assert estimate.dynamic("loihi") == pytest.approx(
        SYNOP * synops + UPDATE * 8 * T, rel=1e-12
    )
    said = {a.code: a.text for a in estimate.assumptions}
    assert "encodes the input of h0" in said["encoded-input"]
    assert "first-layers-on-host" not in said


def test_host_layers_behind_each_other() -> None:
    """Weights between two layers on the host are the host's, and its readouts too."""
    snn, x = converted(8, 6, 4)
    activity = snn.measure(x, T, progress=False)
    placed = rows(snn.count(activity, on_host=["h0", "h1"]))
    spikes = {n: p.spikes.sum() / N for n, p in activity.populations.items()}
    assert placed["h1", "mac", "host"] == 6 * spikes["h0"]
    assert placed["h2", "synop", "device"] == 4 * spikes["h1"]
    assert placed["h1", "activation", "host"] == 6 * T
    assert ("h1", "synop", "device") not in placed


@pytest.mark.parametrize("device", ["loihi", "loihi-davies2018"])
@pytest.mark.parametrize("on_host", [None, []])
def test_steps_lead_from_estimate_to_ledger(
    two: Any, device: str, on_host: Any
) -> None:
    snn, x, simulated, _ = two
    counts = snn.count(simulated)
    ledger = snn.ledger(x, T, on_host=on_host, progress=False)
    found = ledger.explain(counts, device)
    assert found.estimate == snn.estimate(simulated, device).dynamic(device)
    assert found.ledger == pytest.approx(ledger.estimate(device).total(device))
    steps = dict(found.steps)
    assert sum(steps.values()) == pytest.approx(found.ledger - found.estimate)
    price = ne.devices.get(device).energies["synop"].value
    read_out = 3 * simulated.populations["h1"].spikes.sum() / N
    assert steps["readout, which the host does"] == pytest.approx(-price * read_out)
    zeros = ledger.total("zero_synops") / N
    assert steps["stored zeros that spikes read"] == pytest.approx(price * zeros)
    if on_host is None:
        assert "h0: on the host in both" in found.notes
    else:
        moved = "h0, on the chip in the ledger alone"
        assert steps[moved] > UPDATE * 0.6 * 8 * T
        assert any("on_host= places them alike" in note for note in found.notes)
        assert moved in str(found)


def test_zeros_are_named_with_their_layer() -> None:
    """A convolution of 3 x 3 over 6 x 6 that is stored as a matrix: 9 of 36 weights."""
    keras = import_tf_keras()
    image = keras.Input((6, 6, 1))
    layer = keras.layers.Conv2D(2, 3, activation="relu", name="conv")
    out = keras.layers.Dense(2, name="out")
    model = keras.Model(image, out(keras.layers.Flatten()(layer(image))))
    layer.set_weights([np.ones((3, 3, 1, 2)), np.zeros(2)])
    snn = ne.convert(model, scale_firing_rates=100, synapse=0.005)
    ledger = snn.ledger(np.full((1, 6, 6, 1), 0.5), T, progress=False)
    if not ledger.total("zero_synops"):
        pytest.skip("NengoLoihi stores this convolution without zeros")
    assert ledger.total("zero_synops") == ledger.synops * 27 / 36
    (note,) = [
        n
        for n in ledger.compare(
            snn.count(snn.measure(np.full((1, 6, 6, 1), 0.5), T, progress=False))
        ).notes
        if n.startswith("conv: ")
    ]
    zeros, synops = ledger.total("zero_synops"), ledger.synops
    assert f"{zeros:,} of {synops:,} synops read a zero" in note
    assert "stored in 1 block of up to 32 neurons" in note


def test_merged_counts_keep_the_placement(two: Any) -> None:
    snn, x, _, _ = two
    parts = [snn.count(snn.measure(x[k : k + 1], T, progress=False)) for k in range(N)]
    merged = merge_counts(parts)
    for which in ("rows", "deployed"):
        both = [
            c.rows if which == "rows" else c.deployed().rows for c in (*parts, merged)
        ]
        totals = [
            {(r.layer, r.operation, r.where, r.execution): r.total for r in found}
            for found in both
        ]
        for key, total in totals[-1].items():
            assert total == totals[0].get(key, 0) + totals[1].get(key, 0), key
    assert merged.deployment.on_host == {"h0"}
