"""Sweeps by Dask's workers: the same frames, and workers that die.

What starts processes does so in a script of its own, which ends after a while whatever
happens, and has no ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from paths import HELPERS, ROOT
from sweep_examples import GRID, N_INFERENCES, build_model, make_data

import nengo_energy as ne
from nengo_energy.common import clients
from nengo_energy.sweeps import running
from nengo_energy.sweeps.grid import plan_grid
from nengo_energy.sweeps.models import ModelSource
from nengo_energy.sweeps.work import Job

pytestmark = pytest.mark.tensorflow

SECONDS = 240

START = """
import os, sys
import nengo_energy as ne
from sweep_examples import *
"""


def run_script(text, folder):
    """Run a script that makes a sweep ``found``, and return it as a frame."""
    script, file = folder / "script.py", folder / "found.pickle"
    end = f"\nfound.to_frame().to_pickle({str(file)!r})\n"
    script.write_text(START + text + end)
    code = f"import sys; sys.path.insert(0, {str(HELPERS)!r}); "
    code += f"exec(open({str(script)!r}).read())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return pd.read_pickle(file), done.stderr


@pytest.fixture(scope="module")
def expected():
    options = dict(scheduler="synchronous", progress=False)
    return ne.sweep(build_model(), *make_data(), GRID, **options).to_frame()


def test_processes_give_the_same_frame(expected, tmp_path):
    """And what they did is in the checkpoint, for whoever goes on."""
    folder = tmp_path / "sweep"
    options = f"chunk_size=6, minibatch_size=6, checkpoint={str(folder)!r}"
    found, errors = run_script(
        f"found = ne.sweep(build_model(), *make_data(), GRID, n_workers=2, {options})",
        tmp_path,
    )
    assert_frame_equal(found, expected, check_exact=True)
    assert len(list(folder.glob("*.parquet"))) == 4
    assert "Traceback" not in errors and "Restarting" not in errors


@contextlib.contextmanager
def threads(n_threads):
    """Yield a client of a worker in this process."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=n_threads,
        processes=False,
        dashboard_address=None,
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.parametrize("largest", [2**20, 0])
def test_clients_give_the_same_frame(largest, expected, monkeypatch):
    """Any client, here one of threads, which Nengo's global state couldn't bear.

    The model comes with each task, or once to each worker.
    """
    monkeypatch.setattr(clients, "SENT_WITH_TASKS", largest)
    with threads(3) as client:
        found = ne.sweep(
            build_model(),
            *make_data(),
            GRID,
            client=client,
            chunk_size=4,
            minibatch_size=5,
        )
        assert client.status == "running"  # it is the user's, and stays open
    assert_frame_equal(found.to_frame(), expected, check_exact=True)


def test_workers_go_on_while_the_caller_saves():
    """A task is under way for each thread, and no more than that are read."""

    def build():
        raise ValueError("no model")

    job = Job(ModelSource("", builder=build), {}, None, 1, None, 0)
    simulation = plan_grid({"timesteps": [1]}, None).simulations[0]
    tasks = [(simulation, (i, i + 1)) for i in range(5)]
    read = []
    with threads(2) as client:
        outcomes = running.run_by_client(
            client, job, tasks, lambda start, end: read.append(start)
        )
        _, outcome = next(outcomes)
        assert outcome == "ValueError: no model"
        assert read == [0, 1, 2]
        assert sorted(index for index, _ in outcomes) + [0] == [1, 2, 3, 4, 0]
    assert read == [0, 1, 2, 3, 4]


SPREAD = """
import dask, json, os
from nengo_energy.compat import import_tf_keras
from nengo_energy.sweeps.running import WORKER_ENVIRONMENT, local_client

processors = sorted(os.sched_getaffinity(0))[:2]
os.sched_setaffinity(0, processors)
affinity = lambda: sorted(__import__("os").sched_getaffinity(0))
variables = lambda: {n: __import__("os").environ.get(n) for n in WORKER_ENVIRONMENT}
profiled = lambda: dask.config.get("distributed.worker.profile.enabled")
with local_client(2) as client:
    answers = [client.run(affinity)]
    client.restart()  # what nannies start anew
    answers += [client.run(affinity), client.run(variables), client.run(profiled)]
loaded = lambda: "keras" in __import__("sys").modules
with local_client(1, {"TF_USE_LEGACY_KERAS": "1"}) as client:
    answers += [client.run(affinity)]
    client.run(import_tf_keras)
    answers += [client.run(loaded)]
print(json.dumps([processors, *(list(answer.values()) for answer in answers)]))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux has it")
@pytest.mark.parametrize("lost", ["client was closed", "workers are gone"])
def test_a_cluster_that_is_lost_is_told(lost, monkeypatch):
    """Nobody waits for ever for it, and it is no fault of a point's."""
    monkeypatch.setattr(clients, "LOST_SECONDS", 0.4)
    with threads(1) as client:
        job = [client.cluster.name]
        outcomes = clients.run_tasks(client, _wait_a_while, job, 3, lambda index: index)
        assert next(outcomes) == (0, 0)
        if "client" in lost:
            client.close()
        else:
            client.cluster.scale(0)
        with pytest.raises(
            ne.InputError, match=f"cluster was lost.*{lost}.*checkpoint"
        ):
            list(outcomes)


