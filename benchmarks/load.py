"""The package under load: leaks, killed sweeps, strange hosts.

    python benchmarks/load.py hosts            # threads, forks, global settings
    python benchmarks/load.py leaks            # 100 rounds, 200 opened simulators
    python benchmarks/load.py sweeps           # killed 20 times at random moments
    python benchmarks/load.py writers          # of one checkpoint: two
    python benchmarks/load.py cluster          # lost half-way, in four ways
    python benchmarks/load.py disk             # full; needs root, to mount one of 64 kB
    python tests/helpers/fuzz_files.py 2000    # damaged model files

Each prints a line for each thing that was tried; docs/reliability.md has the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import nengo_energy as ne
from nengo_energy.compat import import_tensorflow, import_tf_keras

GRID = {"scale_firing_rates": [100, 400], "timesteps": [20, 5]}
N_IMAGES = 8


def build_model(keras: Any = None) -> Any:
    """Return a small convolutional network with seeded weights."""
    keras = keras or import_tf_keras()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 1), name="in")
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = keras.layers.Flatten(name="flat")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="out")(x), name="small")


def images() -> np.ndarray:
    """Return the same images each time."""
    return np.random.RandomState(0).uniform(size=(N_IMAGES, 6, 6, 1)).astype("float32")


def round_of_work(model: Any = None, simulator: str = "compiled") -> tuple[Any, ...]:
    """Convert, measure and estimate; return what came of it, to be compared."""
    snn = ne.convert(build_model() if model is None else model, scale_firing_rates=200)
    activity = snn.measure(images(), 20, simulator=simulator, progress=False)
    estimate = snn.estimate(activity, ["loihi", "cpu"])
    spikes = [int(p.spikes.sum()) for p in activity.populations.values()]
    return (*spikes, estimate.total("loihi"), estimate.total("cpu"))


def resident() -> float:
    """Return how much memory this process holds [MB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_leaks(n_rounds: int, n_simulators: int) -> None:
    """Print by how much memory grows with each round after the tenth."""

    def open_one(snn: Any) -> None:
        with snn.simulator("loihi", x=images()[:1], progress_bar=False) as sim:
            sim.run_steps(5)

    snn = ne.convert(build_model(), scale_firing_rates=200)
    works: list[tuple[str, int, Callable[[], Any]]] = [
        ("convert + measure + estimate", n_rounds, round_of_work),
        ("opened Loihi simulators", n_simulators, lambda: open_one(snn)),
    ]
    for name, n, work in works:
        held = []
        for _ in range(n):
            work()
            gc.collect()
            held.append(resident())
        growth = (held[-1] - held[9]) / (n - 10)
        print(f"{name}: {n} rounds, {held[9]:.0f} -> {held[-1]:.0f} MB, ", end="")
        print(f"{growth:+.3f} MB a round (goal: below 1)", flush=True)


def state() -> dict[str, Any]:
    """Return the user's global settings, to be compared."""
    tensorflow, keras = import_tensorflow(), import_tf_keras()
    import keras as keras3

    return {
        "random": hash(random.getstate()),
        "numpy": hash(np.random.get_state()[1].tobytes()),
        "filters": list(warnings.filters),
        "logging": (logging.root.level, list(logging.root.handlers)),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "floatx": (keras.backend.floatx(), keras3.backend.floatx()),
        "format": (
            keras.backend.image_data_format(),
            keras3.backend.image_data_format(),
        ),
        "policy": (
            keras.mixed_precision.global_policy().name,
            keras3.mixed_precision.dtype_policy().name,
        ),
        "eagerly": tensorflow.config.functions_run_eagerly(),
        "tf.keras": tensorflow.keras.__name__,
        "backend": (
            sys.modules["matplotlib"].get_backend()
            if "matplotlib" in sys.modules
            else None
        ),
        "excepthook": sys.excepthook,
        "print options": np.get_printoptions(),
        "errors": np.geterr(),
    }


def host_state(expected: Any) -> str:
    model = build_model()
    before, modules = state(), set(sys.modules)
    round_of_work(model)
    after = state()
    lost = [name for name in modules if name not in sys.modules]
    changed = [key for key in before if before[key] != after[key]]
    return f"changed: {', '.join(changed + lost) or 'nothing'}"


def host_threads(expected: Any) -> str:
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(round_of_work())
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        compare(result, expected)
    return "same results"


def host_loop(expected: Any) -> str:
    async def work() -> Any:
        return round_of_work()

    return compare(asyncio.run(work()), expected)


def in_process(how: str, expected: Any) -> str:
    context = multiprocessing.get_context(how)
    queue = context.Queue()
    process = context.Process(target=put_result, args=(queue,), daemon=True)
    process.start()
    try:
        return compare(queue.get(timeout=150), expected)
    finally:
        process.kill()


def put_result(queue: Any) -> None:
    """Put what a round gives into a queue."""
    try:
        queue.put(round_of_work())
    except BaseException as error:
        queue.put(error)


def host_eagerly(expected: Any) -> str:
    model = build_model()  # before: the setting makes another of it
    import_tensorflow().config.run_functions_eagerly(True)
    return compare(round_of_work(model), expected)


def host_float16(expected: Any) -> str:
    model = build_model()  # before: the setting makes another of it
    import_tf_keras().mixed_precision.set_global_policy("mixed_float16")
    return compare(round_of_work(model), expected)


def host_float64(expected: Any) -> str:
    model = build_model()  # before: the setting makes another of it
    import_tf_keras().backend.set_floatx("float64")
    return compare(round_of_work(model), expected)


def host_channels_first(expected: Any) -> str:
    model = build_model()  # before: the setting makes another of it
    import_tf_keras().backend.set_image_data_format("channels_first")
    return compare(round_of_work(model), expected)


def compare(found: Any, expected: Any) -> str:
    """Return that results are the same, or raise."""
    if isinstance(found, BaseException):
        raise found
    difference = np.max(np.abs(np.subtract(found, expected)) / np.abs(expected))
    if difference > 0.02:
        raise AssertionError(f"{found} for {expected}")
    return "same results" if difference < 1e-9 else f"within {difference:.1e}"


def host_worker(expected: Any) -> str:
    """Run in a Dask worker, a daemonic process, which may start none by itself."""
    import distributed

    options = {"dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, **options) as host:
        with distributed.Client(host) as client:
            return compare(client.submit(round_of_work).result(), expected)


HOSTS: dict[str, Callable[[Any], str]] = {
    "state": host_state,
    "threads": host_threads,
    "loop": host_loop,
    "spawn": lambda expected: in_process("spawn", expected),
    "worker": host_worker,
    "fork": lambda expected: in_process("fork", expected),
    "eagerly": host_eagerly,
    "mixed_float16": host_float16,
    "float64": host_float64,
    "channels_first": host_channels_first,
}


def run_host(name: str) -> None:
    """Print what comes of a round in one host, beside that of a plain one."""
    expected = round_of_work()
    try:
        print(f"{name}: {HOSTS[name](expected)}")
    except ne.NengoEnergyError as error:
        print(f"{name}: refused, {type(error).__name__}: {str(error)[:200]}")
    except BaseException as error:
        print(f"{name}: FAILED, {type(error).__name__}: {str(error)[:200]}")


def run_hosts() -> None:
    """Run each host in a process of its own."""
    for name in HOSTS:
        command = [sys.executable, __file__, "host", name]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=240)
            words = run.stdout.strip() or f"{name}: FAILED, {run.stderr[-200:]}"
        except subprocess.TimeoutExpired:
            words = f"{name}: FAILED, not done within 240 s"
        print(words, flush=True)


def sweep(folder: str | None, **options: Any) -> Any:
    """Return the frame of the sweep that is harmed."""
    checkpoint = None if folder is None else Path(folder) / "checkpoint"
    if "client" not in options:
        options["scheduler"] = "synchronous"
    labels = np.arange(N_IMAGES) % 3
    return ne.sweep(
        build_model(),
        images(),
        labels,
        GRID,
        checkpoint=checkpoint,
        chunk_size=1,
        progress=False,
        **options,
    ).to_frame()


def finished(folder: str) -> set[Path]:
    """Return the files of finished results."""
    return set(Path(folder, "checkpoint").glob("[!.]*.parquet"))


def run_sweep(folder: str) -> None:
    """Run the sweep that is killed, to its end."""
    sweep(folder).to_pickle(Path(folder) / "frame.pkl")


def run_writers() -> None:
    """Start a second sweep in the folder of a first."""
    import pandas as pd

    expected = sweep(None)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "sweep", folder]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
            while not finished(folder) and first.poll() is None:
                time.sleep(0.01)
            try:
                sweep(folder)
                print("second writer: FAILED, let in")
            except ne.InputError as error:
                print(f"second writer: {error}")
        frame = pd.read_pickle(Path(folder, "frame.pkl"))
    pd.testing.assert_frame_equal(frame, expected, check_exact=True)
    print("first writer: the frame equals that of a sweep alone")


