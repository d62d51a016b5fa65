"""Damage many saved models and load them: none may run code, hang, swell or raise raw.

``python tests/helpers/fuzz_files.py 2000`` prints what came of that many files, as
JSON. Damaged HDF5 files are read by forks of this process first, as the command line
has them read by a process of its own: HDF5 hangs in some.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

SECONDS = 10

VALUES = (
    *(None, True, -1, 0, 1, 2**31, 10**9, 10**18, 10**30, 1e308, "", "a", "b", "in"),
    *("os", "system", "evil_module", "Lambda", "Dense", "function", "marshal", [], {}),
    *([[["a", 0, 0, {}]]], [[["b", 0, 0, {}]]], {"class_name": "Lambda", "config": {}}),
    {"module": "evil_module", "class_name": "Evil", "config": {}},
    {"class_name": "function", "config": "system", "module": "os"},
    {"class_name": "__lambda__", "config": {"code": "4wA=", "defaults": None}},
)
"""What takes the place of a value in a configuration."""

KEYS = ("module", "class_name", "registered_name", "compile_config", "function", "axis")

WATCHED = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find")
"""Beginnings of audit events that no file may cause."""


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Return all (container, key) of a configuration."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in list(items):
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            found += places_in(inner)
    return found


def change(config: Any, chance: random.Random) -> Any:
    """Return a configuration with one to three values replaced, dropped or added."""
    config = json.loads(json.dumps(config))
    for _ in range(chance.choice([1, 1, 2, 3])):
        places = places_in(config)
        if not places:
            break
        container, key = chance.choice(places)
        what = chance.random()
        if what < 0.75:
            container[key] = json.loads(json.dumps(chance.choice(VALUES)))
        elif what < 0.85:
            del container[key]
        elif isinstance(container, dict):
            container[chance.choice(KEYS)] = chance.choice(VALUES)
        else:
            container.append(json.loads(json.dumps(container[key])))
    return config


def damage(content: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are others, or that are cut off."""
    if chance.random() < 0.3:
        return content[: chance.randrange(len(content))]
    damaged = bytearray(content)
    for _ in range(chance.choice([1, 3, 10, 30])):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def with_config(path: Path, chance: random.Random) -> bytes:
    """Return a saved model whose configuration is changed."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        config = change(json.loads(members["config.json"]), chance)
        members["config.json"] = json.dumps(config).encode()
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as target:
            for name, member in members.items():
                target.writestr(name, member)
        return content.getvalue()
    import h5py

    content = io.BytesIO(path.read_bytes())
    with h5py.File(content, "r+") as file:
        config = change(json.loads(file.attrs["model_config"]), chance)
        file.attrs["model_config"] = json.dumps(config)
    return content.getvalue()


def save_models(folder: Path) -> list[Path]:
    """Save a small model in each format."""
    import keras

    from nengo_energy.compat import import_tf_keras

    paths = []
    for kind in {keras.__version__[0]: keras, "2": import_tf_keras()}.values():
        layers = kind.layers
        inputs = kind.Input((8, 8, 1), name="in")
        x = layers.Conv2D(2, 3, activation="relu", name="a")(inputs)
        x = layers.BatchNormalization(name="b")(x)
        x = layers.Flatten(name="flat")(layers.Add(name="sum")([x, x]))
        model = kind.Model(inputs, layers.Dense(3, name="out")(x))
        model.compile("adam", "mse")
        for suffix in (".keras", ".h5"):
            paths.append(folder / f"{kind.__name__}{suffix}")
            model.save(paths[-1])
    return paths


def memory(name: str) -> float:
    """Return what this process holds, VmRSS, or has held at most, VmHWM [MB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if name in line)


def forget_peak() -> None:
    """Have the most that this process has held be what it holds now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def read_by_a_fork(path: Path) -> tuple[str, float]:
    """Read a file in a fork, as the command line does in a process of its own.

    Returns
    -------
    outcome : str
        "read", "refused" for the memory that it asks for, or "ended" by itself or here.
    peak : float
        Memory that the fork took [MB].
    """
    from nengo_energy.common.declared_sizes import MAX_BYTES
    from nengo_energy.keras_models import trial

    child = os.fork()
    if not child:
        code = 0
        try:
            trial.read(path, MAX_BYTES)
        except MemoryError:
            code = 1
        except Exception as error:  # of HDF5; all others are told below
            code = int("memory" in str(error))
        os._exit(code)
    end = time.monotonic() + SECONDS / 2
    while time.monotonic() < end:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            outcome = {0: "read", 1: "refused"}.get(os.waitstatus_to_exitcode(status))
            return outcome or "ended", used.ru_maxrss / 1e3
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    _, _, used = os.wait4(child, 0)
    return "ended", used.ru_maxrss / 1e3


def main(n_files: int, seed: int = 0) -> dict[str, Any]:
    """Return what came of so many files."""
    import nengo_energy as ne

    events: list[str] = []
    watching = [False]

    def watch(event: str, arguments: Any) -> None:
        if watching[0] and (
            event.startswith(WATCHED)
            or (event == "import" and arguments[0] in ("evil_module",))
        ):
            events.append(f"{event} {arguments}")

    sys.addaudithook(watch)
    found: dict[str, Any] = {"files": n_files, "loaded": 0, "refused": 0, "ended": 0}
    raw: list[str] = []
    longest = largest = (0.0, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = save_models(folder)
        for path in paths:
            ne.load_model(path)
        baseline = memory("VmRSS")
        for index in range(n_files):
            chance = random.Random(f"{seed} {index}")
            path = paths[index % len(paths)]
            if index // len(paths) % 2:
                content = damage(path.read_bytes(), chance)
            else:
                content = with_config(path, chance)
            target = folder / f"fuzzed{path.suffix}"
            target.write_bytes(content)
            forget_peak()
            held = memory("VmRSS")
            outcome, peak = read_by_a_fork(target)
            largest = max(largest, (peak - held, index))
            if outcome != "read":
                found[outcome] += 1
                continue
            start = time.monotonic()
            watching[0] = True
            try:
                ne.load_model(target)
                found["loaded"] += 1
            except ne.NengoEnergyError:
                found["refused"] += 1
            except Exception as error:
                raw.append(f"{index}: {type(error).__name__}: {error}"[:200])
            watching[0] = False
            longest = max(longest, (time.monotonic() - start, index))
            largest = max(largest, (memory("VmHWM") - held, index))
    return {
        **found,
        "raw": raw,
        "events": events,
        "longest": {"s": round(longest[0], 2), "file": longest[1]},
        "largest": {"MB": round(largest[0]), "file": largest[1]},
        "held_MB": [round(baseline), round(memory("VmRSS"))],
    }


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(json.dumps(main(int(sys.argv[1]), *map(int, sys.argv[2:]))))
