"""Random models as NengoLoihi builds them, put together by hand from its blocks.

They hold what networks rarely lead to: registers that overflow, odd limits, noise of
every kind, axons that lead nowhere, rows of weights that are shared.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

N_STEPS = 24


def random_model(seed, largest_weight=2**13):
    """Return a nengo_loihi.builder.Model of integers; the same for the same seed."""
    from nengo_loihi.block import Axon, LoihiBlock
    from nengo_loihi.builder import Model
    from nengo_loihi.inputs import SpikeInput
    from nengo_loihi.probe import LoihiProbe

    rng = np.random.RandomState(seed)
    model = Model()
    for k in range(rng.randint(1, 4)):
        block = LoihiBlock(rng.randint(1, 13), label=f"block {k}")
        _set_compartments(block.compartment, rng)
        model.add_block(block)
    for k in range(rng.randint(1, 3)):
        spike_input = SpikeInput(rng.randint(1, 9), label=f"input {k}")
        for t in range(1, N_STEPS):
            if rng.rand() < 0.7:
                n = spike_input.n_neurons
                spikes = np.nonzero(rng.rand(n) < 0.5)[0]
                kept = bool(rng.rand() < 0.3)
                spike_input.add_spikes(t, spikes if kept else list(spikes), kept)
        model.add_input(spike_input)
    blocks, inputs = list(model.blocks), list(model.inputs)
    for block in blocks:
        for k in range(rng.randint(0, 4)):
            synapse = _random_synapse(block.n_neurons, rng, largest_weight)
            block.add_synapse(synapse)
            for _ in range(rng.randint(1, 3)):
                source = (blocks + inputs)[rng.randint(len(blocks + inputs))]
                axon = Axon(synapse.n_axons, label=f"to {synapse}")
                axon.target = synapse
                _set_map(axon, source.n_neurons, rng)
                source.add_axon(axon)
    for key in ("current", "voltage", "spiked"):
        model.add_probe(LoihiProbe(target=blocks, key=key))
    block = blocks[0]
    picked = [int(k) for k in rng.randint(block.n_neurons, size=3)]
    model.add_probe(
        LoihiProbe(
            target=[block], key="voltage", slice=[picked], weights=[rng.rand(3, 2)]
        )
    )
    return model


def _set_compartments(compartment, rng):
    n = compartment.n_compartments

    def integers(low, high):
        # neighbours often have the same settings, as in networks
        size = n if rng.rand() < 0.5 else 1
        return np.resize(rng.randint(low, high, size=size), n).astype(np.int32)

    compartment.decay_u = integers(0, rng.choice([64, 4096]))
    compartment.decay_v = integers(0, 4096)
    compartment.vth = integers(1, 2**16)
    compartment.bias = integers(-(2**12), 2**14)
    compartment.refract_delay = integers(0, 5)
    compartment.scale_u = compartment.scale_v = False
    compartment.vmin = -(2 ** rng.randint(0, 32)) + 1
    compartment.vmax = 2 ** rng.choice([9, 15, 23, 31]) - 1
    compartment.enable_noise = rng.rand(n) < rng.choice([0, 0, 0.5])
    compartment.noise_exp = rng.randint(1, 24)
    compartment.noise_offset = rng.randint(-64, 65)
    compartment.noise_at_membrane = rng.randint(2)


def _random_synapse(n_targets, rng, largest_weight):
    from nengo_loihi.block import Synapse

    def weights(*shape):
        return rng.randint(-largest_weight, largest_weight, size=shape)

    kind = rng.choice(["dense", "sparse", "populations"])
    n_axons = rng.randint(1, 9)
    synapse = Synapse(n_axons, label=f"{kind} synapse")
    if kind == "dense":
        synapse.set_weights(weights(n_axons, n_targets))
    elif kind == "sparse":
        values = weights(n_axons, n_targets) * (rng.rand(n_axons, n_targets) < 0.4)
        values[0, 0] = 1  # NengoLoihi can't store a synapse without weights
        synapse.set_weights(sp.csr_matrix(values.astype(np.float32)))
    else:
        n_rows, n_atoms = rng.randint(1, 5), rng.randint(1, 4)
        width = rng.randint(1, n_targets + 1)
        sizes = rng.randint(0, width + 1, size=n_rows)
        sizes[0] = width
        indices = [
            np.stack([rng.permutation(width)[:size] for _ in range(n_atoms)])
            for size in sizes
        ]
        if rng.rand() < 0.7:
            indices = [np.sort(i, axis=1) for i in indices]
        mapping = rng.randint(n_rows, size=n_axons)
        synapse.set_population_weights(
            [weights(n_atoms, size) for size in sizes],
            indices,
            dict(enumerate(mapping)) if rng.rand() < 0.5 else mapping,
            # -1 marks an axon that isn't used
            rng.randint(-1, n_targets - width + 1, size=n_axons),
        )
    synapse.weights = [w.astype(np.int32) for w in synapse.weights]
    return synapse


def _set_map(axon, n_sources, rng):
    synapse = axon.target
    n_atoms = len(synapse.weights[0])
    if n_sources <= synapse.n_axons and rng.rand() < 0.3:
        return  # each source has the axon of its number
    atoms = rng.randint(n_atoms, size=n_sources) if n_atoms > 1 else None
    axon.set_compartment_axon_map(rng.randint(-1, synapse.n_axons, n_sources), atoms)
