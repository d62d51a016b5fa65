"""Devices at several operating points, and what-if copies."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from paths import ROOT

from nengo_energy import devices
from nengo_energy.common.exceptions import InputError, NotFoundError
from nengo_energy.devices import Device, Quantity
from nengo_energy.devices.fields import CAPACITIES, PRICED_OPERATIONS, TIMED_OPERATIONS
from nengo_energy.devices.files import (
    DEVICE_OPTIONAL,
    POINT_OPTIONAL,
    QUANTITY_COPIED,
    parse_device,
)
from nengo_energy.devices.quantity import EVIDENCE

TOML = """
name = "accelerator"
kind = "dense"
description = "An accelerator"
notes = ["A note."]
default_operating_point = "batch8"

[shared]
source = "paper"
locator = "Table 1"
evidence = "measured"
year = 2020
note = "of the file"

[energies.activation]
value = 1
unit = "pJ"

[static_power]
value = 10
unit = "W"

[not_modelled]
"host link" = "not published."

[operating_points.batch8]
description = "batch size 8"
batch_size = 8
[operating_points.batch8.energies.mac]
value = 4
unit = "pJ"

[operating_points.Batch1]
description = "batch size 1"
notes = ["Another note."]
[operating_points.Batch1.shared]
locator = "Table 2"
conditions = "batch size 1"
[operating_points.Batch1.energies]
mac = { value = 30, unit = "pJ" }
activation = { value = 2, unit = "pJ", locator = "Table 3" }
[operating_points.Batch1.static_power]
value = 9
unit = "W"
[operating_points.Batch1.fixed_energy]
value = 5
unit = "uJ"
[operating_points.Batch1.times.mac]
value = 7
unit = "ps"
[operating_points.Batch1.not_modelled]
"cold start" = "not measured."

