"""The Pareto front against its definition, pair by pair."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from nengo_energy.common.pareto import pareto_front

FEW = st.integers(0, 5)  # so that ties are common


@given(points=st.lists(st.tuples(FEW, FEW), max_size=20))
def test_front_is_what_no_other_point_beats(points):
    def beats(a, b):
        return a[0] <= b[0] and a[1] >= b[1] and a != b

    wanted = [not any(beats(a, b) for a in points) for b in points]
    found = pareto_front([p[0] for p in points], [p[1] for p in points])
    assert found.tolist() == wanted


@pytest.mark.parametrize("bad", [(math.nan, 9), (0, math.nan)])
def test_points_without_a_number_are_not_on_it(bad):
    cost, benefit = zip((1, 1), bad, (2, 2))
    assert pareto_front(cost, benefit).tolist() == [True, False, True]
