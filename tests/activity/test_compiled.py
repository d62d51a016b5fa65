"""The compiled simulator counts what Nengo and NengoDL count."""

from __future__ import annotations

import itertools
import sys
from functools import partial

import nengo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from loihi_models import CASES, example_input, make
from numpy.testing import assert_allclose, assert_array_equal
from random_dynamics import SYNAPSES, random_dynamics

import nengo_energy as ne
from nengo_energy.compat import (
    import_nengo_dl,
    import_nengo_loihi,
    import_tf_keras,
)
from nengo_energy.network.fanout import transform_map

pytest.importorskip("numba")
from nengo_energy.activity.compiled import program  # noqa: E402
from nengo_energy.activity.compiled.weights import Weights  # noqa: E402

pytestmark = pytest.mark.tensorflow

nengo_loihi = import_nengo_loihi()


def assert_same(found: ne.Activity, wanted: ne.Activity, rtol=1e-9):
    """Spikes are equal, and rates and outputs but for rounding."""
    assert found.populations.keys() == wanted.populations.keys()
    for name, one in found.populations.items():
        other = wanted.populations[name]
        # rates are expected values, which hang on the order of their sum
        is_exact = one.spikes.dtype.kind == "i"
        same = assert_array_equal if is_exact else partial(assert_allclose, rtol=rtol)
        same(one.spikes, other.spikes, err_msg=name)
        same(one.spikes_per_inference, other.spikes_per_inference)
        same(one.active_per_inference, other.active_per_inference)
        same(one.sent_per_inference, other.sent_per_inference)
        for key, synops in other.synops_per_inference.items():
            same(one.synops_per_inference[key], synops)
        assert one.peak == other.peak
    assert found.outputs.keys() == wanted.outputs.keys()
    for probe, output in wanted.outputs.items():
        scale = np.abs(output).max()
        assert_allclose(found.outputs[probe], output, rtol=rtol, atol=rtol * scale)


def double(net):
    """Let NengoDL, and what takes its place, compute in double precision."""
    with net:
        import_nengo_dl().configure_settings(dtype="float64")
    return net


