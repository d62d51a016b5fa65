"""Random networks without loops, of all that the compiled simulator runs.

Ensembles of all known types of neurons follow each other, connected by all kinds of
transforms, slices and synapses, decoded or not.
"""

from __future__ import annotations

import nengo
import nengo_loihi
import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

from nengo_energy.compat.neurons import LoihiRectifiedLinear

AMPLITUDE = 0.5

NEURONS = {
    "loihi-relu": lambda: nengo_loihi.neurons.LoihiSpikingRectifiedLinear(AMPLITUDE),
    "loihi-below-zero": lambda: LoihiRectifiedLinear(-0.5, amplitude=AMPLITUDE),
    "loihi-lif": lambda: nengo_loihi.neurons.LoihiLIF(amplitude=AMPLITUDE),
    "relu": lambda: nengo.SpikingRectifiedLinear(AMPLITUDE),
    "lif": lambda: nengo.LIF(tau_ref=0.0015, amplitude=AMPLITUDE),
    "adaptive": lambda: nengo.AdaptiveLIF(inc_n=0.1, amplitude=AMPLITUDE),
    "izhikevich": lambda: nengo.Izhikevich(),
    "regular": lambda: nengo.RegularSpiking(nengo.RectifiedLinear()),
    "regular-lif": lambda: nengo.RegularSpiking(nengo.LIFRate()),
    "regular-tanh": lambda: nengo.RegularSpiking(nengo.Tanh()),
    "rate-relu": lambda: nengo.RectifiedLinear(AMPLITUDE),
    "rate-lif": lambda: nengo.LIFRate(),
    "sigmoid": lambda: nengo.Sigmoid(),
}
"""All that are compiled, and some that run by their own step."""

SYNAPSES = [
    None,
    0.003,
    nengo.Lowpass(0.0),
    nengo.Alpha(0.004),
    nengo.synapses.Triangle(0.003),
    nengo.LinearFilter([0.002, 1], [0.004, 1]),
]
"""A delay alone, filters of one and two states, a finite one, one that passes on."""

KINDS = [
    "dense",
    "sparse",
    "convolution",
    "groups",
    "transposed",
    "pool",
    "scales",
    "neurons",
    "slices",
    "indices",
    "decoded",
    "branches",
    "relay",
]


