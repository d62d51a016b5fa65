"""Frames and text: golden text, and the printed columns re-added."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, strategies as st
from priced import CHIP, COUNTS, TWIN

from nengo_energy import devices
from nengo_energy.common import tables
from nengo_energy.common.exceptions import NotFoundError
from nengo_energy.common.tables import format_si, merge_orders
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device, Quantity, names
from nengo_energy.estimates.report import COLUMNS, format_estimate
from nengo_energy.pricing.energy import estimate_energy

GOLDEN = Path(__file__).parent / "golden" / "estimate.txt"


@pytest.fixture(scope="module")
def estimate():
    return estimate_energy(COUNTS, [CHIP, TWIN, "arm"], host="arm")


def priced_names():
    return [name for name in names() if not devices.get(name).unpriced]


# --- frame -------------------------------------------------------------------------


def test_frame_has_a_row_per_device_layer_and_operation():
    frame = estimate_energy(COUNTS, TWIN).to_frame()
    expected = pd.DataFrame(
        {
            "device": ["twin", "twin"],
            "layer": ["conv", "dense"],
            "operation": ["synop", "synop"],
            "where": ["device", "device"],
            "host": ["", ""],
            "count": [40_000.0, 3_000.0],
            "energy_per_operation": [1e-9, 1e-9],
            "energy": [40e-6, 3e-6],
            "low": [40e-6, 3e-6],
            "high": [40e-6, 3e-6],
            "std": [0.0, 0.0],
        }
    )
    pd.testing.assert_frame_equal(frame, expected, rtol=1e-12)
    assert frame.attrs["units"] == {
        "count": "1/inf",
        "energy_per_operation": "J",
        "energy": "J/inf",
        "low": "J/inf",
        "high": "J/inf",
        "std": "J/inf",
    }


def test_frame_adds_up_to_the_totals(estimate):
    sums = estimate.to_frame().groupby("device")["energy"].sum()
    assert sums.to_dict() == pytest.approx(
        {d: estimate.total(d) for d in estimate.devices}, rel=1e-12
    )


def test_frame_keeps_chosen_columns_in_order(estimate):
    frame = estimate.to_frame(columns=["energy", "layer"])
    assert list(frame.columns) == ["energy", "layer"]
    assert frame.attrs["units"] == {"energy": "J/inf"}
    assert list(estimate.to_frame(columns="layer").columns) == ["layer"]
    assert tuple(estimate.to_frame().columns) == COLUMNS


def test_unknown_column_lists_the_known(estimate):
    with pytest.raises(NotFoundError) as caught:
        estimate.to_frame(columns=["layer", "joules"])
    assert str(caught.value) == (
        "column 'joules' not found; known: device, layer, operation, where, host, "
        "count, energy_per_operation, energy, low, high, std"
    )


# --- text --------------------------------------------------------------------------


def test_golden_text(estimate):
    assert str(estimate) == GOLDEN.read_text(encoding="utf-8").rstrip("\n")


def read_si(cell):
    """Return the value of a printed cell, and the half of its last digit."""
    number, unit = cell.split(" ", 1)
    prefix = unit[: -len("J")]
    scale = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3}
    scale = {**scale, "": 1.0, "k": 1e3}[prefix]
    digits = len(number.split(".")[1]) if "." in number else 0
    return float(number) * scale, 0.5 * 10**-digits * scale


def layer_tables(text):
    """Return the cells of the layer tables: {device: {label: cell}}."""
    cells = {}
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if not lines[0].startswith("layer "):
            continue
        header = lines[0].split()[1:]
        for line in lines[1:]:
            if set(line) == {"-"}:
                continue
            label, *row = re.split(r"\s{2,}", line.rstrip())
            if line.startswith("  "):  # the indented ends of the interval
                label, row = row[0], row[1:]
            for device, cell in zip(header, row):
                cells.setdefault(device, {})[label] = cell
    return cells


def assert_columns_add_up(text, devices):
    cells = layer_tables(text)
    assert list(cells) == list(devices)
    for column in cells.values():
        total, tolerance = read_si(column.pop("total"))
        column.pop("low", None), column.pop("high", None)
        parts = [read_si(cell) for cell in column.values() if cell != "-"]
        assert parts
        tolerance += sum(half for _, half in parts)
        assert sum(value for value, _ in parts) == pytest.approx(
            total, rel=1e-9, abs=tolerance
        )


def test_printed_columns_add_up_to_the_printed_total(estimate):
    assert_columns_add_up(str(estimate), estimate.devices)
    everything = estimate_energy(COUNTS, priced_names())
    assert_columns_add_up(str(everything), everything.devices)


@given(
    totals=st.lists(st.integers(0, 10**9), min_size=1, max_size=8),
    synop=st.floats(1e-15, 1e-6),
)
def test_printed_columns_add_up_for_any_counts(totals, synop):
    rows = tuple(OpCount(f"layer {i}", "synop", n, 3) for i, n in enumerate(totals))
    prices = {"synop": Quantity(synop, "paper")}
    chip = Device("chip", "event", prices, {"paper": "A paper"})
    text = str(estimate_energy(OpCounts(rows, 10, 0.001), chip))
    assert_columns_add_up(text, ["chip"])


@pytest.mark.parametrize("width", [48, 52, 60, 80, 100])
def test_text_stays_within_the_width_and_shows_all_devices(width, monkeypatch):
    monkeypatch.setattr(tables, "WIDTH", width)
    estimate = estimate_energy(COUNTS, priced_names())
    text = format_estimate(estimate)
    assert max(map(len, text.splitlines())) <= width
    assert_columns_add_up(text, estimate.devices)


def test_seven_devices_fit_side_by_side_in_100_columns():
    text = str(estimate_energy(COUNTS, devices.default_names()))
    assert len(devices.default_names()) == 7
    assert sum(line.startswith("layer ") for line in text.splitlines()) == 1


def test_static_power_is_the_last_row_above_the_total():
    text = str(estimate_energy(COUNTS, ["arm", CHIP]))
    labels = list(layer_tables(text)["chip"])
    assert labels == [
        "conv",
        "dense",
        "softmax",
        "static power",
        "total",
        "low",
        "high",
    ]


def test_terms_of_the_whole_device_are_the_last_rows_and_all_in_has_no_dynamic(
    monkeypatch,
):
    monkeypatch.setattr(tables, "WIDTH", 200)
    estimate = estimate_energy(
        COUNTS, ["xeon-e5-2630", "h100", "truenorth@all-in-20hz", "cpu"]
    )
    text = format_estimate(estimate)
    labels = [label for label in layer_tables(text)["xeon-e5-2630"] if label[0] != "t"]
    assert labels == ["conv", "dense", "softmax", "fixed energy", "static power"] + [
        "low",
        "high",
    ]
    assert_columns_add_up(text, estimate.devices)
    lines = {
        line.split()[0]: re.split(r"\s{2,}", line)
        for line in text.splitlines()
        if line.startswith(("device ", "h100 ", "xeon", "truenorth@"))
    }
    cells = {name: dict(zip(lines["device"], lines[name])) for name in lines}
    assert cells["truenorth@all-in-20hz"]["evidence"] == "measured, all-in"
    assert cells["truenorth@all-in-20hz"]["dynamic"] == "-"
    assert cells["h100"]["operating point"] == "bf16"
    assert cells["xeon-e5-2630"]["fixed"] == format_si(
        estimate.fixed("xeon-e5-2630"), "J"
    )
    notes = " ".join(estimate.notes().split())
    assert "h100 is priced at bf16, its default of 3" in notes


def test_every_assumption_is_printed_once(estimate):
    text = " ".join(f"{estimate}\n{estimate.notes()}".split())
    codes = {a.code for a in estimate.assumptions}
    assert {"input-on-host", "not-modelled", "device-chip"} <= codes
    for assumption in estimate.assumptions:
        assert text.count(assumption.text) == 1


def test_a_single_conventional_device_prints_without_timesteps():
    rows = (OpCount("dense", "mac", 100, 1, execution="dense"),)
    text = str(estimate_energy(OpCounts(rows), "cpu"))
    assert "\n\nEnergy per inference\n\nlayer     cpu\n" in text
    assert text.startswith("Least dynamic energy: cpu 860 nJ (literature).\n")


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0 J"),
        (None, "-"),
        (5.476e-6, "5.48 uJ"),
        (999.4e-9, "999 nJ"),
        (999.6e-9, "1.00 uJ"),
        (1e-9, "1.00 nJ"),
        (23.6e-12, "23.6 pJ"),
        (1.0, "1.00 J"),
        (12.34, "12.3 J"),
        (1234.0, "1.23 kJ"),
        (1e-18, "1.00 aJ"),
        (1e-21, "1.00e-21 J"),
        (1e15, "1.00e15 J"),
    ],
)
def test_format_si(value, text):
    assert format_si(value, "J") == text


@pytest.mark.parametrize(
    "orders, merged",
    [
        ([], []),
        ([["a", "b"]], ["a", "b"]),
        ([["a", "c"], ["a", "b", "c"]], ["a", "b", "c"]),
        ([["b"], ["a", "b", "c"]], ["a", "b", "c"]),
        ([["a"], ["b"]], ["b", "a"]),
        ([["a", "b"], ["b", "a"]], ["a", "b"]),
    ],
)
def test_merge_orders(orders, merged):
    assert merge_orders(orders) == merged
