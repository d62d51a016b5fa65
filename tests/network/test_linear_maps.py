"""Linear maps against the dense matrices that they stand for."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_array_equal

from nengo_energy import InputError
from nengo_energy.network import linear_maps
from nengo_energy.network.convolution_map import ConvolutionMap
from nengo_energy.network.linear_maps import ComposedMap, DenseMap, SparseMap, SummedMap


def small_matrices(n_rows: st.SearchStrategy, n_columns: st.SearchStrategy):
    """Integer matrices with many zeros: sums and products are exact, and cancel."""
    return st.tuples(n_rows, n_columns, st.integers(0, 2**32 - 1)).map(_draw)


def _draw(spec):
    rows, columns, seed = spec
    return np.random.RandomState(seed).randint(-1, 2, size=(rows, columns)) * 1.0


SIZES = st.integers(1, 6)


@settings(max_examples=50)
@given(small_matrices(SIZES, SIZES), st.booleans())
def test_fan_out_is_the_number_of_non_zeros_in_each_column(matrix, sparse):
    linear = SparseMap(sp.csc_matrix(matrix)) if sparse else DenseMap(matrix)
    assert_array_equal(linear.fan_out, (matrix != 0).sum(axis=0))
    assert linear.fan_out.dtype == np.int64
    assert_array_equal(linear.to_sparse().toarray(), matrix)


@settings(max_examples=50)
@given(st.data(), SIZES, SIZES, SIZES)
def test_composition_counts_the_weights_of_the_product(data, n_in, n_mid, n_out):
    first = data.draw(small_matrices(st.just(n_mid), st.just(n_in)))
    second = data.draw(small_matrices(st.just(n_out), st.just(n_mid)))
    composed = DenseMap(second) @ SparseMap(sp.csc_matrix(first))
    product = second @ first  # weights that cancel are no synapses
    assert_array_equal(composed.fan_out, (product != 0).sum(axis=0))
    assert_array_equal(composed.to_sparse().toarray(), product)


@settings(max_examples=50)
@given(st.data(), SIZES, SIZES)
def test_sum_counts_one_weight_for_each_pair(data, n_in, n_out):
    parts = [data.draw(small_matrices(st.just(n_out), st.just(n_in))) for _ in range(3)]
    total = SummedMap([DenseMap(part) for part in parts])
    assert_array_equal(total.fan_out, (sum(parts) != 0).sum(axis=0))


@settings(max_examples=50)
@given(small_matrices(SIZES, SIZES), st.randoms(use_true_random=False))
def test_permuting_units_permutes_the_fan_out(matrix, random):
    order = list(range(matrix.shape[1]))
    random.shuffle(order)
    shuffled = DenseMap(matrix) @ SparseMap.gather(np.argsort(order), matrix.shape[1])
    # unit k of the shuffled vector is unit order[k] of the original
    assert_array_equal(shuffled.fan_out[np.argsort(order)], DenseMap(matrix).fan_out)


def test_blocks_are_bounded_and_add_up(monkeypatch):
    matrix = np.arange(1.0, 61.0).reshape(6, 10)
    monkeypatch.setattr(linear_maps, "MAX_BLOCK_ENTRIES", 15)
    blocks = list(DenseMap(matrix).blocks())
    # 15 entries hold two whole columns of 6
    assert [block.shape[1] for block in blocks] == [2, 2, 2, 2, 2]
    assert_array_equal(np.hstack([b.toarray() for b in blocks]), matrix)


def test_gather_repeats_and_scatter_adds():
    gather = SparseMap.gather(np.array([2, 2, 0]), size_in=3)
    assert_array_equal(gather.apply(np.array([5.0, 6.0, 7.0])), [7, 7, 5])
    assert_array_equal(gather.fan_out, [1, 0, 2])
    scatter = SparseMap.scatter(np.array([1, 1]), size_out=3)
    assert_array_equal(scatter.apply(np.array([2.0, 3.0])), [0, 5, 0])


def test_single_targets_and_injectivity():
    picks = SparseMap(sp.csc_matrix([[0, 1.0, 0], [0, 0, 0], [2.0, 0, 0]]))
    assert_array_equal(picks.single_targets, [2, 0, -1])
    assert not picks.is_injective  # the last unit leads nowhere
    assert SparseMap.diagonal(np.array([1.0, -2.0])).is_injective
    assert not DenseMap(np.ones((2, 2))).is_injective
    assert DenseMap(np.ones((2, 2))).single_targets is None


def test_maps_that_do_not_fit_are_refused():
    two, three = DenseMap(np.ones((2, 2))), DenseMap(np.ones((3, 3)))
    with pytest.raises(InputError, match="first has 2 outputs, the second 3 inputs"):
        ComposedMap(two, three)
    with pytest.raises(InputError, match="can't add maps"):
        SummedMap([two, three])


@settings(max_examples=20)
@given(st.integers(2, 7), st.integers(1, 3), st.integers(1, 3))
def test_pooling_before_weights_costs_what_the_weights_cost(n_cells, width, n_out):
    """Each unit feeds one pooled cell, so it drives what the cell drives."""
    rng = np.random.RandomState(n_cells)
    pool = np.kron(np.eye(n_cells), np.ones((1, width))) / width
    weights = rng.randint(-1, 2, size=(n_out, n_cells)) * 1.0
    composed = DenseMap(weights) @ SparseMap(sp.csc_matrix(pool))
    expected = np.repeat((weights != 0).sum(axis=0), width)
    assert_array_equal(composed.fan_out, expected)


@settings(max_examples=50)
@given(small_matrices(SIZES, SIZES), st.integers(0, 2**32 - 1))
def test_apply_multiplies_vectors_of_either_sign(matrix, seed):
    x = np.random.RandomState(seed).randint(-2, 3, size=matrix.shape[1]) * 1.0
    assert_array_equal(DenseMap(matrix).apply(x), matrix @ x)


def test_entries_that_are_given_twice_are_one_weight():
    """Unit 0 holds 1 + 2 to the same target, unit 1 holds 1 - 1."""
    entries = ([1.0, 2, 1, -1], [0, 0, 1, 1], [0, 2, 4])
    linear = SparseMap(sp.csc_matrix(entries, shape=(2, 2)))
    assert_array_equal(linear.fan_out, [1, 0])
    assert_array_equal(linear.to_sparse().toarray(), [[3, 0], [0, 0]])


@pytest.mark.parametrize("route", ["arrays", "blocks of arrays", "sparse maps"])
@settings(max_examples=50)
@given(st.data(), st.lists(SIZES, min_size=3, max_size=6))
def test_long_compositions_count_the_weights_of_the_product(route, data, sizes):
    """Of matrices in either format, some of which a single value passes between."""
    limits = {"MAX_PRODUCTS": 0} if route != "arrays" else {}
    limits["MAX_BLOCK_ENTRIES"] = 8 if route == "blocks of arrays" else 1000
    product, composed = np.eye(sizes[0]), None
    for n_in, n_out in zip(sizes, sizes[1:]):
        matrix = data.draw(small_matrices(st.just(n_out), st.just(n_in)))
        product = matrix @ product
        dense = route != "sparse maps" and data.draw(st.booleans())
        linear = DenseMap(matrix) if dense else SparseMap(sp.csc_matrix(matrix))
        composed = linear if composed is None else linear @ composed
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(linear_maps, name, value)
        assert_array_equal(composed.fan_out, (product != 0).sum(axis=0))
    assert composed.fan_out.dtype == np.int64


def test_matrices_of_many_entries_are_not_written_out(monkeypatch):
    monkeypatch.setattr(linear_maps, "MAX_ARRAY_ENTRIES", 8)
    matrix = np.tri(3)
    large = SparseMap(sp.csc_matrix(matrix))
    assert large.array is None
    assert_array_equal((large @ DenseMap(matrix)).fan_out, [3, 2, 1])


def test_global_pooling_takes_no_memory_for_taps_that_a_unit_never_meets():
    """Each of 32 x 32 x 4 units meets one of 1,024 taps; all would be 34 MB, twice."""
    kernel = np.zeros((32, 32, 4, 4))
    kernel[..., range(4), range(4)] = 1 / 1024
    pooling = ConvolutionMap(kernel, (32, 32), (1, 1), 4, (32, 32), (0, 0), True)
    tracemalloc.start()
    try:
        matrix = pooling.to_sparse()
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
    assert_array_equal(matrix.toarray(), np.tile(np.eye(4), 1024) / 1024)
