"""Small networks of the families that people build, for the chip."""

from __future__ import annotations

import nengo
import numpy as np

FAMILIES: dict = {}
"""Functions that make a network, by the name of the family."""


def family(make):
    """Register a family under the name of its function."""
    FAMILIES[make.__name__.strip("_").replace("_", " ")] = make
    return make


def wave(t):
    return [np.sin(12 * t), np.cos(12 * t)]


@family
def representation():
    with nengo.Network(seed=1) as net:
        stimulus = nengo.Node(wave, label="stimulus")
        state = nengo.Ensemble(60, 2, label="state")
        nengo.Connection(stimulus, state)
        nengo.Probe(state, synapse=0.01)
    return net


@family
def functions():
    with nengo.Network(seed=2) as net:
        stimulus = nengo.Node(wave, label="stimulus")
        state = nengo.Ensemble(60, 2, label="state")
        norm = nengo.Ensemble(40, 1, radius=1.5, label="norm")
        nengo.Connection(stimulus, state)
        nengo.Connection(state, norm, function=lambda x: x[0] ** 2 + x[1] ** 2)
        nengo.Probe(norm, synapse=0.01)
    return net


@family
def slices():
    """Unlabelled parts, connected to single dimensions."""
    with nengo.Network(seed=3) as net:
        stimulus = nengo.Node([0.4])
        first, second = nengo.Ensemble(50, 1), nengo.Ensemble(50, 2)
        nengo.Connection(stimulus, second[1])
        nengo.Connection(stimulus, first)
        nengo.Connection(first, second[0], function=np.square)
        nengo.Probe(second)
    return net


@family
def products():
    with nengo.Network(seed=4) as net:
        stimulus = nengo.Node(wave, label="stimulus")
        product = nengo.networks.Product(40, 2)
        nengo.Connection(stimulus, product.input_a)
        nengo.Connection(stimulus, product.input_b)
        nengo.Probe(product.output)
    return net


@family
def communication_channel():
    with nengo.Network(seed=5) as net:
        stimulus = nengo.Node(lambda t: np.sin(12 * t), label="stimulus")
        sender = nengo.Ensemble(50, 1, label="sender")
        receiver = nengo.Ensemble(50, 1, label="receiver")
        nengo.Connection(stimulus, sender)
        nengo.Connection(sender, receiver)
        nengo.Probe(receiver)
    return net


@family
def integrator():
    with nengo.Network(seed=6) as net:
        stimulus = nengo.Node(lambda t: float(t < 0.05), label="stimulus")
        memory = nengo.Ensemble(100, 1, label="memory")
        nengo.Connection(stimulus, memory, transform=0.1, synapse=0.1)
        nengo.Connection(memory, memory, synapse=0.1)
        nengo.Probe(memory)
    return net


@family
def oscillator():
    with nengo.Network(seed=7) as net:
        kick = nengo.Node(lambda t: [float(t < 0.05), 0], label="kick")
        phase = nengo.Ensemble(100, 2, label="phase")
        nengo.Connection(kick, phase)
        turn = [[1, 1], [-1, 1]]
        nengo.Connection(phase, phase, transform=turn, synapse=0.1)
        nengo.Probe(phase)
    return net


@family
def lorenz():
    def flow(x):
        dx = [10 * (x[1] - x[0]), -x[0] * x[2] - x[1]]
        dx.append(x[0] * x[1] - 8 / 3 * (x[2] + 28) - 28)
        return [0.1 * a + b for a, b in zip(dx, x)]

    with nengo.Network(seed=8) as net:
        state = nengo.Ensemble(200, 3, radius=60, label="state")
        nengo.Connection(state, state, function=flow, synapse=0.1)
        nengo.Probe(state)
    return net


@family
def arrays():
    with nengo.Network(seed=9) as net:
        stimulus = nengo.Node(wave, label="stimulus")
        first = nengo.networks.EnsembleArray(30, 2, label="first")
        second = nengo.networks.EnsembleArray(30, 2, label="second")
        nengo.Connection(stimulus, first.input)
        nengo.Connection(first.output, second.input, transform=[[0, 1], [1, 0]])
        nengo.Probe(second.output)
    return net


@family
def memory_of_arrays():
    with nengo.Network(seed=10) as net:
        stimulus = nengo.Node(lambda t: [float(t < 0.05), 0], label="stimulus")
        memory = nengo.networks.EnsembleArray(30, 2, label="memory")
        nengo.Connection(stimulus, memory.input, transform=0.1)
        nengo.Connection(memory.output, memory.input, synapse=0.1)
        nengo.Probe(memory.output)
    return net


