"""The quantised conventional network beside the spiking one, by hand."""

from __future__ import annotations

import pytest

import nengo_energy as ne
from nengo_energy.counts import OpCount, OpCounts

TIMESTEPS = 10

# Horowitz 2014, 45 nm [pJ]: int8 addition and multiplication, and an eighth of the
# 20 pJ of 64 bits from 32 KB
ADD, MULTIPLY, BYTE = 0.03, 0.2, 20 / 8


def counts(spikes: int = 30, weighted: str = "dense_1") -> OpCounts:
    """Return 20 neurons, driven by analog input, that drive 5 of a layer each."""

    def dense(layer: str, operation: str, n: float) -> OpCount:
        return OpCount(layer, operation, n, 1, execution="dense")

    rows = (
        OpCount("dense", "mac", 2 * 60, 2, where="host"),
        OpCount("relu", "neuron_update_active", 2 * spikes, 2),
        OpCount("relu", "neuron_update_inactive", 2 * (20 * TIMESTEPS - spikes), 2),
        OpCount("dense_1", "synop", 2 * 5 * spikes, 2),
        OpCount("relu_1", "neuron_update_active", 2 * 4, 2),
        OpCount("relu_1", "neuron_update_inactive", 2 * (5 * TIMESTEPS - 4), 2),
        dense("dense", "mac", 60),
        dense(weighted, "mac", 100),
        dense(weighted, "weight_byte", 4 * 105),
        dense(weighted, "activation_byte", 4 * 25),
    )
    return OpCounts(rows, TIMESTEPS, 0.001, synapses={"dense_1": 100})


def test_energies_and_crossover_by_hand():
    found = ne.fair_opponent(counts())
    (row,) = found.rows
    assert found.left_out == ("dense",)
    # states of 16 bits are read and written: 2 x 2 bytes
    synop = ADD + BYTE + 4 * BYTE
    neurons = 50 * (MULTIPLY + ADD + 4 * BYTE)
    arithmetic = 100 * (MULTIPLY + ADD)
    once = arithmetic + (105 + 25) * BYTE
    each = arithmetic + 100 * 2 * BYTE
    assert row.layer == "dense_1"
    assert row.spiking == pytest.approx((150 * synop + neurons) * 1e-12, rel=1e-12)
    assert row.dense == pytest.approx(once * 1e-12, rel=1e-12)
    assert row.dense_no_reuse == pytest.approx(each * 1e-12, rel=1e-12)
    assert row.spikes == 30 / 20
    assert once < neurons < each
    assert row.crossover == 0 and not row.pays
    expected = (each - neurons) / (100 * synop)
    assert row.crossover_no_reuse == pytest.approx(expected, rel=1e-12)
    assert "its neurons alone take more" in str(row)


def test_at_the_crossover_both_take_the_same():
    wide = {"weight_bits": 16, "activation_bits": 16, "state_bits": 4}
    limit = ne.fair_opponent(counts(), **wide).rows[0].crossover
    assert 0 < limit
    below, above = (
        ne.fair_opponent(counts(20 * s), **wide).rows[0]
        for s in (int(limit), int(limit) + 1)
    )
    assert below.spiking < below.dense < above.spiking
    assert (below.pays, above.pays) == (True, False)
    assert f"pays below {limit:.2g} spikes per synapse" in str(below)
    assert f"it has {above.spikes:.2g}" in str(above)


def test_widths():
    # a multiply-accumulate by the product of widths, bytes by each
    row = ne.fair_opponent(
        counts(), weight_bits=4, activation_bits=2, state_bits=8
    ).rows[0]
    arithmetic = 100 * (MULTIPLY + ADD) * 4 * 2 / 64
    once = arithmetic + 105 * BYTE / 2 + 25 * BYTE / 4
    assert row.dense == pytest.approx(once * 1e-12, rel=1e-12)
    spiking = 150 * (ADD + BYTE / 2 + 2 * BYTE)
    spiking += 50 * (MULTIPLY + ADD + 2 * BYTE)
    assert row.spiking == pytest.approx(spiking * 1e-12, rel=1e-12)


def test_a_chip_whose_synops_hold_its_memory():
    row = ne.fair_opponent(counts(), "darwin3", "gap9").rows[0]
    assert row.spiking == pytest.approx(150 * 5.47e-12, rel=1e-12)


def test_text_and_frame():
    found = ne.fair_opponent(counts())
    frame = found.to_frame()
    assert list(frame["layer"]) == ["dense_1"]
    assert frame["spiking"][0] == found.rows[0].spiking
    text = str(found)
    assert "weights of 8 bits, activations 8, states 16" in text
    assert "no spikes drive them: dense" in text


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ne.InputError, match="must be of kind 'event' and price synop"):
        ne.fair_opponent(counts(), spiking="cpu")
    with pytest.raises(ne.InputError, match="must be of kind 'dense' and price mac"):
        ne.fair_opponent(counts(), dense="loihi")
    bare = OpCounts(counts().rows, TIMESTEPS)
    with pytest.raises(ne.InputError, match="spiking one's synapses"):
        ne.fair_opponent(bare)
    with pytest.raises(ne.InputError, match="weight_bits"):
        ne.fair_opponent(counts(), weight_bits=0)
