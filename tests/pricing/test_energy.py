"""Energies against arithmetic shown here, and properties that hold for any counts."""

from __future__ import annotations

import dataclasses
import math
import pickle
import platform

import pytest
from hypothesis import given, strategies as st

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.common.assumptions import Assumption
from nengo_energy.common.exceptions import InputError, NotFoundError
from nengo_energy.counts import OPERATIONS, OpCount, OpCounts
from nengo_energy.devices import Device, Quantity
from nengo_energy.estimates.estimate import NotModelled
from nengo_energy.pricing.energy import estimate_energy

RTOL = 1e-12


def approx(value):
    return pytest.approx(value, rel=RTOL)


def make_counts(**fields):
    """4 inferences of 10 timesteps of 1 ms: a spiking network of two layers, the
    conventional network, and work of the host."""
    rows = (
        OpCount("input", "mac", 4 * 500, 4, where="host"),
        OpCount("conv", "synop", 4 * 900, 4, std=30.0),
        OpCount("conv", "neuron_update_active", 4 * 20, 4, std=2.0),
        OpCount("conv", "neuron_update_inactive", 4 * 80, 4, std=2.0),
        OpCount("conv", "spike", 4 * 20, 4, std=2.0),
        OpCount("dense", "synop", 4 * 100, 4),
        OpCount("dense", "neuron_update_active", 4 * 10, 4),
        OpCount("dense", "neuron_update_inactive", 4 * 40, 4),
        OpCount("dense", "spike", 4 * 10, 4),
        OpCount("conv", "mac", 4 * 600, 4, execution="dense"),
        OpCount("conv", "activation", 4 * 10, 4, execution="dense"),
        OpCount("pool", "addition", 4 * 8, 4, execution="dense"),
        OpCount("dense", "mac", 4 * 50, 4, execution="dense"),
    )
    given_fields = {
        "rows": rows,
        "timesteps": 10,
        "dt": 0.001,
        "assumptions": (Assumption("input-on-host", "The host encodes the input."),),
        "settings": {"simulator": "nengo"},
    }
    return OpCounts(**{**given_fields, **fields})


def test_conventional_counts_are_priced_as_they_come():
    ops = ne.layer_ops.LayerOps(
        layers=(
            ne.layer_ops.LayerCount(
                "dense", "Dense", (None, 5), 55, (ne.layer_ops.Operations(50, 5),)
            ),
        ),
        assumptions=(Assumption("one-timestep", "Counted for one timestep."),),
    )
    for counts in (ops, ops.to_counts(), list(ops.to_counts())):
        assert estimate_energy(counts, "cpu").total("cpu") == approx(55 * 8.6e-9)
    codes = [a.code for a in estimate_energy(ops, "cpu").assumptions]
    assert "one-timestep" in codes


def make_chip(**fields):
    given_fields = {
        "name": "chip",
        "kind": "event",
        "energies": {
            "synop": Quantity(2e-12, "paper", low=1e-12, high=5e-12),
            "neuron_update": Quantity(3e-12, "paper"),
        },
        "sources": {"paper": "Someone, A paper, 2020"},
    }
    return Device(**{**given_fields, **fields})


def real_time_chip(**fields):
    return make_chip(
        name="rt",
        static_power=Quantity(0.25, "paper", low=0.2, high=0.5),
        real_time=True,
        real_time_source="paper",
        **fields,
    )


# --- values ------------------------------------------------------------------------


def test_event_device_prices_the_spiking_network():
    estimate = estimate_energy(make_counts(), "loihi-davies2018")
    # Davies et al. 2018: synop 23.6 pJ, update 81 pJ active, 52 pJ inactive, 1.7 pJ
    # per spike within a tile; 1,000 synops, 30 and 120 updates, 30 spikes.
    expected = (1000 * 23.6 + 30 * 81 + 120 * 52 + 30 * 1.7) * 1e-12
    assert estimate.total("loihi-davies2018") == approx(expected)
    assert estimate.dynamic("loihi-davies2018") == approx(expected)
    # the published synop is a minimum; the range reaches up to 35.5 pJ
    high = expected + 1000 * (35.5 - 23.6) * 1e-12
    assert estimate.interval("loihi-davies2018") == approx((expected, high))