def run_disk() -> None:
    """Run a sweep on a disk that gets full, make room, and run it again."""
    import pandas as pd

    expected = sweep(None)
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o"]
        subprocess.run([*mount, "size=64k", "tmpfs", folder], check=True)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                frame = sweep(folder)
            pd.testing.assert_frame_equal(frame, expected, check_exact=True)
            said = [str(w.message) for w in caught if "can't be written" in str(w)]
            before = finished(folder)
            others = set(Path(folder, "checkpoint").iterdir()) - before
            print(f"full disk: the frame is the same; {len(before)} of 16 results fit,")
            print(f"beside them {[p.name for p in others]}; said once: {said}")
            subprocess.run([*mount, "remount,size=9m", "tmpfs", folder], check=True)
            frame = sweep(folder)
            pd.testing.assert_frame_equal(frame, expected, check_exact=True)
            after = finished(folder)
            print(
                f"with room: the frame is the same, {len(before - after)} files lost, "
            )
            print(f"{len(after)} there")
        finally:
            subprocess.run(["umount", folder], check=True)


def run_cluster() -> None:
    """Lose a cluster half-way, then run the sweep to its end without."""
    import distributed
    import pandas as pd
    from distributed.deploy.subprocess import SubprocessCluster

    from nengo_energy.common import clients

    clients.LOST_SECONDS = 8
    expected = sweep(None)

    def kill_workers(cluster: Any, client: Any) -> None:
        for process in client.run(os.getpid).values():
            os.kill(process, signal.SIGKILL)

    ways: dict[str, Callable[[Any, Any], Any]] = {
        "workers killed": kill_workers,
        "workers gone": lambda cluster, client: cluster.scale(0),
        "cluster closed": lambda cluster, client: cluster.close(),
        "scheduler killed": lambda cluster, client: os.kill(
            client.run_on_scheduler(os.getpid), signal.SIGKILL
        ),
    }
    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    for name, harm in ways.items():
        kind = SubprocessCluster if "scheduler" in name else distributed.LocalCluster
        cluster = kind(n_workers=2, **options)
        client = distributed.Client(cluster)
        with tempfile.TemporaryDirectory() as folder:

            def wait_and_harm() -> None:
                while len(finished(folder)) < 3:
                    time.sleep(0.01)
                harm(cluster, client)

            thread = threading.Thread(target=wait_and_harm, daemon=True)
            thread.start()
            try:
                frame = sweep(folder, client=client)
                pd.testing.assert_frame_equal(frame, expected, check_exact=True)
                print(f"{name}: the frame is the same")
            except ne.NengoEnergyError as error:
                kept = finished(folder)
                frame = sweep(folder)
                pd.testing.assert_frame_equal(frame, expected, check_exact=True)
                print(f"{name}, {len(kept)} of 16 results kept: {error}")
                print(f"  gone on: same frame, {len(kept - finished(folder))} lost")
            thread.join()
            sys.stdout.flush()
        for opened in (client, cluster):
            with contextlib.suppress(Exception):  # what is lost can't be closed
                opened.close(timeout=5)


