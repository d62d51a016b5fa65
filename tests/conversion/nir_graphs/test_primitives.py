"""Each primitive of NIR against its equations in plain NumPy, timestep by timestep."""

import nengo
import nir_reference
import numpy as np
import pytest

import nengo_energy as ne

DT = 0.001
RNG = np.random.RandomState(0)


class Plain:
    """A graph in the form of ``nir.NIRGraph.to_dict()``, without the package nir."""

    def __init__(self, nodes, edges):
        self.nodes, self.edges = nodes, edges

    def to_dict(self):
        return {"type": "NIRGraph", "nodes": self.nodes, "edges": self.edges}


def chain(*parts, shape, size):
    """Return nodes and edges that lead from an input through parts to an output."""
    nodes = {"input": {"type": "Input", "shape": np.array(shape)}}
    nodes.update({f"n{k}": part for k, part in enumerate(parts)})
    nodes["output"] = {"type": "Output", "shape": np.array(size)}
    names = list(nodes)
    return nodes, list(zip(names, names[1:]))


def outputs_of(model, x):
    """Return each timestep of the output, (timesteps, size)."""
    probe = model.outputs["output"]
    (node,) = model.inputs.values()
    with nengo.Simulator(model.network, dt=model.dt, progress_bar=False) as sim:
        value = sim.signals[sim.model.sig[node]["out"]]
        value.setflags(write=True)
        for row in x:
            value[...] = row.ravel()
            sim.step()
        return sim.data[probe].copy()


def check(nodes, edges, x, late=(), **options):
    """Compare a network with the reference; return what both put out."""
    dt = options.setdefault("dt", DT)
    share = None
    if options.get("integration") == "exponential":
        share = lambda tau: 1 - np.exp(-dt / tau)  # noqa: E731
    names = {"input": x}
    expected = nir_reference.run(nodes, edges, names, dt, late, share)["output"]
    found = outputs_of(ne.from_nir(Plain(nodes, edges), **options), x)
    expected = expected.reshape(found.shape)
    return found, expected


def spread(n, low, high):
    """Return a value for each of n neurons."""
    return np.linspace(low, high, n)


N = 12
NEURONS = {
    "IF": {
        "r": spread(N, 50, 900),
        "v_threshold": spread(N, 0.4, 1.5),
        "v_reset": spread(N, -0.3, 0.3),
    },
    "LIF": {
        "tau": spread(N, 0.003, 0.03),
        "r": spread(N, 1, 4),
        "v_leak": spread(N, -0.2, 0.3),
        "v_threshold": spread(N, 0.5, 1.2),
        "v_reset": spread(N, -0.5, 0.2),
    },
    "CubaLIF": {
        "tau_syn": spread(N, 0.002, 0.02),
        "tau_mem": spread(N, 0.03, 0.004),
        "r": spread(N, 2, 6),
        "v_leak": spread(N, 0.3, -0.2),
        "v_threshold": spread(N, 0.5, 1.2),
        "v_reset": spread(N, -0.5, 0.2),
        "w_in": spread(N, 0.5, 2),
    },
    "Threshold": {"threshold": spread(N, 0.1, 0.9)},
}


@pytest.mark.parametrize("integration", ["euler", "exponential"])
@pytest.mark.parametrize("kind", sorted(NEURONS))
def test_neurons(kind, integration):
    """Parameters of each neuron's own; spikes are the same, one by one."""
    nodes, edges = chain({"type": kind, **NEURONS[kind]}, shape=[N], size=[N])
    x = np.random.RandomState(1).uniform(-0.5, 2, size=(200, N))
    found, expected = check(nodes, edges, x, integration=integration)
    assert np.all(expected.sum(axis=0) > 3) and expected.mean() < 0.7
    np.testing.assert_array_equal(found, expected)