def test_dense_device_prices_the_conventional_network_once():
    # 650 multiply-accumulates and 10 activations at 8.6 nJ each
    expected = (650 + 10) * 8.6e-9
    for timesteps in (1, 10, 1000):
        estimate = estimate_energy(make_counts(timesteps=timesteps), "cpu")
        assert estimate.total("cpu") == approx(expected)
    assert "dense-one-pass" in {a.code for a in estimate.assumptions}


def test_six_devices_agree_with_the_formula_of_keras_spiking():
    # energy_per_synop x synops + energy_per_neuron x neurons, of its documentation;
    # 150 neuron updates, active or not
    estimate = estimate_energy(
        make_counts(), ["cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2"]
    )
    expected = {
        "cpu": 650 * 8.6e-9 + 10 * 8.6e-9,
        "gpu": 650 * 0.3e-9 + 10 * 0.3e-9,
        "arm": 650 * 0.9e-9 + 10 * 0.9e-9,
        "loihi": 1000 * (23.6 + 3.5) * 1e-12 + 150 * 81e-12,
        "spinnaker": 1000 * 13.3e-9 + 150 * 26e-9,
        "spinnaker2": 1000 * 450e-12 + 150 * 2.19e-9,
    }
    assert estimate.devices == tuple(expected)
    assert {d: estimate.total(d) for d in estimate.devices} == approx(expected)


def test_rows_hold_count_price_energy_range_and_spread():
    estimate = estimate_energy(make_counts(), make_chip())
    assert dataclasses.asdict(estimate.rows[0]) == {
        "device": "chip",
        "layer": "conv",
        "operation": "synop",
        "where": "device",
        "host": "",
        "count": 900.0,
        "energy_per_operation": 2e-12,
        "energy": approx(1800e-12),
        "low": approx(900e-12),
        "high": approx(4500e-12),
        "std": approx(30 * 2e-12),
    }
    found = [(row.layer, row.operation) for row in estimate.rows]
    updates = ["neuron_update_active", "neuron_update_inactive"]
    assert found == [
        (layer, op) for layer in ("conv", "dense") for op in ("synop", *updates)
    ]
    assert "spread-of-counts" in {a.code for a in estimate.assumptions}


def test_static_power_and_latency_of_a_real_time_device():
    estimate = estimate_energy(make_counts(), real_time_chip())
    # 1,000 synops at 2 pJ, 150 updates at 3 pJ; 10 timesteps of 1 ms at 0.25 W
    dynamic, static = 2450e-12, 0.25 * 0.01
    assert estimate.latency("rt") == approx(0.01)
    assert estimate.dynamic("rt") == approx(dynamic)
    assert estimate.static("rt") == approx(static)
    assert estimate.total("rt") == approx(dynamic + static)
    assert estimate.power("rt") == approx((dynamic + static) / 0.01)
    assert estimate.edp("rt") == approx((dynamic + static) * 0.01)
    low, high = 1000e-12 + 450e-12 + 0.002, 5000e-12 + 450e-12 + 0.005
    assert estimate.interval("rt") == approx((low, high))
    row = estimate.rows[-1]
    assert (row.operation, row.layer) == ("static", "(whole device)")
    assert (row.count, row.energy_per_operation) == (approx(0.01), 0.25)
    left_out = {item.operation for item in estimate.not_modelled}
    assert left_out == {"mac", "spike"}


@pytest.mark.parametrize("real_time, source", [(None, ""), (False, "paper")])
def test_static_power_without_latency_is_not_modelled(real_time, source):
    chip = make_chip(
        static_power=Quantity(0.25, "paper"),
        real_time=real_time,
        real_time_source=source,
    )
    estimate = estimate_energy(make_counts(), chip)
    assert estimate.static("chip") is None
    assert estimate.latency("chip") is None
    assert estimate.power("chip") is None
    assert estimate.edp("chip") is None
    reasons = {item.operation: item.reason for item in estimate.not_modelled}
    assert reasons["static power"] == "0.25 W are known, the latency isn't."
    assert reasons["latency"] == "no source gives the time per inference."


