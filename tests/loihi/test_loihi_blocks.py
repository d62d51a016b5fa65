"""What blocks take of a core is worked out before NengoLoihi builds them, exactly."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings, strategies as st
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.compat import import_nengo_loihi
from nengo_energy.compat.emulator import open_emulator
from nengo_energy.loihi import chip
from nengo_energy.loihi.blocks import Link, plan_blocks
from nengo_energy.loihi.convolutions import to_nengo
from nengo_energy.loihi.partition import Partition
from nengo_energy.loihi.synapses import DenseSynapses, SharedSynapses, SparseSynapses
from nengo_energy.network.fanout import transform_map

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow


def test_limits_are_nengo_loihis():
    import_nengo_loihi()
    from nengo_loihi import block

    for name in ("COMPARTMENTS", "IN_AXONS", "OUT_AXONS", "SYNAPSE_BITS"):
        assert getattr(chip, f"MAX_{name}") == getattr(block, f"MAX_{name}")
    assert chip.TILES_WIDE * chip.TILES_HIGH * chip.CORES_PER_TILE == 128


def test_memory_of_weights_is_counted_in_words():
    # 64 weights of 8 bits and a header of 10 are 522 bits, in 9 words of 64; the 65th
    # weight takes a word
    assert_array_equal(chip.synapse_bits([0, 1, 64, 65]), [0, 64, 576, 640])
    # with 6 bits of index: 64 * 14 + 10 = 906 bits in 15 words
    assert_array_equal(chip.synapse_bits([64], 6), [960])
    assert [chip.index_width(k) for k in (0, 1, 63, 64, 1023)] == [0, 6, 6, 7, 10]


class Chain:
    """host -> a -> b on the chip, with random forms of weights and random blocks."""

    def __init__(self, draw):
        self.rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
        self.nengo_loihi = import_nengo_loihi()
        channels_last = draw(st.booleans())
        rows, cols = draw(st.integers(3, 7)), draw(st.integers(1, 7))
        shape = self.arranged(rows, cols, draw(st.integers(1, 3)), channels_last)
        with nengo.Network(seed=0) as self.net:
            self.nengo_loihi.add_params(self.net)
            source = self.ensemble(int(np.prod(shape)), "host")
            self.net.config[source].on_chip = False
            self.links, self.partitions = [], {}
            for name in "ab":
                transform, synapses, shape = self.weights(draw, shape, channels_last)
                target = self.ensemble(int(np.prod(shape)), name)
                nengo.Connection(source.neurons, target.neurons, transform=transform)
                block = tuple(draw(st.integers(-(-n // 3), n)) for n in shape)
                assume(np.prod(block) <= 1024)  # what a core has
                self.partitions[name] = Partition(shape, block)
                self.net.config[target].block_shape = self.nengo_loihi.BlockShape(
                    block, shape
                )
                pre = source.label if source.label != "host" else None
                self.links.append(Link(pre, name, synapses))
                source = target

    def ensemble(self, n, label):
        return nengo.Ensemble(
            n,
            1,
            gain=np.ones(n),
            bias=np.zeros(n),
            neuron_type=self.nengo_loihi.neurons.LoihiSpikingRectifiedLinear(),
            label=label,
        )

    def arranged(self, rows, cols, n_channels, channels_last):
        return (rows, cols, n_channels) if channels_last else (n_channels, rows, cols)

    def weights(self, draw, shape, channels_last):
        n_pre = int(np.prod(shape))
        kind = draw(st.sampled_from(["conv", "conv", "dense", "sparse"]))
        if kind != "conv" or len(shape) == 1:
            n_post = draw(st.integers(2, 90))
            matrix = self.rng.uniform(0.1, 1, size=(n_post, n_pre))
            if draw(st.booleans()):
                matrix[:, -1] = matrix[:, 0]  # equal weights are stored once
            if kind == "sparse":
                matrix *= self.rng.uniform(size=matrix.shape) < 0.3
                matrix[:, 0] = self.rng.uniform(0.1, 1, size=n_post)
                matrix[0, :] = self.rng.uniform(0.1, 1, size=n_pre)
                sparse = sp.csr_matrix(matrix)
                transform = nengo.Sparse(sparse.shape, init=sparse)
                return transform, SparseSynapses(sparse), (n_post,)
            return matrix, DenseSynapses(matrix), (n_post,)
        space = shape[:2] if channels_last else shape[1:]
        n_channels = shape[2] if channels_last else shape[0]
        size = tuple(draw(st.integers(1, min(3, n))) for n in space)
        n_filters = draw(st.integers(1, 40))
        kernel = self.rng.uniform(0.1, 1, size=size + (n_channels, n_filters))
        if draw(st.booleans()):
            kernel[-1] = kernel[0]  # as a kernel has that pooling was merged into
        conv = nengo.Convolution(
            n_filters,
            shape,
            size,
            tuple(draw(st.integers(1, 2)) for _ in space),
            draw(st.sampled_from(["same", "valid"])),
            channels_last,
            init=kernel,
        )
        synapses = SharedSynapses(transform_map(conv))
        assert synapses.shape == conv.output_shape.shape
        return conv, synapses, conv.output_shape.shape


chains = st.composite(Chain)


@settings(max_examples=60, deadline=None)
@given(chains())
def test_use_of_cores_equals_what_nengo_loihi_builds(chain):
    """Axons, output axons and bits of each block, for splits that nobody chose well."""
    expected = {name: p.sizes for name, p in chain.partitions.items()}
    usage = [link.synapses.usage(chain.partitions[link.post]) for link in chain.links]
    out = chain.links[1].synapses.out_axons(chain.partitions["a"], usage[1].reach)
    with open_emulator(chain.net, target="sim") as sim:
        for name, used in zip("ab", usage):
            (ens,) = [e for e in chain.net.ensembles if e.label == name]
            blocks = sim.model.objs[ens]["out"]
            found = [b.utilization() for b in np.atleast_1d(blocks)]
            table = {key: [u[key][0] for u in found] for key in found[0]}
            assert_array_equal(table["compartments"], expected[name])
            assert_array_equal(table["in-axons"], used.in_axons)
            assert_array_equal(table["synapses"], used.bits)
            out_axons = out if name == "a" else np.zeros(len(found))
            assert_array_equal(table["out-axons"], out_axons)


def conv_synapses(shape, n_filters, kernel=3, strides=1):
    init = np.random.RandomState(0).uniform(size=(kernel, kernel, shape[2], n_filters))
    conv = nengo.Convolution(
        n_filters, shape, (kernel, kernel), (strides, strides), init=init
    )
    return SharedSynapses(transform_map(conv))


def test_search_finds_the_fewest_blocks_of_one_layer():
    """Against every split there is."""
    synapses = conv_synapses((8, 8, 128), 64)
    shape = synapses.shape  # 6 x 6 x 64: 2,304 neurons need at least 3 cores
    plan = plan_blocks({"a": shape}, [Link(None, "a", synapses)])["a"]
    fewest = 10**6
    for block in np.ndindex(*shape):
        partition = Partition(shape, tuple(n + 1 for n in block))
        if partition.n_blocks >= fewest or np.prod(partition.block) > 1024:
            continue
        usage = synapses.usage(partition)
        if max(usage.bits) <= chip.MAX_SYNAPSE_BITS and max(usage.in_axons) <= 4096:
            fewest = partition.n_blocks
    assert plan.n_cores == fewest > 3
    assert not plan.excess


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_least_memory_is_reached_by_no_split(share):
    rng = np.random.RandomState(0)
    weights = sp.csc_matrix(rng.uniform(size=(60, 300)) < share)
    synapses = SparseSynapses(weights)
    assert synapses.least_bits == 8 * weights.nnz  # bits, without headers and words
    for block in range(1, 61):
        used = synapses.usage(Partition((60,), (block,))).bits.sum()
        assert used >= synapses.least_bits


def test_output_axons_split_a_layer():
    """1,000 neurons with an axon to each of 8 blocks need 8,000 entries: two cores."""
    rng = np.random.RandomState(0)
    links = [
        Link(None, "a", DenseSynapses(rng.uniform(size=(1000, 10)))),
        Link("a", "b", DenseSynapses(rng.uniform(size=(900, 1000)))),
    ]
    plans = plan_blocks({"a": (1000,), "b": (900,)}, links)
    # 900 neurons x 1,000 weights of 9 bits are 8.1 million bits of 1,048,576 a core
    assert plans["b"].n_cores == 8
    assert plans["a"].n_cores == 2
    assert max(plans["a"].out_axons) == 500 * 8


def test_layer_that_fits_no_core_is_named():
    matrix = DenseSynapses(np.ones((10, 5000)))
    with pytest.raises(
        ne.UnsupportedError, match="'wide' fits no number.* 5,000 input axons.*4,096"
    ):
        plan_blocks({"wide": (10,)}, [Link(None, "wide", matrix)])


def test_loops_are_refused():
    matrix = DenseSynapses(np.ones((3, 3)))
    links = [Link("a", "b", matrix), Link("b", "a", matrix)]
    with pytest.raises(ne.UnsupportedError, match="loop: 'a', 'b'"):
        plan_blocks({"a": (3,), "b": (3,)}, links)


@pytest.mark.parametrize("block", [(10, 10, 9), (10, 5, 9), (4, 10, 9), (10, 10, 4)])
def test_targets_beyond_an_axons_base_are_stored_again(block):
    """An axon adds 255 at most: with hundreds of neurons, weights are held again."""
    nengo_loihi = import_nengo_loihi()
    synapses = conv_synapses((12, 12, 2), 9)
    transform = to_nengo(synapses.conv)
    partition = Partition(synapses.shape, block)
    neurons = dict(gain=np.ones(900), bias=np.ones(900))
    neurons["neuron_type"] = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        source = nengo.Ensemble(288, 1, gain=np.ones(288), bias=np.ones(288))
        net.config[source].on_chip = False
        target = nengo.Ensemble(900, 1, **neurons)
        net.config[target].block_shape = nengo_loihi.BlockShape(block, synapses.shape)
        nengo.Connection(source.neurons, target.neurons, transform=transform)
    with open_emulator(net, target="sim") as sim:
        blocks = np.atleast_1d(sim.model.objs[target]["out"])
        bits = [b.utilization()["synapses"][0] for b in blocks]
    assert_array_equal(bits, synapses.usage(partition).bits)
