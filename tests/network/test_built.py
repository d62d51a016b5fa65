"""Weights that Nengo draws: the very draw that the simulators build."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.dists import Distribution, Uniform
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_nengo_loihi
from nengo_energy.loihi.wiring import host_transform, wire
from nengo_energy.network.fanout import transform_map


class ThreeInTen(Distribution):
    """Ones in three of ten places, and zeros."""

    def sample(self, n, d=None, rng=np.random):
        return 1.0 * (rng.uniform(size=n if d is None else (n, d)) < 0.3)


def neurons(n, label):
    return nengo.Ensemble(n, 1, gain=np.ones(n), bias=np.full(n, 2.0), label=label)


def random_network(seed=3):
    """Fifty neurons to four others, each by another transform that is drawn."""
    places = np.argwhere(np.ones((40, 50)))
    conv = nengo.Convolution(4, (5, 5, 2), (3, 3), init=ThreeInTen())
    with nengo.Network(seed=seed) as net:
        a = neurons(50, "a")
        transforms = {
            "dense": nengo.Dense((40, 50), init=ThreeInTen()),
            "sparse": nengo.Sparse((40, 50), indices=places, init=ThreeInTen()),
            "conv": conv,
        }
        for label, transform in transforms.items():
            target = neurons(transform.size_out, label)
            nengo.Connection(a.neurons, target.neurons, transform=transform)
        with nengo.Network():
            target = neurons(5, "inner")
            inner = nengo.Dense((5, 50), init=ThreeInTen())
            nengo.Connection(a.neurons, target.neurons, transform=inner)
    return net


def simulator(name):
    if name == "nengo":
        return nengo.Simulator
    return (import_nengo_dl() if name == "nengo-dl" else import_nengo_loihi()).Simulator


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["nengo", "nengo-dl", "loihi"])
def test_fan_out_is_that_of_the_weights_that_are_built(name):
    net = random_network()
    topology = ne.trace_topology(net)
    with simulator(name)(net, progress_bar=False) as sim:
        params = sim.model.params if name == "loihi" else sim.data
        dense, sparse, kernel, inner = (params[c].weights for c in net.all_connections)
    if name == "nengo-dl":  # the values alone, row by row
        sparse = np.reshape(sparse, (40, 50))
    else:
        sparse = sparse.toarray()
    fan_out = [p.fan_out for p in topology.projections]
    assert_array_equal(fan_out[0], np.count_nonzero(dense, axis=0))
    assert_array_equal(fan_out[1], np.count_nonzero(sparse, axis=0))
    # a pixel y, x, channel i meets the taps that leave it in the 3 x 3 outputs
    expected = [
        sum(
            np.count_nonzero(kernel[dy, dx, i])
            for dy in range(3)
            for dx in range(3)
            if 0 <= y - dy < 3 and 0 <= x - dx < 3
        )
        for y, x, i in np.ndindex(5, 5, 2)
    ]
    assert_array_equal(fan_out[2], expected)
    assert_array_equal(fan_out[3], np.count_nonzero(inner, axis=0))
    assert topology.assumptions == ()


def test_random_transforms_on_the_way_are_those_that_are_built():
    """Through a relay, and from a node through encoders."""
    with nengo.Network(seed=0) as net:
        a, b = neurons(6, "a"), neurons(5, "b")
        c = nengo.Ensemble(7, 2, label="c")
        relay = nengo.Node(size_in=4)
        stimulus = nengo.Node(np.zeros(3), label="stimulus")
        ways = [
            nengo.Connection(pre, post, transform=nengo.Dense(shape, init=ThreeInTen()))
            for pre, post, shape in (
                (a.neurons, relay, (4, 6)),
                (relay, b.neurons, (5, 4)),
                (stimulus, c, (2, 3)),
            )
        ]
    with nengo.Simulator(net, progress_bar=False) as sim:
        first, second, third = (sim.data[conn].weights for conn in ways)
        encoders = sim.data[c].scaled_encoders
    topology = ne.trace_topology(net)
    (projection,), (arriving,) = topology.projections, topology.inputs
    assert_array_equal(projection.weights.to_sparse().toarray(), second @ first)
    assert_array_equal(arriving.fan_out, np.count_nonzero(encoders @ third, axis=0))


def test_network_without_a_seed_is_traced_by_one_draw():
    """The same each time, without a draw from numpy's own generator."""
    net = random_network(seed=None)
    before = np.random.get_state()[1].copy()
    first, second = ne.trace_topology(net), ne.trace_topology(net)
    assert_array_equal(np.random.get_state()[1], before)
    assert [p.n_synapses for p in first.projections] == [
        p.n_synapses for p in second.projections
    ]
    assert [a.code for a in first.assumptions] == ["unseeded-weights"]


@pytest.mark.parametrize(
    "seeded, said",
    [
        ("network", False),
        ("inner", False),
        ("ensembles", False),
        ("one ensemble", True),
        ("nothing", True),
    ],
)
def test_what_is_drawn_needs_a_seed(seeded, said):
    with nengo.Network(seed=0 if seeded == "network" else None) as net:
        with nengo.Network(seed=0 if seeded == "inner" else None):
            a = nengo.Ensemble(5, 1, seed=1 if "ensemble" in seeded else None)
            b = nengo.Ensemble(5, 1, seed=1 if seeded == "ensembles" else None)
            nengo.Connection(a, b)
    codes = [a.code for a in ne.trace_topology(net).assumptions]
    assert ("unseeded-weights" in codes) == said


def test_points_that_are_drawn_for_a_connection_need_a_seed():
    with nengo.Network() as net:
        a, b = nengo.Ensemble(5, 1, seed=1), nengo.Ensemble(5, 1, seed=2)
        conn = nengo.Connection(a, b, eval_points=Uniform(0, 1))
    for seed, said in ((None, True), (3, False)):
        conn.seed = seed
        codes = [a.code for a in ne.trace_topology(net).assumptions]
        assert ("unseeded-weights" in codes) == said


def test_chip_gets_the_weights_that_were_drawn():
    """The network that is prepared for it has other seeds."""
    for projection in ne.trace_topology(random_network()).projections:
        drawn = projection.weights.to_sparse().toarray()
        for transform in (wire(projection).transform, host_transform(projection)):
            if isinstance(transform, np.ndarray):
                found = transform
            else:
                found = transform_map(transform).to_sparse().toarray()
            assert_array_equal(found, drawn)