[sources]
paper = "Someone, A paper, 2020"
"""


@pytest.fixture
def accelerator():
    return devices.register(parse_device(TOML, "file"))


# --- files -------------------------------------------------------------------------


def test_bare_name_is_the_device_at_its_default(accelerator):
    assert accelerator.name == "accelerator"
    assert accelerator.description == "An accelerator"
    assert accelerator.operating_point == "batch8"
    assert list(accelerator.operating_points) == ["batch8", "Batch1"]
    assert accelerator.energies["mac"].value == 4e-12
    assert accelerator.batch_size == 8


def test_a_point_overrides_what_the_file_says_and_keeps_the_rest(accelerator):
    point = accelerator.operating_points["Batch1"]
    assert point.name == "accelerator@Batch1"
    assert point.description == "An accelerator, batch size 1"
    assert point.operating_point == "Batch1" and not point.operating_points
    assert {op: q.value for op, q in point.energies.items()} == {
        "mac": 30e-12,
        "activation": 2e-12,
    }
    assert point.static_power.value == 9.0
    assert point.fixed_energy.value == 5e-6
    assert point.times["mac"].value == 7e-12
    assert point.batch_size == 1
    assert point.notes == ("Another note.",)
    assert point.not_modelled == {
        "host link": "not published.",
        "cold start": "not measured.",
    }
    other = accelerator.operating_points["batch8"]
    assert other.energies["activation"].value == 1e-12
    assert other.static_power.value == 10.0
    assert other.notes == ("A note.",)
    assert other.fixed_energy is None and not other.times


def test_shared_fields_reach_numbers_from_the_nearest_table(accelerator):
    default = accelerator.energies["activation"]
    assert (default.locator, default.note, default.conditions) == (
        "Table 1",
        "of the file",
        "",
    )
    point = accelerator.operating_points["Batch1"].energies
    assert point["mac"].locator == "Table 2"
    assert point["mac"].note == "of the file"
    assert point["mac"].conditions == "batch size 1"
    assert point["activation"].locator == "Table 3"


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            'default_operating_point = "batch8"\n',
            "",
            "default_operating_point is missing; it must be one of batch8, Batch1",
        ),
        (
            'point = "batch8"',
            'point = "batch9"',
            "default_operating_point must be one of batch8, Batch1; got 'batch9'",
        ),
        (
            "value = 30, ",
            "value = -30, ",
            "operating_points.Batch1.energies.mac.value must be a number of at least",
        ),
        (
            'description = "batch size 1"',
            'colour = "red"',
            "operating_points.Batch1.colour isn't known; allowed: energies,",
        ),
        (
            'description = "batch size 1"',
            'kind = "event"',
            "operating_points.Batch1.kind isn't known",
        ),
        (
            'locator = "Table 2"',
            "value = 3",
            "operating_points.Batch1.shared.value isn't known; allowed: source,",
        ),
        ('source = "paper"\n', "", "energies.activation.source is missing"),
        (
            'description = "batch size 1"',
            "description = 1",
            "operating_points.Batch1.description must be a text; got 1",
        ),
        (
            'description = "An accelerator"',
            "description = 1",
            "'accelerator': description must be a text; got 1",
        ),
        ("points.Batch1", "points.BATCH8", "operating_points.batch8 is there in anoth"),
        ("batch_size = 8", "batch_size = 0", "batch_size must be a whole number of at"),
        (
            "[operating_points.Batch1.static_power]\nvalue = 9\nunit",
            "[operating_points.Batch1]\nstatic_power = 9\nunit",
            "not valid TOML",
        ),
    ],
)
def test_files_with_a_mistake_are_refused(old, new, message):
    assert old in TOML
    with pytest.raises(InputError) as caught:
        parse_device(TOML.replace(old, new), "file")
    assert message in str(caught.value)


def test_a_default_point_needs_points():
    text = TOML[: TOML.index("[operating_points")] + TOML[TOML.index("[sources]") :]
    with pytest.raises(InputError, match="default_operating_point is for files with"):
        parse_device(text, "file")


def test_example_of_the_documentation_is_a_device():
    page = ROOT / "docs" / "device-files.md"
    text = page.read_text(encoding="utf-8")
    example = text.split("<!-- example -->\n```toml\n")[1].split("```")[0]
    device = parse_device(example, "docs/device-files.md")
    assert device.operating_point == "0.8V"
    assert device.energies["synop"].bounds == (15e-12, 40e-12)
    assert device.operating_points["0.6V"].energies["synop"].value == 12e-12
    assert device.static_power.per == "chip"
    assert device.static_power.locator == "Table 3"
    # the tables name every word that a file may use
    for words in (*PRICED_OPERATIONS.values(), *TIMED_OPERATIONS.values(), CAPACITIES):
        assert [word for word in words if f"`{word}`" not in text] == []
    for word in (*POINT_OPTIONAL, *DEVICE_OPTIONAL, *QUANTITY_COPIED, *EVIDENCE):
        assert f"`{word}`" in text or f"{word} = " in text or f"[{word}" in text, word


# --- look-ups ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["accelerator@Batch1", "ACCELERATOR@batch1", " accelerator @ BATCH1 "],
)
def test_points_are_looked_up_after_the_name(accelerator, name):
    assert devices.get(name) is accelerator.operating_points["Batch1"]


def test_batch_sizes_follow_the_name_or_the_point():
    # 4 pJ a MAC, 6 nJ a batch, 2 nJ a kernel, 1 pJ a byte of weights
    text = TOML.replace(
        'description = "batch size 8"\nbatch_size = 8\n',
        """batch_energy = { value = 6, unit = "nJ" }