def test_threshold_is_to_be_exceeded():
    """A voltage that equals the threshold is no spike: 1, 2 > 1, 1, 2 > 1, ..."""
    part = {"type": "IF", "r": np.array([1000.0]), "v_threshold": np.array([1.0])}
    nodes, edges = chain(part, shape=[1], size=[1])
    found = outputs_of(ne.from_nir(Plain(nodes, edges), dt=DT), np.ones((6, 1)))
    assert found.ravel().tolist() == [0, 1, 0, 1, 0, 1]


def test_reset_by_subtraction():
    """Of 1.5 a timestep and a threshold of 1, the rest of 0.5 is kept."""
    part = {"type": "IF", "r": np.array([1000.0]), "v_threshold": np.array([1.0])}
    nodes, edges = chain(part, shape=[1], size=[1])
    x = np.full((6, 1), 0.75)
    kept = outputs_of(ne.from_nir(Plain(nodes, edges), dt=DT, reset="subtraction"), x)
    # voltages 0.75, 1.5 -> 0.5, 1.25 -> 0.25, 1.0, 1.75 -> 0.75, 1.5 -> 0.5
    assert kept.ravel().tolist() == [0, 1, 1, 0, 1, 1]
    lost = outputs_of(ne.from_nir(Plain(nodes, edges), dt=DT), x)
    # voltages 0.75, 1.5 -> 0, 0.75, 1.5 -> 0, ...
    assert lost.ravel().tolist() == [0, 1, 0, 1, 0, 1]


STATES = {
    "I": {"r": spread(N, 1, 100)},
    "LI": {k: NEURONS["LIF"][k] for k in ("tau", "r", "v_leak")},
    "CubaLI": {
        k: NEURONS["CubaLIF"][k] for k in ("tau_syn", "tau_mem", "r", "v_leak", "w_in")
    },
}


@pytest.mark.parametrize("integration", ["euler", "exponential"])
@pytest.mark.parametrize("kind", sorted(STATES))
def test_integrators(kind, integration):
    """They put out voltages."""
    nodes, edges = chain({"type": kind, **STATES[kind]}, shape=[N], size=[N])
    x = np.random.RandomState(1).uniform(-0.5, 2, size=(50, N))
    found, expected = check(nodes, edges, x, integration=integration)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


LINEAR = {
    "Linear": ({"weight": RNG.randn(4, 6)}, (6,), (4,)),
    "Affine": ({"weight": RNG.randn(4, 6), "bias": RNG.randn(4)}, (6,), (4,)),
    "Scale": ({"scale": RNG.randn(6)}, (6,), (6,)),
}


@pytest.mark.parametrize("kind", sorted(LINEAR))
def test_linear(kind):
    part, shape, size = LINEAR[kind]
    nodes, edges = chain({"type": kind, **part}, shape=shape, size=size)
    found, expected = check(nodes, edges, RNG.randn(5, *shape))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


CONVOLUTIONS = [
    ("Conv1d", (3, 9), (4, 3, 3), {}),
    ("Conv1d", (4, 11), (6, 2, 3), dict(stride=2, padding=2, dilation=2, groups=2)),
    ("Conv2d", (2, 6, 7), (3, 2, 3, 3), {}),
    ("Conv2d", (2, 6, 7), (3, 2, 3, 2), dict(stride=(1, 2), padding=(2, 1))),
    ("Conv2d", (4, 8, 8), (4, 2, 3, 3), dict(stride=2, padding=1, groups=2)),
    ("Conv2d", (2, 9, 9), (3, 2, 3, 3), dict(dilation=(2, 3))),
    ("Conv2d", (2, 6, 6), (3, 2, 3, 3), dict(padding=1)),
    ("Conv2d", (2, 6, 6), (3, 2, 4, 2), dict(padding="same")),
    ("Conv2d", (2, 6, 6), (3, 2, 3, 3), dict(padding="valid")),
    ("Conv2d", (3, 5, 5), (3, 1, 2, 2), dict(groups=3)),
]


@pytest.mark.parametrize("kind, shape, weight, options", CONVOLUTIONS)
def test_convolutions(kind, shape, weight, options):
    part = {"type": kind, "weight": RNG.randn(*weight), "bias": RNG.randn(weight[0])}
    nodes, edges = chain({**part, **options}, shape=shape, size=(1,))
    x = RNG.randn(2, *shape)
    found, expected = check(nodes, edges, x)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["SumPool2d", "AvgPool2d"])
