"""Estimates written as JSON and read back: equal to the last bit, or refused."""

from __future__ import annotations

import dataclasses
import json
import platform

import pytest
from hypothesis import given, strategies as st
from priced import CHIP, COUNTS, TWIN

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.common.exceptions import InputError, NotFoundError
from nengo_energy.devices import Device, Quantity
from nengo_energy.estimates.estimate import (
    EnergyEstimate,
    EnergyRow,
    Interval,
    NotModelled,
)
from nengo_energy.estimates.serialization import SCHEMA_VERSION
from nengo_energy.pricing.energy import estimate_energy


@pytest.fixture(scope="module")
def estimate():
    return estimate_energy(COUNTS, [CHIP, TWIN, "arm", "h100"], host="arm")


@pytest.fixture(scope="module")
def data(estimate):
    return json.loads(estimate.to_json())


def test_every_builtin_device_comes_back_equal():
    names = [n for n in devices.names() if not devices.get(n).unpriced]
    assert len(names) > 30
    estimate = estimate_energy(COUNTS, names, host="arm")
    read = ne.load_estimate(estimate.to_json())
    assert read == estimate
    assert read.models == tuple(devices.get(name) for name in names)
    assert str(read) == str(estimate)


def test_a_file_comes_back_equal(estimate, tmp_path):
    path = tmp_path / "estimate.json"
    assert estimate.to_json(path) is None
    assert path.read_text(encoding="utf-8") == estimate.to_json()
    assert ne.load_estimate(path) == ne.load_estimate(str(path)) == estimate


@given(
    numbers=st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6
    ),
    price=st.floats(0, 1, exclude_min=True),
)
def test_floats_survive_exactly(numbers, price):
    row = EnergyRow("chip", "layer", "synop", "device", "", *numbers)
    chip = Device("chip", "event", {"synop": Quantity(price, "p")}, {"p": "A paper"})
    estimate = EnergyEstimate(
        (row,),
        (chip,),
        {"chip": numbers[0]},
        {"chip": Interval(0.9, 3.5, ("larger than all that was measured",))},
        (NotModelled("chip", "spike", "No price.", numbers[1]),),
        settings={"dt": numbers[2], "rates": (numbers[3], {"a": numbers[4]})},
    )
    read = ne.load_estimate(estimate.to_json())
    assert read == estimate
    assert [repr(x) for x in dataclasses.astuple(read.rows[0])[5:]] == [
        repr(x) for x in numbers
    ]


def test_a_file_says_how_it_was_made(estimate, data):
    """What another program finds in it, without knowing our classes."""
    assert data["schema"] == "nengo_energy.estimate"
    assert data["schema_version"] == 2
    assert data["settings"]["simulator"] == "nengo-dl"
    assert data["settings"]["versions"] == {
        "nengo-energy": ne.__version__,
        "python": platform.python_version(),
    }
    chip = data["devices"][0]
    assert chip["energies"]["synop"] == {
        "value": 20e-12,
        "source": "paper",
        "low": 10e-12,
        "high": 40e-12,
    }
    assert chip["sources"] == {"paper": "Someone, A paper, 2020"}
    # 40,000 synops x 20 pJ
    (row,) = [
        r
        for r in data["rows"]
        if (r["device"], r["layer"], r["operation"]) == ("chip", "conv", "synop")
    ]
    assert row["energy"] == pytest.approx(800e-9, rel=1e-12)
    assert {"code": "input-on-host", "text": "The host encodes the input."} in data[
        "assumptions"
    ]


def test_a_field_with_a_default_may_be_missing(estimate, data):
    """Files of the same schema lack the fields that were added since."""
    lacking = {k: v for k, v in data.items() if k not in ("settings", "not_modelled")}
    read = ne.load_estimate(json.dumps(lacking))
    assert read == dataclasses.replace(estimate, settings={}, not_modelled=())


