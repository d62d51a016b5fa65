"""Prices that a batch shares, bytes, kinds of layers, and intervals, by hand."""

from __future__ import annotations

import warnings

import pytest

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.common.exceptions import ExtrapolationWarning, InputError
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device, Quantity
from nengo_energy.devices.spread import KIND_FACTOR, SIZE_EXPONENT, Spread
from nengo_energy.pricing.energy import estimate_energy

SPREAD = Spread(0.9, 2.0, 3.0, macs=(1000, 4000), batch=(1, 8), forms=("dense",))


def approx(value):
    return pytest.approx(value, rel=1e-12)


def q(value, **fields):
    return Quantity(value, "paper", **fields)


def box(**fields):
    given = {
        "name": "box",
        "kind": "dense",
        "energies": {
            "mac": q(2e-12),
            "kernel": q(5e-6),
            "weight_byte": q(3e-11),
            "activation_byte": q(7e-11),
        },
        "times": {"mac": q(1e-12), "kernel": q(1e-5)},
        "batch_energy": q(1e-4),
        "batch_time": q(2e-4),
        "static_power": q(10.0),
        "included": ("activation",),
        "sources": {"paper": "Someone, A paper, 2020"},
    }
    return Device(**{**given, **fields})


def network(form="dense", n_macs=2000):
    amounts = {
        "mac": n_macs,
        "activation": 10,
        "kernel": 2,
        "weight_byte": 8000,
        "activation_byte": 400,
    }
    return OpCounts(
        tuple(
            OpCount("layer", operation, n, 1, execution="dense", form=form)
            for operation, n in amounts.items()
        )
    )


@pytest.mark.parametrize("batch, bits", [(1, 32), (4, 16), (64, 8)])
def test_a_batch_is_shared_and_bytes_follow_the_bits(batch, bits):
    estimate = estimate_energy(network(), box(word_bits=bits), batch_size=batch)
    share = bits / 32
    energy = 2000 * 2e-12 + 400 * share * 7e-11
    energy += (1e-4 + 2 * 5e-6 + 8000 * share * 3e-11) / batch
    time = 2000 * 1e-12 + (2e-4 + 2 * 1e-5) / batch
    assert estimate.static("box") == approx(10 * time)
    assert estimate.total("box") == approx(energy + 10 * time)
    assert estimate.latency("box") == approx(time * batch)
    assert estimate.fixed("box") == approx(1e-4 / batch)
    counts = {row.operation: row.count for row in estimate.rows}
    assert counts["kernel"] == approx(2 / batch)
    assert counts["weight_byte"] == approx(8000 * share / batch)
    assert counts["activation_byte"] == approx(400 * share)


def test_the_batch_size_is_a_number_and_named_points_are_too():
    model = devices.get("h100@bf16")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        given = estimate_energy(network(), "h100@bf16", batch_size=24)
        named = estimate_energy(network(), "h100@bf16-batch24")
    assert given.total("h100@bf16") == named.total("h100@bf16-batch24")
    assert given.models[0].batch_size == 24 != model.batch_size


def test_devices_of_one_batch_size_say_so():
    estimate = estimate_energy(network(), ["cpu", box()], batch_size=4)
    texts = {a.code: a.text for a in estimate.assumptions}
    assert texts["one-batch-size"].startswith("Prices on cpu don't tell what a batch")
    assert estimate.total("cpu") == estimate_energy(network(), "cpu").total("cpu")
    for wrong in (0, 1.5, "4"):
        with pytest.raises(InputError, match="batch_size must be a whole number"):
            estimate_energy(network(), box(), batch_size=wrong)


def test_a_kind_of_layers_has_its_own_price():
    energies = {"mac": q(1e-12), "mac_depthwise": q(9e-12)}
    model = box(energies=energies, times={}, batch_energy=None, batch_time=None)
    for form, price in (("depthwise", 9e-12), ("dense", 1e-12), ("", 1e-12)):
        assert estimate_energy(network(form), model).dynamic("box") == approx(
            2000 * price
        )


