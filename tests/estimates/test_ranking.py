"""The order of devices, what is said of their totals, and the conclusion."""

from __future__ import annotations

import dataclasses

import pytest
from priced import CHIP, COUNTS, TWIN

import nengo_energy as ne
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.estimates.ranking import conclusion

DEVICES = [TWIN, "arm", CHIP, "truenorth@all-in-20hz"]


@pytest.fixture
def estimate():
    return ne.estimate_energy(COUNTS, DEVICES)


def test_ranking_is_by_energy_and_marks_what_totals_hold(estimate):
    frame = estimate.ranking()
    totals = {name: estimate.total(name) for name in estimate.devices}
    assert frame["energy"].tolist() == sorted(totals.values())
    assert frame["device"].tolist() == sorted(totals, key=totals.get)
    by_name = frame.set_index("device")
    assert by_name["includes"].to_dict() == {
        "twin": "dynamic, host apart",  # which multiplies inputs, at no known price
        "arm": "dynamic",
        "chip": "dynamic + static, host apart",
        "truenorth@all-in-20hz": "all-in, host apart",
    }
    assert by_name["static"].to_dict() == {
        name: name in ("chip", "truenorth@all-in-20hz") for name in totals
    }
    assert by_name.loc["chip", "latency"] == pytest.approx(0.05)
    assert by_name.loc["truenorth@all-in-20hz", "io"]
    assert not by_name.loc["twin", "io"]
    low, high = estimate.interval("chip")
    assert by_name.loc["chip", ["low", "high"]].tolist() == [low, high]
    assert frame.attrs["units"]["energy"] == "J/inf"


def test_device_whose_host_is_priced_compares_with_one_that_needs_none():
    estimate = ne.estimate_energy(COUNTS, [TWIN, "arm"], host="arm")
    assert set(estimate.ranking()["includes"]) == {"dynamic", "dynamic + host"}
    lines = [line for line in conclusion(estimate) if line.startswith("Least ")]
    assert len(lines) == 1 and "arm" in lines[0] and "twin" in lines[0]


def test_conclusion_never_ranks_totals_that_hold_different_things(estimate):
    lines = [line for line in conclusion(estimate) if line.startswith("Least ")]
    heads = [line.partition(":")[0] for line in lines]
    assert sorted(heads) == [
        "Least all-in energy, the host's 1,000,000 MACs apart",
        "Least dynamic + static energy, the host's 1,000,000 MACs apart",
        "Least dynamic energy",
        "Least dynamic energy, the host's 1,000,000 MACs apart",
    ]
    whole = next(line for line in lines if line.startswith("Least dynamic energy:"))
    assert "arm" in whole
    assert not any(name in whole for name in ("chip", "truenorth", "twin"))
    assert str(estimate).splitlines()[0].startswith("Warning: dense spiked less than")


def test_more_neurons_than_a_chip_has_dont_fit():
    """Loihi has 131,072; of fewer, a placement on cores has to tell."""

    def fits(n_neurons, settings=None):
        rows = tuple(
            OpCount("conv", name, n, 1)
            for name, n in (
                ("synop", 10),
                ("neuron_update_active", 10 * n_neurons),
                ("neuron_update_inactive", 0),
            )
        )
        counts = OpCounts(rows, 10, 0.001, settings=settings or {})
        estimate = ne.estimate_energy(counts, "loihi-davies2018")
        return estimate.ranking()["fits"].tolist()

    assert fits(131_073) == [False]
    assert fits(131_072) == [None]
    assert fits(1000, {"n_cores": 128}) == [True]
    assert fits(1000, {"n_cores": 129}) == [False]


def test_alerts_survive_the_file(estimate, tmp_path):
    estimate.to_json(tmp_path / "a.json")
    again = ne.load_estimate(tmp_path / "a.json")
    assert [a.code for a in again.alerts] == ["silent-layers"]
    alive = dataclasses.replace(estimate, assumptions=())
    assert alive.alerts == () and str(alive).startswith("Least")
