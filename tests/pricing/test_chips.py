"""Static power of the chips and boards that a network takes."""

from __future__ import annotations

import pytest

from nengo_energy import devices
from nengo_energy.common.exceptions import InputError
from nengo_energy.counts import ChipUse, CoreUse, OpCount, OpCounts
from nengo_energy.devices import Device, Quantity
from nengo_energy.pricing.energy import estimate_energy

TIMESTEPS, DT = 20, 0.001


def network(neurons: int, synapses: int | None, spikes: int = 100) -> OpCounts:
    """Return the counts of two inferences of a network of one layer."""
    updates = neurons * TIMESTEPS
    rows = (
        OpCount("layer", "synop", 2 * 50 * spikes, 2),
        OpCount("layer", "neuron_update_active", 2 * spikes, 2),
        OpCount("layer", "neuron_update_inactive", 2 * (updates - spikes), 2),
    )
    return OpCounts(rows, TIMESTEPS, DT, synapses={"layer": synapses or 0})


def static_row(counts: OpCounts, device: str | Device):
    """Return the row of static power."""
    estimate = estimate_energy(counts, device)
    (row,) = [row for row in estimate.rows if row.operation == "static"]
    return row, {a.code: a.text for a in estimate.assumptions}


def test_a_network_on_one_chip_of_a_board_bears_that_chip():
    # 784-500-500-10 (Stromatias et al. 2015): 1,010 neurons and 647,000 synapses fit
    # on a chip, which holds 250,000 / 48 and 81,000,000 / 48; a board of 4 draws
    # 2.671 W, and 0.3 W a chip were drawn in all
    row, said = static_row(network(1010, 647_000), "spinnaker-ostrau2022")
    time = TIMESTEPS * DT
    assert row.energy == pytest.approx(2.671 / 4 * time, rel=1e-12)
    assert row.low == pytest.approx(0.3 * time, rel=1e-12)
    assert row.high == pytest.approx(2.671 * time, rel=1e-12)
    assert "1,010 neurons at 5,208 a chip" in said["chips-by-capacity"]
    assert "its 4 chips" in said["share-of-a-board"]


@pytest.mark.parametrize(
    "neurons, synapses, chips, boards",
    [
        (5208, 1_687_500, 1, 1),
        (5209, 1_687_500, 2, 1),
        (5208, 1_687_501, 2, 1),
        (100, 5 * 1_687_500, 5, 2),
        (5 * 5208, None, 5, 2),
    ],
)
def test_chips_hold_neurons_and_synapses(neurons, synapses, chips, boards):
    row, said = static_row(network(neurons, synapses), "spinnaker-ostrau2022")
    time = TIMESTEPS * DT
    assert row.energy == pytest.approx(chips / 4 * 2.671 * time, rel=1e-12)
    assert row.high == pytest.approx(boards * 2.671 * time, rel=1e-12)
    assert f"that of {chips} chip" in said["chips-by-capacity"]


def test_a_chip_of_published_capacity_leaks_whole():
    # TrueNorth, 65.1 mW: 4,096 cores of 256 neurons
    for neurons, chips in ((1000, 1), (4096 * 256, 1), (4096 * 256 + 1, 2)):
        row, said = static_row(network(neurons, 10_000), "truenorth")
        expected = chips * 65.1e-3 * TIMESTEPS * DT
        assert row.energy == pytest.approx(expected, rel=1e-12)
        assert "synapses" not in said["chips-by-capacity"]  # no figure for them


def test_a_placement_goes_before_capacity():
    cores = tuple(CoreUse(chip, {"synop": 1.0}) for chip in (0, 1, 2))
    counts = OpCounts(network(10, 10).rows, TIMESTEPS, DT, chip_use=ChipUse(cores))
    row, said = static_row(counts, "loihi-davies2018")
    latency = estimate_energy(counts, "loihi-davies2018").latency("loihi-davies2018")
    assert row.energy == pytest.approx(3 * 0.104 * latency, rel=1e-12)
    assert "chips-by-capacity" not in said
    # 29.5 mW after boot (Blouw et al. 2019), with the barrier of one tile
    fastest = TIMESTEPS * (3.5e-9 + 113e-9)
    assert row.low == pytest.approx(3 * 0.0295 * fastest, rel=1e-12)


def test_a_board_says_how_many_chips_it_has():
    power = Quantity(1.0, "paper", per="board")
    prices = {"synop": Quantity(1e-12, "paper")}
    with pytest.raises(InputError, match="capacity.chips must say how many chips"):
        Device("box", "event", prices, {"paper": "A paper"}, static_power=power)


def test_boards_of_the_package_say_their_chips():
    points = devices.get("spinnaker-ostrau2022").operating_points
    for name, point in points.items():
        assert point.static_power.per == "board"
        assert point.capacity["chips"].value == (4 if "spinn3" in name else 48)
