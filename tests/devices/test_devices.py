"""Devices: built-in constants, files, checks, names, registration and plugins."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from nengo_energy import devices
from nengo_energy.common.exceptions import InputError, NengoEnergyError, NotFoundError
from nengo_energy.counts import FORMS, OPERATIONS
from nengo_energy.devices import Device, Quantity
from nengo_energy.devices.fields import PRICED_OPERATIONS, SHORTHANDS
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.registry import builtin_names

BUILTIN = builtin_names()

TOML = """
name = "chip"
kind = "event"
description = "A chip"
notes = ["A note."]

[energies.synop]
value = 23.6
unit = "pJ"
source = "paper"
locator = "Table 1"
evidence = "measured"
year = 2020

[not_modelled]
hops = "no placement."

[sources]
paper = "Someone, A paper, 2020"
"""


@pytest.fixture(autouse=True)
def isolated():
    with devices.isolated():
        yield


def price(value=1e-12, **fields):
    return Quantity(value, "paper", **fields)


def make_device(**fields):
    given = {
        "name": "chip",
        "kind": "event",
        "energies": {"synop": price()},
        "sources": {"paper": "Someone, A paper, 2020"},
    }
    return Device(**{**given, **fields})


# --- words and units ---------------------------------------------------------------


def test_operations_of_devices_are_those_that_are_counted():
    priced = {op for ops in PRICED_OPERATIONS.values() for op in ops}
    forms = {f"{op}_{form}" for op, forms in FORMS.items() for form in forms}
    assert priced == set(OPERATIONS) | forms
    for operations in SHORTHANDS.values():
        assert set(operations) <= set(OPERATIONS)


def test_conversion_to_joules_is_exact():
    # in floats 8.6 * 1e-9 is 8.600000000000001e-09, one step beside the constant
    assert 8.6 * 1e-9 != 8.6e-9
    assert devices.get("cpu").energies["mac"].value == 8.6e-9


def test_import_reads_no_device_and_no_pandas():
    code = (
        "import sys; from nengo_energy import devices\n"
        "from nengo_energy.estimates import report\n"
        "from nengo_energy.pricing import energy\n"
        "assert not devices._registry._builtin and devices._registry._plugins is None\n"
        "loaded = {'pandas', 'tensorflow', 'nengo'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    root = Path(devices.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


# --- files -------------------------------------------------------------------------


def test_load_reads_a_file_and_registers_nothing(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text(TOML)
    device = devices.load(path)
    assert device == Device(
        name="chip",
        kind="event",
        energies={
            "synop": Quantity(
                23.6e-12,
                "paper",
                published="23.6 pJ",
                locator="Table 1",
                evidence="measured",
                year=2020,
            )
        },
        sources={"paper": "Someone, A paper, 2020"},
        description="A chip",
        notes=("A note.",),
        not_modelled={"hops": "no placement."},
    )
    assert devices.load(str(path)) == device
    assert "chip" not in devices.names()


@pytest.mark.parametrize(
    "number, unit, joules",
    [
        ("2", "J", 2.0),
        ("0.27", "mJ", 0.27e-3),
        ("5.9", "uJ", 5.9e-6),
        ("13.3", "nJ", 13.3e-9),
        ("0", "pJ", 0.0),
        ("47.3", "fJ", 47.3e-15),
    ],
)
def test_units_of_energy(number, unit, joules):
    text = TOML.replace("23.6", number).replace('"pJ"', f'"{unit}"')
    assert parse_device(text, "file").energies["synop"].value == joules


def test_file_with_range_static_power_real_time_and_shorthand():
    text = TOML.replace("[energies.synop]", "[energies.neuron_update]")
    text = text.replace("year = 2020", "year = 2020\nlow = 20\nhigh = 30.5")
    text += """
