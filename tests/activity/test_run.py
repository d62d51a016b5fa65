"""The options of one run: checked once, where they come in."""

from __future__ import annotations

import dataclasses
import re

import nengo
import numpy as np
import pytest
from paths import ROOT

import nengo_energy as ne
from nengo_energy.activity.run import Run
from nengo_energy.common.defaults import DT


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"simulator": "brian"},
            "simulator must be one of compiled, nengo, nengo-dl, loihi; got",
        ),
        ({"timesteps": [10, 10]}, "timesteps must hold each number once"),
        ({"timesteps": 10}, "timesteps must be a sequence of whole numbers; got 10"),
        ({"warmup": -1}, "warmup must be a whole number of at least 0; got -1"),
        ({"dt": 0.0}, r"dt must be a number above 0 \[s\]; got 0.0"),
        ({"minibatch_size": 0}, "minibatch_size must be a whole number of at least 1"),
        ({"emulator": "slow"}, "emulator must be one of fast, nengo-loihi; got 'slow'"),
        ({"emulator": "fast"}, "emulator='fast' is for simulator='loihi'; got 'nengo'"),
    ],
)
def test_an_option_that_is_not_allowed_is_named(options, message):
    with pytest.raises(ne.InputError, match=message):
        Run(**{"timesteps": [50], **options})


def test_a_run_reads_counts_in_order_and_goes_over_the_longest():
    run = Run([50, 10], warmup=5)
    assert run.timesteps == (50, 10)
    assert run.schedule.marks == (10, 50)
    assert run.schedule.total == 55


def test_options_are_checked_before_the_network_is_traced():
    """A batch of no inferences is refused, though the network can't be counted."""
    with nengo.Network() as net:
        learned = nengo.Connection(nengo.Ensemble(5, 1), nengo.Ensemble(5, 1))
        learned.learning_rule_type = nengo.PES()
    with pytest.raises(ne.InputError, match="minibatch_size"):
        ne.measure_activity(net, np.zeros((1, 1)), minibatch_size=0)


def test_public_functions_take_the_options_of_a_run_by_name():
    options = {field.name for field in dataclasses.fields(Run)}
    for function in (
        ne.measure_activity,
        ne.measure_activity_at,
        ne.SpikingModel.measure,
    ):
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        keywords = set(function.__kwdefaults__)
        assert options <= keywords | set(names)


def test_the_length_of_a_timestep_stands_once():
    """Digits of the default, in code: docstrings may say it in words."""
    lines = [
        line
        for file in (ROOT / "nengo_energy").rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"\b0\.001\b", line)
    ]
    assert lines == [f"DT = {DT}  # dt, of Nengo too"]