@pytest.mark.parametrize("fields", [{"timesteps": None}, {"dt": None}])
def test_latency_needs_timesteps_and_dt(fields):
    estimate = estimate_energy(make_counts(**fields), real_time_chip())
    assert estimate.latency("rt") is None
    reasons = {item.operation: item.reason for item in estimate.not_modelled}
    assert "the counts don't say how many timesteps" in reasons["latency"]


def test_host_work_is_priced_by_the_host_and_kept_apart():
    estimate = estimate_energy(make_counts(), make_chip(), host="cpu")
    assert estimate.host("chip") == approx(500 * 8.6e-9)
    assert estimate.dynamic("chip") == approx(2450e-12)
    assert estimate.total("chip") == approx(2450e-12 + 500 * 8.6e-9)
    row = estimate.rows[0]
    assert (row.device, row.layer, row.where, row.host) == (
        "chip",
        "input",
        "host",
        "cpu",
    )
    assert estimate.settings["host"] == "cpu"
    assert not any(item.where == "host" for item in estimate.not_modelled)


def test_host_work_without_a_host_is_listed_and_not_zero():
    estimate = estimate_energy(make_counts(), make_chip())
    assert estimate.host("chip") is None
    assert estimate.not_modelled[0] == NotModelled(
        "chip", "mac", "a device named with host= would price it.", 500.0, "host"
    )
    texts = [a.text for a in estimate.assumptions if a.code == "not-modelled"]
    assert (
        "mac (500 per inference) on the host of chip: a device named with host= would "
        "price it."
    ) in texts


def test_operations_without_a_price_are_added_up_over_layers_and_listed():
    estimate = estimate_energy(make_counts(), ["cpu", "loihi", "spinnaker"])
    left_out = {
        (item.device, item.operation): item.count
        for item in estimate.not_modelled
        if item.count is not None and item.where == "device"
    }
    assert left_out == {
        ("cpu", "addition"): 8.0,
        ("loihi", "spike"): 30.0,
        ("spinnaker", "spike"): 30.0,
    }
    texts = [a.text for a in estimate.assumptions if a.code == "not-modelled"]
    assert (
        "spike (30 per inference) on loihi, spinnaker: counted, but without a known "
        "price."
    ) in texts
    assert not any(row.operation in ("addition", "spike") for row in estimate.rows)


def test_what_a_device_file_lists_reaches_the_report():
    estimate = estimate_energy(make_counts(), "loihi-davies2018")
    texts = [a.text for a in estimate.assumptions if a.code == "not-modelled"]
    hops = [text for text in texts if text.startswith("hop_")]
    assert len(hops) == 2
    assert "each costs 3.00 pJ" in hops[0] and "each costs 4.00 pJ" in hops[1]
    assert any(text.startswith("barrier, x86 cores, host link ") for text in texts)
    notes = [
        a.text for a in estimate.assumptions if a.code == "device-loihi-davies2018"
    ]
    assert notes == list(devices.get("loihi-davies2018").notes)


def test_assumptions_and_settings_of_the_counts_are_carried():
    estimate = estimate_energy(make_counts(), "loihi")
    assert estimate.assumptions[0].code == "input-on-host"
    assert estimate.settings == {
        "simulator": "nengo",
        "timesteps": 10,
        "dt": 0.001,
        "n_inferences": 4,
        "host": None,
        "versions": {
            "nengo-energy": ne.__version__,
            "python": platform.python_version(),
        },
    }


def test_estimate_survives_pickling():
    estimate = estimate_energy(make_counts(), ["cpu", real_time_chip()])
    assert pickle.loads(pickle.dumps(estimate)) == estimate


# --- look-ups and errors -----------------------------------------------------------


def test_devices_may_be_names_of_any_case_or_objects():
    chip = make_chip()
    estimate = estimate_energy(make_counts(), ("LOIHI", chip))
    assert estimate.devices == ("loihi", "chip")
    assert estimate.total("Loihi") == estimate.total(devices.get("loihi"))
    assert estimate.total(chip) == estimate.total("CHIP")


