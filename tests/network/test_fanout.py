"""Fan-out of every transform against explicit loops and against Nengo itself."""

from __future__ import annotations

import itertools

import nengo
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings, strategies as st
from looped_convolution import looped_matrix
from numpy.testing import assert_allclose, assert_array_equal

from nengo_energy import UnsupportedError, fan_out
from nengo_energy.network.fanout import (
    connection_map,
    is_random,
    transform_map,
    weight_rank,
)


@st.composite
def convolutions(draw, n_dims=(1, 3), transposed=False, max_groups=2):
    """Random convolutions whose kernels hold zeros."""
    n_dims = draw(st.integers(*n_dims))
    groups = 1 if transposed else draw(st.integers(1, max_groups))
    n_channels = groups * draw(st.integers(1, 2))
    n_filters = groups * draw(st.integers(1, 2))
    space = tuple(draw(st.integers(3, 6)) for _ in range(n_dims))
    kernel_size = tuple(draw(st.integers(1, 3)) for _ in range(n_dims))
    strides = tuple(draw(st.integers(1, 3)) for _ in range(n_dims))
    channels_last = draw(st.booleans())
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    shape = kernel_size + (n_channels // groups, n_filters)
    kernel = rng.uniform(0.1, 1, size=shape) * rng.choice([0, 1, 1], size=shape)
    options = dict(
        n_filters=n_filters,
        input_shape=space + (n_channels,) if channels_last else (n_channels,) + space,
        kernel_size=kernel_size,
        strides=strides,
        padding=draw(st.sampled_from(["same", "valid"])),
        channels_last=channels_last,
        init=kernel,
    )
    if transposed:
        return nengo.transforms.ConvolutionTranspose(**options)
    return nengo.Convolution(groups=groups, **options)


def simulated_matrix(transform) -> np.ndarray:
    """Weights that Nengo's own operators apply, one unit vector after the other."""
    basis = np.eye(transform.size_in)
    with nengo.Network() as net:
        source = nengo.Node(lambda t: basis[int(round(t * 1000)) - 1])
        target = nengo.Node(size_in=transform.size_out)
        nengo.Connection(source, target, transform=transform, synapse=None)
        probe = nengo.Probe(target)
    # a node's function is asked once at time 0, where index -1 does no harm
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(transform.size_in)
    return sim.data[probe].T


@settings(max_examples=100, deadline=None)
@given(convolutions())
def test_convolution_equals_the_loop(conv):
    matrix = looped_matrix(conv)
    assert_array_equal(fan_out(conv), (matrix != 0).sum(axis=0))
    assert_array_equal(transform_map(conv).to_sparse().toarray(), matrix)


@settings(max_examples=60, deadline=None)
@given(st.one_of(convolutions(), convolutions(transposed=True)), st.data())
def test_convolution_of_a_vector_equals_the_loop(conv, data):
    rng = np.random.RandomState(data.draw(st.integers(0, 2**32 - 1)))
    x = rng.uniform(-1, 1, size=conv.size_in)
    found = transform_map(conv).apply(x)
    assert_allclose(found, transform_map(conv).to_sparse() @ x, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(convolutions(), st.data())
def test_matrix_at_each_place_behind_a_convolution(conv, data):
    """As in a separable convolution: both are one, which cancels where they do."""
    rng = np.random.RandomState(data.draw(st.integers(0, 2**32 - 1)))
    shape = conv.output_shape.shape
    n_dims = len(shape) - 1
    kernel = rng.choice([-1.0, 0.0, 1.0], size=(1,) * n_dims + (conv.n_filters, 3))
    point = nengo.Convolution(
        n_filters=3,
        input_shape=shape,
        kernel_size=(1,) * n_dims,
        strides=(1,) * n_dims,
        channels_last=conv.channels_last,
        init=kernel,
    )
    both = transform_map(point) @ transform_map(conv)
    matrix = looped_matrix(point) @ looped_matrix(conv)
    assert_array_equal(both.fan_out, (np.abs(matrix) > 1e-12).sum(axis=0))
    x = rng.uniform(-1, 1, size=conv.size_in)
    assert_allclose(both.apply(x), matrix @ x, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(convolutions(n_dims=(1, 2)), st.data())
def test_columns_are_those_asked_for(conv, data):
    """Also none at all, and the same one twice."""
    columns = st.lists(st.integers(0, conv.size_in - 1), max_size=4)
    indices = np.array(data.draw(columns), dtype=int)
    found = transform_map(conv).columns(indices).toarray()
    assert_array_equal(found, looped_matrix(conv)[:, indices])


@settings(max_examples=30, deadline=None)
@given(convolutions(n_dims=(2, 2)), st.integers(1, 3), st.integers(1, 2))
def test_pooling_before_a_convolution(conv, width, stride):
    """Pools that overlap or leave gaps, before a convolution that holds zeros."""
    n_channels = conv.input_shape.n_channels
    space = [(n - 1) * stride + width for n in conv.input_shape.spatial_shape]
    shape = [*space, n_channels] if conv.channels_last else [n_channels, *space]
    kernel = np.zeros((width, width, n_channels, n_channels))
    kernel[:, :, np.arange(n_channels), np.arange(n_channels)] = 1 / width**2
    pool = nengo.Convolution(
        n_channels,
        shape,
        (width, width),
        (stride, stride),
        channels_last=conv.channels_last,
        init=kernel,
    )
    composed = transform_map(conv) @ transform_map(pool)
    product = looped_matrix(conv) @ looped_matrix(pool)
    assert_array_equal(composed.fan_out, (product != 0).sum(axis=0))


@settings(max_examples=30, deadline=None)
@given(convolutions(n_dims=(1, 2)))
def test_convolution_equals_nengo(conv):
    matrix = simulated_matrix(conv)
    assert_allclose(transform_map(conv).to_sparse().toarray(), matrix, atol=1e-12)
    assert_array_equal(fan_out(conv), (matrix != 0).sum(axis=0))


@settings(max_examples=40, deadline=None)
@given(convolutions(n_dims=(1, 2), transposed=True))
def test_transposed_convolution_equals_nengo(conv):
    matrix = simulated_matrix(conv)
    assert_allclose(transform_map(conv).to_sparse().toarray(), matrix, atol=1e-12)
    assert_array_equal(fan_out(conv), (matrix != 0).sum(axis=0))


def test_border_of_same_padding_has_fewer_synapses():
    """28 x 28 x 1 with 8 filters of 3 x 3: 53,792 links instead of 56,448 nominal."""
    conv = nengo.Convolution(8, (28, 28, 1), padding="same", init=np.ones((3, 3, 1, 8)))
    counted = fan_out(conv)
    # 26 inner rows meet 3 taps, 2 border rows meet 2: (26 * 3 + 2 * 2)^2 * 8
    assert counted.sum() == 82**2 * 8 == 53_792
    assert counted.reshape(28, 28)[0, 0] == 2 * 2 * 8
    assert counted.reshape(28, 28)[5, 5] == 3 * 3 * 8


def test_zero_stretch_of_a_large_stride_drives_nothing():
    conv = nengo.Convolution(1, (7, 1), (1,), (3,), init=np.ones((1, 1, 1)))
    assert_array_equal(fan_out(conv), [1, 0, 0, 1, 0, 0, 1])


def test_average_pooling_drives_one_cell():
    """Pooling is a convolution whose kernel is mostly zero."""
    kernel = np.zeros((2, 2, 3, 3))
    kernel[:, :, np.arange(3), np.arange(3)] = 0.25
    pool = nengo.Convolution(3, (4, 4, 3), (2, 2), (2, 2), init=kernel)
    assert_array_equal(fan_out(pool), np.ones(48))


def test_dense_forms():
    assert_array_equal(fan_out(nengo.Dense((3, 3), init=2.0)), [1, 1, 1])
    assert_array_equal(fan_out(nengo.Dense((3, 3), init=0.0)), [0, 0, 0])
    assert_array_equal(fan_out(nengo.Dense((3, 3), init=[1.0, 0, 3])), [1, 0, 1])
    full = nengo.Dense((2, 3), init=[[1.0, 0, 3], [4, 0, 0]])
    assert_array_equal(fan_out(full), [2, 0, 1])


def test_sparse_forms():
    pairs = nengo.Sparse((2, 3), indices=[(0, 0), (1, 0), (1, 2)], init=[1.0, 2, 0])
    assert_array_equal(fan_out(pairs), [2, 0, 0])  # an explicit zero is no synapse
    matrix = sp.csr_matrix([[0.0, 1, 1], [0, 1, 0]])
    assert_array_equal(fan_out(nengo.Sparse((2, 3), init=matrix)), [0, 2, 1])


def test_no_transform_needs_a_size():
    transform = nengo.transforms.NoTransform(4)
    assert_array_equal(fan_out(transform, size_in=4), [1, 1, 1, 1])
    with pytest.raises(UnsupportedError, match="give size_in"):
        fan_out(transform)


def test_unknown_transform_is_named():
    class Wavelet(nengo.transforms.Transform):
        size_in = size_out = 2

    with pytest.raises(UnsupportedError, match="Wavelet.*known: Dense, Sparse"):
        fan_out(Wavelet())


def test_random_weights_are_told_apart():
    assert is_random(nengo.Convolution(2, (4, 4, 1)))
    assert not is_random(nengo.Convolution(2, (4, 4, 1), init=np.ones((3, 3, 1, 2))))


@pytest.mark.parametrize("seed", range(20))
def test_slices_on_both_sides(seed):
    rng = np.random.RandomState(seed)
    weights = rng.randint(-1, 2, size=(3, 2)) * 1.0
    pre_index = [int(k) for k in rng.choice(5, size=2, replace=False)]
    post_index = [int(k) for k in rng.choice(6, size=3, replace=False)]
    with nengo.Network():
        pre, post = nengo.Ensemble(5, 1), nengo.Ensemble(6, 1)
        conn = nengo.Connection(
            pre.neurons[pre_index], post.neurons[post_index], transform=weights
        )
    matrix = np.zeros((6, 5))
    for row, column in itertools.product(range(3), range(2)):
        matrix[post_index[row], pre_index[column]] = weights[row, column]
    linear = connection_map(conn)
    assert_array_equal(linear.to_sparse().toarray(), matrix)
    assert_array_equal(linear.fan_out, (matrix != 0).sum(axis=0))


def test_no_dense_matrix_is_built_for_a_large_convolution():
    """As a dense matrix this one would take 131,072 x 524,288 x 8 bytes = 550 GB."""
    conv = nengo.Convolution(
        128, (64, 64, 32), padding="same", init=np.ones((3, 3, 32, 128))
    )
    # 62 inner rows meet 3 taps, 2 border rows meet 2
    assert fan_out(conv).sum() == (62 * 3 + 2 * 2) ** 2 * 32 * 128


def test_slices_that_only_reorder():
    """[2, 0, 1] takes every neuron, yet each drives what its place says."""
    weights = np.array([[1.0, 1, 1], [0, 1, 1], [0, 0, 1]])
    with nengo.Network():
        pre, post = nengo.Ensemble(3, 1), nengo.Ensemble(3, 1)
        before = nengo.Connection(
            pre.neurons[[2, 0, 1]], post.neurons, transform=weights
        )
        after = nengo.Connection(pre.neurons, post.neurons[::-1], transform=weights)
    # columns 0, 1, 2 belong to neurons 2, 0, 1
    assert_array_equal(connection_map(before).fan_out, [2, 3, 1])
    assert_array_equal(connection_map(before).to_sparse().toarray()[2], [0, 1, 0])
    assert_array_equal(connection_map(after).to_sparse().toarray(), weights[::-1])


def test_seeded_random_weights_are_those_of_the_simulation():
    with nengo.Network() as net:
        pre, post = nengo.Ensemble(8, 1), nengo.Ensemble(9, 1)
        conn = nengo.Connection(
            pre.neurons,
            post.neurons,
            transform=nengo.Dense((9, 8), init=nengo.dists.Uniform(0, 1)),
            seed=5,
        )
    with nengo.Simulator(net, progress_bar=False) as sim:
        weights = sim.data[conn].weights
    assert_array_equal(connection_map(conn).to_sparse().toarray(), weights)


@pytest.mark.parametrize(
    "transform, rank",
    [
        (nengo.transforms.NoTransform(3), 0),
        (nengo.Dense((3, 3), init=2.0), 0),  # scales all
        (nengo.Dense((3, 3), init=[1.0, 2, 3]), 0),  # scales each
        (nengo.Dense((1, 3), init=[[0.5, 0.5, 0.5]]), 1),
        (nengo.Dense((2, 3), init=[[0.5, 0.5, 0], [0, 0, 0.5]]), 1),
        (nengo.Dense((1, 3), init=[[0.5, 0.5, 0.25]]), 2),
        (nengo.Dense((3, 3), init=nengo.dists.Uniform(0, 1)), 2),
        (nengo.Sparse((2, 3), init=sp.csr_matrix([[1.0, 1, 0], [0, 0, 1]])), 1),
        (nengo.Sparse((2, 3), init=sp.csr_matrix([[1.0, 2, 0], [0, 0, 1]])), 2),
        (nengo.Sparse((2, 3), indices=[(0, 0), (1, 1)], init=[3.0, 3.0]), 1),
        (nengo.Sparse((2, 3), indices=[(0, 0), (1, 1)], init=[3.0, 4.0]), 2),
        (nengo.Convolution(2, (4, 4, 1)), 2),
        (nengo.Convolution(1, (4, 1), (2,), (1,), init=np.ones((2, 1, 1))), 1),
    ],
    ids=str,
)
def test_weights_that_say_more_rank_higher(transform, rank):
    assert weight_rank(transform) == rank


def test_random_sparse_weights_are_told_apart():
    pairs = [(0, 0), (1, 1)]
    drawn = nengo.Sparse((2, 2), indices=pairs, init=nengo.dists.Uniform(0, 1))
    assert is_random(drawn) and weight_rank(drawn) == 2
    assert not is_random(nengo.Sparse((2, 2), indices=pairs, init=[1.0, 2.0]))
