"""What an activation function is, against the function itself."""

import numpy as np
import pytest

from nengo_energy.conversion.layers.curves import (
    Line,
    Rectifiers,
    fit_rectifiers,
    is_elementwise,
    largest_error,
    read_curve,
)


def single(function):
    """Work in single precision, as layers do."""
    return lambda x: np.asarray(function(np.asarray(x, "f4")), "f4")


def relu(x):
    return np.maximum(x, 0)


PIECEWISE = {
    # offset, and (sign, knot, weight) of each rectifier, worked out by hand
    "relu": (relu, 0, {(1, 0, 1)}),
    "relu6": (lambda x: np.clip(x, 0, 6), 0, {(1, 0, 1), (1, 6, -1)}),
    "leaky": (lambda x: np.where(x > 0, x, x * 0.25), 0, {(1, 0, 1), (-1, 0, -0.25)}),
    "abs": (np.abs, 0, {(1, 0, 1), (-1, 0, 1)}),
    "hard tanh": (lambda x: np.clip(x, -1, 1), -1, {(1, -1, 1), (1, 1, -1)}),
    "Keras 2's hard sigmoid": (
        lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        0,
        {(1, -2.5, 0.2), (1, 2.5, -0.2)},
    ),
    "flat on the right": (lambda x: np.minimum(2 * x, 3), 3, {(-1, 1.5, -2)}),
    "soft shrink": (
        lambda x: np.sign(x) * relu(np.abs(x) - 0.5),
        0,
        {(1, 0.5, 1), (-1, -0.5, -1)},
    ),
}


@pytest.mark.parametrize("name", PIECEWISE)
def test_straight_lines_become_rectifiers(name):
    function, offset, terms = PIECEWISE[name]
    curve = read_curve(single(function))
    assert isinstance(curve, Rectifiers)
    assert curve.offset == pytest.approx(offset)
    assert set(curve.terms) == terms
    x = np.random.RandomState(0).uniform(-20, 20, 1000)
    np.testing.assert_allclose(curve(x), function(x), atol=1e-5)


def test_lines_and_relu_are_told_apart():
    assert read_curve(single(lambda x: 2 * x - 1)) == Line(-1, 2)
    assert read_curve(single(relu)).is_relu
    assert not read_curve(single(lambda x: np.clip(x, 0, 6))).is_relu


@pytest.mark.parametrize(
    "function",
    [
        np.tanh,
        lambda x: 0.01 * np.tanh(x),
        lambda x: np.logaddexp(x, 0),
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
        lambda x: np.where(x > 1, x, 0),  # jumps
        lambda x: np.where(x > 1, x, x + 1),
        lambda x: np.where(np.abs(x) > 2, x, 0),
        lambda x: np.sin(x),
    ],
)
def test_other_functions_are_no_rectifiers(function):
    assert read_curve(single(function)) is None


def test_softmax_is_not_elementwise():
    assert is_elementwise(np.tanh)
    assert not is_elementwise(lambda x: np.exp(x) / np.exp(x).sum())
    assert not is_elementwise(lambda x: x[::-1])


SMOOTH = {
    # slopes far to the left and to the right, and the largest error that is allowed of
    # eight lines: that of equal intervals between -8 and 8, h**2 / 8 max |f''|
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 0, 0, 4 / 8 * 0.0963),
    "tanh": (np.tanh, 0, 0, 4 / 8 * 0.770),
    "softplus": (lambda x: np.logaddexp(x, 0), 0, 1, 4 / 8 * 0.25),
    "log_sigmoid": (lambda x: -np.logaddexp(-x, 0), 1, 0, 4 / 8 * 0.25),
    "swish": (lambda x: x / (1 + np.exp(-x)), 0, 1, 4 / 8 * 0.5),
    "sum": (lambda x: np.tanh(x) + x, 1, 1, 4 / 8 * 0.770),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_straight_lines_stand_in_for_curves(name):
    function, left, right, allowed = SMOOTH[name]
    with np.errstate(over="ignore"):
        curve = fit_rectifiers(single(function), 8)
        finer = fit_rectifiers(single(function), 32)
    assert len(curve.terms) <= 8 and len(finer.terms) <= 32
    x = np.linspace(-16, 16, 3001)
    with np.errstate(over="ignore"):
        error = np.max(np.abs(curve(x) - function(x)))
        found = largest_error(curve, single(function))
    assert 0 < error < allowed / 2
    assert found == pytest.approx(error, rel=0.02)
    # four times as many lines: an error of about a sixteenth
    assert np.max(np.abs(finer(x) - function(x))) < error / 6
    far = np.array([-200.0, -100.0, 100.0, 200.0])
    slopes = np.diff(curve(far))[[0, 2]] / 100
    np.testing.assert_allclose(slopes, [left, right], atol=1e-6)


def test_curves_without_straight_ends_have_no_stand_in():
    assert fit_rectifiers(single(np.exp), 8) is None
