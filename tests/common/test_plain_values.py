"""Settings become values that JSON holds exactly, the same in every run."""

from __future__ import annotations

import json
from fractions import Fraction

import nengo
import numpy as np
import pytest

from nengo_energy.common.plain_values import plain


class Layer:
    name = "conv_1"


@pytest.mark.parametrize(
    "value, expected",
    [
        (None, None),
        (True, True),
        (np.True_, True),
        (3, 3),
        (np.int64(2**62), 2**62),
        (0.1, 0.1),
        (np.float32(0.1), 0.10000000149011612),
        (Fraction(1, 4), 0.25),
        (float("inf"), "inf"),
        ("text", "text"),
        ((1, [2.5]), [1, [2.5]]),
        ({"b", "a"}, ["a", "b"]),
        (np.arange(3), [0, 1, 2]),
        ({1: 2, Layer(): 100}, {"1": 2, "conv_1": 100}),
        (nengo.Lowpass(0.005), "Lowpass(tau=0.005)"),
        (np.mean, "numpy.mean"),
        (Layer, f"{__name__}.Layer"),
        (b"raw", "b'raw'"),
    ],
)
def test_values(value, expected):
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_objects_look_the_same_in_every_run():
    first, second = object(), object()
    assert plain(first) == plain(second) == "<object object>"
