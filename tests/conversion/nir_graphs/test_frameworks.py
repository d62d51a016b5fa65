"""Networks that other frameworks exported, with the spikes they had there.

The files come from ``benchmarks/nir_networks.py --export``.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from nengo import Probe, Simulator

import nengo_energy as ne

DATA = Path(__file__).parent / "data"


def read(name):
    """Return the path of a network, its inputs, its spikes by layer, and options."""
    with np.load(DATA / f"{name}.npz") as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays.pop("about")))
    x = arrays.pop("x").astype(float)
    spikes = {key.partition(" ")[2]: value for key, value in arrays.items()}
    late = about.get("late", {})  # timesteps after those of NIR's neurons
    spikes = {key: value[:, late.get(key, 0) :] for key, value in spikes.items()}
    return DATA / f"{name}.nir", x, spikes, about["options"]


NAMES = ["recurrent", "cuba", "convolutional", "leaky", "integrating"]


@pytest.mark.parametrize("inputs", ["values", "spikes"])
@pytest.mark.parametrize("name", NAMES)
def test_spikes_are_those_of_the_framework(name, inputs):
    """All spikes of all layers, timestep by timestep."""
    path, x, expected, options = read(name)
    model = ne.from_nir(path, inputs=inputs, **options)
    with model.network:
        probes = {key: Probe(model.layers[key]) for key in expected}
    (node,) = model.inputs.values()
    with Simulator(model.network, dt=model.dt, progress_bar=False) as sim:
        value = sim.signals[sim.model.sig[node]["out"]]
        value.setflags(write=True)
        for k, example in enumerate(x[:2]):
            sim.reset()
            for row in example:
                value[...] = row.ravel()
                sim.step()
            for key, probe in probes.items():
                spikes = expected[key][k]
                assert spikes.sum() > 10
                found = sim.data[probe][: len(spikes)]
                np.testing.assert_array_equal(found.reshape(spikes.shape), spikes)


@pytest.mark.parametrize("name", ["recurrent", "cuba", "convolutional"])
def test_counts_are_those_of_the_spikes(name):
    """Synops from the framework's spikes, and the non-zeros of the file's weights."""
    path, x, expected, options = read(name)
    model = ne.from_nir(path, inputs="spikes", **options)
    activity = model.measure(x)
    assert activity.timesteps == x.shape[1]
    for layer, spikes in expected.items():
        counted = activity.populations[layer].spikes
        np.testing.assert_array_equal(counted, spikes.sum(axis=(0, 1)).ravel())
    counts = model.count(activity)
    rows = {(row.layer, row.operation): row.total for row in counts.rows}
    # a dense layer drives as many neurons as its matrix has rows
    links = {
        "recurrent": {"0": ("x", 24), "1.w_rec": ("1.lif", 24), "2": ("1.lif", 5)},
        "cuba": {"0": ("x", 20), "2": ("1", 5)},
        "convolutional": {"6": ("4", 5)},
    }
    for layer, (source, fan_out) in links[name].items():
        spikes = x if source == "x" else expected[source]
        assert rows[layer, "synop"] == spikes.sum() * fan_out
    assert sum(n for (layer, _), n in rows.items() if layer == "output") == 0


def test_snntorchs_timestep_is_found():
    """It writes tau = dt / (1 - beta) and r = tau / dt for a dt of 0.1 ms."""
    assert ne.from_nir(DATA / "cuba.nir").dt == 1e-4
    assert ne.from_nir(DATA / "convolutional.nir").dt == 1e-3
    with pytest.raises(ne.InputError, match="'1' .*less than a timestep of 0.001 s"):
        ne.from_nir(DATA / "cuba.nir", dt=1e-3)


def test_estimate_has_devices_that_work_by_events():
    path, x, _, options = read("cuba")
    model = ne.from_nir(path, inputs="spikes", **options)
    estimate = model.estimate(model.measure(x))
    assert {"loihi", "spinnaker"} <= set(estimate.devices)
    assert "cpu" not in estimate.devices
    codes = {assumption.code for assumption in estimate.assumptions}
    assert {"nir-timestep", "nir-input-spikes"} <= codes
    # KerasSpiking's figures: 27.1 pJ a synop, 81 pJ an update
    synops = 20 * x.sum() + 5 * 1748
    updates = (20 + 5) * 60 * 3
    joules = (27.1e-12 * synops + 81e-12 * updates) / 3
    assert estimate.total("loihi") == pytest.approx(joules, rel=1e-9)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["cuba", "convolutional"])
def test_ledger(name):
    """Loihi's neurons are quantised, so that their spikes are near and not the same."""
    path, x, expected, options = read(name)
    model = ne.from_nir(path, inputs="spikes", **options)
    ledger = model.ledger(x, x.shape[1])
    prepared = model.loihi_network()
    assert prepared.on_host == {"input"}
    compartments = {core.layer: 0 for core in ledger.cores}
    for core in ledger.cores:
        compartments[core.layer] += core.compartments
    assert compartments == {k: v[0, 0].size for k, v in expected.items()}
    messages = sum(core.messages_from_host for core in ledger.cores)
    assert messages == pytest.approx(x.sum(), rel=0.02)
    measured = model.measure(x, simulator="loihi")
    for layer, spikes in expected.items():
        total = measured.populations[layer].spikes.sum()
        # 8 bits a weight; 7,924 for 5,859 where voltages stop at zero
        off = {"cuba": 0.25, "convolutional": 0.03}[name]
        assert total == pytest.approx(spikes.sum(), rel=off)


@pytest.mark.tensorflow
def test_loops_on_the_emulator():
    path, x, expected, options = read("recurrent")
    model = ne.from_nir(path, inputs="spikes", **options)
    measured = model.measure(x, simulator="loihi")
    for layer, spikes in expected.items():
        total = measured.populations[layer].spikes.sum()
        assert total == pytest.approx(spikes.sum(), rel=0.15)
    with warnings.catch_warnings():
        # the filter by which the host would encode what spikes arrive as
        warnings.filterwarnings("error", "tau_s is already set")
        ledger = model.ledger(x[:1], x.shape[1])
    one = model.measure(x[:1], simulator="loihi")
    # on the chip the emulator's own counts, whichever way they are asked for
    spikes = sum(pop.spikes.sum() for name, pop in one.populations.items())
    assert 0 < ledger.synops and 0 < spikes
    assert sum(core.synops for core in ledger.cores) == ledger.synops
    with pytest.raises(ne.UnsupportedError, match="loop: '1.lif'"):
        model.ledger(one)


def test_what_loihi_lacks_is_refused_by_name():
    model = ne.from_nir(DATA / "cuba.nir", reset="subtraction")
    with pytest.raises(ne.UnsupportedError, match="'1' .*doesn't reset to its resting"):
        model.loihi_network()