QUIET = dict(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(max_examples=30, **QUIET)
@given(random_dynamics(), st.integers(0, 7), st.booleans(), st.integers(1, 40))
def test_counts_what_nengo_counts(made, warmup, varying, timesteps):
    """To the last spike, in double precision as Nengo's."""
    net, inp, ensembles, probes = made
    rng = np.random.RandomState(warmup)
    n_steps = (warmup + timesteps,) if varying else ()
    x = rng.uniform(-2, 5, size=(3, *n_steps, inp.size_out))
    options = dict(warmup=warmup, probes=probes, progress=False)
    wanted = ne.measure_activity(net, x, timesteps, simulator="nengo", **options)
    found = ne.measure_activity(
        double(net), x, timesteps, simulator="compiled", **options
    )
    assert found.simulator == "compiled"
    assert_same(found, wanted)


SYNAPSES_FOR_NENGO_DL = tuple(
    x for x in SYNAPSES if type(x) is not nengo.LinearFilter  # fails its own assertion
)
FOR_NENGO_DL = ("loihi-relu", "loihi-lif", "relu", "lif", "regular", "rate-relu")


@pytest.mark.slow
@settings(max_examples=12, **QUIET)
@given(random_dynamics(neurons=FOR_NENGO_DL, synapses=SYNAPSES_FOR_NENGO_DL))
def test_counts_what_nengo_dl_counts(made):
    net, inp, ensembles, probes = made
    x = np.random.RandomState(0).uniform(-2, 5, size=(3, inp.size_out))
    options = dict(probes=probes, warmup=3, progress=False)
    double(net)
    wanted = ne.measure_activity(net, x, 20, simulator="nengo-dl", **options)
    found = ne.measure_activity(net, x, 20, simulator="compiled", **options)
    assert found.simulator == "compiled"
    assert_same(found, wanted, rtol=1e-6)  # inputs come in single precision


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_models_spike_as_in_nengo_dl(name):
    """To the last spike, in double precision."""
    case = CASES[name]
    keras = import_tf_keras()
    snn = ne.convert(make(keras, name), verify=False, **case.convert)
    x = example_input(name, 3, case.n_steps)
    double(snn.net)
    wanted = snn.measure(x, case.n_steps, simulator="nengo-dl", progress=False)
    found = snn.measure(x, case.n_steps, progress=False)
    assert found.simulator == "compiled"
    assert min(p.spikes.sum() for p in found.populations.values()) > 0
    assert_same(found, wanted)


def test_single_precision_is_nengo_dls():
    """Weights and rates that are sums of few powers of two leave nothing to round."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(4))
        layers = [
            nengo.Ensemble(
                n,
                1,
                gain=np.full(n, 64.0),
                bias=np.full(n, 16.0),
                neuron_type=nengo_loihi.neurons.LoihiSpikingRectifiedLinear(2.0**-6),
            )
            for n in (4, 6, 3)
        ]
        nengo.Connection(inp, layers[0].neurons, synapse=None)
        for pre, post in zip(layers, layers[1:]):
            weights = rng.randint(-2, 6, size=(post.n_neurons, pre.n_neurons)) / 4
            nengo.Connection(pre.neurons, post.neurons, transform=weights, synapse=None)
    x = rng.randint(0, 17, size=(5, 4)) / 2.0
    options = dict(timesteps=60, dt=2.0**-10, progress=False)
    wanted = ne.measure_activity(net, x, simulator="nengo-dl", **options)
    found = ne.measure_activity(net, x, simulator="compiled", **options)
    assert found.populations["ensemble #3"].spikes.sum() > 100
    assert_same(found, wanted)


@pytest.mark.parametrize("cells, cores", [(1, 1), (100, 2), (700, 3), (2**20, 1)])
def test_results_depend_on_neither_chunks_nor_threads(monkeypatch, cells, cores):
    net, x = small_network()
    options = dict(timesteps=23, warmup=4, simulator="compiled", progress=False)
    wanted = ne.measure_activity(net, x, **options)
    monkeypatch.setattr(program, "CELLS", cells)
    monkeypatch.setattr(program, "n_cores", lambda: cores)
    found = ne.measure_activity(net, x, **options)
    assert_same(found, wanted, rtol=0)
    assert sum(p.spikes.sum() for p in found.populations.values()) > 100


def small_network():
    """Two layers of a convolutional network, and seven inputs."""
    rng = np.random.RandomState(3)
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(36))
        conv = nengo.Convolution(
            3, (6, 6, 1), (3, 3), padding="same", init=rng.uniform(size=(3, 3, 1, 3))
        )
        a, b = (
            nengo.Ensemble(
                n,
                1,
                gain=np.full(n, 100.0),
                bias=np.full(n, 20.0),
                neuron_type=nengo.SpikingRectifiedLinear(0.01),
            )
            for n in (108, 8)
        )
        out = nengo.Node(size_in=2)
        nengo.Connection(inp, a.neurons, transform=conv, synapse=None)
        weights = rng.uniform(-0.1, 0.2, size=(8, 108))
        nengo.Connection(a.neurons, b.neurons, transform=weights, synapse=0.005)
        nengo.Connection(b.neurons, out, transform=np.eye(2, 8), synapse=0.005)
        nengo.Probe(out)
    return net, rng.uniform(size=(7, 36))


# --- what isn't compiled -------------------------------------------------------------


def looping(a, b):
    nengo.Connection(b.neurons, a.neurons, transform=np.ones((4, 4)))


def noisy(a, b):
    a.noise = nengo.processes.WhiteNoise()


def stochastic(a, b):
    b.neuron_type = nengo.StochasticSpiking(nengo.RectifiedLinear())


def computed(a, b):
    nengo.Connection(nengo.Node(np.sin), a.neurons[0])


def presented(a, b):
    shown = nengo.processes.PresentInput([[1.0], [2.0]], 0.01)
    nengo.Connection(nengo.Node(shown), a.neurons[0])


def watched(a, b):
    nengo.Probe(b.neurons, "voltage")


@pytest.mark.parametrize(
    "change, reason",
    [
        (looping, "it has a loop: .*neuron_in"),
        (noisy, "the process WhiteNoise makes .*neuron_in"),
        (stochastic, "StochasticSpiking.* draws random numbers"),
        (computed, "SimPyFunc makes"),
        (presented, "the process PresentInput makes"),
        (watched, "voltage, the state of neurons, is used"),
    ],
)
def test_what_is_not_compiled_is_said(change, reason):
    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(4, 1, neuron_type=nengo.LIF()) for _ in range(2))
        nengo.Connection(a.neurons, b.neurons)
        change(a, b)
    with pytest.raises(ne.UnsupportedError, match=reason):
        program.Program(net, 0.001, [a, b], net.all_probes)


def test_nengo_dl_runs_in_its_place(caplog):
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(3, 1, gain=np.ones(3), bias=np.full(3, 2.0))
        nengo.Connection(a.neurons, a.neurons, transform=0.1)
    caplog.set_level("INFO")
    found = ne.measure_activity(net, timesteps=20, simulator="compiled")
    assert found.simulator == found.settings["simulator"] == "nengo-dl"
    assert "NengoDL runs in place of the compiled simulator" in caplog.text
    assert "loop" in caplog.text
    wanted = ne.measure_activity(net, timesteps=20, simulator="nengo-dl")
    assert found.populations["ensemble"].spikes.sum() > 0
    assert_same(found, wanted)


def test_without_numba_nengo_dl_runs(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "numba", None)
    net, x = small_network()
    found = ne.measure_activity(net, x, 3, simulator="compiled")
    assert found.simulator == "nengo-dl"
    assert 'pip install "nengo-energy[fast]"' in caplog.text


# --- weights -------------------------------------------------------------------------


@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["plain", "groups", "transposed", "channels first"])
def test_convolutions_of_all_shapes(n_dims, kind):
    """Stored window by window, they are the matrix that is counted."""
    rng = np.random.RandomState(n_dims)
    space = (7, 5, 6)[:n_dims]
    n_shapes = 0
    for taps, stride, padding in itertools.product(
        (1, 2, 3, 4), (1, 2, 3), ("same", "valid")
    ):
        groups = 2 if kind == "groups" else 1
        first = kind == "channels first"
        options = dict(
            n_filters=4,
            input_shape=(2, *space) if first else (*space, 2),
            kernel_size=(taps,) * n_dims,
            strides=(stride,) * n_dims,
            padding=padding,
            channels_last=not first,
            init=rng.normal(size=(taps,) * n_dims + (2 // groups, 4)),
        )
        if kind == "transposed":
            transform = nengo.transforms.ConvolutionTranspose(**options)
        else:
            transform = nengo.Convolution(groups=groups, **options)
        linear = transform_map(transform)
        x = rng.normal(size=(2, linear.size_in))
        found = np.empty((2, linear.size_out))
        Weights(linear, np.dtype(float)).apply(x, found)
        assert_allclose(found, x @ linear.to_sparse().T.toarray(), atol=1e-12)
        n_shapes += 1
    assert n_shapes == 24