@pytest.mark.parametrize(
    "method",
    [
        "total",
        "dynamic",
        "static",
        "host",
        "interval",
        "latency",
        "power",
        "edp",
    ],
)
def test_device_outside_the_estimate(method):
    estimate = estimate_energy(make_counts(), ["loihi", "cpu"])
    with pytest.raises(NotFoundError) as caught:
        getattr(estimate, method)("gpu")
    assert str(caught.value) == (
        "device 'gpu' isn't in this estimate; known: loihi, cpu"
    )


def without(execution):
    rows = (row for row in make_counts().rows if row.execution != execution)
    return make_counts(rows=tuple(rows))


@pytest.mark.parametrize(
    "counts, wanted, message",
    [
        (
            without("dense"),
            "cpu",
            r"'cpu' runs the conventional .*count_layer_ops\(mod",
        ),
        (
            without("event"),
            "loihi",
            r"'loihi' runs the spiking net.*count_ops\(topolog",
        ),
        (make_counts(rows=()), "loihi", "device 'loihi' runs the spiking network, and"),
        (make_counts(), [], r"devices must be a name, .* at least one; got \[\]"),
        (make_counts(), None, "devices must be a name, .* at least one; got None"),
        (make_counts(), [3], "a device's name must be a text; got 3"),
        (make_counts(), ["cpu", "CPU"], "device 'cpu' is named twice"),
        (make_counts(), [make_chip(), make_chip(name="Chip")], "is named twice"),
        ({"synop": 3}, "cpu", "counts must be OpCounts, from count_ops"),
    ],
)
def test_bad_arguments(counts, wanted, message):
    with pytest.raises(InputError, match=message):
        estimate_energy(counts, wanted)


def test_unknown_device_or_host():
    with pytest.raises(NotFoundError, match="device 'loihi3' not found"):
        estimate_energy(make_counts(), ["cpu", "loihi3"])
    with pytest.raises(NotFoundError, match="device 'cpuu' not found"):
        estimate_energy(make_counts(), "loihi", host="cpuu")
    with pytest.raises(
        InputError, match="host must be .* prices mac; 'loihi' prices s"
    ):
        estimate_energy(make_counts(), "loihi", host="loihi")


def test_device_that_prices_nothing_counted_has_no_total_of_zero():
    chip = make_chip(energies={"addition": Quantity(1e-12, "paper")})
    with pytest.raises(
        InputError, match="'chip' prices none of the .*prices addition$"
    ):
        estimate_energy(make_counts(), chip)


# --- properties --------------------------------------------------------------------

event_operations = st.sampled_from(
    ["synop", "neuron_update_active", "neuron_update_inactive", "spike", "addition"]
)
event_rows = st.lists(
    st.builds(
        OpCount,
        layer=st.sampled_from(["a", "b", "c"]),
        operation=event_operations,
        total=st.integers(0, 10**12),
        n_inferences=st.just(7),
        std=st.floats(0, 1e6),
    ),
    max_size=12,
).map(lambda rows: (OpCount("a", "synop", 5, 7), *rows))
joules = st.floats(0, 1e-6)


@st.composite
def ranges(draw):
    return tuple(sorted(draw(st.tuples(joules, joules, joules))))


def chip_with(synop, update=(1e-12, 2e-12, 3e-12), **fields):
    prices = {}
    for operation, (low, value, high) in (("synop", synop), ("neuron_update", update)):
        prices[operation] = Quantity(value, "paper", low=low, high=high)
    return make_chip(energies=prices, **fields)


@given(rows=event_rows, synop=ranges(), update=ranges())
def test_total_is_the_sum_of_rows_and_lies_in_its_interval(rows, synop, update):
    counts = make_counts(rows=rows)
    estimate = estimate_energy(counts, [chip_with(synop, update), real_time_chip()])
    for device in estimate.devices:
        energies = [row.energy for row in estimate.rows if row.device == device]
        assert estimate.total(device) == approx(math.fsum(energies))
        static = estimate.static(device) or 0.0
        assert estimate.total(device) == approx(estimate.dynamic(device) + static)
        low, high = estimate.interval(device)
        assert low <= estimate.total(device) * (1 + RTOL)
        assert estimate.total(device) <= high * (1 + RTOL)


