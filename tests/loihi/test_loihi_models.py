"""A fixed set of Keras models deploys to the emulator with nothing edited."""

from __future__ import annotations

import numpy as np
import pytest
from loihi_models import CASES, ModelCase, example_input, make
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.compat import import_nengo_loihi

pytestmark = pytest.mark.tensorflow

LARGE = {"all_convolutional", "too_big"}


def tf_keras():
    import tensorflow as tf

    return tf.keras


@pytest.fixture(scope="module")
def converted():
    """Each model, converted once."""
    made: dict = {}

    def get(name):
        if name not in made:
            model = make(tf_keras(), name)
            made[name] = ne.convert(model, verify=False, **CASES[name].convert)
        return made[name]

    return get


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in CASES],
)
def test_model_runs_on_the_emulator_as_planned(converted, name):
    """Every layer spikes, and its blocks take of their cores what was foreseen."""
    nengo_loihi = import_nengo_loihi()
    case: ModelCase = CASES[name]
    snn = converted(name)
    prepared = snn.loihi_network()
    x = example_input(name, 1, case.n_steps)[0]
    with snn.simulator("loihi", x) as sim:
        assert isinstance(sim, nengo_loihi.Simulator)
        sim.run_steps(case.n_steps)
        (probe,) = snn.output_probes
        assert sim.data[probe].shape[0] == case.n_steps
        emulator = sim.sims["emulator"]
        populations = {p.name: p for p in prepared.topology.populations}
        assert set(prepared.plans) == set(populations) - prepared.on_host
        for layer, plan in prepared.plans.items():
            blocks = sim.model.objs[populations[layer].ensemble]["out"]
            blocks = blocks if isinstance(blocks, list) else [blocks]
            use = [block.utilization() for block in blocks]
            planned = {
                "compartments": plan.partition.sizes,
                "in-axons": plan.in_axons,
                "out-axons": plan.out_axons,
                "synapses": plan.synapse_bits,
            }
            for resource, values in planned.items():
                assert_array_equal([u[resource][0] for u in use], values)
                assert all(u[resource][0] <= u[resource][1] for u in use)
            spikes = [
                emulator.compartment.spike_count[emulator.block_info.slices[block]]
                for block in blocks
            ]
            assert sum(s.sum() for s in spikes) > 0, layer
        assert len(sim.model.blocks) == prepared.n_cores
    text = str(prepared)
    assert all(layer in text for layer in populations)


@pytest.mark.slow
def test_network_too_big_for_a_chip_says_so_and_builds_across_chips(converted):
    """40 x 40 x 96 neurons on cores of 1,024: at least 150 cores for one layer."""
    snn = converted("too_big")
    prepared = snn.loihi_network()
    plan = max(prepared.plans.values(), key=lambda p: p.n_cores)
    assert plan.partition.sizes.sum() == 153_600
    assert plan.n_cores >= 150 and not prepared.fits and prepared.n_chips == 2
    excess = prepared.n_cores - 128
    text = str(prepared)
    assert f"{prepared.n_cores} cores are {excess} more than its 128; 2 chips" in text
    assert f"{plan.n_cores - 128} more than a chip has: 2 chips" in text
    activity = snn.measure(example_input("too_big", 1), 12, progress=False)
    ledger = snn.ledger(activity)
    assert (ledger.n_cores, ledger.n_chips, ledger.fits) == (
        prepared.n_cores,
        2,
        False,
    )
    per_chip = np.bincount([core.chip for core in ledger.cores])
    assert per_chip.max() == 128 and per_chip.sum() == prepared.n_cores
    greedy, simple = (sum(ledger.hops(p)) for p in ("greedy", "row-major"))
    assert 0 < greedy <= simple
    assert "loihi-chips-in-a-row" in [a.code for a in ledger.assumptions]
    assert "doesn't fit on one chip" in str(ledger)
    assert "between chips:" in str(ledger)


def test_several_chips_are_asked_for_on_hardware(converted, monkeypatch):
    """The allocator and the number of chips that the network needs, unless given."""
    nengo_loihi = import_nengo_loihi()
    from nengo_loihi.hardware.allocators import GreedyInterchip

    seen = {}

    class OnChip:
        """A simulator that runs on a chip, so has no emulator to exchange."""

        sims: dict = {}

        def __init__(self, network, **options):
            seen.update(options)

    monkeypatch.setattr(nengo_loihi, "Simulator", OnChip)
    snn = converted("too_big")
    snn.loihi_network().simulator()
    assert seen["hardware_options"]["n_chips"] == 2
    assert isinstance(seen["hardware_options"]["allocator"], GreedyInterchip)
    snn.loihi_network().simulator(hardware_options={"n_chips": 5})
    assert seen["hardware_options"]["n_chips"] == 5
    converted("mlp").loihi_network().simulator(target="sim")
    assert seen["target"] == "sim"


