"""Terms beyond count x price: fixed, static, times, all-in, messages, refusals."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, strategies as st

from nengo_energy import devices
from nengo_energy.common.exceptions import (
    ExtrapolationWarning,
    InputError,
    UnsupportedError,
)
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device, Quantity
from nengo_energy.pricing.energy import estimate_energy

SOURCES = {"paper": "Someone, A paper, 2020"}


def approx(value):
    return pytest.approx(value, rel=1e-12)


def q(value, low=None, high=None, **fields):
    return Quantity(value, "paper", low=low, high=high, **fields)


def conventional(n_macs=1000, n_activations=10, n_additions=0):
    rows = [
        OpCount("dense", "mac", n_macs, 1, execution="dense"),
        OpCount("dense", "activation", n_activations, 1, execution="dense"),
    ]
    if n_additions:
        rows.append(OpCount("pool", "addition", n_additions, 1, execution="dense"))
    return OpCounts(tuple(rows))


def spiking(**operations):
    rows = tuple(OpCount("layer", op, 2 * n, 2) for op, n in operations.items())
    return OpCounts(rows, timesteps=20, dt=0.001)


def dense(**fields):
    given_fields = {
        "name": "box",
        "kind": "dense",
        "energies": {"mac": q(2e-9, 1e-9, 4e-9)},
        "sources": SOURCES,
    }
    return Device(**{**given_fields, **fields})


def event(**fields):
    given_fields = {
        "name": "chip",
        "kind": "event",
        "energies": {"synop": q(2e-12)},
        "sources": SOURCES,
    }
    return Device(**{**given_fields, **fields})


def left_out(estimate):
    return {item.operation: item.reason for item in estimate.not_modelled}


def codes(estimate):
    return [assumption.code for assumption in estimate.assumptions]


# --- fixed energy, times, static power ---------------------------------------------


def test_energy_is_fixed_plus_counts_plus_static_power_times_latency():
    box = dense(
        fixed_energy=q(3e-6, 2e-6, 5e-6),
        static_power=q(7.0, 6.0, 9.0),
        fixed_time=q(1e-5, 0.5e-5, 4e-5),
        times={"mac": q(1e-8, 0.5e-8, 2e-8), "activation": q(1e-7)},
    )
    estimate = estimate_energy(conventional(), box)
    # 1,000 MACs and 10 activations: 10 us + 10 us + 1 us at 7 W; activations unpriced
    time, low_time, high_time = 21e-6, 5e-6 + 5e-6 + 1e-6, 40e-6 + 20e-6 + 1e-6
    assert estimate.dynamic("box") == approx(2e-6)
    assert estimate.fixed("box") == approx(3e-6)
    assert estimate.latency("box") == approx(time)
    assert estimate.static("box") == approx(7 * time)
    assert estimate.total("box") == approx(2e-6 + 3e-6 + 7 * time)
    assert estimate.interval("box") == approx(
        (1e-6 + 2e-6 + 6 * low_time, 4e-6 + 5e-6 + 9 * high_time)
    )
    assert estimate.power("box") == approx(estimate.total("box") / time)
    assert left_out(estimate) == {"activation": "counted, but without a known price."}
    assert "overhead-excluded" not in codes(estimate)
    rows = {row.operation: (row.layer, row.count) for row in estimate.rows}
    assert rows["fixed"] == ("(whole device)", 1.0)
    assert rows["static"] == ("(whole device)", approx(time))


def test_energy_and_static_power_are_shares_and_latency_is_the_batch():
    box = dense(
        static_power=q(7.0),
        fixed_time=q(1e-5),
        times={"mac": q(1e-8)},
        batch_size=16,
        included=("activation",),
    )
    estimate = estimate_energy(conventional(), box)
    share = 1e-5 + 1000 * 1e-8
    assert estimate.static("box") == approx(7 * share)
    assert estimate.latency("box") == approx(16 * share)
    # the power of the whole batch: 16 inferences in 16 shares
    assert estimate.power("box") == approx((2e-6 + 7 * share) / share)
    assert estimate.edp("box") == approx((2e-6 + 7 * share) * 16 * share)
    assert left_out(estimate) == {}
    (text,) = [a.text for a in estimate.assumptions if a.code == "batched"]
    assert text.startswith("box runs 16 inferences together")


def test_fixed_time_alone_gives_a_latency():
    estimate = estimate_energy(conventional(), dense(fixed_time=q(1e-3)))
    assert estimate.latency("box") == 1e-3
    assert "counted, but its time isn't known." == left_out(estimate)["time of mac"]


def test_times_that_are_missing_are_listed_and_not_zero():
    box = dense(times={"mac": q(1e-8)}, static_power=q(7.0))
    estimate = estimate_energy(conventional(n_additions=5), box)
    assert estimate.latency("box") == approx(1e-5)
    counts = {
        item.operation: item.count
        for item in estimate.not_modelled
        if item.operation.startswith("time of ")
    }
    assert counts == {"time of activation": 10, "time of addition": 5}


def test_what_a_price_includes_is_neither_charged_nor_missing():
    box = dense(included=("activation", "addition"))
    estimate = estimate_energy(conventional(n_additions=5), box)
    assert estimate.total("box") == approx(2e-6)
    assert set(left_out(estimate)) == {"latency", "static power"}
    (text,) = [a.text for a in estimate.assumptions if a.code == "included"]
    assert text == "On box the price of mac holds that of activation, addition."


def test_times_of_an_event_device_give_no_latency_without_a_placement():
    chip = event(times={"synop": q(1e-9)}, static_power=q(0.1))
    estimate = estimate_energy(spiking(synop=100), chip)
    assert estimate.latency("chip") is None and estimate.static("chip") is None
    assert left_out(estimate)["latency"].startswith("cores work side by side")
    assert left_out(estimate)["static power"] == ("0.1 W are known, the latency isn't.")


@pytest.mark.parametrize("per, charged", [("", 1), ("device", 1), ("chip", 0)])
def test_static_power_is_charged_of_the_device_only(per, charged):
    chip = event(
        static_power=q(0.25, per=per), real_time=True, real_time_source="paper"
    )
    estimate = estimate_energy(spiking(synop=100), chip)
    assert (estimate.static("chip") or 0.0) == approx(charged * 0.25 * 0.02)
    assert ("static power" in left_out(estimate)) == (not charged)


def test_operating_points_in_use_are_named_that_of_the_host_too():
    rows = (*spiking(synop=9).rows, OpCount("in", "mac", 10, 2, where="host"))
    estimate = estimate_energy(OpCounts(rows), "odin", host="h100")
    texts = [a.text for a in estimate.assumptions if a.code == "operating-point"]
    assert texts == [
        "odin is priced at all-in-max-rate, its default of 3 operating points; "
        "nengo-energy device odin lists them.",
        "h100 is priced at bf16, its default of 3 operating points; "
        "nengo-energy device h100 lists them.",
    ]
    named = estimate_energy(OpCounts(rows), "odin@incremental")
    assert "operating-point" not in codes(named)


# --- all-in ------------------------------------------------------------------------


def test_nothing_is_added_to_an_all_in_price():
    chip = event(energies={"synop": q(26e-12, all_in=True)})
    counts = spiking(synop=1000, neuron_update_active=5, spike=7)
    estimate = estimate_energy(counts, chip)
    assert estimate.total("chip") == approx(26e-9)
    assert set(left_out(estimate)) == {"latency"}
    assert "all-in" in codes(estimate)
    assert "overhead-excluded" not in codes(estimate)


def test_host_work_is_not_in_an_all_in_price():
    chip = event(energies={"synop": q(26e-12, all_in=True)})
    rows = (*spiking(synop=1000).rows, OpCount("in", "mac", 10, 2, where="host"))
    estimate = estimate_energy(OpCounts(rows, 20, 0.001), chip)
    assert "mac" in left_out(estimate)
    priced = estimate_energy(OpCounts(rows, 20, 0.001), chip, host="cpu")
    assert priced.host("chip") == approx(5 * 8.6e-9)


@pytest.mark.parametrize(
    "fields, message",
    [
        (
            {"static_power": q(1.0)},
            "energies.synop is all-in, so static_power can't be added to it",
        ),
        (
            {"fixed_energy": q(1.0)},
            "energies.synop is all-in, so fixed_energy can't be added",
        ),
        (
            {"energies": {"synop": q(1.0, all_in=True), "spike": q(1.0)}},
            "energies.synop is all-in, so energies.spike can't be added to it",
        ),
        (
            {"times": {"synop": q(1.0, all_in=True)}},
            "times.synop.all_in is for energies",
        ),
    ],
)
def test_devices_refuse_to_add_to_an_all_in_price(fields, message):
    given_fields = {"energies": {"synop": q(26e-12, all_in=True)}, **fields}
    with pytest.raises(InputError, match=f"device 'chip': {message}"):
        event(**given_fields)


@pytest.mark.parametrize("name", ["truenorth@all-in-20hz", "odin"])
def test_built_in_all_in_devices_charge_one_price(name):
    device = devices.get(name)
    counts = conventional() if device.kind == "dense" else spiking(synop=1000, spike=5)
    estimate = estimate_energy(counts, name)
    ((operation, price),) = device.energies.items()
    assert estimate.total(name) == approx(1000 * price.value)
    assert [row.operation for row in estimate.rows] == [operation]


# --- messages and hops -------------------------------------------------------------

MESH = {
    "synop": q(2e-12),
    "message": q(5e-12, high=6e-12),
    "hop_east_west": q(3e-12),
    "hop_north_south": q(4e-12),
}


def test_each_spike_is_one_message_for_want_of_a_placement():
    estimate = estimate_energy(spiking(synop=100, spike=10), event(energies=MESH))
    assert estimate.total("chip") == approx(100 * 2e-12 + 10 * 5e-12)
    assert estimate.interval("chip")[1] == approx(100 * 2e-12 + 10 * 6e-12)
    assert "one-message-per-spike" in codes(estimate)
    reasons = left_out(estimate)
    assert "each costs 3.00 pJ" in reasons["hop_east_west"]
    assert "each costs 4.00 pJ" in reasons["hop_north_south"]
    # the spike itself has no price of its own
    assert reasons["spike"] == "counted, but without a known price."


def test_counted_messages_and_hops_are_priced_as_counted():
    counts = spiking(
        synop=100, spike=10, message=13, hop_east_west=20, hop_north_south=30
    )
    estimate = estimate_energy(counts, event(energies=MESH))
    expected = (100 * 2 + 13 * 5 + 20 * 3 + 30 * 4) * 1e-12
    assert estimate.total("chip") == approx(expected)
    assert "one-message-per-spike" not in codes(estimate)
    assert not {"hop_east_west", "hop_north_south"} & set(left_out(estimate))


# --- refusals ----------------------------------------------------------------------


def test_devices_without_prices_refuse_and_say_what_is_known():
    with pytest.raises(UnsupportedError) as caught:
        estimate_energy(spiking(synop=100), ["loihi", "loihi2"])
    text = str(caught.value)
    assert text.startswith(
        "energy on device 'loihi2' can't be estimated: no energy per operation is "
        "published, by Intel or in a reviewed paper. Known: static power 232 mW to "
        "282 mW per chip, cores per chip 128, neurons per core 8,192, "
    )
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.parametrize("name", ["akida1000", "brainscales2", "xylo-audio2"])
def test_other_devices_without_prices_refuse_too(name):
    with pytest.raises(UnsupportedError, match=f"device '{name}'.*Known: .*W per chip"):
        estimate_energy(spiking(synop=100), name)
    assert name in devices.names() and name not in devices.default_names()


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"unpriced": "why."}, "unpriced is for devices without any price"),
        ({"unpriced": 3}, "unpriced must be a text that isn't empty; got 3"),
        ({"energies": {}}, "energies is empty; price at least one operation, or say"),
        ({"included": ["synop"]}, "synop is included, so it can't have a price"),
        ({"included": ["mac"]}, "each of included must be one of synop, neuron_upda"),
        ({"included": "spike"}, "included must be a list of texts; got 'spike'"),
        ({"times": {"mac": q(1.0)}}, "times.mac isn't an operation of a device of kin"),
        ({"capacity": {"corse": q(1.0)}}, "capacity.corse isn't known; allowed: chips"),
        (
            {"energies": {"synop": q(1.0, per="chip")}},
            "energies.synop.per is for power",
        ),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1; got 0"),
        ({"fixed_energy": 1.0}, "fixed_energy must be a Quantity; got 1.0"),
        (
            {"operating_points": {"a": 1}, "operating_point": "a"},
            "operating_points.a must be a Device; got 1",
        ),
        (
            {"operating_points": {"a": 1}, "operating_point": "b"},
            "operating_point must be one of a; got 'b'",
        ),
    ],
)
def test_devices_refuse_fields_and_name_them(fields, message):
    with pytest.raises(InputError) as caught:
        event(**fields)
    assert str(caught.value).startswith(f"device 'chip': {message}")


# --- properties --------------------------------------------------------------------

amounts = st.floats(1e-12, 1e3)
widths = st.tuples(st.floats(0, 1), st.floats(1, 100))


@st.composite
def ranged(draw):
    """A number, its range, and the same number in a range that holds that one."""
    value = draw(amounts)
    low, high = (value * factor for factor in draw(widths))
    less, more = draw(widths)
    return q(value, low, high), q(value, low * less, high * more)


@given(
    energies=st.tuples(ranged(), ranged()),
    power=ranged(),
    fixed=st.tuples(ranged(), ranged()),
    time=ranged(),
    which=st.integers(0, 5),
    n_macs=st.integers(1, 10**9),
)
def test_widening_any_range_never_narrows_a_total(
    energies, power, fixed, time, which, n_macs
):
    inputs = [*energies, power, *fixed, time]

    def box(widened):
        mac, activation, static, fixed_energy, fixed_time, mac_time = (
            pair[i == widened] for i, pair in enumerate(inputs)
        )
        return dense(
            energies={"mac": mac, "activation": activation},
            static_power=static,
            fixed_energy=fixed_energy,
            fixed_time=fixed_time,
            times={"mac": mac_time},
        )

    counts = conventional(n_macs)
    narrow = estimate_energy(counts, box(None))
    wide = estimate_energy(counts, box(which))
    assert wide.interval("box")[0] <= narrow.interval("box")[0]
    assert wide.interval("box")[1] >= narrow.interval("box")[1]
    assert wide.total("box") == narrow.total("box")
    low, high = narrow.interval("box")
    assert low <= narrow.total("box") * (1 + 1e-12)
    assert narrow.total("box") <= high * (1 + 1e-12)


@given(name=st.sampled_from(sorted(devices.names())), factor=st.floats(0.01, 100))
def test_a_device_with_scaled_prices_has_scaled_totals(name, factor):
    device = devices.get(name)
    if device.unpriced:
        return
    counts = conventional() if device.kind == "dense" else spiking(synop=1000, spike=5)
    once = estimate_energy(counts, device)
    scaled = estimate_energy(counts, device.scaled(factor, name="scaled"))
    assert scaled.total("scaled") == pytest.approx(factor * once.total(device))
    expected = [factor * end for end in once.interval(device)]
    assert list(scaled.interval("scaled")) == pytest.approx(expected)


@pytest.mark.parametrize("name", sorted(devices.names()))
def test_every_device_with_a_range_has_an_interval(name):
    device = devices.get(name)
    if device.unpriced:
        return
    counts = (
        conventional()
        if device.kind == "dense"
        else spiking(synop=10, neuron_update_active=10, spike=10)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        estimate = estimate_energy(counts, name)
    low, high = estimate.interval(name)
    frame = estimate.to_frame()
    assert frame["low"].sum() == approx(low) and frame["high"].sum() == approx(high)
    ranges = [
        price.bounds
        for part, price in device.charged.items()
        if price.per in ("", "device") and part not in ("hop_east_west",)
    ]
    is_spread = name in estimate.intervals
    assert (low < high) == (is_spread or any(a < b for a, b in ranges))
