"""What a ledger costs: energy, time and leakage of two cores, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.counts import ChipUse, CoreUse, OpCount, OpCounts
from nengo_energy.loihi.core_load import CoreLoad
from nengo_energy.loihi.ledger import Ledger
from nengo_energy.loihi.mesh import Placement

N_INFERENCES, TIMESTEPS, DT = 2, 10, 0.001

#: Both cores, over all inferences: a sends 60 messages to b.
A = CoreLoad(
    chip=0,
    core=0,
    layer="a",
    compartments=8,
    in_axons=4,
    out_axons=8,
    synapse_bits=1000,
    updates_active=60,
    updates_inactive=100,
    synops=400,
    zero_synops=0,
    spikes=60,
    messages_out=60,
    messages_in=0,
    messages_from_host=50,
    spikes_to_host=0,
    overflows=0,
    saturated=0,
    lost_bits=0,
)
B = replace(
    A,
    core=1,
    layer="b",
    compartments=5,
    updates_active=20,
    updates_inactive=80,
    synops=300,
    spikes=0,
    messages_out=0,
    messages_in=60,
    messages_from_host=0,
    spikes_to_host=20,
)
ROWS = tuple(
    OpCount(core.layer, operation, total, N_INFERENCES)
    for core in (A, B)
    for operation, total in (
        ("synop", core.synops),
        ("neuron_update_active", core.updates_active),
        ("neuron_update_inactive", core.updates_inactive),
        ("spike", core.spikes),
        ("message", core.messages_out),
    )
)


def ledger(chips: tuple[int, int] = (0, 0)) -> Ledger:
    """Return the ledger of two cores: near, and three tiles east and two south."""
    cores = tuple(replace(core, chip=chip) for core, chip in zip((A, B), chips))
    far = 2 * 8 + 3  # tile in a mesh of 8 x 4 tiles, of four cores each
    slots = {"row-major": [0, 4 * far], "greedy": [0, 1]}
    return Ledger(
        cores=cores,
        messages=np.array([[0, 60], [0, 0]]),
        placements={
            name: Placement(name, np.array(chips), np.array(places))
            for name, places in slots.items()
        },
        rows=ROWS,
        pending={},
        n_inferences=N_INFERENCES,
        timesteps=TIMESTEPS,
        dt=DT,
        simulator="loihi",
        on_host=frozenset(),
    )


#: Table 2 of Davies et al. 2018, in pJ and ns.
SYNOP, ACTIVE, INACTIVE, MESSAGE, EAST, SOUTH = 23.6, 81, 52, 1.7, 3.0, 4.0
T_SYNOP, T_ACTIVE, T_INACTIVE, T_MESSAGE, T_EAST, T_SOUTH = 3.5, 8.4, 5.3, 2.1, 4.1, 6.5
BARRIER = (113, 465)
CHIP = 0.104  # W


def dynamic(n_hops: tuple[int, int]) -> float:
    """Energy per inference of all operations [J]."""
    total = 700 * SYNOP + 80 * ACTIVE + 180 * INACTIVE + 60 * MESSAGE
    total += n_hops[0] * EAST + n_hops[1] * SOUTH
    return total * 1e-12 / N_INFERENCES


def duration(way: float, barrier: float) -> float:
    """Time per inference of the busier core, a, which reads for longer [s]."""
    busy = 400 * T_SYNOP
    assert busy > 60 * T_ACTIVE + 100 * T_INACTIVE + 60 * T_MESSAGE
    mean = busy / (N_INFERENCES * TIMESTEPS)
    return TIMESTEPS * (mean + way + barrier) * 1e-9


def test_near_cores() -> None:
    estimate = ledger().estimate("loihi-davies2018")
    name = "loihi-davies2018"
    assert estimate.dynamic(name) == pytest.approx(dynamic((0, 0)), rel=1e-12)
    latency = duration(0, BARRIER[1])
    assert estimate.latency(name) == pytest.approx(latency, rel=1e-12)
    assert estimate.static(name) == pytest.approx(CHIP * latency, rel=1e-12)
    total = dynamic((0, 0)) + CHIP * latency
    assert estimate.total(name) == pytest.approx(total, rel=1e-12)
    assert estimate.power(name) == pytest.approx(total / latency, rel=1e-12)
    assert estimate.edp(name) == pytest.approx(total * latency, rel=1e-12)
    # at the low end that of a chip after boot, for as long as the short barrier takes
    (static,) = [row for row in estimate.rows if row.operation == "static"]
    low = 29.5e-3 * duration(0, BARRIER[0])
    assert static.low == pytest.approx(low, rel=1e-12)
    assert static.high == pytest.approx(CHIP * latency, rel=1e-12)


def test_far_cores() -> None:
    estimate = ledger().estimate("loihi-davies2018", placement="row-major")
    name = "loihi-davies2018"
    assert estimate.dynamic(name) == pytest.approx(dynamic((180, 120)), rel=1e-12)
    latency = duration(3 * T_EAST + 2 * T_SOUTH, BARRIER[1])
    assert estimate.latency(name) == pytest.approx(latency, rel=1e-12)
    assert estimate.settings["placement"] == "row-major"


def test_the_fitted_device_times_all_that_a_core_does() -> None:
    # arch/loihi.yaml of SANA-FE, commit 8951ab0, in ns: dense synapse 3.8, neuron
    # access + update 6.0 + 3.7, spike out 30, message out 5.1, message in 16; hops
    # 4.1 east or west, 6.5 north or south
    busy = 160 * 9.7 + 60 * 30 + 60 * 5.1  # a advances its neurons
    assert busy > 400 * 3.8 + 50 * 16 > 300 * 3.8 + 60 * 16  # a reads, b reads
    mean = busy / (N_INFERENCES * TIMESTEPS)
    for placement, way, barrier in (
        ("greedy", 0.0, 600),  # both cores on one tile
        ("row-major", 3 * 4.1 + 2 * 6.5, 1000),  # on two
    ):
        estimate = ledger().estimate("loihi-fitted2025@dense", placement=placement)
        latency = estimate.latency("loihi-fitted2025@dense")
        expected = TIMESTEPS * (mean + way + barrier) * 1e-9
        assert latency == pytest.approx(expected, rel=1e-12)
        assert not [x for x in estimate.not_modelled if x.operation[:4] == "time"]


def test_a_barrier_grows_with_the_tiles() -> None:
    row = OpCount("a", "synop", 1, 1)
    # latency_sync of arch/loihi.yaml, in us; the greatest number of tiles reached holds
    for n_tiles, barrier in (
        (1, 0.6),
        (2, 1.0),
        (3, 1.0),
        (4, 1.4),
        (28, 1.4),
        (64, 1.8),
    ):
        use = ChipUse((CoreUse(0, {}),), n_tiles=n_tiles)
        counts = OpCounts((row,), 1, DT, chip_use=use)
        latency = ne.estimate_energy(counts, "loihi-fitted2025").latency(
            "loihi-fitted2025"
        )
        assert latency == pytest.approx(barrier * 1e-6, rel=1e-12)


def test_synops_are_priced_by_the_form_of_their_weights() -> None:
    # arch/loihi.yaml: 35.5 pJ and 3.8 ns dense, 33.6 and 4.7 sparse, 24.0 and 3.1
    # shared
    a = replace(A, synops_by_form={"convolution": 300, "sparse": 100})
    b = replace(B, synops_by_form={"dense": 300})
    rows = [row for row in ROWS if row.operation != "synop"]
    for layer, form, n in (
        ("a", "convolution", 300),
        ("a", "sparse", 100),
        ("b", "dense", 300),
    ):
        rows.append(OpCount(layer, "synop", n, N_INFERENCES, form=form))
    placed = replace(ledger(), cores=(a, b), rows=tuple(rows))
    name = "loihi-fitted2025"
    estimate = placed.estimate(name)
    found = {r.layer: r for r in estimate.rows if r.operation == "synop"}
    assert found["a"].count == 200
    for layer, pj in (("a", 300 * 24.0 + 100 * 33.6), ("b", 300 * 35.5)):
        row = found[layer]
        expected = pj * 1e-12 / N_INFERENCES
        assert row.low == row.high == row.energy == pytest.approx(expected, rel=1e-12)
    busy = 160 * 9.7 + 60 * 30 + 60 * 5.1
    latency = TIMESTEPS * (busy / (N_INFERENCES * TIMESTEPS) + 600) * 1e-9
    assert estimate.latency(name) == pytest.approx(latency, rel=1e-12)
    # ten times the synops, and reading them takes longer
    many = {"convolution": 3000, "sparse": 1000}
    slow = replace(placed, cores=(replace(a, synops_by_form=many), b))
    busy = 3000 * 3.1 + 1000 * 4.7 + 50 * 16
    latency = TIMESTEPS * (busy / (N_INFERENCES * TIMESTEPS) + 600) * 1e-9
    assert slow.estimate(name).latency(name) == pytest.approx(latency, rel=1e-12)
    # where the form isn't known: dense, and perhaps as cheap as a convolution
    (row,) = [
        r
        for r in ledger().estimate(name).rows
        if (r.layer, r.operation) == ("a", "synop")
    ]
    assert (row.energy, row.low) == pytest.approx((200 * 35.5e-12, 200 * 24e-12))


def test_real_time() -> None:
    estimate = ledger().estimate("loihi-davies2018", real_time=True)
    latency = TIMESTEPS * DT
    assert estimate.latency("loihi-davies2018") == pytest.approx(latency, rel=1e-12)
    static = estimate.static("loihi-davies2018")
    assert static == pytest.approx(CHIP * latency, rel=1e-12)


def test_a_chip_too_slow_for_real_time_takes_its_time() -> None:
    slow = replace(ledger(), dt=1e-7)
    estimate = slow.estimate("loihi-davies2018", real_time=True)
    expected = duration(0, BARRIER[1])
    assert estimate.latency("loihi-davies2018") == pytest.approx(expected, rel=1e-12)


def test_every_chip_leaks() -> None:
    one = ledger().estimate("loihi-davies2018", real_time=True)
    two = ledger(chips=(0, 1)).estimate("loihi-davies2018", real_time=True)
    statics = [e.static("loihi-davies2018") for e in (one, two)]
    assert statics[1] == pytest.approx(2 * statics[0], rel=1e-12)


def test_power_per_core() -> None:
    chip = devices.get("loihi-davies2018")
    assert chip.static_power is not None
    per_core = replace(chip, static_power=replace(chip.static_power, per="core"))
    estimate = ledger().estimate(per_core, real_time=True)
    expected = 2 * CHIP * TIMESTEPS * DT
    assert estimate.static(per_core) == pytest.approx(expected, rel=1e-12)


def test_kerasspikings_constants_know_no_time() -> None:
    estimate = ledger().estimate("loihi", real_time=True)
    assert estimate.latency("loihi") is None
    assert estimate.static("loihi") is None
    synops = 700 * 27.1 + 260 * 81
    assert estimate.total("loihi") == pytest.approx(synops * 1e-12 / 2, rel=1e-12)


def test_what_has_no_time_is_listed() -> None:
    missing = {
        item.operation: item.count
        for item in ledger().estimate("loihi-davies2018").not_modelled
        if item.operation.startswith("time of")
    }
    # spikes and arriving messages, per inference
    assert missing == {"time of spike": 30, "time of message_in": 55}


def test_counts_without_a_placement_have_no_latency() -> None:
    counts = ledger().counts()
    unplaced = replace(counts, chip_use=None)
    estimate = ne.estimate_energy(unplaced, "loihi-davies2018")
    assert estimate.latency("loihi-davies2018") is None
    assert estimate.static("loihi-davies2018") is None


def test_the_busiest_core_sets_the_time() -> None:
    idle = CoreUse(0, {})
    busy = CoreUse(0, {"synop": 1000.0})
    row = OpCount("a", "synop", 1, 1)
    for cores in ((idle, busy), (busy, idle), (busy, busy)):
        counts = OpCounts((row,), 1, DT, chip_use=ChipUse(cores))
        estimate = ne.estimate_energy(counts, "loihi-davies2018")
        expected = (1000 * T_SYNOP + BARRIER[1]) * 1e-9
        latency = estimate.latency("loihi-davies2018")
        assert latency == pytest.approx(expected, rel=1e-12)


def test_each_timestep_has_its_own_busiest_core() -> None:
    # reading, cores take turns; sending, the second core is the busiest in the third
    synops = np.array([[100, 0], [0, 100], [10, 0]])
    active = np.array([[0, 0], [0, 0], [0, 50]])
    by_timestep = {"synop": synops, "neuron_update_active": active}
    means = [{name: n[:, k].mean() for name, n in by_timestep.items()} for k in (0, 1)]
    cores = tuple(CoreUse(0, mean) for mean in means)
    use = ChipUse(cores, by_timestep=by_timestep)
    row = OpCount("a", "synop", 1, 1)
    steps = (100 * T_SYNOP, 100 * T_SYNOP, 50 * T_ACTIVE)
    name = "loihi-davies2018"
    for pace in (None, 860e-9):
        counts = OpCounts((row,), 6, DT, chip_use=replace(use, pace=pace))
        held = [max(t + BARRIER[1], 0 if pace is None else 860) for t in steps]
        assert pace is None or held[0] == 860 < held[2]
        expected = 6 * sum(held) / 3 * 1e-9
        latency = ne.estimate_energy(counts, name).latency(name)
        assert latency == pytest.approx(expected, rel=1e-12)


def test_costs() -> None:
    costs = ledger().costs(["loihi", "loihi-davies2018"])
    found = {(row.device, row.pace): row for row in costs.rows}
    assert len(found) == 4
    fast = found["loihi-davies2018", "unthrottled"]
    latency = duration(0, BARRIER[1])
    assert fast.latency == pytest.approx(latency, rel=1e-12)
    assert fast.static_chips == pytest.approx(CHIP * latency, rel=1e-12)
    assert fast.static_cores == pytest.approx(CHIP * latency * 2 / 128, rel=1e-12)
    assert fast.energy == pytest.approx(dynamic((0, 0)) + CHIP * latency, rel=1e-12)
    assert fast.edp == pytest.approx(fast.energy * latency, rel=1e-12)
    assert fast.power == pytest.approx(fast.energy / latency, rel=1e-12)
    slow = found["loihi-davies2018", "real time"]
    assert slow.latency == pytest.approx(TIMESTEPS * DT, rel=1e-12)
    unknown = found["loihi", "real time"]
    assert unknown.latency is unknown.static_chips is unknown.power is None
    assert unknown.energy == unknown.dynamic

    frame = costs.to_frame()
    assert list(frame["energy"]) == [row.energy for row in costs.rows]
    assert frame.attrs["units"]["edp"] == "J s"
    lines = [line.split() for line in str(costs).splitlines()]
    (line,) = [x for x in lines if x[:2] == ["loihi-davies2018", "unthrottled"]]
    assert line[2:4] == ["16.2", "nJ"]  # (16520 + 6480 + 9360 + 102) pJ / 2 = 16.2 nJ


def test_costs_of_one_device() -> None:
    assert len(ledger().costs("loihi").rows) == 2


def test_unknown_placement() -> None:
    with pytest.raises(
        ne.InputError, match="placement must be one of row-major, greedy"
    ):
        ledger().estimate("loihi", placement="random")


def test_longest_way_is_of_a_message() -> None:
    tiles = np.array([0, 3, 3 * 8 + 2, 3 * 8 + 7])  # rows of 8 tiles
    placement = Placement("by hand", np.zeros(4, int), 4 * tiles)
    messages = np.zeros((4, 4), int)
    assert placement.longest_way(messages) == (0, 0)
    messages[0, 1] = 9  # three tiles east
    assert placement.longest_way(messages) == (3, 0)
    messages[0, 2] = 1  # two east, three south; nothing goes to the core farthest off
    assert placement.longest_way(messages) == (2, 3)


def test_messages_of_the_host_have_no_price() -> None:
    row = OpCount("a", "message", 50, N_INFERENCES, where="host")
    with_host = replace(ledger(), rows=(*ROWS, row))
    estimate = with_host.estimate("loihi-davies2018", host="cpu")
    (left_out,) = [x for x in estimate.not_modelled if x.where == "host"]
    assert left_out.count == 25
    assert "link between host and chip" in left_out.reason


def test_what_bounds_time_and_energy_and_what_would_change_it() -> None:
    """In ns: a reads for 1,400, beside 1,160 of updates and messages; b for 1,050.

    On two cores a reads for 700 each, so b bounds then. Of 0.7 of the spikes 18 of a's
    60 active updates become inactive, and updates take longer than reading.
    """
    found = ledger().bottleneck()
    steps = N_INFERENCES * TIMESTEPS
    busy = 400 * T_SYNOP
    assert (found.layer, found.core, found.operation) == ("a", 0, "synops")
    latency = duration(0, BARRIER[1])
    assert found.latency == pytest.approx(latency)
    assert found.share == pytest.approx(TIMESTEPS * busy / steps * 1e-9 / latency)
    energies = {
        core.layer: core.synops * SYNOP
        + core.updates_active * ACTIVE
        + core.updates_inactive * INACTIVE
        + core.messages_out * MESSAGE
        for core in (A, B)
    }
    assert found.energy_layer == "a"
    share = energies["a"] / sum(energies.values())
    assert found.energy_share == pytest.approx(share)

    def change(busiest: float) -> float:
        return (busiest / steps + BARRIER[1]) / (busy / steps + BARRIER[1]) - 1

    fewer = 0.7 * (60 * T_ACTIVE + 60 * T_MESSAGE) + 118 * T_INACTIVE
    assert fewer > 0.7 * 400 * T_SYNOP
    advice = {a.setting: a for a in found.advice}
    assert advice["timesteps"].value == 6
    assert advice["timesteps"].latency == pytest.approx(-0.4)
    assert advice["timesteps"].energy == pytest.approx(-0.4)
    assert advice["scale_firing_rates"].latency == pytest.approx(change(fewer))
    assert advice["min_cores"].value == {"a": 2}
    assert advice["min_cores"].latency == pytest.approx(change(300 * T_SYNOP))
    # operations are as many, and chips leak for a shorter time
    total = dynamic((0, 0)) + CHIP * latency
    saved = CHIP * latency * change(300 * T_SYNOP) / total
    assert advice["min_cores"].energy == pytest.approx(saved)
    assert "core 0 of chip 0 (a) bounds it by its synops" in " ".join(
        str(found).split()
    )
    with pytest.raises(ne.InputError, match="'loihi' has no times of operations"):
        ledger().bottleneck("loihi")