def changed(data, path, value):
    """Return a copy with one value changed, or taken out where it is None."""
    copy = json.loads(json.dumps(data))
    place = copy
    *steps, last = path
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(copy)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["schema"], "other", "schema must be 'nengo_energy.estimate'; got 'other'"),
        (["schema"], None, "got None"),
        (["schema_version"], 3, "schema_version 3 was written by a newer nengo_energy"),
        (["schema_version"], 0, "schema_version 0 isn't read; .* reads 1 to 2"),
        (["schema_version"], True, "must be a whole number; got True"),
        (["schema_version"], "1", "must be a whole number; got '1'"),
        (["rows"], None, "rows is missing"),
        (["rows"], {}, r"rows must be a list; got \{\}"),
        (["rows", 1], 5, r"rows\[1\] must be an object; got 5"),
        (["rows", 0, "energy"], None, r"rows\[0\].energy is missing"),
        (["rows", 0, "energy"], "1e-6", r"rows\[0\].energy must be a number; got '1e-"),
        (["rows", 0, "energy"], True, r"rows\[0\].energy must be a number; got True"),
        (["rows", 0, "layer"], 3, r"rows\[0\].layer must be a text; got 3"),
        (["rows", 0, "joules"], 3, r"rows\[0\].joules isn't known; known: device, lay"),
        (["rows", 0, "device"], "x", "device 'x' isn't among the devices: chip, twin"),
        (["latencies", "x"], 1.0, "device 'x' isn't among the devices"),
        (["latencies", "chip"], "1", "latencies.chip must be a number; got '1'"),
        (["not_modelled", 0, "count"], "1", "count must be a number or null; got '1'"),
        (["devices", 1, "name"], "CHIP", "device 'chip' is there twice"),
        (["devices", 0, "kind"], "odd", r"devices\[0\]: device 'chip': kind must be"),
        (
            ["devices", 0, "energies", "synop", "value"],
            -1,
            r"devices\[0\].energies.synop: value must be a number of at least 0",
        ),
        (["devices", 0, "energies"], [], r"energies must be an object; got \[\]"),
        (
            ["devices", 0, "notes"],
            "one",
            r"devices\[0\].notes must be a list; got 'one",
        ),
        (["assumptions", 0, "text"], None, r"assumptions\[0\].text is missing"),
        (["more"], 1, "more isn't known; known: rows, devices, latencies"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(data, path, value, message):
    with pytest.raises(InputError, match=f"the JSON text: .*{message}"):
        ne.load_estimate(changed(data, path, value))


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "not valid JSON"),
        ('{"schema": NaN}', "NaN isn't a number that an estimate can hold"),
        ("  {}", "schema must be"),
    ],
)
def test_text_that_is_no_estimate(text, message):
    with pytest.raises(InputError, match=message):
        ne.load_estimate(text)


def test_files_that_are_no_estimate(tmp_path):
    with pytest.raises(NotFoundError, match="estimate file '.*none.json' not found"):
        ne.load_estimate(tmp_path / "none.json")
    with pytest.raises(InputError, match="can't be read"):
        ne.load_estimate(tmp_path)
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(InputError, match="list.json': schema must be .*; got 'list'"):
        ne.load_estimate(tmp_path / "list.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff{}")
    with pytest.raises(InputError, match="can't be read"):
        ne.load_estimate(tmp_path / "bytes.json")


def test_this_version_reads_its_own():
    assert SCHEMA_VERSION == 2  # raising it takes a reader, or a refusal, of the old


def test_files_of_the_first_version_are_read(data, estimate):
    old = {**data, "schema_version": 1}
    assert "intervals" not in estimate_of_old_devices(old)
    read = ne.load_estimate(json.dumps(estimate_of_old_devices(old)))
    assert read.rows == estimate.rows and read.intervals == {}
    assert read.interval("chip") == estimate.interval("chip")


def estimate_of_old_devices(data):
    """Return a file as version 1 had it: no intervals, no terms of batches."""
    new = ("spread", "word_bits", "batch_energy", "batch_time")

    def old(device):
        kept = {k: v for k, v in device.items() if k not in new}
        points = device.get("operating_points", {})
        if points:
            kept["operating_points"] = {k: old(v) for k, v in points.items()}
        return kept

    return {
        **{k: v for k, v in data.items() if k != "intervals"},
        "devices": [old(device) for device in data["devices"]],
    }