@given(
    rows=event_rows,
    synop=ranges(),
    lower=st.floats(0, 1),
    higher=st.floats(1, 100),
)
def test_widening_a_range_never_narrows_the_interval(rows, synop, lower, higher):
    counts = make_counts(rows=rows)
    low, value, high = synop
    wide = chip_with((low * lower, value, high * higher))
    before = estimate_energy(counts, chip_with(synop))
    after = estimate_energy(counts, wide)
    assert after.interval("chip")[0] <= before.interval("chip")[0]
    assert after.interval("chip")[1] >= before.interval("chip")[1]
    assert after.total("chip") == before.total("chip")


@given(rows=event_rows, factor=st.integers(1, 1000))
def test_dynamic_energy_is_linear_in_the_counts(rows, factor):
    more = tuple(dataclasses.replace(row, total=row.total * factor) for row in rows)
    chip = real_time_chip()
    once = estimate_energy(make_counts(rows=rows), chip)
    often = estimate_energy(make_counts(rows=more), chip)
    assert often.dynamic("rt") == approx(factor * once.dynamic("rt"))
    assert often.static("rt") == once.static("rt")


@given(rows=event_rows, copies=st.integers(1, 50))
def test_energy_is_per_inference(rows, copies):
    more = tuple(
        dataclasses.replace(
            row, total=row.total * copies, n_inferences=row.n_inferences * copies
        )
        for row in rows
    )
    once = estimate_energy(make_counts(rows=rows), make_chip())
    often = estimate_energy(make_counts(rows=more), make_chip())
    assert often.total("chip") == approx(once.total("chip"))


@given(neurons=st.integers(1, 10**6), timesteps=st.integers(1, 1000))
def test_without_spikes_neuron_updates_remain(neurons, timesteps):
    rows = (
        OpCount("a", "synop", 0, 1),
        OpCount("a", "spike", 0, 1),
        OpCount("a", "neuron_update_active", 0, 1),
        OpCount("a", "neuron_update_inactive", neurons * timesteps, 1),
    )
    counts = make_counts(rows=rows, timesteps=timesteps)
    estimate = estimate_energy(counts, "loihi-davies2018")
    energies = {row.operation: row.energy for row in estimate.rows}
    assert energies["synop"] == energies["message"] == 0
    total = estimate.total("loihi-davies2018")
    assert total == approx(neurons * timesteps * 52e-12)
    # what didn't happen isn't missing from totals: loihi has no price for spikes
    unpriced = estimate_energy(counts, "loihi").not_modelled
    assert not any(item.operation == "spike" for item in unpriced)


@given(rows=event_rows)
def test_each_count_is_priced_or_listed(rows):
    estimate = estimate_energy(make_counts(rows=rows), make_chip())
    priced = {row.operation for row in estimate.rows}
    listed = {item.operation for item in estimate.not_modelled}
    for operation in OPERATIONS:
        if any(row.operation == operation and row.total for row in rows):
            assert (operation in priced) != (operation in listed)


@pytest.mark.parametrize(
    "name, missing",
    [
        ("loihi-davies2018", "the latency"),  # says what a chip holds
        ("loihi-fitted2025", "how many the network takes"),
    ],
)
def test_static_power_of_a_chip_waits_for_chips_and_latency(name, missing):
    estimate = estimate_energy(make_counts(), name)
    sentences = [
        item.reason
        for item in estimate.not_modelled
        if item.operation == "static power"
    ]
    assert sentences == [f"104 mW per chip are known, {missing} isn't."]
    assert estimate.static(name) is None


def test_what_a_device_says_of_its_static_power_is_said_once():
    chip = make_chip(not_modelled={"static power": "nobody measured it."})
    sentences = [
        item.reason
        for item in estimate_energy(make_counts(), chip).not_modelled
        if item.operation == "static power"
    ]
    assert sentences == ["nobody measured it."]
