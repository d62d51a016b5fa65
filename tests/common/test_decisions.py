"""Decisions of outputs, and labels as people have them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.common.decisions import Decision


def test_the_largest_value_decides():
    found = Decision((3,)).decide(np.array([[0, 2, 1], [-1, -3, -2.0]]))
    assert_array_equal(found, [1, 0])
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    "threshold, expected", [(0.0, [0, 0, 1, 1]), (0.5, [0, 0, 0, 1])]
)
def test_a_single_value_decides_by_its_threshold(threshold, expected):
    """A network without a spike, whose output is 0, has said nothing for class 1."""
    outputs = np.array([[-0.1], [0.0], [0.5], [0.6]])
    assert_array_equal(Decision((1,), threshold).decide(outputs), expected)


def test_positions_decide_one_by_one():
    output = np.random.RandomState(0).normal(size=(2, 4, 5, 3))
    decision = Decision((4, 5, 3))
    expected = [
        [[max(range(3), key=pixel.__getitem__) for pixel in row] for row in picture]
        for picture in output
    ]
    for given in (output, output.reshape(2, -1)):
        assert_array_equal(decision.decide(given), expected)
    assert (decision.positions, decision.n_positions) == ((4, 5), 20)
    mask = Decision((4, 5, 1), 0.5).decide(output[..., :1])
    assert_array_equal(mask, output[..., 0] > 0.5)


INDICES = np.array([1, 0, 1])


@pytest.mark.parametrize(
    "labels",
    [
        INDICES,
        INDICES[:, None],
        np.eye(2)[INDICES],
        np.eye(2, dtype=bool)[INDICES],
        INDICES.astype(bool),
        INDICES.astype(np.float32)[:, None],
        INDICES.tolist(),
    ],
    ids=["(n,)", "(n, 1)", "one-hot", "one-hot bool", "bool", "float", "list"],
)
@pytest.mark.parametrize("n_values", [1, 2])
def test_labels_as_people_have_them(labels, n_values):
    found = Decision((n_values,)).check_labels(labels, 3)
    assert_array_equal(found, INDICES)
    assert found.dtype == np.int64


def test_labels_of_positions():
    labels = np.random.RandomState(0).randint(3, size=(2, 4, 5))
    decision = Decision((4, 5, 3))
    for given in (labels, labels[..., None], np.eye(3)[labels]):
        assert_array_equal(decision.check_labels(given, 2), labels)


@pytest.mark.parametrize(
    "labels, shape, message",
    [
        ([0, 1], (3,), r"shape \(3,\), one for each inference, .*; got \(2,\)"),
        (np.eye(3)[:2], (3,), r"or \(3, 3\) if they are one-hot; got \(2, 3\)"),
        (np.ones((3, 3)), (3,), "one-hot: a single 1 .* Several classes at once"),
        ([0, 1, 3], (3,), "between 0 and 2, as the output has 3 values; got 0 to 3"),
        ([0, -1, 1], (3,), "got -1 to 1"),
        ([1, -1, 1], (1,), "between 0 and 1, as the output has 1 value; got -1 to 1"),
        ([0, 0.5, 1], (3,), "whole numbers"),
        (["a", "b", "c"], (3,), "whole numbers"),
        ([0, 1, 0], (4, 5, 3), r"\(3, 4, 5\), one for each position, .*; got \(3,\)"),
    ],
)
def test_wrong_labels_are_refused(labels, shape, message):
    with pytest.raises(ne.InputError, match=message):
        Decision(shape).check_labels(labels, 3)
