"""What is changed in NengoLoihi against NengoLoihi as it is."""

import importlib

import nengo
import nengo_loihi
import numpy as np
import pytest

from nengo_energy.compat import import_nengo_loihi


@pytest.mark.parametrize("shared", [False, True], ids=["dense", "convolution"])
def test_weights_chosen_at_once_are_those_that_are_asked_for_one_by_one(
    shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_nengo_loihi()
    module = importlib.import_module("nengo_loihi.builder.split_blocks")
    ours = module.set_new_synapse_weights

    def built():
        rng = np.random.RandomState(0)
        kernel = nengo.Convolution(3, (6, 6, 2), init=rng.normal(size=(3, 3, 2, 3)))
        with nengo.Network(seed=0) as net:
            nengo_loihi.add_params(net)
            neurons = nengo.LIF()
            pre = nengo.Ensemble(72, 1, neuron_type=neurons, label="pre")
            options = dict(neuron_type=neurons, gain=np.ones(48), bias=np.zeros(48))
            post = nengo.Ensemble(48, 1, label="post", **options)
            net.config[post].block_shape = nengo_loihi.BlockShape((2, 4, 2), (4, 4, 3))
            weights = kernel if shared else rng.normal(size=(48, 72))
            nengo.Connection(pre.neurons, post.neurons, transform=weights)
        with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
            return [synapse for block in sim.model.blocks for synapse in block.synapses]

    found = built()
    assert len(found) == 4  # (4 / 2) x (4 / 4) x (3 / 2 rounded up) blocks
    monkeypatch.setattr(module, "set_new_synapse_weights", ours.__wrapped__)
    for ours_, theirs in zip(found, built(), strict=True):
        for kind in ("weights", "indices"):
            for a, b in zip(getattr(ours_, kind), getattr(theirs, kind), strict=True):
                np.testing.assert_array_equal(a, b)
        for kind in ("axon_to_weight_map", "axon_compartment_bases"):
            np.testing.assert_array_equal(getattr(ours_, kind), getattr(theirs, kind))
        assert ours_.bits() == theirs.bits()