@pytest.mark.parametrize(
    "kernel, stride, padding",
    [((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 0)), ((3, 3), (2, 2), (1, 1))],
)
def test_pooling(kind, kernel, stride, padding):
    part = {"type": kind, "kernel_size": np.array(kernel)}
    part.update(stride=np.array(stride), padding=np.array(padding))
    nodes, edges = chain(part, shape=(3, 6, 8), size=(1,))
    found, expected = check(nodes, edges, RNG.randn(2, 3, 6, 8))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_convolution_has_no_synapses_to_padding():
    """Fan-out of a 4x4 image under a 3x3 kernel with padding 1: 4, 6 or 9."""
    part = {"type": "Conv2d", "weight": np.ones((1, 1, 3, 3)), "bias": np.zeros(1)}
    neurons = {"type": "IF", "r": np.array(1.0), "v_threshold": np.array(1.0)}
    nodes, edges = chain(
        dict(neurons),
        {**part, "padding": 1},
        dict(neurons),
        shape=(1, 4, 4),
        size=(16,),
    )
    (projection,) = ne.from_nir(Plain(nodes, edges)).topology.projections
    row = np.array([2, 3, 3, 2])
    np.testing.assert_array_equal(projection.fan_out, np.outer(row, row).ravel())


@pytest.mark.parametrize("end, shape", [(-1, (24,)), (1, (6, 4)), (0, (2, 3, 4))])
def test_flatten_keeps_the_order(end, shape):
    part = {"type": "Flatten", "start_dim": 0, "end_dim": end}
    scale = {"type": "Scale", "scale": np.arange(24.0).reshape(shape)}
    nodes, edges = chain(part, scale, shape=(2, 3, 4), size=(24,))
    x = RNG.randn(1, 2, 3, 4)
    found = outputs_of(ne.from_nir(Plain(nodes, edges)), x)
    np.testing.assert_allclose(found[0], np.arange(24) * x.ravel())


@pytest.mark.parametrize("steps", [[1, 1, 1], [3, 1, 5], [0, 2, 0], [0, 0, 0]])
def test_delays(steps):
    part = {"type": "Delay", "delay": np.array(steps) * DT}
    nodes, edges = chain(part, shape=(3,), size=(3,))
    found, expected = check(nodes, edges, RNG.randn(9, 3))
    np.testing.assert_array_equal(found, expected)


def test_delays_that_are_no_timesteps():
    part = {"type": "Delay", "delay": np.array([0.0014])}
    nodes, edges = chain(part, shape=(1,), size=(1,))
    with pytest.raises(ne.UnsupportedError, match="'n0' .*no multiples .*0.001 s"):
        ne.from_nir(Plain(nodes, edges), dt=DT)
    model = ne.from_nir(Plain(nodes, edges), dt=DT, allow=["rounded-delays"])
    x = np.arange(4.0)[:, None]
    assert outputs_of(model, x).ravel().tolist() == [0, 0, 1, 2]


def recurrent(n=8):
    """Return a graph in which neurons drive themselves one timestep later."""
    rng = np.random.RandomState(3)
    nodes = {
        "input": {"type": "Input", "shape": np.array([4])},
        "w": {"type": "Affine", "weight": rng.randn(n, 4), "bias": rng.rand(n)},
        "lif": {
            "type": "LIF",
            "tau": spread(n, 0.004, 0.02),
            "r": np.full(n, 3.0),
            "v_leak": np.zeros(n),
            "v_threshold": np.ones(n),
            "v_reset": np.zeros(n),
        },
        "rec": {"type": "Linear", "weight": rng.randn(n, n)},
        "output": {"type": "Output", "shape": np.array([n])},
    }
    edges = [("w", "lif"), ("rec", "lif"), ("lif", "rec"), ("input", "w")]
    return nodes, [*edges, ("lif", "output")]


