"""NIR graphs on the command line: the figures are those of the library."""

from __future__ import annotations

import json

import numpy as np
import pytest
from paths import ROOT

import nengo_energy as ne
from nengo_energy.cli import main

GRAPHS = ROOT / "tests" / "conversion" / "nir_graphs" / "data"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two inferences of what the exporting frameworks were shown."""
    folder = tmp_path_factory.mktemp("graphs")
    for name in ("convolutional", "cuba"):
        with np.load(GRAPHS / f"{name}.npz") as stored:
            np.savez(folder / f"{name}.npz", x=stored["x"][:2])
    return folder


def test_estimate_is_that_of_the_library(data, capsys):
    pytest.importorskip("h5py")
    path, spikes = GRAPHS / "cuba.nir", data / "cuba.npz"
    arguments = ["--data", str(spikes), "--device", "loihi", "--format", "json"]
    assert main(["estimate", str(path), "--simulator", "nengo", *arguments]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    model = ne.from_nir(path, inputs="spikes")
    with np.load(spikes) as stored:
        activity = model.measure(stored["x"])  # 60 timesteps, as the input has
    expected = model.estimate(activity, "loihi")
    assert activity.timesteps == 60
    assert sum(row["energy"] for row in rows) == pytest.approx(
        expected.dynamic("loihi")
    )
    assert sum(row["energy"] for row in rows) > 0


@pytest.mark.tensorflow
def test_deployment_is_the_ledger_of_the_library(data, capsys):
    path, spikes = GRAPHS / "cuba.nir", data / "cuba.npz"
    assert main(["deploy", str(path), "--data", str(spikes), "--format", "csv"]) == 0
    n_cores = len(capsys.readouterr().out.splitlines()) - 1
    model = ne.from_nir(path, inputs="spikes")
    with np.load(spikes) as stored:
        ledger = model.ledger(stored["x"], 60, progress=False)
    assert n_cores == ledger.n_cores > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "net.nir"], "is a NIR graph, which estimate and deploy take"),
        (["compare", "net.nir", "--data", "{spikes}"], "this command takes Keras"),
        (["estimate", "none.nir", "--data", "{spikes}"], "none.nir"),
        (
            ["deploy", "net.nir", "--data", "{spikes}", "--max-pooling", "average"],
            "--max-pooling is for Keras models",
        ),
        (
            ["estimate", "net.nir", "--data", "{spikes}", "--memory"],
            "--memory is for Keras models",
        ),
    ],
)
def test_what_graphs_do_not_have_is_refused(arguments, said, data, capsys):
    filled = [word.format(spikes=data / "cuba.npz") for word in arguments]
    assert main(filled) == 1
    assert said in capsys.readouterr().err