word_bits = 16
[operating_points.batch8.energies]
kernel = { value = 2, unit = "nJ" }
weight_byte = { value = 1, unit = "pJ" }
""",
    ).replace("batch8", "int16")
    device = parse_device(text, "file")
    with devices.isolated():
        devices.register(device)
        at = devices.get("accelerator@int16-batch24")
        assert (at.name, at.batch_size) == ("accelerator@int16-batch24", 24)
        assert devices.get("accelerator@batch3").batch_size == 3
        assert at.energies == device.operating_points["int16"].energies
        with pytest.raises(NotFoundError, match="operating point 'batch1-batch2'"):
            devices.get("accelerator@Batch1-batch2")  # prices of one batch size only
        with pytest.raises(NotFoundError):
            devices.get("accelerator@int16-batch0")
    with pytest.raises(InputError, match="prices for batch size 1 only"):
        devices.get("cpu").at_batch(2)


def test_default_point_can_be_named(accelerator):
    found = devices.get("accelerator@batch8")
    assert found.quantities == accelerator.quantities
    assert found.name == "accelerator@batch8"


def test_names_list_each_device_once(accelerator):
    assert [name for name in devices.names() if "accel" in name] == ["accelerator"]


def test_unknown_points_list_the_known_ones(accelerator):
    with pytest.raises(NotFoundError) as caught:
        devices.get("accelerator@batch2")
    assert str(caught.value) == (
        "operating point 'batch2' of device 'accelerator' not found (did you mean "
        "'Batch1'?); known: batch8, Batch1"
    )
    with pytest.raises(NotFoundError, match="'int8-batch4' of device 'h100' not found"):
        devices.get("h100@int8-batch4")
    with pytest.raises(NotFoundError, match="device 'loihi' has no operating points"):
        devices.get("loihi@fast")
    with pytest.raises(NotFoundError, match="device 'acelerator@batch8' not found"):
        devices.get("acelerator@batch8")


def test_an_operating_point_cant_be_registered_on_its_own(accelerator):
    with pytest.raises(InputError, match="@ stands before an operating point"):
        devices.register(devices.get("accelerator@batch8"))
    renamed = replace(devices.get("accelerator@batch8"), name="fast")
    assert devices.register(renamed) is devices.get("fast")


def test_devices_with_points_survive_pickling(accelerator):
    assert pickle.loads(pickle.dumps(accelerator)) == accelerator


# --- what if -----------------------------------------------------------------------


def make_chip(**fields):
    given = {
        "name": "chip",
        "kind": "event",
        "energies": {
            "synop": Quantity(2e-12, "paper", low=1e-12, high=5e-12, published="2 pJ"),
            "neuron_update": Quantity(3e-12, "paper", evidence="measured"),
        },
        "sources": {"paper": "Someone, A paper, 2020"},
        "static_power": Quantity(0.5, "paper", evidence="measured"),
        "fixed_energy": Quantity(1e-6, "paper"),
        "times": {"synop": Quantity(1e-9, "paper")},
    }
    return Device(**{**given, **fields})


def test_scaled_multiplies_every_energy_and_the_static_power():
    chip = make_chip()
    half = chip.scaled(0.5)
    assert half.name == "chip x0.5"
    assert {name: q.value for name, q in half.charged.items()} == {
        "synop": 1e-12,
        "neuron_update_active": 1.5e-12,
        "neuron_update_inactive": 1.5e-12,
        "fixed_energy": 0.5e-6,
        "static_power": 0.25,
    }
    assert half.energies["synop"].bounds == (0.5e-12, 2.5e-12)
    assert half.times == chip.times
    assert half.evidence == ("user",)
    assert half.energies["synop"].published == "2 pJ x 0.5"
    assert half.notes == ("A what-if: the prices of chip, x0.5.",)
    assert chip == make_chip()


def test_scaled_multiplies_single_operations():
    chip = make_chip()
    other = chip.scaled(neuron_update=2, static_power=0)
    assert other.name == "chip neuron_update x2 static_power x0"
    assert other.energies["synop"] == chip.energies["synop"]
    assert other.energies["neuron_update_active"].value == 6e-12
    assert other.energies["neuron_update_inactive"].value == 6e-12
    assert other.static_power.value == 0
    both = chip.scaled(0.5, synop=4, name="next")
    assert both.name == "next"
    assert both.energies["synop"].value == pytest.approx(4e-12)
    assert both.energies["neuron_update_active"].value == 1.5e-12


@pytest.mark.parametrize(
    "factors, message",
    [
        ({"factor": -1}, r"factor must be a number of at least 0 \[1\]; got -1"),
        ({"factor": "2"}, "factor must be a number of at least 0"),
        ({"synop": float("nan")}, "synop must be a number of at least 0"),
        ({"factor": -1, "synop": -1}, "factor must be a number of at least 0"),
        (
            {"mac": 2},
            "device 'chip' doesn't price mac; it prices synop, neuron_update_",
        ),
    ],
)
def test_scaled_refuses_factors(factors, message):
    with pytest.raises(InputError, match=message):
        make_chip().scaled(**factors)


def test_scaled_leaves_the_registry_alone(accelerator):
    before = devices.names()
    twice = devices.get("accelerator").scaled(2)
    assert devices.names() == before
    assert devices.get("accelerator") is accelerator
    assert not twice.operating_points
    assert twice.energies["mac"].value == 8e-12
