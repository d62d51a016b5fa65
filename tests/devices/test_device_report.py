"""Devices as text: each number with its source, each device in a line."""

from __future__ import annotations

import re

import pytest

from nengo_energy import devices
from nengo_energy.common.tables import format_si
from nengo_energy.devices import Device, Quantity, report
from nengo_energy.devices.report import format_device, format_device_list

CHIP = Device(
    name="chip",
    kind="event",
    description="A chip",
    energies={
        "synop": Quantity(
            20e-12,
            "paper",
            low=10e-12,
            high=40e-12,
            published="20 pJ",
            locator="Table 3",
            evidence="fitted",
            year=2019,
            conditions="0.8 V",
            note="hardly legible",
            range_source="thesis",
        ),
        "spike": Quantity(1e-12, "paper"),
    },
    sources={"paper": "Someone, A paper, 2020", "thesis": "Someone, A thesis, 2021"},
    static_power=Quantity(1e-6, "paper", evidence="measured", per="chip", year=2022),
    capacity={"neurons_per_core": Quantity(1024, "paper", published="1024")},
    powers={"whole_chip": Quantity(0.5, "paper")},
    times={"synop": Quantity(3e-9, "paper")},
    not_modelled={"hops": "no placement."},
    notes=("A chip for tests.",),
    real_time=True,
    real_time_source="thesis",
    included=("neuron_update_active",),
)


def table(text):
    """Return the cells of the table of numbers, by the word for each number."""
    lines = text.split("\n\n")[2].splitlines()
    assert lines[0].split() == "number value low high published evidence year".split()
    return {
        words[0]: words[1:]
        for words in (re.split(r"\s{2,}", line.strip()) for line in lines[2:])
    }


def test_every_number_prints_with_its_range_grade_and_year():
    assert table(format_device(CHIP)) == {
        "synop": ["20.0 pJ", "10.0 pJ", "40.0 pJ", "20 pJ", "fitted", "2019"],
        "spike": ["1.00 pJ", "-", "-", "-", "user", "-"],
        "static power": ["1.00 uW / chip", "-", "-", "-", "measured", "2022"],
        "power, whole chip": ["500 mW", "-", "-", "-", "user", "-"],
        "time of synop": ["3.00 ns", "-", "-", "-", "user", "-"],
        "neurons per core": ["1,024", "-", "-", "1024", "user", "-"],
    }


def test_sources_places_conditions_and_notes_print_in_full():
    text = " ".join(format_device(CHIP).split())
    assert (
        "- synop: paper; Table 3; 0.8 V; hardly legible; range from thesis - spike, "
        "static power, power, whole chip, time of synop, neurons per core: paper "
    ) in text
    assert "- paper: Someone, A paper, 2020 - thesis: Someone, A thesis, 2021" in text
    assert "event-driven: pays for the spikes" in text and ", in real time" in text
    assert "neuron_update_active: in the price of the others" in text
    assert "- hops: no placement." in text and "- A chip for tests." in text


@pytest.mark.parametrize("name", devices.names())
def test_every_number_of_every_device_prints_with_its_source(name):
    device = devices.get(name)
    text = format_device(device)
    assert max(map(len, text.splitlines())) <= 100
    flat = " ".join(text.split())
    for quantity in device.quantities.values():
        assert quantity.published in text
        assert f"- {quantity.source}: {device.sources[quantity.source]}" in flat
        assert quantity.locator in flat and quantity.note in flat
        assert quantity.conditions in flat
    for part, price in device.charged.items():
        unit = "W" if part == "static_power" else "J"
        assert format_si(price.value, unit) in text
    for point in device.operating_points:
        assert point in text


def test_operating_points_and_batches_print():
    text = format_device(devices.get("h100"))
    assert "64 inferences run together\n" in text
    assert "\noperating point bf16, the default of\n  fp32, tf32, bf16\n" in text
    other = format_device(devices.get("h100@fp32-batch1"))
    assert other.startswith("h100@fp32-batch1: NVIDIA H100 80GB HBM3, PyTorch, fp32, ")
    assert "the default of" not in other and "run together" not in other


def test_reason_why_a_device_has_no_prices_prints():
    text = format_device(devices.get("loihi2"))
    assert "\nEnergy can't be estimated: no energy per operation is published" in text


def test_list_has_a_line_for_each_device_with_kind_grade_and_year():
    known = [devices.get(name) for name in devices.names()]
    lines = format_device_list([CHIP, *known]).splitlines()
    assert max(map(len, lines)) <= 100
    rows = [re.split(r"\s{2,}", line) for line in lines if not line.startswith(" ")]
    assert rows[0] == ["device", "kind", "evidence", "year", "description"]
    cells = {row[0]: row[1:4] for row in rows[2:]}
    assert list(cells) == ["chip", *devices.names()]
    # static power of a chip waits for the number of chips, so it grades no estimate
    assert cells["chip"] == ["event", "fitted, user", "2019"]
    assert cells["loihi2"] == ["event", "no prices", "2023"]
    assert cells["loihi-davies2018"] == ["event", "pre-silicon", "2018"]
    assert cells["h100"] == ["dense", "fitted, measured", "2026"]


def test_long_descriptions_are_wrapped_under_themselves(monkeypatch):
    monkeypatch.setattr(report, "WIDTH", 60)
    text = format_device_list([devices.get("gpu")])
    first, *others = text.splitlines()[2:]
    assert others and all(
        line.startswith(" " * first.index("Nvidia")) for line in others
    )
    words = (first[first.index("Nvidia") :] + " " + " ".join(others)).split()
    assert " ".join(words) == devices.get("gpu").description
