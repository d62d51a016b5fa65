"""Costs fitted to measurements, and the device files that are made of them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from paths import ROOT

from nengo_energy import devices
from nengo_energy.calibration.fitting import fit_terms
from nengo_energy.common.exceptions import InputError
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.writing import format_device_file, readable

sys.path.insert(0, str(ROOT / "benchmarks"))

import costs  # noqa: E402
import fit_devices  # noqa: E402
import measured  # noqa: E402

# --- fitting -----------------------------------------------------------------------


@given(
    fixed=st.floats(1e-6, 1e-2),
    per_mac=st.floats(1e-12, 1e-8),
    sizes=st.lists(st.integers(10**3, 10**8), min_size=3, max_size=8, unique=True),
)
@settings(deadline=None)  # the first call imports scipy
def test_costs_without_noise_are_found_again(fixed, per_mac, sizes):
    sizes = np.array([*sizes, 10 * max(sizes)])  # so that the terms can be told apart
    energies = fixed + per_mac * sizes
    fit = fit_terms(np.c_[np.ones(len(sizes)), sizes], energies)
    assert fit.ratios == pytest.approx(np.ones(len(sizes)), rel=1e-4)
    assert (fit.lows <= fit.values).all() and (fit.values <= fit.highs).all()
    # a term that is a good part of some case is known itself
    shares = [np.max(fixed / energies), np.max(per_mac * sizes / energies)]
    for share, value, truth in zip(shares, fit.values, (fixed, per_mac)):
        if share > 0.1:
            assert value == pytest.approx(truth, rel=0.01)


def test_costs_are_found_from_noisy_cases_and_intervals_cover_them():
    # 400 fits of five networks with 10 % noise: 95 % intervals cover nearly always,
    # and leave the truth out about once in twenty
    rng = np.random.default_rng(0)
    sizes = np.array([1e5, 1e6, 3e6, 1e7, 1e8])
    truth = np.array([2e-3, 4e-9])
    amounts = np.c_[np.ones(5), sizes]
    covered = []
    for _ in range(400):
        energies = amounts @ truth * np.exp(rng.normal(0, 0.1, 5))
        fit = fit_terms(amounts, energies)
        covered.append((fit.lows <= truth) & (truth <= fit.highs))
    assert np.mean(covered, axis=0) == pytest.approx(0.95, abs=0.04)


def test_a_factor_counts_the_same_up_and_down_for_small_and_large():
    # one term: the fit is the geometric mean of 1, 4 and 16
    fit = fit_terms([[1], [10], [1000]], [1.0, 40.0, 16000.0])
    assert fit.values == pytest.approx([4.0], rel=1e-6)
    assert fit.spread == pytest.approx((0.25, 4.0), rel=1e-6)


def test_costs_are_never_negative():
    # a straight line through these would cross zero at 1
    fit = fit_terms([[1, 2], [1, 3], [1, 4]], [1.0, 2.0, 3.0])
    assert (fit.values >= 0).all() and (fit.lows >= 0).all()


def test_as_many_cases_as_terms_have_no_interval():
    fit = fit_terms([[1, 10], [1, 100]], [2.0, 11.0])
    assert fit.values == pytest.approx([1.0, 0.1], rel=1e-6)
    assert fit.lows is None and fit.highs is None


@pytest.mark.parametrize(
    "amounts, values, message",
    [
        ([[1, 10]], [1.0], "1 cases can't tell 2 terms apart; measure more netwo"),
        ([[1, 10], [1, 10]], [1.0, 1.1], "2 cases can't tell 2 terms apart"),
        ([[0, 1], [0, 2]], [1.0, 2.0], "can't tell 2 terms apart"),
        ([[1, -1], [1, 2]], [1.0, 2.0], "can't tell 2 terms apart"),
        ([[1, 1], [1, 2]], [0.0, 1.0], "measured values must be above 0"),
        ([[1, 1], [1, 2]], [np.nan, 1.0], "measured values must be above 0"),
        ([[1, np.inf], [1, 2]], [1.0, 1.0], "amounts finite"),
        ([1, 2], [1.0, 1.0], r"amounts must have a row for each of 2 cases"),
    ],
)
def test_cases_that_cant_be_fitted(amounts, values, message):
    with pytest.raises(InputError, match=message):
        fit_terms(amounts, values)


# --- cases -------------------------------------------------------------------------


def test_macs_of_the_scaled_networks():
    # 390-256-[n x 10 layers of 256]-256-29
    published = {
        0: 172_800,
        1: 828_160,
        2: 1_549_056,
        4: 2_990_848,
        6: 4_432_640,
        8: 5_874_432,
        10: 7_316_224,
    }
    found = {n: measured.scaled_kws_macs(n) for n in published}
    assert found == published


def test_measured_cases_are_read_with_their_units():
    # Blouw et al. 2019, Table 1: 6.3 mJ on the CPU, 5.6 mJ on the Jetson, batch size 1
    cases = measured.kws_cases()
    found = {
        case.device: case.energy
        for case in cases
        if case.network == "kws" and case.batch == 1 and case.point == "batch1"
    }
    assert found["jetson-tx1"] == pytest.approx(5.6e-3, rel=0.01)
    assert found["movidius-ncs"] == pytest.approx(1.5e-3, rel=0.1)
    assert len(measured.h100_cases()) == 60
    # MLPerf Tiny on a Cortex-M4: 2833 uJ and 15.9 inferences/s
    (kws,) = [
        case
        for case in measured.of_device(measured.mlperf_cases(), "cortex-m4", "vendor")
        if case.network == "KWS"
    ]
    assert (kws.energy, kws.time) == pytest.approx((2833e-6, 1 / 15.9))


# --- files -------------------------------------------------------------------------


def test_files_are_those_that_the_script_writes():
    for name, text in fit_devices.texts().items():
        path = fit_devices.FILES / f"{name}.toml"
        assert path.read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize(
    "device, slope, intercept",
    [
        # straight lines through six networks at batch size 1: published slopes
        ("xeon-e5-2630", 7.43e-9, 3.5e-3),
        ("quadro-k4000", 34.2e-9, 33e-3),
        ("movidius-ncs", 0.943e-9, 1.37e-3),
    ],
)
def test_fits_of_blouw2019_agree_with_straight_lines(device, slope, intercept):
    # ours weigh factors and hold the batches too, so near and not equal
    found = devices.get(device)
    assert found.energies["mac"].value == pytest.approx(slope, rel=0.15)
    assert found.fixed_energy.value == pytest.approx(intercept, rel=0.35)


def test_a_batch_shares_its_launch_and_its_weights():
    cost = costs.Cost({"launch": 8.0, "mac": 1.0, "load": 4.0}, (0.5, 2.0))
    assert cost.at(1) == (8.0, 5.0)
    assert cost.at(4) == (2.0, 2.0)
    case = measured.Case("x", "n", macs=10, batch=4, energy=1.0, kind="dynamic")
    assert cost.predict(case) == (11.0, 22.0, 44.0)


def test_ranges_of_h100_hold_the_networks_and_the_drift_of_idle_power():
    cases = measured.h100_cases()
    for point, device in devices.get("h100").operating_points.items():
        for case in measured.of_device(cases, "h100", point):
            # per inference of the point's batch, unless measured at another one
            if case.batch != device.batch_size:
                continue
            low, high = (
                fixed + mac * case.macs
                for fixed, mac in zip(
                    device.fixed_energy.bounds, device.energies["mac"].bounds
                )
            )
            assert low * (1 - 1e-3) <= case.energy <= high * (1 + 1e-3)
            # 6 W x time of the fixed part alone is in the range
            drift = 6 * device.fixed_time.value
            assert high - case.macs * device.energies["mac"].value >= drift * 0.999


def test_speck_is_energy_over_spikes_over_the_assumed_fan_out():
    # gesture, vanilla: (9.5 - 0.42) mW x 0.54 s / 1e6 spikes = 4.90 nJ; / 288 = 17 pJ
    energies = fit_devices.speck_energies()
    assert energies["gesture vanilla"] == pytest.approx(4.903e-9, rel=1e-3)
    low, high = devices.get("speck").energies["synop"].bounds
    assert low == pytest.approx(min(energies.values()) / 288, rel=1e-3)
    assert high == pytest.approx(max(energies.values()) / 288, rel=1e-3)


@pytest.mark.parametrize(
    "device, low, high",
    [
        # nJ per MAC over the networks of MLPerf Tiny
        ("cortex-m4", 0.56e-9, 1.113e-9),
        ("cortex-m4@microtvm", 1.4e-9, 3e-9),
        ("cortex-m7", 0.49e-9, 1.07e-9),
        ("cortex-m33", 0.26e-9, 0.46e-9),
        ("gap9", 2.2e-12, 28e-12),
        ("ndp120", 8e-12, 16e-12),
    ],
)
def test_microcontrollers_have_the_published_ranges(device, low, high):
    mac = devices.get(device).energies["mac"]
    assert mac.bounds == pytest.approx((low, high))
    assert mac.all_in


def test_cortex_m4_is_the_geometric_mean_of_its_two_networks():
    # 293.9 uJ / 264,192 MACs and 2833 uJ / 2,656,768 MACs
    expected = (293.9e-6 / 264_192 * 2833e-6 / 2_656_768) ** 0.5
    mac = devices.get("cortex-m4").energies["mac"]
    assert mac.value == pytest.approx(expected, rel=1e-3)


# --- writing -----------------------------------------------------------------------


@given(
    value=st.floats(1e-14, 1e3),
    less=st.floats(0, 1),
    more=st.floats(1, 1e6),
)
def test_written_numbers_keep_four_digits_and_their_order(value, less, more):
    fields = readable(value, "J", value * less, value * more)
    assert fields["low"] <= fields["value"] <= fields["high"]
    text = format_device_file(device_data(fields), "A comment.")
    price = parse_device(text, "file").energies["synop"]
    assert price.value == pytest.approx(value, rel=5e-4)
    assert price.bounds == pytest.approx((value * less, value * more), rel=5e-4)


def device_data(fields, **more):
    provenance = {"source": "us", "locator": "p. 1", "evidence": "measured"}
    return {
        "name": "chip",
        "kind": "event",
        "energies": {"synop": {**fields, **provenance, "year": 2020}},
        "sources": {"us": 'Someone, "A chip" \\ caf\u00e9\n2020'},
        **more,
    }


def test_written_texts_lists_and_names_are_read_back():
    data = device_data(
        {"value": 1, "unit": "pJ", "all_in": True},
        notes=['One, "quoted".', "Two\ttabs."],
        not_modelled={"hops, to the east": "no placement."},
    )
    device = parse_device(format_device_file(data, "One line.\n\nAnother."), "file")
    assert device.sources == data["sources"]
    assert device.notes == tuple(data["notes"])
    assert device.not_modelled == data["not_modelled"]
    assert device.energies["synop"].all_in is True


def test_what_a_file_cant_hold_is_refused():
    with pytest.raises(InputError, match="a device file can't hold None"):
        format_device_file(device_data({}, notes=None), "")
