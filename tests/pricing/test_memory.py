"""Bytes of weights and states beside synops, and kernels and bytes in reports."""

from __future__ import annotations

import pytest

import nengo_energy as ne
from nengo_energy.counts import Deployment, OpCount, OpCounts
from nengo_energy.estimates.report import format_estimate
from nengo_energy.pages.writing import format_report
from nengo_energy.pricing.memory import with_memory

ROWS = (
    OpCount("a", "synop", 2 * 300, 2, std=3.0, form="dense"),
    OpCount("a", "neuron_update_active", 2 * 20, 2),
    OpCount("a", "neuron_update_inactive", 2 * 180, 2),
    OpCount("a", "mac", 2 * 7, 2, where="host"),
    OpCount("a", "mac", 50, 1, execution="dense", form="dense"),
    OpCount("a", "kernel", 2, 1, execution="dense", form="dense"),
    OpCount("a", "weight_byte", 220, 1, execution="dense", form="dense"),
    OpCount("a", "activation_byte", 60, 1, execution="dense", form="dense"),
)
COUNTS = OpCounts(ROWS, 10, 0.001, deployment=Deployment(ROWS[:1], frozenset()))

# a synop reads a weight and reads and writes a sum, 12 bytes; an update 8
STATES = 300 * 8 + 200 * 8


def test_bytes_of_the_spiking_network():
    found = with_memory(COUNTS)
    totals: dict = {}
    for row in found.rows:
        if row.execution == "event":
            key = (row.operation, row.where)
            totals[key] = totals.get(key, 0) + row.mean
    assert totals["weight_byte", "device"] == 300 * 4
    assert totals["state_byte", "device"] == STATES
    assert totals["mac", "host"] == 7 and ("weight_byte", "host") not in totals
    assert found.deployment is not None
    states = [r for r in found.deployment.rows if r.operation == "state_byte"]
    assert [(r.mean, r.std) for r in states] == [(300 * 8, 3.0 * 8)]


@pytest.mark.parametrize(
    "point, weight, state",
    [
        # Horowitz 2014, an eighth of the 64 bits' 10, 20 and 100 pJ, 1.3 nJ; 8 bits
        ("sram-8k", 1.25, 1.25),
        ("sram-32k", 2.5, 2.5),
        ("sram-1m", 12.5, 12.5),
        ("dram", 162.5, 12.5),
    ],
)
def test_memory_is_charged_where_it_is_asked_for(point, weight, state):
    name = f"cmos45-spiking@int8-{point}"
    bare, asked = (ne.estimate_energy(COUNTS, name, memory=m) for m in (False, True))
    arithmetic = 300 * 0.03e-12 + 200 * 0.23e-12
    assert bare.total(name) == pytest.approx(arithmetic, rel=1e-12)
    moving = (300 * weight + STATES / 4 * state) * 1e-12
    assert asked.total(name) == pytest.approx(arithmetic + moving, rel=1e-12)
    assert "memory-counted" in {a.code for a in asked.assumptions}
    text = " ".join(format_estimate(asked).split())
    assert "spiking network" in text and "1.20 kB of weights" in text


def test_chips_hold_their_memory_in_the_synop():
    bare, asked = (ne.estimate_energy(COUNTS, "loihi", memory=m) for m in (False, True))
    assert asked.total("loihi") == bare.total("loihi")
    assert {m.operation for m in asked.moved if m.execution == "event"} == {
        "weight_byte",
        "state_byte",
    }


def test_kernels_bytes_level_and_extrapolation_are_carried():
    with pytest.warns(ne.ExtrapolationWarning):
        estimate = ne.estimate_energy(COUNTS, ["h100@bf16", "cpu"], batch_size=4)
    found = {(m.execution, m.operation): m.count for m in estimate.moved}
    assert found == {
        ("dense", "kernel"): 2,
        ("dense", "weight_byte"): 220,
        ("dense", "activation_byte"): 60,
    }
    again = ne.load_estimate(estimate.to_json())
    assert again == estimate and again.moved == estimate.moved
    interval = estimate.intervals["h100@bf16"]
    words = f"{interval.level:.0%}, x{interval.factor:.3g}, outside"
    text = " ".join(format_estimate(estimate).split())
    assert words in text and "2 kernels, 220 B of weights" in text
    assert "batch size 4" in text
    page = format_report(estimate)
    assert words in page and "2 kernels, 220 B of weights" in page
    # nobody who prices none of it is told in the text; the page says it all the same
    alone = ne.estimate_energy(COUNTS, "cpu")
    assert "2 kernels" not in format_estimate(alone)
    assert "2 kernels" in format_report(alone)
