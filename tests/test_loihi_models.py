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


def test_the_set_is_what_it_says(converted):
    assert len(CASES) >= 12
    assert converted("all_convolutional").topology.n_neurons > 40_000
    sizes = [p.n_neurons for p in converted("keyword_spotter").topology.populations]
    assert sizes == [256, 256]
    biased = converted("all_convolutional").topology.populations
    assert all(np.any(p.ensemble.bias != 0) for p in biased)