def test_folded_normalizations_take_nothing():
    counts = OpCounts(network().rows + network("batch_norm").rows)
    folded = box(included=("activation", "batch_norm"))
    assert estimate_energy(counts, folded).total("box") == approx(
        estimate_energy(network(), box()).total("box")
    )
    twice = estimate_energy(counts, box()).dynamic("box")
    assert twice == approx(2 * estimate_energy(network(), box()).dynamic("box"))


def test_the_interval_is_that_of_the_fit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = estimate_energy(network(), box(spread=SPREAD))
    interval = estimate.intervals["box"]
    assert (interval.level, interval.factor, interval.outside) == (0.9, 2.0, ())
    dynamic = estimate.dynamic("box") + estimate.fixed("box")
    static = estimate.static("box")
    low, high = estimate.interval("box")
    # a factor of 2 for the energy, 3 for the time that static power is drawn
    assert low == approx(dynamic / 2 + static / 3)
    assert high == approx(dynamic * 2 + static * 3)
    texts = {a.code: a.text for a in estimate.assumptions}
    assert "a factor of 2 to both sides, to hold 90%" in texts["prediction-interval"]
    assert "extrapolated" not in texts


@pytest.mark.parametrize(
    "form, n_macs, batch, growth, words",
    [
        ("dense", 64_000, 1, 16**SIZE_EXPONENT, "64,000 multiply-accumulates, where"),
        ("dense", 500, 1, 2**SIZE_EXPONENT, "500 multiply-accumulates, where 1,000"),
        ("dense", 2000, 32, 4**SIZE_EXPONENT, "32 inferences together, where 1 to 8"),
        ("depthwise", 2000, 1, KIND_FACTOR, "wasn't measured: depthwise"),
        (
            "convolution",
            8000,
            16,
            KIND_FACTOR * 2**SIZE_EXPONENT * 2**SIZE_EXPONENT,
            "16 inferences together",
        ),
    ],
)
def test_it_grows_beyond_what_was_measured_and_says_why(
    form, n_macs, batch, growth, words
):
    counts = network(form, n_macs)
    with pytest.warns(ExtrapolationWarning, match=f"box: .*{words}"):
        estimate = estimate_energy(counts, box(spread=SPREAD), batch_size=batch)
    assert estimate.intervals["box"].factor == approx(2 * growth)
    (text,) = [a.text for a in estimate.assumptions if a.code == "extrapolated"]
    assert text.startswith("The network lies outside of what box was fitted to: ")
    assert words in text
    read = ne.load_estimate(estimate.to_json())
    assert read == estimate and read.intervals["box"].outside


def test_a_small_part_of_another_kind_widens_nothing():
    counts = OpCounts(network().rows + network("depthwise", 100).rows)
    estimate = estimate_energy(counts, box(spread=SPREAD))
    assert estimate.intervals["box"].outside == ()


def test_resnet50_on_a_quadro_is_named_and_within_ten_times_at_best():
    """4.1e9 multiply-accumulates in convolutions, on a device of dense layers."""
    rows = [
        OpCount("net", "mac", 4_087_136_256, 1, execution="dense", form="convolution"),
        OpCount("net", "kernel", 174, 1, execution="dense"),
    ]
    with pytest.warns(ExtrapolationWarning, match="quadro-k4000: 4,087,136,256 multi"):
        estimate = estimate_energy(OpCounts(tuple(rows)), "quadro-k4000")
    assert estimate.intervals["quadro-k4000"].factor > 10
    # 155 J when a layer of 256 units was charged as its multiply-accumulates
    assert 1 < estimate.total("quadro-k4000") < 15


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"level": 1.0}, "level must be below 1"),
        ({"energy": 0.5}, "energy must be a factor of at least 1"),
        ({"macs": (5,)}, "macs must be a least and a most"),
        ({"batch": (8, 1)}, "batch must be in ascending order"),
        ({"macs": (0, 1)}, "macs must be a whole number of at least 1"),
    ],
)
def test_spreads_that_are_none(fields, message):
    given = {"level": 0.9, "energy": 2.0, "time": 2.0, "macs": (1, 2)}
    with pytest.raises(InputError, match=message):
        Spread(**{**given, **fields})
