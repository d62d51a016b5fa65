"""The numbers that the package ships: sourced, and what the source says."""

from __future__ import annotations

from fractions import Fraction

import pytest

from nengo_energy import devices
from nengo_energy.common.exceptions import InputError
from nengo_energy.devices.fields import PARTS
from nengo_energy.devices.quantity import EVIDENCE, REREAD, Quantity
from nengo_energy.devices.registry import DEFAULT_NAMES

BUILTIN = (
    "akida1000",
    "arm",
    "b200",
    "brainscales2",
    "cmos45",
    "cmos45-spiking",
    "cortex-m33",
    "cortex-m4",
    "cortex-m7",
    "cpu",
    "darwin3",
    "efr32-xg24",
    "gap9",
    "gpu",
    "h100",
    "h100-peak",
    "i7-4710mq-genn",
    "jetson-tx1",
    "loihi",
    "loihi-davies2018",
    "loihi-fitted2025",
    "loihi2",
    "loihi2-stand-in",
    "movidius-ncs",
    "ndp120",
    "odin",
    "quadro-k4000",
    "reckon",
    "renesas-ra6m4",
    "renesas-rx65n",
    "rtx-2070-genn",
    "ryzen-2600x-genn",
    "seneca",
    "speck",
    "spikey",
    "spinnaker",
    "spinnaker-ostrau2022",
    "spinnaker2",
    "spinnaker2-hoeppner2021",
    "tianjic",
    "truenorth",
    "xeon-e5-2630",
    "xylo-audio2",
)
UNPRICED = {"akida1000", "brainscales2", "loihi2", "xylo-audio2"}
UNITS = {
    "J": {"J": 0, "mJ": -3, "uJ": -6, "nJ": -9, "pJ": -12, "fJ": -15},
    "W": {"W": 0, "mW": -3, "uW": -6},
    "s": {"s": 0, "ms": -3, "us": -6, "ns": -9, "ps": -12, "fs": -15},
}


def at_every_point():
    """Return every device, and at each of its operating points."""
    found = []
    for name in BUILTIN:
        device = devices.get(name)
        found += [device, *device.operating_points.values()]
    return found


def every_number():
    return [
        pytest.param(device, name, quantity, id=f"{device.name}-{name}")
        for device in at_every_point()
        for name, quantity in device.quantities.items()
    ]


def test_builtin_names_are_there_in_alphabetical_order():
    assert devices.names() == BUILTIN


def test_devices_that_an_estimate_covers_by_default_have_prices():
    assert set(DEFAULT_NAMES) < set(BUILTIN) - UNPRICED
    assert devices.default_names() == DEFAULT_NAMES


@pytest.mark.parametrize("device, name, quantity", every_number())
def test_every_number_has_a_source_a_place_a_grade_and_a_year(device, name, quantity):
    assert len(device.sources[quantity.source]) > 20
    assert quantity.locator and quantity.published
    assert quantity.evidence in EVIDENCE
    assert 2000 < quantity.year < 2100
    low, high = quantity.bounds
    assert 0 <= low <= quantity.value <= high
    if quantity.range_source:
        assert len(device.sources[quantity.range_source]) > 20
    # whoever copied a number says from where: [P]rimary or [S]econdary source, or
    # [D]erived from one; what was only remembered isn't shipped
    tags = [tag for tag in ("[P]", "[S]", "[D]") if tag in quantity.note]
    assert (
        tags
        or "read in its code" in quantity.note
        or "read in the code" in (quantity.note)
    )
    assert "[M]" not in quantity.note


@pytest.mark.parametrize("device, name, quantity", every_number())
def test_every_number_is_the_published_one_in_si_units(device, name, quantity):
    unit = PARTS[name.split(".")[0]]
    if unit:
        terms, _, symbol = quantity.published.rpartition(" ")
        factor = Fraction(10) ** UNITS[unit][symbol]
    else:
        terms, _, symbol = quantity.published.partition(" ")
        factor = {"": 1, "KiB": 1024, "MiB": 1024**2}[symbol]
    exact = sum(Fraction(term) for term in terms.split(" + ")) * factor
    assert quantity.value == float(exact)


@pytest.mark.parametrize("device", at_every_point(), ids=lambda device: device.name)
def test_every_device_says_what_it_is(device):
    assert device.description
    assert bool(device.unpriced) == (device.name in UNPRICED)
    assert device.notes or device.unpriced


@pytest.mark.parametrize("name", BUILTIN)
def test_file_is_named_after_the_device_and_its_default_is_one_of_its_points(name):
    device = devices.get(name)
    assert device.name == name
    if not device.operating_points:
        assert device.operating_point == ""
        return
    default = device.operating_points[device.operating_point]
    assert default.quantities == device.quantities
    assert default.name == f"{name}@{device.operating_point}"


