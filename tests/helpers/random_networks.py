"""Random feed-forward networks, each with the dense matrices of its projections.

The matrices are multiplied out by NumPy, apart from the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import nengo
import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st
from looped_convolution import looped_matrix

AMPLITUDE = 0.01


@dataclass
class RandomNetwork:
    """A network, its parts, and what connects them.

    ``matrices`` maps (presynaptic, postsynaptic) ensemble, or output node, to the
    weights between all their units.
    """

    net: nengo.Network
    inp: nengo.Node
    out: nengo.Node
    probe: nengo.Probe
    matrices: dict = field(default_factory=dict)


def spiking_rate() -> nengo.neurons.NeuronType:
    """Neurons that spike at most once in a timestep, in Nengo as on the chip."""
    return nengo.LIF(tau_rc=0.02, tau_ref=0.001, amplitude=AMPLITUDE)


@st.composite
def random_networks(draw, neuron_type=None):
    """Input -> encoder -> one or two blocks -> output, of random kinds and sizes."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    kinds = ["dense", "sparse", "conv", "pool", "concat", "skip"]
    blocks = [draw(st.sampled_from(kinds)) for _ in range(draw(st.integers(1, 2)))]
    n_channels = draw(st.integers(1, 2))
    shape = (draw(st.integers(3, 5)), draw(st.integers(3, 5)), n_channels)
    size = int(np.prod(shape))
    neurons = neuron_type or spiking_rate()

    def population(n, label):
        return nengo.Ensemble(
            n,
            1,
            gain=np.full(n, 20.0),
            bias=rng.uniform(0, 2, size=n),
            neuron_type=neurons,
            label=label,
        )

    def kernel(*kernel_shape):
        values = rng.uniform(0.05, 1, size=kernel_shape)
        return values * rng.choice([0, 1, 1], size=kernel_shape)

    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(size), label="input")
        pre = population(size, "encoder")
        nengo.Connection(inp, pre.neurons, synapse=None)
        built = RandomNetwork(net, inp, inp, None)
        for k, kind in enumerate(blocks):
            if kind == "conv" or kind == "pool":
                conv = _convolution(draw, kernel, shape)
                size_mid, shape_mid = conv.size_out, conv.output_shape.shape
                if kind == "conv":
                    post = population(size_mid, f"conv{k}")
                    nengo.Connection(
                        pre.neurons, post.neurons, transform=conv, synapse=0.005
                    )
                    built.matrices[pre, post] = looped_matrix(conv)
                    shape = shape_mid
                else:  # pooled by a passthrough node, then dense
                    pool = _pooling(shape, draw(st.integers(1, 2)), draw(st.booleans()))
                    node = nengo.Node(size_in=pool.size_out, label=f"pool{k}")
                    nengo.Connection(pre.neurons, node, transform=pool, synapse=0.005)
                    weights = kernel(6, pool.size_out)
                    post = population(6, f"dense{k}")
                    nengo.Connection(
                        node, post.neurons, transform=weights, synapse=None
                    )
                    built.matrices[pre, post] = weights @ looped_matrix(pool)
                    shape = (6, 1, 1)
            elif kind == "dense":
                post = population(7, f"dense{k}")
                weights = kernel(7, pre.n_neurons)
                nengo.Connection(
                    pre.neurons, post.neurons, transform=weights, synapse=0.005
                )
                built.matrices[pre, post] = weights
                shape = (7, 1, 1)
            elif kind == "sparse":
                post = population(8, f"sparse{k}")
                weights = kernel(8, pre.n_neurons)
                nengo.Connection(
                    pre.neurons,
                    post.neurons,
                    transform=nengo.Sparse(weights.shape, init=sp.csr_matrix(weights)),
                    synapse=0.005,
                )
                built.matrices[pre, post] = weights
                shape = (8, 2, 1) if post.n_neurons == 16 else (8, 1, 1)
            elif kind == "concat":
                # two branches of neurons, joined in reverse order by a node
                n = pre.n_neurons
                branches = [population(4, f"left{k}"), population(3, f"right{k}")]
                joined = nengo.Node(size_in=7, label=f"concat{k}")
                post = population(5, f"after{k}")
                weights = kernel(5, 7)
                nengo.Connection(joined, post.neurons, transform=weights, synapse=None)
                places = [slice(3, 7), slice(0, 3)]
                for branch, place in zip(branches, places):
                    into = kernel(branch.n_neurons, n)
                    nengo.Connection(
                        pre.neurons, branch.neurons, transform=into, synapse=0.005
                    )
                    built.matrices[pre, branch] = into
                    nengo.Connection(branch.neurons, joined[place], synapse=0.005)
                    built.matrices[branch, post] = weights[:, place]
                shape = (5, 1, 1)
            else:
                # an identity added to a convolution, so that weights meet
                n = pre.n_neurons
                weights = kernel(n, n) * (rng.uniform(size=(n, n)) < 0.3)
                added = nengo.Node(size_in=n, label=f"add{k}")
                post = population(n, f"skip{k}")
                nengo.Connection(pre.neurons, added, transform=weights, synapse=0.005)
                nengo.Connection(pre.neurons, added, synapse=0.005)
                nengo.Connection(added, post.neurons, synapse=None)
                built.matrices[pre, post] = weights + np.eye(n)
            pre = post
        built.out = nengo.Node(size_in=2, label="output")
        weights = kernel(2, pre.n_neurons)
        nengo.Connection(pre.neurons, built.out, transform=weights, synapse=0.005)
        built.matrices[pre, built.out] = weights
        built.probe = nengo.Probe(built.out)
    return built


def _convolution(draw, kernel, shape):
    kernel_size = tuple(draw(st.integers(1, min(3, n))) for n in shape[:2])
    n_filters = draw(st.integers(1, 3))
    return nengo.Convolution(
        n_filters,
        shape,
        kernel_size,
        strides=tuple(draw(st.integers(1, 2)) for _ in kernel_size),
        padding=draw(st.sampled_from(["same", "valid"])),
        init=kernel(*kernel_size, shape[2], n_filters),
    )


def _pooling(shape, width, overlaps):
    sizes = tuple(min(width + overlaps, n) for n in shape[:2])
    strides = tuple(min(width, n) for n in shape[:2])
    kernel = np.zeros(sizes + (shape[2], shape[2]))
    kernel[:, :, np.arange(shape[2]), np.arange(shape[2])] = 1 / np.prod(sizes)
    return nengo.Convolution(shape[2], shape, sizes, strides, init=kernel)