@st.composite
def random_dynamics(draw, neurons=tuple(NEURONS), synapses=tuple(SYNAPSES)):
    """Return a network, its input node, its ensembles and its probes."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    shape = (draw(st.integers(3, 5)), draw(st.integers(2, 4)), 2)
    size = int(np.prod(shape))

    def population(n):
        neuron_type = NEURONS[draw(st.sampled_from(neurons))]()
        gain = np.full(n, 40.0) if draw(st.booleans()) else rng.uniform(20, 60, size=n)
        if isinstance(neuron_type, (nengo.LIF, nengo.LIFRate)):
            gain, bias = gain / 40, rng.uniform(0.5, 2, size=n)
        elif isinstance(neuron_type, nengo.Izhikevich):
            gain, bias = gain / 40, rng.uniform(5, 20, size=n)
        elif "Tanh" in repr(neuron_type) or "Sigmoid" in repr(neuron_type):
            gain, bias = gain / 400, rng.uniform(-0.5, 0.5, size=n)
        else:
            bias = rng.uniform(-20, 300, size=n)
        return nengo.Ensemble(n, 1, gain=gain, bias=bias, neuron_type=neuron_type)

    def synapse():
        return draw(st.sampled_from(synapses))

    def weights(*of):
        return rng.normal(0, 0.05, size=of) * rng.choice([0, 1, 1], size=of)

    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(size))
        pre = population(size)
        nengo.Connection(inp, pre.neurons, synapse=draw(st.sampled_from([None, 0.005])))
        ensembles = [pre]
        for kind in kinds:
            n = pre.n_neurons
            if kind in ("convolution", "groups", "transposed", "pool"):
                if n != int(np.prod(shape)):
                    shape = (n, 1, 1)
                transform = _windows(draw, kind, weights, shape)
                shape = transform.output_shape.shape
                post = population(transform.size_out)
                nengo.Connection(
                    pre.neurons, post.neurons, transform=transform, synapse=synapse()
                )
            elif kind == "dense":
                post = population(6)
                nengo.Connection(
                    pre.neurons,
                    post.neurons,
                    transform=weights(6, n),
                    synapse=synapse(),
                )
            elif kind == "sparse":
                post = population(9)
                transform = nengo.Sparse((9, n), init=sp.csr_matrix(weights(9, n)))
                nengo.Connection(
                    pre.neurons, post.neurons, transform=transform, synapse=synapse()
                )
            elif kind == "scales":
                post = population(n)
                nengo.Connection(
                    pre.neurons, post.neurons, transform=weights(n), synapse=synapse()
                )
            elif kind == "neurons":
                post = population(n)
                nengo.Connection(pre.neurons, post.neurons, synapse=synapse())
            elif kind == "slices":
                post = population(n)
                half = n // 2
                nengo.Connection(
                    pre.neurons[:half], post.neurons[n - half :], synapse=synapse()
                )
                nengo.Connection(
                    pre.neurons[::2],
                    post.neurons[3],
                    transform=weights(1, -(-n // 2)),
                    synapse=synapse(),
                )
            elif kind == "indices":
                post = population(5)
                nengo.Connection(
                    pre.neurons[[n - 1, 0, 2]],
                    post.neurons[[1, 4, 0]],
                    synapse=synapse(),
                )
            elif kind == "decoded":
                post = population(8)
                ends = draw(st.sampled_from(["ensemble", "neurons"]))
                target = post if ends == "ensemble" else post.neurons[:1]
                nengo.Connection(pre, target, function=np.square, synapse=synapse())
            elif kind == "branches":
                left, right = population(4), population(3)
                joined = nengo.Node(size_in=7)
                post = population(5)
                for branch, place in ((left, slice(3, 7)), (right, slice(0, 3))):
                    nengo.Connection(
                        pre.neurons,
                        branch.neurons,
                        transform=weights(branch.n_neurons, n),
                        synapse=synapse(),
                    )
                    nengo.Connection(branch.neurons, joined[place], synapse=synapse())
                nengo.Connection(
                    joined, post.neurons, transform=weights(5, 7), synapse=None
                )
                ensembles += [left, right]
            else:
                # sums of several, and a constant, in a node
                post = population(n)
                node = nengo.Node(size_in=n)
                bias = nengo.Node(rng.uniform(size=n))
                nengo.Connection(bias, node, synapse=None)
                nengo.Connection(pre.neurons, node, synapse=synapse())
                nengo.Connection(
                    pre.neurons, node, transform=weights(n, n), synapse=synapse()
                )
                nengo.Connection(node, post.neurons, synapse=synapse())
            ensembles.append(post)
            pre = post
        out = nengo.Node(size_in=2)
        nengo.Connection(
            pre.neurons, out, transform=weights(2, pre.n_neurons), synapse=synapse()
        )
        probes = [nengo.Probe(out), nengo.Probe(out, synapse=0.01)]
        if draw(st.booleans()):
            probes.append(nengo.Probe(pre, synapse=0.01))
    return net, inp, ensembles, probes


def _windows(draw, kind, weights, shape):
    kernel_size = tuple(draw(st.integers(1, min(3, n))) for n in shape[:2])
    strides = tuple(draw(st.integers(1, 2)) for _ in kernel_size)
    padding = draw(st.sampled_from(["same", "valid"]))
    n_channels, groups = shape[2], 1
    if kind == "pool":
        kernel = np.zeros(kernel_size + (n_channels, n_channels))
        kernel[:, :, np.arange(n_channels), np.arange(n_channels)] = 0.3
        return nengo.Convolution(
            n_channels, shape, kernel_size, strides, padding, init=kernel
        )
    if kind == "transposed":
        return nengo.transforms.ConvolutionTranspose(
            3,
            shape,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            init=weights(*kernel_size, n_channels, 3),
        )
    if kind == "groups":
        groups = n_channels
    n_filters = 2 * groups
    channels_last = kind == "groups" or draw(st.booleans())
    return nengo.Convolution(
        n_filters,
        shape if channels_last else (n_channels, *shape[:2]),
        kernel_size,
        strides,
        padding,
        channels_last=channels_last,
        init=weights(*kernel_size, n_channels // groups, n_filters),
        groups=groups,
    )
