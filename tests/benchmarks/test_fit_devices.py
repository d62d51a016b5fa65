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
        if case.network == "kws" and case.batch == 1 and not case.note
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
    assert (kws.energy, kws.time) == pytest.approx((2833e-6, 1 / 15.9), rel=2e-3)
    # ML.ENERGY: 0.455 J at 486 W, of which 124.7 W are idle
    token = measured.language_model_cases("H100")[0]
    assert token.energy == pytest.approx(0.455 * (1 - 124.7 / 486.4), rel=1e-3)
    assert (token.macs, token.batch) == (8_000_000_000, 8)


def test_networks_are_those_that_were_measured():
    """Multiply-accumulates by the logs; others by hand."""
    networks = measured.networks()
    for case in (*measured.kws_cases(), *measured.h100_cases()):
        assert case.macs - case.work.macs.get("batch_norm", 0) in {
            *(measured.scaled_kws_macs(n) for n in (0, 1, 2, 4, 6, 8, 10)),
            36_806_656,
            154_866_688,
            4_089_184_256,
        }
    # MLPerf Tiny's four networks, worked out from their architectures
    expected = {"AD": 264_192, "IC": 12_501_632, "KWS": 2_656_768, "VWW": 7_489_664}
    assert {n: sum(networks[n].macs.values()) for n in expected} == expected
    # 390-256-256-29: three products, two nonlinearities; weights and biases
    kws = networks["kws"]
    assert (kws.kernels, kws.weights) == (5, 172_800 + 256 + 256 + 29)
    # in and out of each layer, and in and out of two nonlinearities
    assert kws.values == (390 + 256) + (256 + 256) + (256 + 29) + 2 * 2 * 256


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["kws +2 stacks", "resnet50", "IC", "VWW"])
def test_networks_are_counted_by_the_package(name):
    import networks
    import tensorflow as tf

    row = networks.row(name, tf.keras)
    known = measured.networks()[name]
    forms = ("dense", "convolution", "depthwise", "batch_norm")
    assert {f: row[f] for f in forms if row[f]} == known.macs
    assert (row["kernels"], row["weights"], row["values"]) == (
        known.kernels,
        known.weights,
        known.values,
    )


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
    # ours weigh factors and hold the batches too, so near and not equal. A further
    # stack has 720,896 multiply-accumulates and 20 kernels.
    found = devices.get(device)
    kernel = found.energies.get("kernel")
    per_mac = found.energies["mac"].value
    per_mac += kernel.value * 20 / 720_896 if kernel else 0.0
    start = found.batch_energy or found.fixed_energy
    assert per_mac == pytest.approx(slope, rel=0.15)
    assert start.value == pytest.approx(intercept, rel=0.4)


def made_up(batch, kernels, weights, values, macs, precision="fp32", network="n"):
    """A case that costs 8 a batch, 5 a kernel, 2 a MAC, ... without noise."""
    work = measured.Network({"dense": macs}, kernels, weights, values)
    n_bytes = costs.WORD_BYTES[precision]
    energy = (8 + 5 * kernels + 3 * n_bytes * weights) / batch
    energy += 0.5 * n_bytes * values + (2 if precision == "fp32" else 1) * macs
    return measured.Case(
        "x", network, network, work, batch, energy, "dynamic", precision=precision
    )


CASES = [
    made_up(1, 5, 10, 40, 10, network="a"),
    made_up(4, 5, 10, 40, 10, network="a"),
    made_up(1, 2, 900, 20, 900, "bf16", network="b"),
    made_up(64, 2, 900, 20, 900, network="b"),
    made_up(8, 90, 50, 4000, 70_000, "bf16", network="c"),
    made_up(2, 90, 50, 4000, 70_000, network="c"),
    made_up(1, 30, 7000, 3, 7000, network="d"),
    made_up(3, 1, 2, 9000, 20, "bf16", network="d"),
]
TERMS = ("batch", "kernel", "weight_byte", "activation_byte", "mac@fp32", "mac@bf16")


def test_terms_without_noise_are_found_again():
    found = costs.fit_cost(CASES, TERMS).costs
    expected = dict(zip(TERMS, (8, 5, 3, 0.5, 2, 1)))
    assert found == pytest.approx(expected, rel=1e-4)
    assert costs.fit_cost(CASES, TERMS).of(CASES[4]) == pytest.approx(CASES[4].energy)


