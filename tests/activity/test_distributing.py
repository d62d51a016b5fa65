"""Measuring on a Dask client's workers gives what this process would count."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sweep_examples import build_model

import nengo_energy as ne
from nengo_energy.common import clients

distributed = pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")


@pytest.fixture(scope="module")
def client():
    """A worker in this process with three threads, which Nengo couldn't bear alone."""
    options = dict(n_workers=1, processes=False, dashboard_address=None)
    with distributed.LocalCluster(threads_per_worker=3, **options) as cluster:
        with distributed.Client(cluster) as found:
            yield found


@pytest.fixture(scope="module")
def snn():
    return ne.convert(build_model(), scale_firing_rates=300, synapse=0.005)


def inputs(snn, n):
    shape = snn.clone.model.input_shape[1:]
    return np.random.RandomState(0).uniform(size=(n, *shape))


@pytest.mark.parametrize(
    "simulator, largest",
    [("compiled", 2**30), ("compiled", 0), ("nengo-dl", 0), ("loihi", 2**30)],
    ids=["compiled, sent", "compiled, held", "nengo-dl, held", "loihi, sent"],
)
def test_equals_one_process(simulator, largest, snn, client, monkeypatch):
    """11 inferences in batches of 4: the last has 3, and the first may come late."""
    monkeypatch.setattr(clients, "SENT_WITH_TASKS", largest)
    options = dict(simulator=simulator, warmup=3, minibatch_size=4, progress=False)
    x = inputs(snn, 11)
    wanted = snn.measure_at(x, (20, 7), **options)
    found = snn.measure_at(x, (20, 7), client=client, **options)
    assert sum(p.spikes.sum() for p in wanted[0].populations.values()) > 50
    for a, b in zip(found, wanted):
        assert (a.simulator, a.settings) == (b.simulator, b.settings)
        assert a.assumptions == b.assumptions and a.fingerprint == b.fingerprint
        for name, pop in b.populations.items():
            same = a.populations[name]
            assert same.peak == pop.peak
            assert same.spikes.dtype == pop.spikes.dtype
            assert_array_equal(same.spikes, pop.spikes)
            assert_array_equal(same.spikes_per_inference, pop.spikes_per_inference)
            assert_array_equal(same.active_per_inference, pop.active_per_inference)
            assert_array_equal(same.sent_per_inference, pop.sent_per_inference)
            for projection, synops in pop.synops_per_inference.items():
                assert_array_equal(same.synops_per_inference[projection], synops)
        for probe, values in b.outputs.items():
            assert_array_equal(a.outputs[probe], values)


FOREIGN = """
import pickle, sys
for name in ("tensorflow", "keras", "tf_keras", "nengo_dl", "nengo_loihi"):
    sys.modules[name] = None
function, job, inputs = pickle.load(open(sys.argv[1], "rb"))
spikes = [state[0] for state in function(job, inputs).states]
pickle.dump(spikes, open(sys.argv[1], "wb"))
"""


def test_workers_of_our_simulator_need_neither_tensorflow_nor_nengo_loihi(
    snn, tmp_path, monkeypatch
):
    """Whose neurons they are; without either, a batch is the same."""
    sent = []

    def send(client, function, job, n_tasks, task):
        file = tmp_path / "job"
        file.write_bytes(cloudpickle.dumps((function, job, task(0))))
        command = [sys.executable, "-c", FOREIGN, str(file)]
        subprocess.run(command, check=True, timeout=120)
        sent.extend(pickle.loads(file.read_bytes()))
        yield 0, function(job, task(0))

    monkeypatch.setattr("nengo_energy.activity.distributing.run_tasks", send)
    monkeypatch.setattr("nengo_energy.activity.run.check_client", lambda client: None)
    x = inputs(snn, 3)
    found = snn.measure(x, 20, client="another", progress=False)
    wanted = snn.measure(x, 20, progress=False)
    assert sent[0].keys() == wanted.populations.keys()
    for name, pop in wanted.populations.items():
        assert pop.spikes.sum() > 0
        assert_array_equal(sent[0][name], pop.spikes)
        assert_array_equal(found.populations[name].spikes, pop.spikes)


def test_compares_as_one_process_does(snn, client):
    x = inputs(snn, 11)
    labels = np.arange(11) % 3
    options = dict(timesteps=20, labels=labels, minibatch_size=4, progress=False)
    wanted = snn.compare(x, **options)
    found = snn.compare(x, client=client, **options)
    assert found.to_frame().equals(wanted.to_frame())
    assert str(found) == str(wanted)


def test_what_goes_wrong_in_a_worker_is_raised(snn, client, monkeypatch):
    def broken(job, inputs):
        raise ValueError("out of luck")

    monkeypatch.setattr("nengo_energy.activity.distributing._run", broken)
    with pytest.raises(ValueError, match="out of luck"):
        snn.measure(inputs(snn, 3), 5, client=client, progress=False)


def test_clients_of_another_kind_are_refused(snn):
    with pytest.raises(ne.InputError, match="client must be a dask"):
        snn.measure(inputs(snn, 3), 5, client="tcp://elsewhere")


def test_a_worker_without_the_memory_says_so(snn, client):
    """What counts is what is left to the worker, here nothing, not to the caller."""

    def allow(n_bytes, dask_worker):
        manager = dask_worker.memory_manager
        before, manager.memory_limit = manager.memory_limit, n_bytes
        manager.memory_pause_fraction = False  # it is to say so, not to wait
        return before

    (address,) = client.scheduler_info()["workers"]
    (before,) = client.run(allow, 1).values()
    try:
        words = f"inferences side by side.* 0 bytes are available to .*{address}; give"
        with pytest.raises(ne.InputError, match=words):
            snn.measure(inputs(snn, 3), 5, client=client, progress=False)
        snn.measure(inputs(snn, 3), 5, progress=False)
    finally:
        client.run(allow, before)


def test_inferences_that_kill_workers_are_named(snn, client, monkeypatch):
    died = iter([(1, clients.WorkerDied())])
    where = "nengo_energy.activity.distributing.run_tasks"
    monkeypatch.setattr(where, lambda *_: died)
    options = {"client": client, "minibatch_size": 4, "progress": False}
    with pytest.raises(ne.InputError, match="inferences 4 to 7 killed .*more memory"):
        snn.measure(inputs(snn, 7), 5, **options)
