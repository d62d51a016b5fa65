"""Merged projections are recognised as convolutions that compute exactly the same."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nengo_energy.loihi.convolutions import as_convolution, to_nengo
from nengo_energy.network.convolution_map import Grid
from nengo_energy.network.fanout import connection_map, transform_map
from nengo_energy.network.linear_maps import DenseMap, SparseMap


def conv(shape, kernel, strides=1, padding="valid", seed=0, **options):
    n_dims = len(shape) - 1
    n_filters = options.pop("n_filters", 3)
    groups = options.get("groups", 1)
    size = (kernel,) * n_dims + (shape[-1] // groups, n_filters)
    init = np.random.RandomState(seed).uniform(0.5, 1, size=size)
    return nengo.Convolution(
        n_filters,
        shape,
        (kernel,) * n_dims,
        (strides,) * n_dims,
        padding,
        init=init,
        **options,
    )


def pooling(shape, width, strides=None):
    n_dims, n = len(shape) - 1, shape[-1]
    init = np.zeros((width,) * n_dims + (n, n))
    init[..., np.arange(n), np.arange(n)] = 1 / width**n_dims
    return nengo.Convolution(
        n, shape, (width,) * n_dims, (strides or width,) * n_dims, init=init
    )


def path(*transforms):
    """Transforms one after the other, as a map and as NumPy's product of matrices."""
    maps = [
        transform_map(t) if isinstance(t, nengo.transforms.Transform) else t
        for t in transforms
    ]
    product, total = maps[0], maps[0].to_sparse().toarray()
    for following in maps[1:]:
        product = following @ product
        total = following.to_sparse().toarray() @ total
    return product, total


def check(*transforms, grid=None):
    """Assert that a path is one convolution, and Nengo's too; return the latter."""
    product, total = path(*transforms)
    merged = as_convolution(product, grid)
    assert merged is not None
    assert_allclose(merged.to_sparse().toarray(), total, rtol=1e-12, atol=1e-15)
    transform = to_nengo(merged)
    assert transform is not None
    found = transform_map(transform).to_sparse().toarray()
    assert_allclose(found, total, rtol=1e-12, atol=1e-15)
    return transform


def zero_padding(shape, before, after):
    """What Keras's ZeroPadding2D does, as the converter writes it."""
    padded = tuple(n + before + after for n in shape[:-1]) + shape[-1:]
    places = np.arange(np.prod(padded)).reshape(padded)
    places = places[before : padded[0] - after, before : padded[1] - after].ravel()
    with nengo.Network(add_to_container=False):
        source = nengo.Node(size_in=places.size)
        node = nengo.Node(size_in=int(np.prod(padded)))
        return connection_map(nengo.Connection(source, node[places])), padded


@settings(max_examples=60, deadline=None)
@given(
    st.integers(4, 9),
    st.integers(4, 9),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from(["valid", "same"]),
)
def test_pooling_before_a_convolution(rows, cols, width, step, kernel, stride, padding):
    pool = pooling((rows, cols, 2), width, step)
    assume(padding == "same" or kernel <= min(pool.output_shape.spatial_shape))
    after = conv(pool.output_shape.shape, kernel, stride, padding)
    product, total = path(pool, after)
    merged = as_convolution(product)
    # rows that pooling leaves over would meet the padding
    left_over = any((n - width) % step for n in (rows, cols)) or width > step
    if padding == "valid" or not left_over:
        assert merged is not None
    if merged is not None:
        assert_allclose(merged.to_sparse().toarray(), total, atol=1e-14)
        transform = to_nengo(merged)
        if transform is not None:
            found = transform_map(transform).to_sparse().toarray()
            assert_allclose(found, total, atol=1e-14)


def test_padding_that_meets_left_over_rows_is_no_convolution():
    pool = pooling((5, 5, 1), 2)  # the fifth row and column aren't pooled
    product, _ = path(pool, conv((2, 2, 1), 3, padding="same"))
    assert as_convolution(product) is None


@pytest.mark.parametrize("stride, kernel", [(1, 3), (2, 3), (2, 7)])
def test_zero_padding(stride, kernel):
    shape, before = (12, 12, 2), kernel // 2
    pad, padded = zero_padding(shape, before, kernel - 1 - before)
    transform = check(pad, conv(padded, kernel, stride))
    assert transform.input_shape.shape == shape


def test_padding_that_nengo_has_no_word_for():
    pad, padded = zero_padding((5, 5, 1), 2, 2)
    product, total = path(pad, conv(padded, 3))
    merged = as_convolution(product)
    assert_array_equal(merged.to_sparse().toarray(), total)
    assert to_nengo(merged) is None


def test_concatenation_takes_its_channels_of_the_kernel():
    shape, n_all = (5, 5, 2), 6
    places = np.arange(5 * 5 * n_all).reshape(5, 5, n_all)[..., 3:5].ravel()
    transform = check(
        SparseMap.scatter(places, 5 * 5 * n_all), conv((5, 5, n_all), 3, padding="same")
    )
    assert transform.input_shape.shape == shape
    assert transform.kernel_shape[2:] == (2, 3)


def test_convolution_over_time_gets_a_second_axis():
    transform = check(pooling((14, 3), 2), conv((7, 3), 3, 2))
    assert transform.input_shape.shape == (14, 1, 3)


def test_normalisation_scales_the_kernel():
    first = conv((6, 6, 2), 3)
    scales = np.tile([2.0, 3.0, 0.5], 16)
    check(first, SparseMap.diagonal(scales))
    check(SparseMap.diagonal(np.tile([2.0, 3.0], 36)), first)
    uneven = SparseMap.diagonal(np.arange(1.0, 49.0))
    assert as_convolution(uneven @ transform_map(first)) is None


@pytest.mark.parametrize("channels_last", [True, False])
def test_matrix_behind_pooled_maps_covers_them(channels_last):
    pool = pooling((6, 6, 2), 2)
    if not channels_last:
        pool = nengo.Convolution(
            2, (2, 6, 6), (2, 2), (2, 2), init=pool.init, channels_last=False
        )
    weights = np.random.RandomState(0).uniform(size=(5, 18))
    transform = check(pool, DenseMap(weights))
    assert transform.output_shape.spatial_shape == (1, 1)
    assert transform.n_filters == 5


def test_matrix_alone_needs_to_be_told_the_grid():
    weights = DenseMap(np.random.RandomState(0).uniform(size=(5, 24)))
    assert as_convolution(weights) is None
    check(weights, grid=Grid((3, 4), 2))
    assert as_convolution(weights, Grid((3, 4), 3)) is None


def test_channels_first():
    init = np.random.RandomState(0).uniform(size=(3, 3, 2, 3))
    first = nengo.Convolution(3, (2, 6, 6), channels_last=False, init=init)
    init = np.random.RandomState(1).uniform(size=(2, 2, 3, 2))
    second = nengo.Convolution(2, (3, 4, 4), (2, 2), channels_last=False, init=init)
    check(first, second)


def test_groups_become_zeros():
    transform = check(conv((5, 5, 4), 3, groups=2, n_filters=4))
    assert np.count_nonzero(transform.init) == 3 * 3 * 2 * 4


def test_other_maps_are_none():
    matrix = SparseMap(np.ones((4, 4)))
    assert as_convolution(matrix) is None
    first = transform_map(conv((4, 4, 1), 2))
    gathered = SparseMap.gather(np.array([0, 5, 3]), 27)
    assert as_convolution(gathered @ first) is None