def test_terms_that_cant_be_told_apart_are_dropped_or_lent():
    alone = [made_up(b, 5, 0, 0, 10, network="a") for b in (1, 2, 8)]
    terms = ("batch", "kernel", "mac")
    dropped = costs.fit_cost(alone, terms).costs
    assert dropped == pytest.approx({"batch": 8 + 25, "mac": 2}, rel=1e-4)
    lent = costs.fit_cost(alone, terms, alike=costs.Cost({"batch": 80, "kernel": 50}))
    assert lent.costs == pytest.approx({"batch": 8, "kernel": 5, "mac": 2}, rel=1e-4)


def test_networks_are_left_out_whole():
    cases = [
        measured.Case("x", n, n, CASES[0].work, b, energy, "dynamic")
        for n, b, energy in (("a", 1, 2.0), ("a", 2, 2.0), ("b", 1, 8.0))
    ]
    off = costs.left_out(cases, ("inference",))
    # a is predicted as 8 and b as 2
    assert {name: np.exp(values).round(9).tolist() for name, values in off.items()} == {
        "a": [0.25, 0.25],
        "b": [4.0],
    }
    # of one network, batch sizes are left out
    assert list(costs.left_out(cases[:2], ("inference",))) == ["1", "2"]


def test_the_interval_is_students():
    # three residuals of log 2: deviation log 2, t of three degrees at 95 % is 2.353
    off = {"a": [np.log(2), -np.log(2)], "b": [np.log(2)]}
    assert costs.interval_factor(off) == pytest.approx(2**2.3534, rel=1e-3)


def test_boards_share_ratios_between_kinds_of_layers():
    # prices 1 (convolution), 2 (dense) and 4 (depthwise), twice that on another board
    def case(device, scale, network, **macs):
        energy = scale * sum(
            {"convolution": 1, "dense": 2, "depthwise": 4}[kind] * n
            for kind, n in macs.items()
        )
        work = measured.Network(macs, 1, 1, 1)
        return measured.Case(device, network, network, work, 1, energy, "total")

    cases = [
        case(device, scale, network, **macs)
        for device, scale in (("x", 1.0), ("y", 2.0))
        for network, macs in (
            ("a", {"dense": 100}),
            ("b", {"convolution": 500}),
            ("c", {"convolution": 50, "depthwise": 200}),
        )
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "RIDGE", 1e-6)
        found = costs.fit_kinds(cases)
    for device, scale in (("x", 1), ("y", 2)):
        expected = {"mac_convolution": 1, "mac_dense": 2, "mac_depthwise": 4}
        assert found[device, ""].costs == pytest.approx(
            {kind: scale * price for kind, price in expected.items()}, rel=1e-3
        )
    # without a network of a kind, its price is that of the others
    few = costs.fit_kinds([c for c in cases if c.network == "b"])["x", ""].costs
    assert few["mac_dense"] == pytest.approx(few["mac_convolution"])


def test_speck_is_energy_over_spikes_over_the_assumed_fan_out():
    # gesture, vanilla: (9.5 - 0.42) mW x 0.54 s / 1e6 spikes = 4.90 nJ; / 288 = 17 pJ
    energies = fit_devices.speck_energies()
    assert energies["gesture vanilla"] == pytest.approx(4.903e-9, rel=1e-3)
    low, high = devices.get("speck").energies["synop"].bounds
    assert low == pytest.approx(min(energies.values()) / 288, rel=1e-3)
    assert high == pytest.approx(max(energies.values()) / 288, rel=1e-3)


@pytest.mark.parametrize(
    "device, network, microjoules",
    [
        # MLPerf Tiny v1.1, STMicroelectronics
        ("cortex-m4", "AD", 293.9),
        ("cortex-m4", "KWS", 2833),
        ("cortex-m7", "KWS", 1869),
        ("cortex-m33", "IC", 3391),
        # Silicon Labs v0.7, Renesas v0.7
        ("efr32-xg24", "VWW", 1722),
        ("renesas-ra6m4", "IC", 17_724),
    ],
)
def test_boards_are_near_what_they_were_measured_at(device, network, microjoules):
    model = devices.get(device)
    price = sum(
        model.energies[f"mac_{kind}"].value * n
        for kind, n in measured.networks()[network].macs.items()
    )
    assert price == pytest.approx(microjoules * 1e-6, rel=0.5)
    assert model.spread.energy > 1.5 and model.all_in


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