@pytest.mark.parametrize(
    "name, energies",
    [
        # J per synop and per neuron of keras_spiking 0.3.0, ModelEnergy.devices
        ("cpu", (8.6e-9, 8.6e-9)),
        ("gpu", (0.3e-9, 0.3e-9)),
        ("arm", (0.9e-9, 0.9e-9)),
        ("loihi", ((23.6 + 3.5) * 1e-12, 81e-12)),
        ("spinnaker", (13.3e-9, 26e-9)),
        ("spinnaker2", (450e-12, 2.19e-9)),
    ],
)
def test_six_devices_hold_keras_spiking_constants(name, energies):
    device = devices.get(name)
    synop, neuron = energies
    if device.kind == "dense":
        expected = {"mac": synop, "activation": neuron}
    else:
        expected = {
            "synop": synop,
            "neuron_update_active": neuron,
            "neuron_update_inactive": neuron,
        }
    assert (device.kind == "dense") == (name in ("cpu", "gpu", "arm"))
    assert set(device.charged) == set(expected)
    assert {op: q.value for op, q in device.energies.items()} == pytest.approx(
        expected, rel=1e-15
    )


def test_loihi_synop_shows_its_two_terms():
    synop = devices.get("loihi").energies["synop"]
    assert synop.published == "23.6 + 3.5 pJ"
    assert synop.value == 27.1e-12
    assert "uncertain" in synop.note


def test_loihi_davies2018_holds_table_2_of_the_paper():
    device = devices.get("loihi-davies2018")
    found = {op: (q.value, *q.bounds) for op, q in device.energies.items()}
    assert found == {
        "synop": (23.6e-12, 23.6e-12, 35.5e-12),
        "neuron_update_active": (81e-12, 81e-12, 81e-12),
        "neuron_update_inactive": (52e-12, 52e-12, 52e-12),
        "message": (1.7e-12, 1.7e-12, 1.7e-12),
        "hop_east_west": (3e-12, 3e-12, 3e-12),
        "hop_north_south": (4e-12, 4e-12, 4e-12),
    }
    times = {op: q.value for op, q in device.times.items()}
    assert times == {
        "synop": 3.5e-9,
        "neuron_update_active": 8.4e-9,
        "neuron_update_inactive": 5.3e-9,
        "message": 2.1e-9,
        "hop_east_west": 4.1e-9,
        "hop_north_south": 6.5e-9,
        "barrier": 465e-9,
    }
    assert device.energies["synop"].range_source == "boyle2025"


def test_static_power_of_loihi_is_that_of_a_chip():
    # Frady et al. 2020: 3.34 W for 32 chips
    for name in ("loihi-davies2018", "loihi-fitted2025@conv"):
        power = devices.get(name).static_power
        assert power.value == pytest.approx(3.34 / 32, rel=0.01)
        assert power.per == "chip"
        # Blouw et al. 2019, logs: VDD 8.8 mW + VDDM 20.8 mW of one chip after boot
        assert power.bounds == (pytest.approx(8.8e-3 + 20.8e-3, rel=0.01), power.value)


@pytest.mark.parametrize(
    "name, synop",
    [
        # synapse formats of SANA-FE's arch/loihi.yaml
        ("loihi-fitted2025@dense", 35.5e-12),
        ("loihi-fitted2025@sparse", 33.6e-12),
        ("loihi-fitted2025@conv", 24.0e-12),
        # Horowitz 2014: additions
        ("cmos45-spiking@fp32", 0.9e-12),
        ("cmos45-spiking@int8", 0.03e-12),
        # Ostrau et al. 2022
        ("spinnaker-ostrau2022@spinn3-random", 9.59e-9),
        ("spinnaker-ostrau2022@spinn3-one-to-all", 7.54e-9),
        ("spinnaker-ostrau2022@spinn3-one-to-one", 93.9e-9),
        ("spinnaker-ostrau2022@spinn5-random", 7.55e-9),
        ("spinnaker-ostrau2022@spinn5-one-to-all", 7.32e-9),
        ("spinnaker-ostrau2022@spinn5-one-to-one", 90.5e-9),
        ("ryzen-2600x-genn", 58.17e-9),
        ("i7-4710mq-genn", 21.4e-9),
        ("rtx-2070-genn", 3.401e-9),
        ("spikey", 10.9e-12),
        ("truenorth@all-in-20hz", 26e-12),
        ("darwin3", 5.47e-12),
        ("odin@all-in-max-rate", 12.7e-12),
        ("odin@all-in-biological", 54e-12),
        ("odin@incremental", 8.43e-12),
        ("tianjic", 1.54e-12),
        ("reckon", 5.3e-12),
        ("seneca", 2.8e-12),
        ("spinnaker2-hoeppner2021", 10e-12),
    ],
)
def test_synops_of_event_devices(name, synop):
    assert devices.get(name).energies["synop"].value == synop


@pytest.mark.parametrize("rate, quoted", [(11.6, 26 / 0.59), (20, 26), (96, 26 / 3.56)])
def test_truenorth_is_static_power_and_little_for_a_synop(rate, quoted):
    # all-in energy per synop [pJ] at three rates, 128 active synapses a neuron: 26 pJ
    # at 20 Hz is 41 % low at 11.6 Hz and 256 % high at 96 Hz
    device = devices.get("truenorth")
    synops_per_s = 4096 * 256 * rate * 128
    static = device.static_power.value / synops_per_s
    all_in = (static + device.energies["synop"].value) * 1e12
    assert all_in == pytest.approx(quoted, rel=0.03)