@family
def circular_convolution():
    with nengo.Network(seed=11) as net:
        stimulus = nengo.Node([0.5, 0.1, -0.2, 0.3], label="stimulus")
        bind = nengo.networks.CircularConvolution(20, 4)
        nengo.Connection(stimulus, bind.input_a)
        nengo.Connection(stimulus, bind.input_b)
        nengo.Probe(bind.output)
    return net


@family
def basal_ganglia():
    with nengo.Network(seed=12) as net:
        stimulus = nengo.Node([0.8, 0.4, 0.3], label="stimulus")
        ganglia = nengo.networks.BasalGanglia(3, n_neurons_per_ensemble=30)
        thalamus = nengo.networks.Thalamus(3, n_neurons_per_ensemble=30)
        nengo.Connection(stimulus, ganglia.input)
        nengo.Connection(ganglia.output, thalamus.input)
        nengo.Probe(thalamus.output)
    return net


@family
def associative_memory():
    with nengo.Network(seed=13) as net:
        stimulus = nengo.Node([0.9, 0.1], label="stimulus")
        choice = nengo.networks.AssociativeMemory([[1, 0], [0, 1]], n_neurons=30)
        choice.add_wta_network()
        nengo.Connection(stimulus, choice.input)
        nengo.Probe(choice.output)
    return net


def learnt(seed, post, error):
    """PES, with where it ends and what puts out the error."""
    with nengo.Network(seed=seed) as net:
        stimulus = nengo.Node(lambda t: np.sin(12 * t), label="stimulus")
        pre = nengo.Ensemble(50, 1, label="pre")
        post, error = post("post"), error("error")
        nengo.Connection(stimulus, pre)
        conn = nengo.Connection(
            pre, post, function=lambda x: 0, learning_rule_type=nengo.PES(1e-3)
        )
        nengo.Connection(post, error)
        nengo.Connection(stimulus, error, transform=-1)
        nengo.Connection(error, conn.learning_rule)
        nengo.Probe(post, synapse=0.01)
    return net


def relay(label):
    return nengo.Node(size_in=1, label=label)


def neurons(label):
    return nengo.Ensemble(50, 1, label=label)


@family
def learning():
    """PES: an error on the host, where learned connections end."""
    return learnt(14, relay, relay)


@family
def learning_between_ensembles():
    return learnt(15, neurons, neurons)


@family
def function_in_the_middle():
    with nengo.Network(seed=16) as net:
        stimulus = nengo.Node([0.5], label="stimulus")
        first = nengo.Ensemble(50, 1, label="first")
        middle = nengo.Node(lambda t, x: x**2, size_in=1, label="middle")
        last = nengo.Ensemble(50, 1, label="last")
        nengo.Connection(stimulus, first)
        nengo.Connection(first, middle)
        nengo.Connection(middle, last)
        nengo.Probe(last)
    return net


@family
def sparse():
    rng = np.random.RandomState(0)
    with nengo.Network(seed=17) as net:
        stimulus = nengo.Node([0.5], label="stimulus")
        first = nengo.Ensemble(80, 1, label="first")
        second = nengo.Ensemble(40, 1, label="second")
        where = [(i, j) for i in range(40) for j in rng.choice(80, 8, replace=False)]
        linear = nengo.Sparse(
            (40, 80), indices=where, init=rng.uniform(1e-4, 3e-4, len(where))
        )
        nengo.Connection(stimulus, first)
        nengo.Connection(first.neurons, second.neurons, transform=linear)
        nengo.Probe(second.neurons)
    return net


@family
def convolutional():
    with nengo.Network(seed=18) as net:
        image = nengo.Node(np.linspace(0, 1, 64), label="image")
        options = {
            "neuron_type": nengo.SpikingRectifiedLinear(amplitude=0.01),
            "gain": nengo.dists.Choice([1]),
            "bias": nengo.dists.Choice([0]),
        }
        first = nengo.Ensemble(64, 1, label="first", **options)
        kernel = nengo.Convolution(4, (8, 8, 1), strides=(2, 2))
        second = nengo.Ensemble(kernel.output_shape.size, 1, label="second", **options)
        nengo.Connection(image, first.neurons, transform=100, synapse=None)
        nengo.Connection(first.neurons, second.neurons, transform=kernel)
        nengo.Probe(second.neurons)
    return net


