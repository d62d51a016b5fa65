"""Random networks of all kinds of connections that NengoLoihi builds."""

from __future__ import annotations

import nengo
import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

from nengo_energy.compat import import_nengo_loihi

KINDS = ["dense", "sparse", "conv", "decoded", "recurrent"]


@st.composite
def loihi_networks(draw):
    """A function that makes the network anew, and options of its simulator."""
    seed = draw(st.integers(0, 2**32 - 1))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    on_host, feedback = draw(st.booleans()), draw(st.booleans())
    options = {"precompute": draw(st.sampled_from([None, False]))}
    return lambda: build_network(seed, kinds, on_host, feedback), options


def build_network(seed, kinds, on_host=False, feedback=False, constant=False):
    """Input -> first (which may be on the host) -> a layer for each kind -> output."""
    nengo_loihi = import_nengo_loihi()
    rng = np.random.RandomState(seed)

    def neurons(n, label):
        types = [
            nengo.LIF(tau_ref=0.001 * rng.randint(1, 4)),
            nengo.SpikingRectifiedLinear(amplitude=0.1),
            nengo_loihi.neurons.LoihiSpikingRectifiedLinear(),
        ]
        return nengo.Ensemble(
            n,
            1,
            gain=np.full(n, rng.uniform(1, 10)),  # all alike, for convolutions
            bias=rng.uniform(0, 150, size=n),
            neuron_type=types[rng.randint(len(types))],
            label=label,
        )

    def connect(pre, post, transform):
        return nengo.Connection(
            pre.neurons,
            post.neurons,
            transform=transform,
            synapse=rng.choice([0.002, 0.02]),
        )

    with nengo.Network(seed=seed % 1000) as net:
        nengo_loihi.add_params(net)
        output = np.zeros(2) if constant else lambda t: np.sin(50 * t + np.arange(2))
        inp = nengo.Node(output, label="input")
        shape = tuple(rng.randint(3, 7, size=2)) + (2,)
        first = pre = neurons(int(np.prod(shape)), "first")
        net.config[first].on_chip = not on_host
        weights = 100 * rng.rand(first.n_neurons, 2)
        nengo.Connection(inp, first.neurons, transform=weights)
        for k, kind in enumerate(kinds):
            if kind == "conv" and shape is not None and min(shape[:2]) > 1:
                conv = _convolution(shape, rng)
                post = neurons(conv.size_out, f"conv {k}")
                shape = conv.output_shape.shape
                pieces = [rng.randint(1, size + 1) for size in shape]
                # axons of 16 bits need pieces that are multiples of four
                pieces[2] = 4 if shape[2] == 4 else pieces[2]
                conn = connect(pre, post, conv)
                net.config[conn].pop_type = 16 if shape[2] == 4 else 32
                block_shape = nengo_loihi.BlockShape(tuple(pieces), shape)
                net.config[post].block_shape = block_shape
            elif kind == "decoded":
                post, shape = nengo.Ensemble(20, 1, label=f"decoded {k}"), None
                nengo.Connection(pre, post, function=np.square)
            else:
                post, shape = neurons(rng.randint(2, 20), f"{kind} {k}"), None
                weights = rng.normal(size=(post.n_neurons, pre.n_neurons)) / 10
                if kind == "sparse":
                    kept = sp.csr_matrix(weights * (rng.rand(*weights.shape) < 0.5))
                    kept[0, 0] = 0.1
                    weights = nengo.Sparse(kept.shape, init=kept)
                connect(pre, post, weights)
                if kind == "recurrent":
                    connect(post, post, rng.normal(size=(post.n_neurons,) * 2) / 10)
            pre = post
        out = nengo.Node(size_in=2, label="output")
        weights = rng.normal(size=(2, pre.n_neurons))
        nengo.Connection(pre.neurons, out, transform=weights, synapse=0.005)
        if feedback:
            # a node with a function stays on the host
            back = nengo.Node(lambda t, x: x, size_in=2, label="back")
            nengo.Connection(out, back, synapse=None)
            weights = rng.rand(first.n_neurons, 2)
            nengo.Connection(back, first.neurons, transform=weights, synapse=0.01)
        nengo.Probe(out, synapse=0.01)
        for ensemble in net.ensembles[1 if on_host else 0 :]:
            nengo.Probe(ensemble.neurons)
            nengo.Probe(ensemble.neurons, "voltage", synapse=0.003)
            nengo.Probe(ensemble.neurons[::2], "input")
    return net


def _convolution(shape, rng):
    n_filters, strides = rng.randint(1, 5), tuple(rng.randint(1, 3, size=2))
    return nengo.Convolution(
        n_filters,
        shape,
        (2, 2),
        strides,
        padding=rng.choice(["valid", "same"]),
        init=rng.normal(size=(2, 2, shape[2], n_filters)) / 10,
    )