def test_inputs_are_presented_one_after_the_other(converted):
    """Each for its time: the first presentation is what a single input does."""
    snn = converted("digits_cnn")
    x = example_input("digits_cnn", 2)
    (probe,) = snn.output_probes
    with snn.simulator("loihi", x, presentation_time=0.03) as sim:
        sim.run_steps(60)
        both = sim.data[probe]
    with snn.simulator("loihi", x[0]) as sim:
        sim.run_steps(60)
        alone = sim.data[probe]
    assert np.any(alone[:30] != 0)
    assert_array_equal(both[:31], alone[:31])  # the chip answers a timestep late
    assert np.any(both[40:] != alone[40:])
    with pytest.raises(
        ne.InputError, match="until the next is fed; got 2.*presentation"
    ):
        snn.simulator("loihi", x)
    with pytest.raises(ne.InputError, match="presentation_time must be a number above"):
        snn.simulator("loihi", x, presentation_time=0)
    assert snn.loihi_network().network is not snn.net


def test_input_that_changes_every_timestep(converted):
    """Shown in the timesteps it is for, as measurement shows it."""
    snn = converted("temporal")
    x = example_input("temporal", 1, 40)
    with snn.simulator("loihi", x[0]) as sim:
        sim.run_steps(40)
        (probe,) = snn.output_probes
        shown = sim.data[probe][20:].mean(axis=0)
    measured = snn.measure(x, 40, simulator="loihi", progress=False)
    assert np.any(shown != 0)
    np.testing.assert_allclose(measured.outputs[probe][0], shown, rtol=1e-9)
    with snn.simulator("loihi") as sim:
        with pytest.raises(ne.InputError, match="until the next is fed; got 40"):
            snn.feed(sim, x[0])


def test_more_layers_on_the_host(converted):
    """Those that are named, and the chip has the rest."""
    snn = converted("mlp")
    first, second, third = (p.name for p in snn.topology.populations)
    prepared = snn.loihi_network(on_host=[first, second])
    assert prepared.on_host == {first, second}
    assert list(prepared.plans) == [third]
    with prepared.simulator(target="sim") as sim:
        sim.run_steps(5)
        assert len(sim.model.blocks) == 1
    assert list(snn.loihi_network(on_host=[]).plans) == [first, second, third]


def test_what_was_changed_is_said(converted):
    said = "\n".join(str(c) for c in converted("max_pooled").loihi_network().changes)
    assert "max pooling became average pooling" in said
    assert "shared weights; activity stays on the chip" in said
    assert "runs on the host; encodes the input as spikes" in said
    kinds = {c.kind for c in converted("lenet5").loihi_network().changes}
    assert kinds == {"merged", "host", "blocks"}


def test_the_set_is_what_it_says(converted):
    assert len(CASES) >= 12
    assert converted("all_convolutional").topology.n_neurons > 40_000
    sizes = [p.n_neurons for p in converted("keyword_spotter").topology.populations]
    assert sizes == [256, 256]
    biased = converted("all_convolutional").topology.populations
    assert all(np.any(p.ensemble.bias != 0) for p in biased)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in CASES],
)
def test_compiled_emulator_is_nengo_loihis_bit_for_bit(converted, name):
    """Voltages, currents, spikes and outputs of every timestep, on the same input."""
    case, snn = CASES[name], converted(name)
    x = example_input(name, 1, case.n_steps)[0]
    n_steps = 3 if name in LARGE else min(case.n_steps, 25)
    (probe,) = snn.output_probes
    with snn.simulator("loihi", x, emulator="nengo-loihi") as stock:
        with snn.simulator("loihi", x, emulator="fast") as fast:
            assert hasattr(fast.sims["emulator"], "program")
            ours, theirs = (s.sims["emulator"].compartment for s in (fast, stock))
            for _ in range(n_steps):
                for sim in (stock, fast):
                    sim.run_steps(1)
                for part in ("voltage", "current", "spiked", "spike_count"):
                    assert_array_equal(getattr(ours, part), getattr(theirs, part))
            assert np.any(theirs.current)
            assert_array_equal(fast.data[probe], stock.data[probe])
            if name not in LARGE:
                assert theirs.spike_count.sum() > 0