def run_sweeps(n_kills: int, seed: int = 0) -> None:
    """Kill a sweep again and again, then let it end, and compare with one unharmed."""
    import pandas as pd

    chance = random.Random(seed)
    signals = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    with tempfile.TemporaryDirectory() as harmed, tempfile.TemporaryDirectory() as not_:
        command = [sys.executable, __file__, "sweep"]
        start = time.monotonic()
        subprocess.run([*command, not_], check=True, capture_output=True)
        seconds = time.monotonic() - start
        n_lost, kept = 0, set()
        for index in range(n_kills):
            process = subprocess.Popen(
                [*command, harmed], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            time.sleep(chance.uniform(0.2, 1.0) * seconds)
            process.send_signal(signals[index % 3])
            process.wait()
            found = finished(harmed)
            n_lost += len(kept - found)
            kept = found
            if Path(harmed, "frame.pkl").exists():
                Path(harmed, "frame.pkl").unlink()
        subprocess.run([*command, harmed], check=True, capture_output=True)
        frames = [pd.read_pickle(Path(f, "frame.pkl")) for f in (harmed, not_)]
        pd.testing.assert_frame_equal(*frames, check_exact=True)
        print(f"killed {n_kills} times: the frame equals that of a sweep unharmed, ")
        print(f"{n_lost} finished files lost, {len(kept)} there before the last run")


WORK: dict[str, Callable[[Any], None]] = {
    "hosts": lambda options: run_hosts(),
    "leaks": lambda options: run_leaks(options.rounds, options.simulators),
    "sweeps": lambda options: run_sweeps(options.kills),
    "writers": lambda options: run_writers(),
    "cluster": lambda options: run_cluster(),
    "disk": lambda options: run_disk(),
}


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=(*WORK, "host", "sweep"))
    parser.add_argument("name", nargs="?", help="of a host, or a sweep's folder")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--simulators", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    if options.what == "host":
        run_host(options.name)
    elif options.what == "sweep":
        run_sweep(options.name)
    else:
        WORK[options.what](options)


if __name__ == "__main__":
    main()