@pytest.mark.parametrize(
    "name, operation, value, deviation",
    [
        # SNABSuite, config_energy/*.json: mean and standard deviation [nJ]
        ("spinnaker-ostrau2022@spinn3-random", "synop", 9.595, 0.2746),
        ("spinnaker-ostrau2022@spinn3-one-to-all", "synop", 7.543, 2.314),
        ("spinnaker-ostrau2022@spinn3-one-to-one", "synop", 93.87, 6.923),
        ("spinnaker-ostrau2022@spinn3-random", "spike", 9.961, 2.229),
        ("spinnaker-ostrau2022@spinn5-random", "synop", 7.551, 1.289),
        ("spinnaker-ostrau2022@spinn5-one-to-all", "synop", 7.322, 11.59),
        ("spinnaker-ostrau2022@spinn5-one-to-one", "synop", 90.54, 31.38),
        ("spinnaker-ostrau2022@spinn5-random", "spike", 8.727, 11.32),
        ("ryzen-2600x-genn", "synop", 58.17, 21.33),
        ("i7-4710mq-genn", "synop", 21.40, 1.430),
        ("rtx-2070-genn", "synop", 3.401, 0.1675),
        ("spikey", "spike", 0.4390, 0.1246),
    ],
)
def test_ranges_are_the_published_deviations(name, operation, value, deviation):
    price = devices.get(name).energies[operation]
    assert price.value == pytest.approx(value * 1e-9, rel=2e-3)
    ends = max(value - deviation, 0) * 1e-9, (value + deviation) * 1e-9
    assert price.bounds == pytest.approx(ends, rel=6e-3)


def test_the_meter_of_the_graphics_board_was_its_own():
    device = devices.get("rtx-2070-genn")
    for quantity in device.quantities.values():
        assert "nvidia-smi" in quantity.conditions and "wall" not in quantity.conditions
    (note,) = [note for note in device.notes if "One to one" in note]
    assert "4,702 +/- 266 nJ" in note


def test_data_sheet_bounds_are_power_over_throughput():
    # 700 W over 989.4e12 / 2 and 1978.9e12 / 2 multiply-accumulates per second
    for point, peak in (("bf16", 989.4e12), ("int8", 1978.9e12)):
        mac = devices.get(f"h100-peak@{point}").energies["mac"]
        assert mac.value == pytest.approx(700 / (peak / 2), rel=5e-4)


def test_all_in_figures_are_marked():
    marked = {device.name.split("@")[0] for device in at_every_point() if device.all_in}
    assert marked == {
        "b200",
        "cortex-m4",
        "cortex-m7",
        "cortex-m33",
        "efr32-xg24",
        "gap9",
        "h100-peak",
        "ndp120",
        "odin",
        "renesas-ra6m4",
        "renesas-rx65n",
        "truenorth",
    }
    assert not devices.get("odin@incremental").all_in


def test_h100_has_each_precision_at_any_batch_size():
    h100 = devices.get("h100")
    assert list(h100.operating_points) == ["fp32", "tf32", "bf16"]
    assert (h100.operating_point, h100.batch_size) == ("bf16", 64)
    for precision, bits in (("fp32", 32), ("tf32", 32), ("bf16", 16)):
        for batch in (1, 8, 24, 64, 512, 4096):
            point = devices.get(f"h100@{precision}-batch{batch}")
            assert (point.batch_size, point.word_bits) == (batch, bits)
            assert point.energies == h100.operating_points[precision].energies
            assert point.static_power.bounds == (124.7, 131.0)
    # starting a kernel and reading a byte cost the same at all precisions
    for price in ("kernel", "weight_byte", "activation_byte"):
        same = {p.energies[price].value for p in h100.operating_points.values()}
        assert len(same) == 1


@pytest.mark.parametrize("name", BUILTIN)
def test_a_second_reader_looked_up_every_price(name):
    device = devices.get(name)
    for point in device.operating_points.values() or [device]:
        numbers = point.charged or point.powers
        for part, number in numbers.items():
            assert number.reread in REREAD, f"{point.name}: {part}"


def test_what_a_second_reader_found_is_one_of_the_words():
    with pytest.raises(InputError, match="reread must be one of primary"):
        Quantity(1.0, "paper", reread="tertiary")


def test_loihi_2_is_priced_by_a_stand_in_that_is_asked_for_by_name():
    stand_in, model = devices.get("loihi2-stand-in"), devices.get("loihi-davies2018")
    assert "loihi2-stand-in" not in devices.default_names()
    assert set(stand_in.evidence) == {"stand-in"}
    assert "stand-in" in stand_in.description and "stand-in" in stand_in.notes[0]
    for operation, price in stand_in.energies.items():
        assert price.value == model.energies[operation].value
    assert stand_in.static_power.bounds == devices.get("loihi2").static_power.bounds
