"""Files and configurations that chance has damaged: see `fuzz_files`."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest
from fuzz_files import VALUES, change, damage, places_in, save_models
from hypothesis import given, settings, strategies as st
from paths import HELPERS

import nengo_energy as ne
from nengo_energy.keras_models.wiring import check_wiring

N_FILES = int(os.environ.get("NENGO_ENERGY_FUZZ", 40))
"""Files in one test run; ``NENGO_ENERGY_FUZZ=2000 pytest tests/keras_models``."""


@pytest.mark.tensorflow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="HDF5 that hangs is read by forks")
def test_damaged_files_end_in_a_result_or_our_error():
    pytest.importorskip("h5py")
    run = subprocess.run(
        [sys.executable, HELPERS / "fuzz_files.py", str(N_FILES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    found = json.loads(run.stdout)
    assert found["raw"] == [] and found["events"] == []
    assert found["loaded"] + found["refused"] + found["ended"] == N_FILES
    assert found["loaded"] > 0 and found["refused"] > N_FILES / 4
    assert found["largest"]["MB"] < 1000


@pytest.mark.tensorflow
def test_a_file_that_makes_hdf5_ask_for_3_gb_is_refused(tmp_path):
    """File 1559 of the fuzzer: a length in the heap that holds the configuration."""
    pytest.importorskip("h5py")
    original = next(p for p in save_models(tmp_path) if p.name == "tf_keras.h5")
    path = tmp_path / "damaged.h5"
    path.write_bytes(damage(original.read_bytes(), random.Random("0 1559")))
    code = (
        "import resource, sys, nengo_energy.cli as cli; cli.main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "check", str(path)], capture_output=True, text=True
    )
    assert "damaged.h5 can't be read as a saved model" in run.stderr
    assert int(run.stdout) < 500e3  # kB


def layer(name, *inputs):
    node = [[other, 0, 0, {}] for other in inputs]
    config = {"name": name, "units": 3}
    nodes = [node] if node else []
    kind = "Dense" if node else "InputLayer"
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}


CONFIG = {
    "class_name": "Functional",
    "config": {
        "name": "model",
        "layers": [
            layer("in"),
            layer("a", "in"),
            layer("b", "a"),
            layer("c", "a", "b"),
        ],
        "input_layers": [["in", 0, 0]],
        "output_layers": [["c", 0, 0]],
    },
}


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.randoms(use_true_random=False))
def test_any_wiring_is_told_in_our_words(chance):
    try:
        check_wiring(change(CONFIG, chance), "file")
    except ne.InputError as error:
        assert str(error).startswith("file is damaged: ")


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_circles_are_found_where_there_are_some(edges):
    """Against a search from each layer for a way back to itself."""
    names = [f"l{i}" for i in range(8)]
    feeds = {i: {a for a, b in edges if b == i} for i in range(8)}
    config = {
        "layers": [
            layer(n, *(names[a] for a in sorted(feeds[i]))) for i, n in enumerate(names)
        ],
        "output_layers": [],
    }

    def reached(start):
        seen, waiting = set(), list(feeds[start])
        while waiting:
            i = waiting.pop()
            if i not in seen:
                seen.add(i)
                waiting.extend(feeds[i])
        return seen

    if any(i in reached(i) for i in range(8)):
        with pytest.raises(ne.InputError, match="in a circle"):
            check_wiring(config, "file")
    else:
        check_wiring(config, "file")


def test_changes_reach_every_place():
    """The fuzzer can replace any value of a configuration."""
    assert len(places_in({"a": [1, {"b": 2}], "c": 3})) == 5
    assert len(VALUES) > 20
