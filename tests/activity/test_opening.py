"""Simulators stay open between calls, as long as they fit."""

from __future__ import annotations

import contextlib
import copy
import pickle
import threading

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.measuring import measure_run
from nengo_energy.activity.run import Run
from nengo_energy.activity.simulators import Simulators, opening

X = np.array([[1.0], [2.0], [0.5]])


@pytest.fixture
def made(monkeypatch):
    """What was opened and closed, one after the other."""
    events = []
    for name, runner in opening.RUNNERS.items():

        class Watched(runner):
            def __enter__(self):
                events.append(f"open {self.name}")
                return super().__enter__()

            def __exit__(self, *exc_info):
                events.append(f"close {self.name}")
                return super().__exit__(*exc_info)

        monkeypatch.setitem(opening.RUNNERS, name, Watched)
    return events


def network():
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(1))
        a = nengo.Ensemble(5, 1, gain=np.full(5, 2.0), bias=np.arange(5.0))
        nengo.Connection(inp, a.neurons, transform=np.ones((5, 1)), synapse=None)
    return net


def measure(net, simulators, x=X, timesteps=30, simulator="nengo", dt=0.001, **options):
    run = Run((timesteps,), simulator, dt, progress=False, **options)
    (activity,) = measure_run(net, x, run, simulators=simulators)
    return activity.populations["ensemble"].spikes


def test_second_call_opens_nothing(made):
    net, simulators = network(), Simulators()
    first = measure(net, simulators)
    assert first.sum() > 0
    assert_array_equal(measure(net, simulators), first)
    assert len(measure(net, simulators, X[:2], timesteps=10)) == 5
    assert made == ["open nengo"]
    simulators.close()
    assert made == ["open nengo", "close nengo"]


def test_alone_it_is_closed_at_once(made):
    ne.measure_activity(network(), X, 5, progress=False)
    assert made == ["open nengo", "close nengo"]


def test_what_was_changed_is_built_anew(made):
    net, simulators = network(), Simulators()
    first = measure(net, simulators)
    net.ensembles[0].bias = np.arange(5.0) + 3
    changed = measure(net, simulators)
    assert changed.sum() > first.sum()
    measure(net, simulators, dt=0.002)
    assert made.count("open nengo") == 3
    # two are kept
    assert made.count("close nengo") == 1


@pytest.mark.tensorflow
def test_each_simulator_and_precision_is_one_of_its_own(made):
    pytest.importorskip("numba")
    net, simulators = network(), Simulators()
    with contextlib.closing(simulators):
        for simulator in ("compiled", "nengo-dl", "compiled", "nengo-dl"):
            measure(net, simulators, simulator=simulator)
        assert made == ["open compiled", "open nengo-dl"]
        # NengoDL's has the size of its batches, ours doesn't
        measure(net, simulators, X[:2], simulator="compiled")
        measure(net, simulators, X[:2], simulator="nengo-dl")
        assert made[2:] == ["close nengo-dl", "open nengo-dl"]
    assert made[4:] == ["close nengo-dl", "close compiled"]


def test_an_error_closes_it(made):
    net, simulators = network(), Simulators()

    def fail(start, spikes):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_run(net, X, Run((5,)), on_batch=fail, simulators=simulators)
    assert made == ["open nengo", "close nengo"]
    assert not simulators.idle


def test_threads_do_not_share_one(made):
    net, simulators = network(), Simulators()
    expected = measure(net, simulators)
    at_once = threading.Barrier(2, timeout=60)
    found = []

    def work():
        run = Run((30,), progress=False)
        meet = lambda start, spikes: at_once.wait()  # noqa: E731
        (activity,) = measure_run(net, X[:1], run, on_batch=meet, simulators=simulators)
        found.append(activity.populations["ensemble"].spikes)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_array_equal(found[0], found[1])
    assert found[0].sum() < expected.sum()
    assert made.count("open nengo") == 2
    assert len(simulators.idle) == 1


def test_copies_have_none():
    simulators = Simulators()
    measure(network(), simulators)
    assert len(simulators.idle) == 1
    assert not copy.deepcopy(simulators).idle
    assert not pickle.loads(pickle.dumps(simulators)).idle


def test_what_is_open_already_is_not_asked_for_memory_again(monkeypatch):
    """5 neurons x 3 inferences take 240 bytes at least, which then aren't free."""
    net, simulators = network(), Simulators()
    monkeypatch.setenv("NENGO_ENERGY_MAX_MEMORY", "240")
    first = measure(net, simulators, simulator="compiled")
    monkeypatch.setenv("NENGO_ENERGY_MAX_MEMORY", "1")
    assert_array_equal(measure(net, simulators, simulator="compiled"), first)
    assert len(measure(net, simulators, X[:2], simulator="compiled")) == 5
    with pytest.raises(ne.InputError, match="5 neurons on 4 inferences"):
        measure(net, simulators, X[[0, 1, 2, 0]], simulator="compiled")
    simulators.close()