def test_recurrent():
    nodes, edges = recurrent()
    x = np.random.RandomState(1).uniform(0, 1, size=(100, 4))
    order = ["input", "w", "lif", "rec", "output"]
    nodes = {name: nodes[name] for name in order}
    found, expected = check(nodes, edges, x, late=[("rec", "lif")])
    without = nir_reference.run(
        nodes, [edge for edge in edges if edge != ("rec", "lif")], {"input": x}, DT
    )["output"]
    assert expected.sum() > 50 and np.any(expected != without)
    np.testing.assert_array_equal(found, expected)


def test_delay_in_a_loop_is_the_loops_delay():
    """A loop with a delay of two timesteps isn't late by a third."""
    nodes, edges = recurrent()
    nodes["delay"] = {"type": "Delay", "delay": np.full(8, 2 * DT)}
    edges = [edge for edge in edges if edge != ("rec", "lif")]
    edges += [("rec", "delay"), ("delay", "lif")]
    x = np.random.RandomState(1).uniform(0, 1, size=(60, 4))
    found = outputs_of(ne.from_nir(Plain(nodes, edges), dt=DT), x)
    # the reference's way: the delay of one timestep, and a late edge for the other
    nodes["delay"] = {"type": "Delay", "delay": np.full(8, DT)}
    order = ["input", "w", "lif", "rec", "delay", "output"]
    expected = nir_reference.run(
        {name: nodes[name] for name in order},
        edges,
        {"input": x},
        DT,
        late=[("delay", "lif")],
    )["output"]
    assert expected.sum() > 30
    np.testing.assert_array_equal(found, expected)


def test_nested_graphs():
    nodes, edges = recurrent()
    inner_names = ("lif", "rec")
    inner = {name: nodes.pop(name) for name in inner_names}
    inner["input"] = {"type": "Input", "shape": np.array([8])}
    inner["output"] = {"type": "Output", "shape": np.array([8])}
    links = [("input", "lif"), ("rec", "lif"), ("lif", "rec"), ("lif", "output")]
    nodes["rnn"] = {"type": "NIRGraph", "nodes": inner, "edges": links}
    outer = [("input", "w"), ("w", "rnn"), ("rnn", "output")]
    x = np.random.RandomState(1).uniform(0, 1, size=(60, 4))
    found = outputs_of(ne.from_nir(Plain(nodes, outer), dt=DT), x)
    flat = outputs_of(ne.from_nir(Plain(*recurrent()), dt=DT), x)
    assert flat.sum() > 30
    np.testing.assert_array_equal(found, flat)


def test_several_edges_add_up():
    nodes, _ = chain(
        {"type": "Scale", "scale": np.array([2.0, 3.0])}, shape=(2,), size=(2,)
    )
    edges = [("input", "n0"), ("n0", "output"), ("input", "output")]
    found = outputs_of(ne.from_nir(Plain(nodes, edges)), np.array([[1.0, 10.0]]))
    assert found.ravel().tolist() == [3, 40]


def test_bias_behind_a_delay_is_late():
    """The bias of 0.6 a timestep reaches the neuron after 3: 0, 0, 0, 0.6, 1.2, ..."""
    affine = {"type": "Affine", "weight": np.zeros((1, 1)), "bias": np.array([0.6])}
    delay = {"type": "Delay", "delay": np.array([3 * DT])}
    part = {"type": "IF", "r": np.array([1000.0]), "v_threshold": np.array([1.0])}
    nodes, edges = chain(affine, delay, part, shape=(1,), size=(1,))
    found, expected = check(nodes, edges, np.zeros((8, 1)))
    assert expected.ravel().tolist() == [0, 0, 0, 0, 1, 0, 1, 0]
    np.testing.assert_array_equal(found, expected)


def test_an_input_that_stays_is_measured_for_fifty_timesteps():
    nodes, edges = chain({"type": "IF", **NEURONS["IF"]}, shape=[N], size=[N])
    activity = ne.from_nir(Plain(nodes, edges)).measure(np.ones((2, N)))
    assert activity.timesteps == 50