@family
def delay_network():
    """An LMU's memory: a linear system in ensembles."""
    theta, order = 0.1, 4
    q = np.arange(order)
    r = (2 * q + 1)[:, None] / theta
    i, j = np.meshgrid(q, q, indexing="ij")
    a = np.where(i < j, -1, (-1.0) ** (i - j + 1)) * r
    b = (-1.0) ** q[:, None] * r
    tau = 0.1
    with nengo.Network(seed=19) as net:
        stimulus = nengo.Node(lambda t: np.sin(12 * t), label="stimulus")
        memory = nengo.networks.EnsembleArray(40, order, label="memory")
        nengo.Connection(stimulus, memory.input, transform=tau * b, synapse=tau)
        recurrent = tau * a + np.eye(order)
        nengo.Connection(memory.output, memory.input, transform=recurrent, synapse=tau)
        nengo.Probe(memory.output)
    return net


@family
def part_on_host():
    with nengo.Network(seed=20) as net:
        nengo_loihi().add_params(net)
        stimulus = nengo.Node([0.5], label="stimulus")
        host = nengo.Ensemble(40, 1, label="on host")
        chip = nengo.Ensemble(50, 1, label="on chip")
        net.config[host].on_chip = False
        nengo.Connection(stimulus, host)
        nengo.Connection(host, chip)
        nengo.Probe(chip)
    return net


@family
def rate_neurons():
    with nengo.Network(seed=21) as net:
        stimulus = nengo.Node([0.5], label="stimulus")
        first = nengo.Ensemble(50, 1, neuron_type=nengo.LIFRate(), label="first")
        second = nengo.Ensemble(
            50, 1, neuron_type=nengo.RectifiedLinear(), label="second"
        )
        nengo.Connection(stimulus, first)
        nengo.Connection(first, second)
        nengo.Probe(second)
    return net


@family
def noise():
    with nengo.Network(seed=22) as net:
        stimulus = nengo.Node(
            nengo.processes.WhiteSignal(0.1, high=20, seed=1), label="stimulus"
        )
        noisy = nengo.Ensemble(
            50, 1, noise=nengo.processes.WhiteNoise(seed=2), label="noisy"
        )
        last = nengo.Ensemble(50, 1, label="last")
        nengo.Connection(stimulus, noisy)
        nengo.Connection(noisy, last)
        nengo.Probe(last)
    return net


@family
def other_neurons():
    with nengo.Network(seed=23) as net:
        stimulus = nengo.Node([0.5], label="stimulus")
        odd = nengo.Ensemble(50, 1, neuron_type=nengo.Izhikevich(), label="izhikevich")
        adaptive = nengo.Ensemble(
            50, 1, neuron_type=nengo.AdaptiveLIF(), label="adaptive"
        )
        last = nengo.Ensemble(50, 1, label="last")
        nengo.Connection(stimulus, odd)
        nengo.Connection(odd, adaptive)
        nengo.Connection(adaptive, last)
        nengo.Probe(last)
    return net


@family
def direct():
    with nengo.Network(seed=24) as net:
        stimulus = nengo.Node([0.5], label="stimulus")
        exact = nengo.Ensemble(1, 1, neuron_type=nengo.Direct(), label="exact")
        last = nengo.Ensemble(50, 1, label="last")
        nengo.Connection(stimulus, exact)
        nengo.Connection(exact, last)
        nengo.Probe(last)
    return net


@family
def chip_process():
    """Spikes of a file, which the chip has from the start."""
    loihi = nengo_loihi()
    from nengo_loihi.dvs import DVSFileChipProcess

    rng = np.random.RandomState(3)

    times, where = np.sort(rng.randint(0, 100_000, 500)), rng.randint(0, 128, 500)

    class Events(DVSFileChipProcess):
        def _read_events(self):
            return times, where

    with nengo.Network(seed=26) as net:
        loihi.add_params(net)
        events = nengo.Node(
            Events("none", channels_last=True, dvs_height=8, dvs_width=8),
            label="events",
        )
        ens = nengo.Ensemble(30, 1, label="seen")
        weights = rng.uniform(0, 1e-3, (30, events.size_out))
        nengo.Connection(events, ens.neurons, transform=weights)
        nengo.Probe(ens.neurons)
    return net


def nengo_loihi():
    from nengo_energy.compat import import_nengo_loihi

    return import_nengo_loihi()
