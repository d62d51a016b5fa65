"""What makes a number worthless: by thresholds that are worked out by hand."""

from __future__ import annotations

import pytest

from nengo_energy.common.assumptions import Assumption
from nengo_energy.common.proportions import Share
from nengo_energy.common.vital_signs import (
    alerts,
    format_alerts,
    is_dead,
    said_of_accuracy,
    said_of_firing,
)

RIGHT = Share(100, 100)


def codes(said):
    return [assumption.code for assumption in said]


@pytest.mark.parametrize(
    "accuracy, keras, n_classes, found",
    [
        # Wilson, 10 of 100: 5.5 % to 17.4 %; 17 of 100: 10.9 % to 25.5 %
        (Share(10, 100), RIGHT, 10, ["accuracy-at-chance"]),
        (Share(17, 100), RIGHT, 10, []),
        # 3 of 4 is nearer to all right than to a half; 2 of 4 isn't
        (Share(3, 4), RIGHT, 2, []),
        (Share(2, 4), RIGHT, 2, ["accuracy-at-chance"]),
        # worse than guessing is no better
        (Share(0, 100), RIGHT, 2, ["accuracy-at-chance"]),
        # nothing better can come of a model that guesses
        (Share(50, 100), Share(50, 100), 2, ["keras-at-chance"]),
        (Share(100, 100), Share(50, 100), 2, ["keras-at-chance"]),
    ],
)
def test_accuracy_that_cant_be_told_from_guessing(accuracy, keras, n_classes, found):
    assert codes(said_of_accuracy(accuracy, keras, n_classes)) == found


def test_alerts_come_in_one_order_and_name_layers():
    said = [
        Assumption("input-on-host", "The host multiplies."),
        *said_of_accuracy(Share(5, 50), None, 10),
        *said_of_firing([f"conv_{i}" for i in range(8)], ["dense"]),
    ]
    assert codes(alerts(said)) == [
        "silent-layers",
        "saturated-layers",
        "accuracy-at-chance",
    ]
    (text,) = format_alerts(said)
    assert text.startswith("Warning: conv_0, conv_1, conv_2, conv_3, conv_4 and 3 more")
    assert "neurons of dense fire as fast as they can" in " ".join(text.split())
    assert text.count("Warning: ") == 3 and "The host" not in text
    assert format_alerts(said[:1]) == []


def test_what_is_dead():
    assert is_dead(said_of_firing(["conv"], []))
    assert is_dead(said_of_accuracy(Share(5, 50), RIGHT, 10))
    assert not is_dead(said_of_firing([], ["conv"]))
    # that the model guesses isn't the fault of a setting
    assert not is_dead(said_of_accuracy(Share(5, 50), Share(5, 50), 10))
