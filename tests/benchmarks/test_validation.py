"""The validation page: current, complete, and fair to what it predicts."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from paths import ROOT

from nengo_energy import devices
from nengo_energy.devices.spread import SIZE_EXPONENT

sys.path.insert(0, str(ROOT / "benchmarks"))

import conventional_cases  # noqa: E402
import measured  # noqa: E402
import neuromorphic_cases  # noqa: E402
import validation  # noqa: E402
from prediction import Prediction, factor, price  # noqa: E402


@pytest.fixture(scope="module")
def predictions():
    return validation.all_predictions()


# --- the page ----------------------------------------------------------------------


def test_page_is_current():
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert page == validation.page()


def test_at_least_200_cases_and_none_twice(predictions):
    names = [(p.tier, p.hardware, p.case) for p in predictions]
    assert len(set(names)) == len(names)
    tiers = {name: len(tier) for name, tier in validation.by_tier(predictions).items()}
    # 13 + 13 + 7 + 7 runs of keyword spotting and 60 of the H100, two of which are
    # hardly measured; 41 and 50 language models; 94 results of boards, 14 of
    # accelerators with three networks or more
    assert tiers["conventional"] == 13 + 13 + 7 + 7 + 60 - 2
    assert tiers["H100, within the drift of its idle power"] == 2
    assert tiers["language models"] == 41 + 50
    assert tiers["microcontrollers"] == 94 + 14
    assert len(names) == 320


def test_factors_and_intervals_are_what_they_are_meant_to_be(predictions):
    tiers = validation.by_tier(predictions)
    for name, mean, worst in (
        ("conventional", 1.5, 6.0),
        ("language models", 1.5, 6.0),
        ("microcontrollers", 1.3, 6.0),
    ):
        factors = [p.factor for p in tiers[name]]
        assert validation.geometric_mean(factors) <= mean
        assert max(factors) <= worst
        assert 0.80 <= validation.coverage(tiers[name]) <= 0.97


def test_growth_is_what_its_rule_chooses(predictions):
    known = validation.grown(predictions)
    assert validation.growth_exponent(known) == SIZE_EXPONENT
    # intervals of the package are those that the rule is about
    assert all(validation.holds(p, SIZE_EXPONENT) == p.is_inside for p in known)


def test_intervals_hold_with_growth_that_other_networks_chose(predictions):
    exponents = validation.nested_exponents(predictions)
    for name, tier in validation.by_tier(predictions).items():
        if validation.grown(tier):
            held = [validation.holds(p, exponents[p.group]) for p in tier]
            assert 0.80 <= np.mean(held) <= 0.97, name
    kws = [p for p in validation.grown(predictions) if p.group != "kws"]
    fewer = exponents["kws"] - 0.02
    assert np.mean([validation.holds(p, exponents["kws"]) for p in kws]) >= 0.9
    assert fewer < 0 or np.mean([validation.holds(p, fewer) for p in kws]) < 0.9


def test_intervals_too_wide_to_be_of_use_are_named(predictions):
    sentence = validation.wide_intervals(predictions)
    for p in predictions:
        if p.half_width and p.half_width > 10:
            assert f"{p.hardware} ({p.case})" in sentence
    narrow = [p for p in predictions if p.half_width and p.half_width < 10]
    assert validation.wide_intervals(narrow).startswith("No interval is wider than 10")


def test_conventional_estimates_are_three_times_closer_than_keras_spiking(predictions):
    tier = validation.by_tier(predictions)["conventional"]
    ours = np.exp(np.mean([abs(np.log(p.nominal / p.measured)) for p in tier]))
    theirs = np.exp(
        np.mean([abs(np.log(p.keras_spiking[0] / p.measured)) for p in tier])
    )
    assert (theirs - 1) / (ours - 1) > 3
    assert theirs / ours > 3
    assert validation.closeness(tier) == pytest.approx((theirs - 1) / (ours - 1))


def test_ranges_hold_their_predictions(predictions):
    for p in predictions:
        assert 0 <= p.low <= p.high
        assert p.nominal is None or p.low <= p.nominal <= p.high


# --- nothing that was fitted on a case is predicted on it --------------------------


def changed_predictions(name, predict, which):
    """Return predictions before and after the measured energies of a group change."""
    read = getattr(measured, name)
    before = predict()

    def changed(*args):
        return [
            (
                replace(case, energy=case.energy * 10, time=case.time * 10)
                if which(case)
                else case
            )
            for case in read(*args)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, name, changed)
        after = predict()
    return [
        (old, new) for old, new in zip(before, after) if old.measured != new.measured
    ]


@pytest.mark.parametrize(
    "name, predict, device, network, batch",
    [
        ("h100_cases", "conventional", "h100", "resnet50", 64),
        ("h100_cases", "conventional", "h100", "kws-390-256-256-29", 64),
        ("kws_cases", "conventional", "xeon-e5-2630", "kws", 1),
        ("kws_cases", "conventional", "xeon-e5-2630", "kws", 8),
        ("kws_cases", "conventional", "quadro-k4000", "kws +10 stacks", 1),
        ("kws_cases", "conventional", "jetson-tx1", "kws", 64),
        ("kws_cases", "conventional", "movidius-ncs", "kws", 1),
        ("mlperf_cases", "microcontrollers", "cortex-m7", "AD", 1),
        ("mlperf_cases", "accelerators", "gap9", "KWS", 1),
        ("language_model_cases", "language_models", "b200", "Qwen3-14B", 128),
    ],
)
def test_a_case_has_no_part_in_its_own_prediction(
    name, predict, device, network, batch
):
    def is_the_case(case):
        found = (case.device, case.network, round(case.batch))
        return found == (device, network, batch)

    predict = getattr(conventional_cases, predict)
    pairs = changed_predictions(name, predict, is_the_case)
    assert pairs
    for old, new in pairs:
        assert new.measured == pytest.approx(10 * old.measured)
        assert new.nominal == old.nominal
        assert (new.low, new.high) == (old.low, old.high)


def test_other_cases_do_have_a_part():
    # so that the test above could fail
    def is_another(case):
        return case.device == "h100" and case.network != "resnet50"

    cases = measured.h100_cases()
    changed = [
        replace(case, energy=case.energy * 10) if is_another(case) else case
        for case in cases
    ]
    before = conventional_cases.conventional()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "h100_cases", lambda: changed)
        after = conventional_cases.conventional()
    moved = [
        new.nominal / old.nominal
        for old, new in zip(before, after)
        if "resnet50" in old.case
    ]
    assert len(moved) == 12
    assert min(abs(np.log(moved))) > 0.1


# --- numbers worked out elsewhere --------------------------------------------------


def test_predictions_with_keras_spikings_constants(predictions):
    # 172,800 MACs x 8.6 nJ = 1.49 mJ, x 0.3 nJ = 0.052 mJ
    found = {p.hardware: p.keras_spiking[0] for p in predictions if p.case == "kws"}
    assert found["xeon-e5-2630"] == pytest.approx(1.49e-3, rel=3e-3)
    assert found["quadro-k4000"] == pytest.approx(0.052e-3, rel=5e-3)
    # 10 timesteps: 172,800 x r x 10 synops at 27.1 pJ + 5,410 updates at 81 pJ
    for rate, expected in ((0.1, 5.1e-6), (1.0, 47e-6)):
        counts = neuromorphic_cases.keyword_spotter(0, rate)
        energy = price(counts, "loihi", "dynamic")[1]
        by_hand = 172_800 * rate * 10 * 27.1e-12 + 5_410 * 81e-12
        assert energy == pytest.approx(by_hand, rel=1e-6)
        assert energy == pytest.approx(expected, rel=0.02)


def test_counts_of_the_keyword_spotter():
    counts = neuromorphic_cases.keyword_spotter(0, 0.25)
    assert {row.operation: row.total for row in counts.rows} == {
        "synop": 432_000,  # 172,800 x 10 x 0.25
        "neuron_update_active": round(5_410 * 0.25),  # (256 + 256 + 29) x 10 updates
        "neuron_update_inactive": round(5_410 * 0.75),
        "spike": round((390 + 256 + 256) * 10 * 0.25),
    }


def test_slope_of_loihi_is_the_published_one(predictions):
    # straight line through the means of seven sizes: 26.9 pJ per connection
    (slope,) = [p for p in predictions if p.tier == "Loihi, per further connection"]
    assert slope.measured == pytest.approx(26.9e-12, rel=0.01)
    assert slope.is_inside


def test_runs_on_loihi_are_averaged_by_network():
    cases = neuromorphic_cases.loihi_cases()
    found = {(c.network, round(1 / c.time, -1)): c.energy for c in cases}
    assert found[("kws", 300)] == pytest.approx(0.000272, rel=5e-3)
    assert found[("kws", 130)] == pytest.approx(0.620e-3, rel=2e-3)
    assert found[("kws +10 stacks", 110)] == pytest.approx(0.836e-3, rel=2e-3)
    assert len(cases) == 8


def test_embedded_processors_are_their_power_x_the_measured_time():
    alone = neuromorphic_cases.loihi_boards(with_processors=False)
    both = neuromorphic_cases.loihi_boards(with_processors=True)
    for case, without, added in zip(neuromorphic_cases.loihi_cases(), alone, both):
        assert added.low - without.low == pytest.approx(0.065 * case.time)
        assert added.high - without.high == pytest.approx(0.067 * case.time)


def test_a_token_is_priced_as_its_weights():
    # on the H100 as shipped: 8e9 bf16 weights, read once for 64 tokens
    device = devices.get("h100@bf16")
    expected = 8e9 * device.energies["mac"].value
    expected += 8e9 * 2 / 64 * device.energies["weight_byte"].value
    found = {p.case: p for p in conventional_cases.language_models()}
    token = found["bf16: Llama-3.1-8B-Instruct, batch 63.9"]
    assert token.own == pytest.approx(expected, rel=1e-9)
    assert token.measured == pytest.approx(0.1186 * (1 - 124.7 / 610.3), rel=1e-3)


def test_speck_gesture_from_the_other_two_tasks():
    # gait: 16.1, 7.3, 46.8, 12.3 mW above 0.42 over 2.9, 1.2, 3.3, 1.5 million spikes
    watts = (np.array([16.1, 7.3, 46.8, 12.3]) - 0.42) * 1e-3
    per_spike = watts * 0.54 / (np.array([2.9, 1.2, 3.3, 1.5]) * 1e6)
    expected = np.exp(np.log(per_spike).mean()) * 1.0e6
    (gesture,) = [p for p in neuromorphic_cases.speck() if p.case == "gesture, vanilla"]
    assert gesture.nominal == pytest.approx(expected)
    assert gesture.measured == pytest.approx((9.5 - 0.42) * 1e-3 * 0.54)


def test_totals_add_idle_power_times_time():
    dynamic = conventional_cases.conventional()
    total = conventional_cases.conventional("total")
    cases = {
        (case.device, case.name): case
        for case in measured.kws_cases()
        if case.device == "xeon-e5-2630"
    }
    for before, after in zip(dynamic, total):
        if before.hardware == "xeon-e5-2630":
            case = cases[before.hardware, before.case]
            added = after.measured - before.measured
            assert added == pytest.approx(case.idle * case.time)
            assert after.nominal > before.nominal


@pytest.mark.parametrize(
    "value, low, high, expected",
    [(2, 1, 4, 1), (2, 4, 8, 2), (12, 4, 8, 1.5), (3, 1, 1, 3), (1, 3, 3, 3)],
)
def test_factor_is_the_distance_from_the_range(value, low, high, expected):
    assert factor(value, low, high) == pytest.approx(expected)


def test_factor_of_a_prediction_is_that_of_its_value_or_of_its_band():
    known = Prediction("t", "h", "c", 2.0, 0.5, 1.0, 4.0, (8.0, 8.0))
    assert (known.factor, known.keras_spiking_factor, known.is_inside) == (2, 4, True)
    swept = replace(known, nominal=None, keras_spiking=None)
    assert (swept.factor, swept.keras_spiking_factor) == (1, None)
    assert validation.geometric_mean([1.0, 4.0, 16.0]) == pytest.approx(4.0)


def test_shipped_devices_are_the_column_that_knows_the_case(predictions):
    found = {(p.hardware, p.case): p.own for p in predictions}
    device = devices.get("movidius-ncs")
    own = device.fixed_energy.value + 172_800 * device.energies["mac"].value
    assert found["movidius-ncs", "kws"] == pytest.approx(own)
    m4 = devices.get("cortex-m4@microtvm").energies["mac_dense"].value
    assert found["cortex-m4", "microtvm: AD"] == pytest.approx(264_192 * m4)
