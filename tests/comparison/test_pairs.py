"""Correlation and error of values that come in batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nengo_energy.comparison.statistics import Pairs

numbers = st.floats(-1e6, 1e6)


def summed(wanted, found, cuts=()):
    pairs = Pairs()
    for parts in zip(np.split(wanted, cuts), np.split(found, cuts)):
        pairs.add(*parts)
    return pairs


def test_by_hand():
    """wanted 1, 2, 3 and found 1, 2, 6: deviations -1, 0, 1 and -2, -1, 3.

    Correlation 5 / sqrt(2 x 14), error sqrt(9 / 14).
    """
    pairs = summed(np.array([1.0, 2, 3]), np.array([1.0, 2, 6]))
    assert pairs.correlation == pytest.approx(5 / 28**0.5, rel=1e-12)
    assert pairs.relative_error == pytest.approx((9 / 14) ** 0.5, rel=1e-12)
    np.testing.assert_allclose(pairs.means, [2, 3])
    assert pairs.zero_shares == (0, 0)


@given(
    st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30),
    st.lists(st.integers(0, 30), max_size=4).map(sorted),
)
def test_batches_make_no_difference(values, cuts):
    wanted, found = np.array(values).T
    whole, parts = summed(wanted, found), summed(wanted, found, cuts)
    np.testing.assert_allclose(parts.means, whole.means, rtol=1e-9, atol=1e-9)
    if whole.correlation is not None and wanted.std() > 1 and found.std() > 1:
        assert parts.correlation == pytest.approx(whole.correlation, abs=1e-9)
        expected = np.corrcoef(wanted, found)[0, 1]
        assert whole.correlation == pytest.approx(expected, abs=1e-9)
    assert parts.zero_shares == whole.zero_shares


def test_large_values_keep_their_digits():
    """Sums of squares would lose a spread of 1 on top of 1e9."""
    rng = np.random.RandomState(0)
    wanted = rng.normal(size=1000)
    found = wanted + rng.normal(size=1000)
    expected = np.corrcoef(wanted, found)[0, 1]
    pairs = summed(wanted + 1e9, found + 1e9, [10, 500])
    assert pairs.correlation == pytest.approx(expected, abs=1e-6)


def test_what_never_changes_has_no_correlation():
    pairs = summed(np.zeros(3), np.array([0.0, 1, 2]))
    assert pairs.correlation is None and pairs.relative_error is None
    assert pairs.zero_shares == (1, pytest.approx(1 / 3))
    assert summed(np.ones(2), np.ones(2)).relative_error == 0
