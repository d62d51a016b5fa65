"""Hops on the mesh: by hand, and a placement that is never worse than row-major."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_array_equal

from nengo_energy.loihi import mesh
from nengo_energy.loihi.mesh import Placement, place_greedily, place_row_major


def walk(placement, messages):
    """Count hops by walking from tile to tile, one message after the other."""
    across = along = 0
    for source, target in np.argwhere(messages):
        for _ in range(messages[source, target]):
            x, y = placement.columns[source], placement.rows[source]
            while x != placement.columns[target]:
                x += 1 if placement.columns[target] > x else -1
                across += 1
            while y != placement.rows[target]:
                y += 1 if placement.rows[target] > y else -1
                along += 1
    return across, along


def test_row_major_fills_tiles_of_four_in_rows_of_eight():
    placement = place_row_major([0] * 128)
    assert_array_equal(placement.columns[:9], [0, 0, 0, 0, 1, 1, 1, 1, 2])
    assert_array_equal(placement.rows[[0, 31, 32, 127]], [0, 0, 1, 3])
    assert placement.columns[31] == 7


def test_hops_of_single_messages():
    placement = place_row_major([0] * 128)
    messages = np.zeros((128, 128), dtype=int)
    messages[0, 3] = 5  # within a tile
    messages[0, 127] = 2  # from one corner to the other: 7 east, 3 south
    messages[127, 95] = 1  # a row up
    across, along = placement.hops(messages)
    assert (across[0], along[0]) == (14, 6)
    assert (across[127], along[127]) == (0, 1)
    assert placement.total_hops(messages) == 21


def test_chips_lie_side_by_side():
    """The last core of the first chip's first row is next to the second chip."""
    placement = place_row_major([0] * 32 + [1])
    messages = np.zeros((33, 33), dtype=int)
    messages[31, 32] = 1  # column 7 to column 8
    messages[0, 32] = 1
    assert placement.columns[32] == 8
    assert placement.total_hops(messages) == 1 + 8


@st.composite
def traffics(draw):
    n_cores = draw(st.integers(1, 40))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    messages = rng.randint(0, 4, size=(n_cores, n_cores))
    messages *= rng.uniform(size=messages.shape) < draw(st.sampled_from([0.1, 0.5]))
    chips = np.sort(rng.randint(0, draw(st.integers(1, 3)), size=n_cores))
    return chips.tolist(), messages


@settings(max_examples=60, deadline=None)
@given(traffics())
def test_hops_equal_a_walk_and_greedy_is_never_worse(traffic):
    chips, messages = traffic
    simple, greedy = place_row_major(chips), place_greedily(chips, messages)
    for placement in (simple, greedy):
        across, along = placement.hops(messages)
        assert (across.sum(), along.sum()) == walk(placement, messages)
        places = set(zip(placement.chips.tolist(), placement.slots.tolist()))
        assert len(places) == len(chips)  # nobody shares a place
        assert 0 <= placement.slots.min() and placement.slots.max() < 128
        assert_array_equal(placement.chips, chips)
    assert greedy.total_hops(messages) <= simple.total_hops(messages)


def test_greedy_brings_partners_together():
    """Pairs that row-major puts far apart share a tile: no hop is left."""
    n = 64
    messages = np.zeros((n, n), dtype=int)
    for k in range(n // 2):
        messages[k, k + n // 2] = 10
    assert place_row_major([0] * n).total_hops(messages) == 32 * 10
    assert place_greedily([0] * n, messages).total_hops(messages) == 0


def test_placement_is_not_changed_by_use():
    placement = Placement("mine", np.zeros(2, int), np.array([0, 127]))
    placement.hops(np.ones((2, 2), int))
    assert_array_equal(placement.slots, [0, 127])


@settings(max_examples=60, deadline=None)
@given(traffics())
def test_changing_places_never_costs_hops(traffic):
    _, messages = traffic
    exchanged = messages + messages.T
    np.fill_diagonal(exchanged, 0)
    start = np.random.RandomState(0).permutation(128)[: len(messages)]
    end = mesh._swap(start, exchanged)
    assert len(set(end.tolist())) == len(end)
    before, after = (mesh._cost(slots, exchanged) for slots in (start, end))
    assert after <= before
    # and no exchange of two is left that would save any
    for i, j in np.ndindex(len(end), len(end)):
        other = end.copy()
        other[[i, j]] = end[[j, i]]
        assert mesh._cost(other, exchanged) >= after
