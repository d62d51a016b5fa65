"""What changed between two estimates, and when it is too much."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, strategies as st
from priced import CHIP, COUNTS, TWIN

import nengo_energy as ne
from nengo_energy.common.assumptions import Assumption
from nengo_energy.common.exceptions import InputError, NotFoundError
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device, Quantity
from nengo_energy.pricing.energy import estimate_energy


@pytest.fixture(scope="module")
def before():
    return estimate_energy(COUNTS, [CHIP, TWIN])


def priced(synops, price=1e-12, **settings):
    chip = Device("chip", "event", {"synop": Quantity(price, "p")}, {"p": "A paper"})
    rows = tuple(OpCount(layer, "synop", n, 1) for layer, n in synops.items())
    return estimate_energy(OpCounts(rows, settings=settings), chip)


def of_kind(found, kind):
    return [change for change in found.changes if change.kind == kind]


def test_nothing_changed(before):
    found = ne.diff(before, before)
    assert found.changes == ()
    assert not found.exceeds()
    assert str(found) == "Nothing changed."
    assert list(found.to_frame().columns) == [
        "kind",
        "device",
        "layer",
        "operation",
        "what",
        "before",
        "after",
        "relative",
    ]


def test_a_layer_that_costs_more():
    """1,000 synops of 1 pJ grow to 1,100; with the other layer's 1,000 it's 5 %."""
    a, b = priced({"conv": 1000, "dense": 1000}), priced({"conv": 1100, "dense": 1000})
    found = ne.diff(a, b)
    (total,) = of_kind(found, "total")
    assert (total.device, total.before) == ("chip", pytest.approx(2000e-12))
    assert total.relative == pytest.approx(0.05)
    (row,), (count,) = of_kind(found, "row"), of_kind(found, "count")
    assert (row.layer, row.operation) == ("conv", "synop")
    assert row.relative == pytest.approx(0.10)
    assert count.relative == pytest.approx(0.10)
    assert (count.before, count.after) == (1000, 1100)
    assert found.exceeds(0.0499) and not found.exceeds(0.0501)
    frame = found.to_frame().set_index("kind")
    assert frame.loc["total", "relative"] == pytest.approx(0.05)
    assert set(frame.index) == {"total", "row", "count"}


def test_savings_beyond_the_tolerance_count_too():
    found = ne.diff(priced({"a": 1000}), priced({"a": 900}), tolerance=0.05)
    assert found.exceeds() and not found.exceeds(0.11)


def test_layers_that_cancel_out_are_listed_but_not_beyond():
    found = ne.diff(priced({"a": 10, "b": 20}), priced({"a": 20, "b": 10}))
    assert len(of_kind(found, "row")) == 2
    assert not found.exceeds()
    assert str(found).startswith("No total and no latency changed.")


def test_a_layer_from_nothing():
    found = ne.diff(priced({"a": 10}), priced({"a": 10, "b": 10}))
    (row,) = of_kind(found, "row")
    assert row.before == 0 and math.isinf(row.relative)
    assert "chip, b, synop" in str(found) and " new" in str(found)


def test_a_device_that_only_one_has_is_beyond_any_tolerance(before):
    fewer = estimate_energy(COUNTS, [CHIP])
    for a, b, when in ((before, fewer, "before"), (fewer, before, "after")):
        found = ne.diff(a, b)
        assert [c.device for c in of_kind(found, "device")] == ["twin"]
        assert found.exceeds(1e9)
        assert f"- twin: only {when}" in str(found)


def test_prices_their_sources_and_totals():
    found = ne.diff(priced({"a": 10}, 1e-12), priced({"a": 10}, 3e-12))
    changes = {c.what: (c.before, c.after) for c in of_kind(found, "price")}
    assert changes == {"energies.synop": (1e-12, 3e-12)}
    assert of_kind(found, "total")[0].relative == pytest.approx(2)
    assert not of_kind(found, "count")
    assert "- chip, energies.synop: 1.00 pJ -> 3.00 pJ" in str(found)

    other = Quantity(1e-12, "q", locator="Table 1")
    chip = Device("chip", "event", {"synop": other}, {"q": "Another paper"})
    cited = estimate_energy(OpCounts((OpCount("a", "synop", 10, 1),)), chip)
    found = ne.diff(priced({"a": 10}), cited)
    changes = {c.what: (c.before, c.after) for c in of_kind(found, "price")}
    assert changes == {
        "energies.synop.source": ("p", "q"),
        "energies.synop.locator": ("", "Table 1"),
        "sources": ({"p": "A paper"}, {"q": "Another paper"}),
    }
    assert not found.exceeds()


def test_a_price_that_only_one_has(before):
    spike = {op: CHIP.energies[op] for op in ("synop", "spike")}
    found = ne.diff(
        estimate_energy(COUNTS, CHIP),
        estimate_energy(COUNTS, dataclasses.replace(CHIP, energies=spike)),
    )
    changes = {c.what: (c.before, c.after) for c in of_kind(found, "price")}
    assert changes["energies.neuron_update_active"] == (2e-12, None)


def test_latency_is_guarded(before):
    """50 timesteps of 1 ms become 60; static energy grows with them."""
    longer = estimate_energy(dataclasses.replace(COUNTS, timesteps=60), [CHIP, TWIN])
    found = ne.diff(before, longer)
    (latency,) = of_kind(found, "latency")
    assert latency.relative == pytest.approx(0.2)
    assert found.exceeds(0.19) and not found.exceeds(0.21)
    assert "chip, latency  50.0 ms  60.0 ms    +20 %" in str(found)


def test_a_latency_that_is_gone_is_beyond(before):
    unknown = dataclasses.replace(before, latencies={})
    assert ne.diff(before, unknown).exceeds(1e9)


def test_settings_and_assumptions():
    a = priced({"a": 10}, scale_firing_rates={"conv": 100}, synapse=0.005)
    b = priced({"a": 10}, scale_firing_rates={"conv": 200}, seed=1)
    b = dataclasses.replace(b, assumptions=(*b.assumptions, Assumption("new", "Said.")))
    found = ne.diff(a, b)
    changes = {c.what: (c.before, c.after) for c in of_kind(found, "setting")}
    assert changes == {
        "scale_firing_rates.conv": (100, 200),
        "synapse": (0.005, None),
        "seed": (None, 1),
    }
    (said,) = of_kind(found, "assumption")
    assert (said.what, said.before, said.after) == ("new", None, "Said.")
    assert not found.exceeds()
    text = str(found)
    assert "- scale_firing_rates.conv: 100 -> 200" in text
    assert "- synapse: 0.005 -> -" in text
    assert "- now new: Said." in text


def test_names_of_devices_match_in_any_case():
    a = priced({"a": 10})
    chip = dataclasses.replace(a.models[0], name="Chip")
    b = estimate_energy(OpCounts((OpCount("a", "synop", 10, 1),)), chip)
    assert not of_kind(ne.diff(a, b), "device") and not ne.diff(a, b).exceeds()


def test_host_work_is_told_apart():
    rows = (
        OpCount("a", "mac", 100, 1, where="host"),
        OpCount("a", "synop", 100, 1),
    )
    more = (dataclasses.replace(rows[0], total=200), rows[1])
    chips = [estimate_energy(OpCounts(r), CHIP, host="arm") for r in (rows, more)]
    (row,) = of_kind(ne.diff(*chips), "row")
    assert row.operation == "mac on the host"
    assert row.relative == pytest.approx(1)


def test_files(before, tmp_path):
    before.to_json(tmp_path / "a.json")
    assert ne.diff(tmp_path / "a.json", before).changes == ()
    assert ne.diff(before, str(tmp_path / "a.json")).changes == ()
    with pytest.raises(NotFoundError, match="none.json' not found"):
        ne.diff(before, tmp_path / "none.json")
    with pytest.raises(InputError, match="after must be an EnergyEstimate or .* int"):
        ne.diff(before, 5)


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf, "5", True, None])
def test_bad_tolerance(before, tolerance):
    with pytest.raises(InputError, match="tolerance must be a number of at least 0"):
        ne.diff(before, before, tolerance=tolerance)


@given(a=st.integers(1, 10**6), b=st.integers(1, 10**6), tolerance=st.floats(0, 10))
def test_exceeds_follows_the_counts(a, b, tolerance):
    share = abs(b - a) / a
    if abs(share - tolerance) > 1e-9:  # nearer than that, rounding decides
        found = ne.diff(priced({"a": a}), priced({"a": b}), tolerance=tolerance)
        assert found.exceeds() is (share > tolerance)