def test_workers_that_are_all_paused_are_told(monkeypatch, caplog):
    """Dask pauses those that have little memory left, and goes on when they have."""
    monkeypatch.setattr(clients, "LOST_SECONDS", 0.4)

    def allow(n_bytes, dask_worker):
        dask_worker.memory_manager.memory_limit = n_bytes

    with threads(1) as client:
        client.run(allow, 1)
        (worker,) = client.cluster.workers.values()
        while worker.status.name != "paused":
            time.sleep(0.02)
        outcomes = clients.run_tasks(client, _wait_a_while, None, 2, lambda index: 0)
        goes_on = threading.Timer(2, client.run, (allow, 2**40))
        goes_on.start()
        assert sorted(outcomes) == [(0, 0), (1, 0)]
        goes_on.join()
    said = [r.getMessage() for r in caplog.records if "paused" in r.getMessage()]
    assert len(said) == 1 and "all workers" in said[0] and "memory" in said[0]


def _wait_a_while(job, task):
    time.sleep(0.2 * task)
    return task


def test_workers_for_all_processors_have_one_each():
    """And are left to the operating system where there are fewer of them."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor")
    done = subprocess.run(
        [sys.executable, "-c", SPREAD], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr[-3000:]
    both, before, after, variables, profiled, alone, loaded = json.loads(done.stdout)
    assert sorted(before) == sorted(after) == [[both[0]], [both[1]]]
    assert variables == [running.WORKER_ENVIRONMENT] * 2
    assert variables[0]["OMP_NUM_THREADS"] == "1"
    assert profiled == [False, False]
    assert alone == [both]
    assert loaded == [False]  # Keras 3, beside Keras 2


DYING = """
from nengo_energy.common import clients
clients.SENT_WITH_TASKS = %d

def build(mode):
    if mode == "dies":
        os._exit(1)
    return build_model()

grid = {"mode": ["dies", "lives"], **GRID, "scale_firing_rates": 400}
found = ne.sweep(build, *make_data(), grid, n_workers=2, checkpoint=%r)
"""


@pytest.mark.slow
@pytest.mark.parametrize("largest", [2**20, 0])
def test_worker_that_dies_takes_no_other_point_with_it(largest, expected, tmp_path):
    folder = tmp_path / "sweep"
    found, _ = run_script(DYING % (largest, str(folder)), tmp_path)
    dead = found["mode"] == "dies"
    assert found["error"][dead].str.startswith("KilledWorker: every worker").all()
    assert found["accuracy"][dead].isna().all() and dead.sum() == 3
    living = found[~dead].drop(columns="mode").reset_index(drop=True)
    wanted = expected[expected["scale_firing_rates"] == 400].reset_index(drop=True)
    assert_frame_equal(living, wanted, check_exact=True, check_like=True)
    assert len(list(folder.glob("*.parquet"))) == 1


@pytest.mark.parametrize(
    "asked, share, n_workers", [(None, 1, 1), (None, 64, 2), (1, 64, 1), (9, 1, 2)]
)
def test_there_are_no_more_workers_than_work_or_processors(
    asked, share, n_workers, monkeypatch
):
    """A container's share of the processors is what counts."""
    monkeypatch.setattr("dask.system.cpu_count", lambda: share)
    started = []

    class Stop(Exception):
        pass

    def start(n_workers, environment):
        assert environment == {"TF_USE_LEGACY_KERAS": "1"}
        started.append(n_workers)
        raise Stop

    monkeypatch.setattr("nengo_energy.sweeps.exploring.local_client", start)
    with pytest.raises(Stop):
        ne.sweep(build_model(), *make_data(), GRID, n_workers=asked)
    assert started == [n_workers]


def test_model_that_cannot_be_sent_is_refused(monkeypatch):
    """Before any process is started; a function that builds it would do."""
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()

    class Mine(keras.layers.Dense):
        pass

    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(3)(Mine(5, "relu")(x)))
    monkeypatch.setattr("nengo_energy.sweeps.exploring.local_client", None)
    with pytest.raises(ne.InputError, match="can't be sent.*Mine.*custom_objects, or"):
        ne.sweep(model, *make_data(), GRID)


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = r"pip install \"nengo-energy\[sweep\]\".*synchronous"
    with pytest.raises(ne.MissingDependencyError, match=message):
        ne.sweep(build_model(), *make_data(), GRID)
    with pytest.raises(ne.MissingDependencyError, match=message):
        ne.sweep(build_model(), *make_data(), GRID, client=object())


def test_all_inferences_are_those_of_the_example(expected):
    assert (expected["n_inferences"] == N_INFERENCES).all()
