"""Connections are brought into NengoLoihi's forms, and compute what they did."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from nengo_energy.activity.on_loihi.preparing import prepare_network
from nengo_energy.compat import import_nengo_loihi
from nengo_energy.loihi import open_simulator

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow

SLICES = [1, slice(0, 2), [2, 0], slice(None, None, -1), slice(-1, None), [-2, 1]]
VALUES = np.array([0.8, -0.4, 0.3])


def ensemble(net, label, on_chip=True, **options):
    ens = nengo.Ensemble(120, 3, label=label, **options)
    net.config[ens].on_chip = on_chip
    return ens


def network(pre, post, pre_slice, post_slice, transform=None, function=None):
    """pre[pre_slice] -> post[post_slice], each on the chip or on the host."""
    with nengo.Network(seed=1) as net:
        import_nengo_loihi().add_params(net)
        inp = nengo.Node(VALUES, label="input")
        ends = {"node": inp}
        for name in ("chip", "host", "goal"):
            ends[name] = ensemble(net, name, on_chip=name != "host")
            ends[f"{name} neurons"] = ends[name].neurons
        for name in ("chip", "host"):
            nengo.Connection(inp, ends[name], synapse=None)
        pre, post = ends[pre], ends[post]
        pre = pre if pre_slice is None else pre[pre_slice]
        post = post if post_slice is None else post[post_slice]
        if transform is None:
            shape = (post.size_in, pre.size_out)
            transform = np.random.RandomState(0).uniform(0.1, 0.6, size=shape)
        conn = nengo.Connection(pre, post, transform=transform, function=function)
        probe = nengo.Probe(ends["goal"], synapse=0.03)
    return net, conn, probe


def selection(size, key):
    """Return the rows of the identity that a slice takes."""
    return np.eye(size) if key is None else np.atleast_2d(np.eye(size)[key])


def matrix_of(conn):
    """Return what a connection does from all of one end to all of the other."""
    weights = conn.transform.sample()
    weights = weights.toarray() if hasattr(weights, "toarray") else weights
    if weights.ndim < 2:
        weights = weights * np.eye(conn.size_mid)
    post = selection(conn.post_obj.size_in, conn.post_slice)
    return post.T @ weights @ selection(conn.pre_obj.size_out, conn.pre_slice)


def reformed(net, conn):
    """Return what takes the place of a connection, and what is said of it."""
    form = prepare_network(net)
    (new,) = [new for new, old in form.stands_for.items() if old is conn]
    (change,) = form.changes
    return new, change


@pytest.mark.parametrize("post_slice", SLICES, ids=str)
@pytest.mark.parametrize("pre_slice", [None, 1, [2, 0]], ids=str)
@pytest.mark.parametrize("pre", ["node", "chip", "host"])
def test_a_slice_of_an_ensemble_is_a_transform(pre, pre_slice, post_slice):
    net, conn, _ = network(pre, "goal", pre_slice, post_slice)
    new, change = reformed(net, conn)
    assert new.post_slice == slice(None)
    assert_allclose(matrix_of(new), matrix_of(conn))
    assert change.kind == "slices" and "ensemble 'goal'" in change.layer


@pytest.mark.parametrize("post_slice", SLICES + [slice(0, 120, 7)], ids=str)
@pytest.mark.parametrize("pre", ["chip neurons", "host neurons"])
def test_a_slice_of_neurons_is_a_sparse_matrix(pre, post_slice):
    """Which the chip stores without its zeros."""
    net, conn, _ = network(pre, "goal neurons", [4, 7, 119], post_slice)
    new, _ = reformed(net, conn)
    assert_allclose(matrix_of(new), matrix_of(conn))
    stored = new.transform.init
    assert getattr(stored, "nnz", stored.size) == conn.post.size_in * 3


@pytest.mark.parametrize(
    "pre, post, function",
    [
        ("node", "goal", None),
        ("node", "goal", np.square),
        ("chip", "goal", None),
        ("chip", "goal", np.square),
        ("host", "goal", np.square),
        ("chip neurons", "goal neurons", None),
    ],
)
def test_the_network_runs_and_gives_nengos_values(pre, post, function):
    post_slice = [2, 0] if post == "goal" else slice(20, 50)
    pre_slice = slice(0, 2) if post == "goal" else None
    net, conn, probe = network(pre, post, pre_slice, post_slice, function=function)
    if post != "goal":
        conn.transform = conn.transform.init / 300
    found, wanted = [], []
    for values, sim in (
        (found, open_simulator(net)),
        (wanted, nengo.Simulator(net, progress_bar=False)),
    ):
        with sim:
            sim.run_steps(150)
            values.append(sim.data[probe][-60:].mean(axis=0))
    assert np.max(np.abs(wanted)) > 0.15
    assert_allclose(found, wanted, atol=0.12)


def test_weights_drawn_at_random_are_those_of_the_seed():
    net, conn, _ = network("node", "goal", None, [0, 2], nengo.dists.Uniform(1, 2))
    conn.seed = 5
    new, _ = reformed(net, conn)
    drawn = conn.transform.sample(rng=np.random.RandomState(5))
    assert_allclose(matrix_of(new)[[0, 2]], drawn)


KERNEL = np.arange(8.0).reshape(2, 2, 1, 2) / 100
CONV = nengo.Convolution(2, (4, 5, 1), (2, 2), init=KERNEL)
LINE = nengo.Convolution(2, (20, 1), (3,), (1,), init=np.arange(6.0).reshape(3, 1, 2))


def convolved(transform, gain, pre="neurons", post="neurons"):
    with nengo.Network(seed=0) as net:
        sizes = (transform.size_in, transform.size_out)
        ends = [
            nengo.Ensemble(n, n, gain=gain(n), bias=np.zeros(n), label=str(n))
            for n in sizes
        ]
        a = ends[0].neurons if pre == "neurons" else nengo.Node(np.zeros(sizes[0]))
        b = ends[1].neurons if post == "neurons" else ends[1]
        conn = nengo.Connection(a, b, transform=transform)
    return net, conn


def test_convolution_between_neurons_stays_one():
    net, _ = convolved(CONV, np.ones)
    assert prepare_network(net).network is net


@pytest.mark.parametrize(
    "transform, gain, pre, post, kind",
    [
        (CONV, lambda n: np.arange(1, n + 1), "neurons", "neurons", nengo.Sparse),
        (LINE, np.ones, "neurons", "neurons", nengo.Sparse),
        (CONV, np.ones, "node", "neurons", nengo.Dense),
        (CONV, np.ones, "neurons", "ensemble", nengo.Dense),
        (
            nengo.Sparse((3, 2), init=sp.csr_matrix([[1.0, 0], [0, 0], [2, 3]])),
            np.ones,
            "node",
            "ensemble",
            nengo.Dense,
        ),
    ],
)
def test_what_nengo_loihi_refuses_is_written_out(transform, gain, pre, post, kind):
    net, conn = convolved(transform, gain, pre, post)
    new, change = reformed(net, conn)
    assert change.kind == "transform"
    assert type(new.transform) is kind
    rng = np.random.RandomState(1)
    x = rng.rand(conn.size_in)
    with nengo.Network() as by_nengo:
        node = nengo.Node(x)
        out = nengo.Node(size_in=conn.size_out)
        nengo.Connection(node, out, transform=transform, synapse=None)
        probe = nengo.Probe(out)
    with nengo.Simulator(by_nengo, progress_bar=False) as sim:
        sim.run_steps(2)
    assert_allclose(matrix_of(new) @ x, sim.data[probe][-1])
    with open_simulator(net) as sim:
        sim.run_steps(1)


def test_sparse_matrix_between_neurons_and_slices_on_the_host_stay():
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(5, 2), nengo.Ensemble(6, 2)
        node = nengo.Node(size_in=3)
        sparse = nengo.Sparse((6, 5), init=sp.eye(6, 5, format="csr"))
        nengo.Connection(a.neurons, b.neurons, transform=sparse)
        nengo.Connection(a[1], node[2])
        nengo.Connection(nengo.Node([1.0]), node[0])
        nengo.Probe(node)
        nengo.Connection(a, b, solver=nengo.solvers.LstsqL2(weights=True))
    form = prepare_network(net)
    assert form.network is net and not form.changes
