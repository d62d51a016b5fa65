"""Progress bars appear when they are asked for, and on the error stream alone."""

from __future__ import annotations

import io
import itertools
import sys
import types

import nengo
import numpy as np
import pytest
import tqdm.auto

import nengo_energy as ne
from nengo_energy.common.progress import progress_bar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def measure(progress):
    with nengo.Network() as net:
        inp = nengo.Node(np.zeros(1))
        a = nengo.Ensemble(1, 1, gain=[1.0], bias=[0.0])
        nengo.Connection(inp, a.neurons)
    ne.measure_activity(net, np.zeros((3, 1)), timesteps=7, progress=progress)


def test_bar_shows_all_timesteps_when_asked_for(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    measure(progress=True)
    err = terminal.getvalue()
    assert "simulating (nengo)" in err
    assert "100%" in err and "21.0/21.0" in err  # 3 inferences of 7 timesteps


def test_a_log_gets_plain_lines(capsys):
    measure(progress=True)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "simulating (nengo): 21 steps\n")


@pytest.mark.parametrize("progress", [False, None])
def test_no_bar_else(progress, capsys):
    """Neither when told not to, nor by default where nobody looks."""
    measure(progress)
    assert capsys.readouterr() == ("", "")


def test_short_work_shows_no_bar_by_default(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    measure(progress=None)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("show, shown", [(None, True), (True, True), (False, False)])
def test_long_work_shows_a_bar_in_a_terminal(show, shown, monkeypatch):
    clock = itertools.count(step=1.5)  # each look at the clock is 1.5 s later
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(4, "working", show) as tick:
        for _ in range(4):
            assert tick(1) is None
    assert ("working" in terminal.getvalue()) == shown


def test_a_notebook_gets_its_own_bar(monkeypatch):
    """By default too, though its error stream is no terminal."""
    kernel = types.SimpleNamespace(kernel=object())
    ipython = types.SimpleNamespace(get_ipython=lambda: kernel)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    made = []

    class Bar(tqdm.std.tqdm):
        def __init__(self, **options):
            made.append(options)
            super().__init__(**{**options, "disable": True})

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    for show in (None, True, False):
        with progress_bar(4, "working", show) as tick:
            tick(4)
    assert [options["disable"] for options in made] == [False, False, True]
