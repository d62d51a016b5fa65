"""Shares and their confidence intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nengo_energy.common.proportions import (
    Share,
    share_columns,
    share_equal,
    sum_shares,
)

Z = 1.959963984540054  # the normal distribution's 97.5 % quantile


@pytest.mark.parametrize("count, n", [(0, 10), (10, 10), (263, 300), (1, 3), (40, 41)])
def test_interval_is_wilsons(count, n):
    """His formula: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n)."""
    p = count / n
    centre = p + Z**2 / (2 * n)
    half = Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    expected = [(centre + sign * half) / (1 + Z**2 / n) for sign in (-1, 1)]
    assert Share(count, n).interval == pytest.approx(expected, abs=1e-12)


def test_nothing_wrong_in_ten_still_leaves_doubt():
    """z2 / (n + z2) = 3.8415 / 13.8415 = 0.2775 may be wrong."""
    low, high = Share(10, 10).interval
    assert (low, high) == (pytest.approx(1 - 0.27753, abs=1e-5), pytest.approx(1))


def test_shares_are_counted_and_added():
    share = share_equal(np.array([1, 2, 3]), np.array([1, 0, 3]))
    assert (share.count, share.n, share.value) == (2, 3, pytest.approx(2 / 3))
    assert sum_shares([share, Share(1, 7)]) == Share(3, 10)
    columns = share_columns("accuracy", Share(3, 10))
    assert list(columns) == ["accuracy", "accuracy_low", "accuracy_high"]
    assert columns["accuracy"] == 0.3
    assert all(math.isnan(value) for value in share_columns("x", None).values())


def test_positions_of_one_inference_are_no_further_trials():
    found, wanted = np.zeros((4, 5, 5)), np.zeros((4, 5, 5))
    wanted[:2] = 1
    share = share_equal(found, wanted)
    assert share == Share(50, 100, per_inference=25)
    assert (share.value, share.interval) == (0.5, pytest.approx(Share(2, 4).interval))
    assert sum_shares([share, share]) == Share(100, 200, per_inference=25)