[static_power]
value = 104
unit = "mW"
source = "paper"
locator = "Table 2"
evidence = "fitted"
year = 2021
[real_time]
value = true
source = "paper"
"""
    device = parse_device(text, "file")
    assert set(device.energies) == {"neuron_update_active", "neuron_update_inactive"}
    assert device.energies["neuron_update_active"].bounds == (20e-12, 30.5e-12)
    assert device.static_power.value == 0.104
    assert device.real_time is True
    assert device.evidence == ("measured", "fitted")


@pytest.mark.parametrize(
    "old, new, message",
    [
        # what a number may be
        ("23.6", "-23.6", "energies.synop.value must be a number of at least 0 [pJ]; "),
        ("23.6", "nan", "energies.synop.value must be a number of at least 0 [pJ]; "),
        ("23.6", "inf", "at least 0 [pJ]; got Infinity"),
        ("23.6", '"23.6"', "at least 0 [pJ]; got '23.6'"),
        ("23.6", "true", "at least 0 [pJ]; got True"),
        ("value = 23.6", "terms = [23.6, -1]", "energies.synop.terms must be a number"),
        ("value = 23.6", "terms = 3", "energies.synop.terms must be a list of numbers"),
        ("value = 23.6", "terms = []", "energies.synop.terms must be a list of numb"),
        ("value = 23.6", "", "must hold either value (a number) or terms"),
        (
            "value = 23.6",
            "value = 1\nterms = [1]",
            "or terms (numbers to add); got val",
        ),
        ("year", "low = 24\nyear", "energies.synop: low, value, high must be in ascen"),
        ("year", "high = 23\nyear", "ascending order; got 2.36e-11, 2.36e-11, 2.3e-11"),
        ("year", "high = -1\nyear", "energies.synop.high must be a number of at leas"),
        ('"pJ"', '"pj"', "energies.synop.unit must be one of J, mJ, uJ, nJ, pJ, fJ;"),
        ('"pJ"', '"W"', "energies.synop.unit must be one of J, mJ, uJ, nJ, pJ, fJ;"),
        ("2020\n", '"2020"\n', "energies.synop: year must be a whole number"),
        # no number without a source
        (
            'source = "paper"\n',
            "",
            "energies.synop.source is missing; required: unit, ",
        ),
        ('locator = "Table 1"\n', "", "energies.synop.locator is missing"),
        ('locator = "Table 1"', 'locator = ""', "synop.locator must be a text that is"),
        ('"measured"', '"guess"', "energies.synop.evidence must be one of measured, f"),
        (
            '"measured"',
            '"user"',
            "evidence must be one of measured, fitted, pre-silico",
        ),
        (
            '"paper"',
            '"book"',
            "energies.synop.source must be a key of sources; got 'bo",
        ),
        ('"paper"', '""', "energies.synop: source must be a text that isn't empty"),
        ("year", 'range_source = "x"\nyear', "synop.range_source must be a key of sou"),
        ("year", "note = 3\nyear", "energies.synop: note must be a text; got 3"),
        ('"Someone, A paper, 2020"', '""', "sources.paper must be a text that isn't"),
        ('paper = "Someone, A paper, 2020"', "", "sources; got 'paper', known: none"),
        # fields
        (
            "year = 2020",
            "year = 2020\ncolour = 1",
            "energies.synop.colour isn't known;",
        ),
        (
            'name = "chip"',
            'name = "chip"\nspeed = 1',
            "speed isn't known; allowed: nam",
        ),
        ('kind = "event"', "", "kind is missing; required: name, kind, energies, sour"),
        ('kind = "event"', 'kind = "x"', "kind must be one of event, dense; got 'x'"),
        ("energies.synop", "energies.sinop", "energies.sinop isn't an operation of a "),
        ('"event"', '"dense"', "kind 'dense'; allowed: mac, activation, addition"),
        ('name = "chip"', "", "name is missing"),
        ('name = "chip"', "name = 3", "name must be a text that isn't empty; got 3"),
        ('name = "chip"', 'name = "a,b"', "must be one line without commas; got 'a,b'"),
        ('"A chip"', "3", "description must be a text; got 3"),
        ('["A note."]', '"A note."', "notes must be a list of texts; got 'A note.'"),
        ('["A note."]', "[3]", "each of notes must be a text that isn't empty; got 3"),
        ('"no placement."', "1", "not_modelled.hops must be a text that isn't empty"),
        ("[not_modelled]", "[real_time]\nvalue=true", "real_time.hops isn't known"),
        ("[sources]", "[sources", "device file 'chip.toml': not valid TOML: "),
    ],
)
def test_files_with_a_mistake_are_refused(old, new, message):
    assert old in TOML
    with pytest.raises(InputError) as caught:
        parse_device(TOML.replace(old, new), "device file 'chip.toml'")
    assert message in str(caught.value)
    assert str(caught.value).startswith("device file 'chip.toml': ")


def test_errors_of_a_file_name_file_device_and_field():
    with pytest.raises(InputError) as caught:
        parse_device(TOML.replace("23.6", "-23.6"), "device file 'chip.toml'")
    assert str(caught.value) == (
        "device file 'chip.toml': device 'chip': energies.synop.value must be a "
        "number of at least 0 [pJ]; got -23.6"
    )


@pytest.mark.parametrize(
    "extra, message",
    [
        ("energies = 3", "energies must be a table; got 3"),
        ("energies = {synop = 3}", "energies.synop must be a table; got 3"),
        ("energies = {}", "energies is empty; price at least one operation"),
        ("energies = {}\nreal_time = true", "real_time must be a table; got True"),
        ("energies = {}\nstatic_power = 1", "static_power must be a table; got 1"),
    ],
)
def test_fields_that_must_be_tables(extra, message):
    text = f'name = "chip"\nkind = "event"\n{extra}\nsources = {{}}\n'
    with pytest.raises(InputError) as caught:
        parse_device(text, "file")
    assert message in str(caught.value)


def test_load_of_a_missing_or_unreadable_file(tmp_path):
    with pytest.raises(NotFoundError, match="device file '.*no.toml' not found"):
        devices.load(tmp_path / "no.toml")
    with pytest.raises(InputError, match="device file '.*' can't be read"):
        devices.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(InputError, match="latin.toml' can't be read"):
        devices.load(tmp_path / "latin.toml")


# --- Quantity and Device -----------------------------------------------------------


@pytest.mark.parametrize("value", [-1e-12, math.nan, math.inf, "1", None, True, 1j])
def test_quantity_refuses_what_is_no_amount(value):
    with pytest.raises(InputError, match="^value must be a number of at least 0"):
        Quantity(value, "paper")
    if value is not None:
        with pytest.raises(InputError, match="^high must be a number of at least 0"):
            Quantity(1.0, "paper", high=value)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"low": 2.0}, "low, value, high must be in ascending order; got 2, 1, 1"),
        ({"high": 0.5}, "low, value, high must be in ascending order; got 1, 1, 0.5"),
        ({"evidence": "guess"}, "evidence must be one of measured, .* got 'guess'"),
        ({"year": 2020.5}, "year must be a whole number of at least 1; got 2020.5"),
        ({"conditions": None}, "conditions must be a text; got None"),
        ({"source": ""}, "source must be a text that isn't empty; got ''"),
    ],
)
def test_quantity_checks_its_fields(fields, message):
    with pytest.raises(InputError, match=message):
        Quantity(**{"value": 1.0, "source": "paper", **fields})


def test_bounds_fall_back_to_the_value():
    assert price(2.0).bounds == (2.0, 2.0)
    assert price(2.0, low=1.0).bounds == (1.0, 2.0)
    assert price(2.0, high=3.0).bounds == (2.0, 3.0)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"kind": "spiking"}, "kind must be one of event, dense; got 'spiking'"),
        ({"energies": [1]}, "energies must be a mapping; got [1]"),
        ({"energies": {}}, "energies is empty; price at least one operation"),
        ({"energies": {"synop": 1e-12}}, "energies.synop must be a Quantity; got 1e"),
        ({"energies": {"mac": price()}}, "energies.mac isn't an operation of a devic"),
        (
            {"energies": {"neuron_update": price(), "neuron_update_active": price()}},
            "energies.neuron_update_active is priced twice; give neuron_update, or",
        ),
        (
            {"sources": {}},
            "energies.synop.source must be a key of sources; got 'paper'",
        ),
        ({"sources": None}, "sources must be a mapping; got None"),
        (
            {"static_power": Quantity(1.0, "book")},
            "static_power.source must be a key of sources; got 'book', known: paper",
        ),
        ({"static_power": 1.0}, "static_power must be a Quantity; got 1.0"),
        ({"real_time": 1}, "real_time must be true, false or left out; got 1"),
        ({"real_time": True}, "real_time.source must be a key of sources; got ''"),
        (
            {"kind": "dense", "energies": {"mac": price()}, "real_time": True},
            "real_time is for devices of kind 'event'",
        ),
    ],
)
def test_device_refuses_fields_and_names_them(fields, message):
    with pytest.raises(InputError) as caught:
        make_device(**fields)
    assert str(caught.value).startswith(f"device 'chip': {message}")


@pytest.mark.parametrize("name", ["", " ", None, 3, "a,b", "a\nb"])
def test_device_refuses_names(name):
    with pytest.raises(InputError, match="a device's name must be "):
        make_device(name=name)


def test_device_keeps_its_own_copies():
    energies, sources = {"synop": price()}, {"paper": "Someone, A paper, 2020"}
    device = make_device(energies=energies, sources=sources)
    energies["spike"] = price()
    sources.clear()
    assert set(device.energies) == {"synop"} and set(device.sources) == {"paper"}


def test_neuron_update_prices_active_and_inactive_updates():
    device = make_device(energies={"neuron_update": price(3.0)})
    assert device.energies == {
        "neuron_update_active": price(3.0),
        "neuron_update_inactive": price(3.0),
    }


# --- names and registration --------------------------------------------------------


@pytest.mark.parametrize("name", ["loihi", "LOIHI", "Loihi", " loihi "])
def test_names_ignore_case(name):
    assert devices.get(name).name == "loihi"


def test_unknown_device_lists_the_known_ones_and_guesses():
    with pytest.raises(NotFoundError) as caught:
        devices.get("loihi3")
    assert str(caught.value) == (
        "device 'loihi3' not found (did you mean 'loihi'?); "
        f"known: {', '.join(BUILTIN)}"
    )
    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, NengoEnergyError)
    with pytest.raises(
        NotFoundError, match="device 'abacus' not found; known: akida1000, arm"
    ):
        devices.get("abacus")
    with pytest.raises(InputError, match="a device's name must be a text; got 3"):
        devices.get(3)


def test_register_a_device_in_one_call():
    made = devices.register(
        "MyChip",
        "event",
        {"synop": 20e-12, "neuron_update": 60e-12, "spike": price(5e-12)},
        static_power=0.1,
        real_time=True,
        fixed_energy=1e-6,
        times={"synop": 2e-9, "neuron_update": price(3e-9)},
        fixed_time=1e-3,
        source="our data sheet",
    )
    assert devices.get("mychip") is made
    assert "MyChip" in devices.names()
    assert made.energies["synop"] == Quantity(20e-12, "user")
    assert made.energies["neuron_update_inactive"].value == 60e-12
    assert made.static_power.value == 0.1
    assert made.fixed_energy == Quantity(1e-6, "user")
    assert made.times["synop"].value == 2e-9
    assert made.times["neuron_update_active"] == price(3e-9)
    assert made.fixed_time.value == 1e-3
    assert made.sources == {"user": "our data sheet", "paper": "paper"}
    assert made.evidence == ("user",)


@pytest.mark.parametrize(
    "kind, energies, message",
    [
        ("event", {"synop": -1.0}, "energies.synop: value must be a number of at le"),
        ("event", {"synop": math.nan}, "energies.synop: value must be a number of at"),
        ("event", {"synop": "1 pJ"}, "energies.synop: value must be a number of at l"),
        ("event", {"sinop": 1.0}, "energies.sinop isn't an operation of a device of "),
        ("dense", {"synop": 1.0}, "energies.synop isn't an operation of a device of"),
        ("spiking", {"synop": 1.0}, "kind must be one of event, dense; got 'spiking'"),
        (None, {"synop": 1.0}, "kind is missing"),
        ("event", None, "energies is missing"),
        ("event", 1.0, "energies must be a mapping; got 1.0"),
    ],
)
def test_register_refuses_bad_fields(kind, energies, message):
    with pytest.raises(InputError) as caught:
        devices.register("chip", kind, energies)
    assert str(caught.value).startswith(f"device 'chip': {message}")
    assert devices.names() == BUILTIN


def test_register_a_finished_device():
    chip = make_device()
    assert devices.register(chip) is chip
    assert devices.get("chip") is chip
    with pytest.raises(InputError, match="device 'chip' is complete; register it wit"):
        devices.register(chip, "event", replace=True)


@pytest.mark.parametrize("name", ["loihi", "LOIHI", "chip", "Chip"])
def test_taken_names_need_replace(name):
    devices.register(make_device())
    with pytest.raises(InputError, match="is already known; pass replace=True"):
        devices.register(name, "event", {"synop": 1.0})
    made = devices.register(name, "event", {"synop": 1.0}, replace=True)
    assert devices.get(name) is made
    assert len(devices.names()) == len(BUILTIN) + 1


def test_unregister_brings_back_what_was_replaced():
    builtin = devices.get("loihi")
    devices.register("Loihi", "event", {"synop": 1.0}, replace=True)
    assert devices.get("loihi") is not builtin
    devices.unregister("LOIHI")
    assert devices.get("loihi") is builtin
    devices.register(make_device())
    with pytest.raises(NotFoundError, match="'loihi' isn't a registered .*: chip$"):
        devices.unregister("loihi")


def test_isolated_undoes_registrations_even_after_an_error():
    devices.register(make_device(name="outer"))
    with pytest.raises(RuntimeError), devices.isolated():
        devices.register(make_device(name="inner"))
        devices.unregister("outer")
        raise RuntimeError
    assert "outer" in devices.names() and "inner" not in devices.names()
