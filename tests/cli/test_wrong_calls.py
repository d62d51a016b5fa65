"""Calls that can't work: each is refused before TensorFlow is even imported."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

MODEL = "model.keras --data data.npz"
SWEEP = "sweep model.keras"

CALLS = [
    # devices and hosts
    (f"estimate {MODEL} --device abacus", "device 'abacus' not found"),
    (f"estimate {MODEL} --device loihi,abacus", "device 'abacus' not found"),
    (f"estimate {MODEL} --device loihi,LOIHI", "twice"),
    (f"estimate {MODEL} --device loihi2", "energy on device 'loihi2' can't be"),
    (f"estimate {MODEL} --device h100@bf32", "operating point 'bf32'"),
    (f"compare {MODEL} --host abacus", "device 'abacus' not found"),
    (f"compare {MODEL} --host loihi", "host must be a device that prices mac"),
    (f"deploy {MODEL} --device abacus", "device 'abacus' not found"),
    (
        f"{SWEEP} grid.toml --data data.npz --host loihi",
        "host must be a device that prices mac",
    ),
    ("summary model.keras --device loihi", "estimate MODEL --data measures them"),
    ("device abacus", "device 'abacus' not found"),
    # numbers
    (f"estimate {MODEL} --timesteps 0", "--timesteps must be a whole number of at"),
    (f"estimate {MODEL} --warmup -1", "--warmup must be a whole number of at least 0"),
    (f"estimate {MODEL} --dt 0", "--dt must be a number above 0 [s]"),
    (f"estimate {MODEL} --dt nan", "--dt must be a number above 0 [s]"),
    (f"estimate {MODEL} --synapse -0.1", "--synapse must be a number above 0 [s]"),
    (f"estimate {MODEL} --scale-firing-rates -3", "--scale-firing-rates must be a nu"),
    (f"estimate {MODEL} --scale-firing-rates inf", "--scale-firing-rates must be"),
    (f"estimate {MODEL} --inferences 0", "--inferences must be a whole number"),
    (f"{SWEEP} grid.toml --data data.npz --workers 0", "--workers must be a whole"),
    (f"{SWEEP} grid.toml --data data.npz --chunk-size 0", "--chunk-size must be a"),
    (f"{SWEEP} grid.toml --data data.npz --seed -1", "--seed must be a whole number"),
    (f"{SWEEP} grid.toml --data data.npz --max-accuracy-drop 5", "--max-accuracy-drop"),
    ("calibrate new.toml --seconds 0", "--seconds must be a number above 0"),
    # grids
    (f"{SWEEP} nothing.toml --data data.npz", "grid nothing.toml not found"),
    (f"{SWEEP} scale.toml --data data.npz", "unknown names scale; known: scale_fir"),
    (f"{SWEEP} zero.toml --data data.npz", "timesteps must be a whole number"),
    (f"{SWEEP} abacus.toml --data data.npz", "device 'abacus' not found"),
    (f"{SWEEP} neuron.toml --data data.npz", "neuron must be a neuron type"),
    # labels and inputs
    (f"compare {MODEL} --y few", "there are 11 of x, 4 of labels"),
    (f"compare {MODEL} --y words", "labels must be whole numbers or one-hot"),
    (f"compare {MODEL} --y halves", "labels must be whole numbers"),
    (f"compare {MODEL} --y below", "labels must be 0 or more; got -1"),
    (f"compare {MODEL} --y pixels", "array 'pixels' not found in data.npz; known: "),
    (f"{SWEEP} grid.toml --data unlabelled.npz", "array 'y' not found"),
    (f"estimate {MODEL} --x words", "array 'words' must hold numbers"),
    (f"estimate {MODEL} --x nans", "array 'nans' holds numbers that aren't finite"),
    (f"estimate {MODEL} --x none", "array 'none' holds no inferences"),
    ("estimate model.keras --data nothing.npz", "data nothing.npz not found"),
    # models and files
    ("estimate nothing.keras --data data.npz", "no file or folder 'nothing.keras'"),
    ("check data.npz", "is a zip archive, but no saved model"),
    ("calibrate new.toml --model nothing.keras", "no file or folder 'nothing.keras'"),
    ("calibrate data.npz", "data.npz' exists; pass --overwrite to replace it"),
    ("demo --output data.npz/x", "'data.npz/x' can't be made"),
    ("report nothing.json", "nothing.json"),
]

RUN = """
import contextlib, io, json, sys
from nengo_energy.cli import main
found = []
for words in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words.split())
    slow = sorted({"tensorflow", "tf_keras", "keras", "nengo_dl"} & set(sys.modules))
    found.append([code, out.getvalue(), err.getvalue(), slow])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each call gives, all in one process."""
    folder = tmp_path_factory.mktemp("wrong")
    h5py.File(folder / "weights.h5", "w").close()
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        archive.writestr("config.json", json.dumps({"class_name": "Functional"}))
        archive.write(folder / "weights.h5", "model.weights.h5")
    x = np.zeros((11, 4))
    arrays = {
        "x": x,
        "y": np.zeros(11, int),
        "few": np.zeros(4, int),
        "words": np.array(["a"] * 11),
        "halves": np.full(11, 0.5),
        "below": np.full(11, -1),
        "nans": np.full((11, 4), np.nan),
        "none": x[:0],
    }
    np.savez(folder / "data.npz", **arrays)
    np.savez(folder / "unlabelled.npz", x=x)
    for name, line in {
        "grid": "timesteps = [10, 20]",
        "scale": "scale = [1]",
        "zero": "timesteps = [0]",
        "abacus": 'timesteps = [1]\ndevices = ["abacus"]',
        "neuron": 'neuron = "Neuron"',
    }.items():
        (folder / f"{name}.toml").write_text(f"[grid]\n{line}\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps([words for words, _ in CALLS]),
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert not (folder / "new.toml").exists()
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("index", range(len(CALLS)), ids=[words for words, _ in CALLS])
def test_wrong_call_is_one_line_before_tensorflow(found, index):
    code, out, err, slow = found[index]
    assert CALLS[index][1] in err
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert slow == []
