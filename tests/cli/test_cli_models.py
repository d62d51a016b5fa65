"""Commands on a saved model: the library's numbers, streams, exit codes, bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sweep_examples import build_model, make_data

import nengo_energy as ne
from nengo_energy.cli import program as cli
from nengo_energy.cli.checking import as_options
from nengo_energy.common.tables import format_si

pytestmark = pytest.mark.tensorflow

SCALE = ["--scale-firing-rates", "300", "--timesteps", "20"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model, its data under other names too, and a grid."""
    folder = tmp_path_factory.mktemp("files")
    build_model().save(folder / "model.h5")
    x, labels = make_data()
    np.savez(folder / "data.npz", x=x, y=labels, images=x[:4], labels=labels[:4])
    np.savez(folder / "no_labels.npz", x=x)
    (folder / "grid.toml").write_text(
        '[grid]\nscale_firing_rates = [100, 300]\nsynapse = ["none", 0.002]\n'
        'timesteps = [5, 20]\ndevices = ["loihi", "cpu"]\n'
        "[convert]\nverify = false\n"
    )
    return folder


@pytest.fixture
def run(files, capfd, monkeypatch):
    """Run a command among the files, and return what it prints."""
    monkeypatch.chdir(files)

    def call(*words, code=0):
        capfd.readouterr()
        assert cli.main(list(words)) == code
        out, err = capfd.readouterr()
        if code:
            assert out == ""
            assert err.startswith("nengo-energy: ") and err.count("\n") == 1, err
        return err if code else out

    return call


@pytest.fixture(scope="module")
def snn():
    return ne.convert(build_model(), scale_firing_rates=300)


@pytest.mark.filterwarnings("ignore::nengo_energy.ExtrapolationWarning")
def test_estimate_prints_the_librarys_numbers(run, snn):
    x, labels = make_data()
    activity = snn.measure(x, 20, labels=labels)
    estimate = snn.estimate(activity, ["loihi", "h100"], host="cpu")
    words = ["estimate", "model.h5", "--data", "data.npz", *SCALE, "--host", "cpu"]
    words += ["--device", "loihi,h100"]
    text = run(*words)
    assert text == f"{estimate}\n"
    # in the words of the command line
    assert f"{as_options(estimate.notes())}\n" in run(*words, "--verbose")
    quiet = run(*words, "-q")
    assert text.startswith(quiet[:-1]) and "layer" not in quiet
    frame = pd.read_csv(io.StringIO(run(*words, "--format", "csv")))
    wanted = estimate.to_frame()
    assert list(frame) == list(wanted)
    assert frame["energy"].tolist() == wanted["energy"].tolist()
    content = json.loads(run(*words, "--format", "json"))
    assert [row["energy"] for row in content["rows"]] == wanted["energy"].tolist()
    assert content["settings"]["timesteps"] == 20


@pytest.mark.filterwarnings("ignore::nengo_energy.ExtrapolationWarning")
def test_estimate_of_a_batch_and_of_memory(run, snn):
    x, _ = make_data()
    devices = ["h100", "cmos45-spiking@int8-sram-32k"]
    activity = snn.measure(x, 20)
    estimate = snn.estimate(activity, devices, batch_size=8, memory=True)
    words = ["estimate", "model.h5", "--data", "data.npz", *SCALE, "--format", "json"]
    words += ["--device", devices[0], "--device", devices[1]]
    content = json.loads(run(*words, "--batch-size", "8", "--memory"))
    rows = [(row["operation"], row["energy"]) for row in content["rows"]]
    assert rows == [(row.operation, row.energy) for row in estimate.rows]
    found = {(m["execution"], m["operation"]): m["count"] for m in content["moved"]}
    kernels = sum(
        row["count"] for row in content["rows"] if row["operation"] == "kernel"
    )
    assert kernels == found["dense", "kernel"] / 8 > 0  # each inference's share
    synops = sum(row["count"] for row in content["rows"] if row["operation"] == "synop")
    assert found["event", "weight_byte"] == 4 * synops > 0
    assert content["intervals"]["h100"]["level"] == 0.9
    assert content["intervals"]["h100"]["outside"]
    assert content["settings"]["batch_size"] == 8
    assert "--batch-size must be" in run(*words, "--batch-size", "0", code=1)


@pytest.mark.parametrize("form, part", [("markdown", "| --- "), ("latex", "\\toprule")])
def test_estimate_as_text_for_papers(run, form, part):
    words = ["estimate", "model.h5", "--data", "data.npz", *SCALE]
    assert part in run(*words, "--device", "loihi", "--format", form)


def test_saved_estimates_are_read_by_the_other_commands(run, files):
    words = ["estimate", "model.h5", "--data", "data.npz", *SCALE, "--device", "loihi"]
    (files / "saved.json").write_text(run(*words, "--format", "json"))
    assert "loihi" in run("report", "saved.json")
    assert run("diff", "saved.json", "saved.json")


def test_arrays_by_name_and_options_of_the_simulation(run, snn):
    x, _ = make_data()
    activity = snn.measure(x[:3], 7, simulator="nengo", dt=0.002, warmup=2)
    estimate = snn.estimate(activity, "loihi")
    words = ["estimate", "model.h5", "--data", "data.npz", "--device", "loihi"]
    words += ["--x", "images", "--inferences", "3", "--simulator", "nengo"]
    words += ["--dt", "0.002", "--warmup", "2", "--scale-firing-rates", "300"]
    content = json.loads(run(*words, "--timesteps", "7", "--format", "json"))
    energies = [row["energy"] for row in content["rows"]]
    assert energies == estimate.to_frame()["energy"].tolist()
    assert content["settings"]["n_inferences"] == 3


def test_compare(run, snn):
    x, labels = make_data()
    compared = snn.compare(x, 20, labels, devices="loihi")
    words = ["compare", "model.h5", "--data", "data.npz", *SCALE, "--device", "loihi"]
    assert f"{compared.outputs[0].accuracy}" in run(*words)
    frames = {
        "layers": compared.to_frame(),
        "outputs": compared.outputs_frame(),
        "curve": compared.curve_frame(),
    }
    for rows, wanted in frames.items():
        text = run(*words, "--format", "csv", "--rows", rows)
        pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), wanted)
    content = json.loads(run(*words, "--format", "json"))
    assert content["outputs"][0]["accuracy"] == compared.outputs[0].accuracy.value
    words[3] = "no_labels.npz"
    content = json.loads(run(*words, "--format", "json"))
    assert content["outputs"][0]["accuracy"] is None


def test_sweep(run, files, tmp_path):
    words = ["sweep", "model.h5", "grid.toml", "--data", "data.npz"]
    words += ["--scheduler", "synchronous", "--checkpoint", str(tmp_path / "sweep")]
    text = run(*words, "--max-accuracy-drop", "0.5")
    assert "Sweep of 8 points on 11 inferences (seed 0)" in text
    assert "Cheapest within 50.0% of the Keras model" in text
    quiet = run(*words, "--max-accuracy-drop", "0.5", "-q").splitlines()
    assert [line.partition(":")[0] for line in quiet[-2:]] == ["loihi", "cpu"]
    assert all(line.partition(": ")[2] in text for line in quiet[-2:])
    frame = pd.read_csv(io.StringIO(run(*words, "--format", "csv")))
    grid = {
        "scale_firing_rates": [100, 300],
        "synapse": [None, 0.002],
        "timesteps": [5, 20],
        "devices": ["loihi", "cpu"],
    }
    wanted = ne.sweep(build_model(), *make_data(), grid, scheduler="synchronous")
    for column in ("accuracy", "energy loihi", "energy cpu", "synops"):
        assert frame[column].tolist() == wanted.to_frame()[column].tolist()
    content = json.loads(run(*words, "--format", "json"))
    assert content["grid"]["synapse"] == [None, 0.002]
    assert len(list((tmp_path / "sweep").glob("*.parquet"))) == 4


def test_deploy(run, snn):
    x, labels = make_data()
    words = ["deploy", "model.h5", "--data", "data.npz", *SCALE, "--inferences", "4"]
    words += ["--device", "loihi"]
    activity = snn.measure(x[:4], 20, simulator="loihi")
    content = json.loads(run(*words, "--format", "json"))
    assert content["accuracy"] == activity.accuracy(labels[:4])
    spikes = [row["spikes"] for row in content["activity"]]
    assert spikes == activity.to_frame()["spikes"].tolist() and sum(spikes) > 0
    ledger = snn.ledger(activity)
    assert [core["synops"] for core in content["ledger"]] == [
        core.synops for core in ledger.cores
    ]
    assert content["costs"][0]["energy"] == ledger.costs().rows[0].energy
    (found,) = content["differences"]
    explained = ledger.explain(snn.count(activity), "loihi")
    assert found["steps"] == dict(explained.steps)
    assert found["estimate"] == snn.estimate(activity, "loihi").dynamic("loihi")
    text = run(*words, "-v")
    assert f"\n{explained}\n" in text
    assert f"{ledger.costs()}" in text and "1 core on 1 chip" in text
    assert "Activity by loihi, 4 inferences of 20 timesteps" in text
    assert "Energy per inference" in text
    brief = run(*words)
    assert f"Loihi: {ledger.n_cores} core" in brief and f"{ledger.costs()}" in brief
    by_both = [format_si(e, "J") for e in (explained.estimate, explained.ledger)]
    assert "loihi: {} by the estimate, {} by the ledger".format(*by_both) in brief
    assert run(*words, "--format", "csv").startswith("device,layer,operation")


def test_deploy_with_no_layer_on_the_host(run, snn):
    """The host encodes the input then, by neurons that no activity has."""
    words = ["deploy", "model.h5", "--data", "data.npz", *SCALE, "--inferences", "3"]
    words += ["--device", "loihi", "--on-host", "none", "--format", "json"]
    content = json.loads(run(*words))
    x, _ = make_data()
    ledger = snn.ledger(x[:3], 20, on_host=[])
    assert [core["synops"] for core in content["ledger"]] == [
        core.synops for core in ledger.cores
    ]
    assert {core.layer for core in ledger.cores} == {"hidden", "hidden_2"}


@pytest.mark.parametrize(
    "words, message",
    [
        ("estimate nothing.h5 --data data.npz", "nothing.h5"),
        ("estimate model.h5 --data nothing.npz", "data nothing.npz not found"),
        ("estimate model.h5 --data grid.toml", "can't be read as an NPZ file"),
        (
            "estimate model.h5 --data x.npy",
            "x.npy is one array; it must be an NPZ file",
        ),
        ("estimate model.h5 --data cut.npz", "cut.npz can't be read as an NPZ file"),
        ("estimate model.h5 --data objects.npz", "objects.npz can't be read as"),
        (
            "estimate model.h5 --data data.npz --x pixels",
            "array 'pixels' not found in data.npz; known: x, y, images, labels",
        ),
        ("estimate model.h5 --data data.npz --x y", "must have the shape (n, 4)"),
        ("estimate model.h5 --data data.npz --timesteps 0", "timesteps must be"),
        ("estimate model.h5 --data data.npz --dt -1", "dt must be a number above 0"),
        ("estimate model.h5 --data data.npz --inferences 0", "--inferences must be"),
        ("estimate model.h5 --data data.npz --device abacus", "'abacus' not found"),
        (
            "estimate model.h5 --data data.npz --scale-firing-rates -3",
            "--scale-firing-rates must be a number above 0",
        ),
        ("compare model.h5 --data data.npz --y labels", "are 11 of x, 4 of labels"),
        ("compare model.h5 --data data.npz --y x", "labels must be whole numbers"),
        ("compare model.h5 --data data.npz --y z", "array 'z' not found"),
        ("deploy model.h5 --data no_labels.npz --y y", "array 'y' not found"),
        ("sweep model.h5 nothing.toml --data data.npz", "grid nothing.toml not found"),
        ("sweep model.h5 data.npz --data data.npz", "can't be read as TOML"),
        (
            "sweep model.h5 failing.toml --data data.npz --scheduler synchronous",
            "all 2 points failed; the first: UnsupportedError: ",
        ),
        ("sweep model.h5 empty.toml --data data.npz", "grid is empty"),
        ("sweep model.h5 other.toml --data data.npz", "got scale_firing_rates"),
        ("sweep model.h5 unknown.toml --data data.npz", "unknown names scale; known"),
        ("sweep model.h5 grid.toml --data no_labels.npz", "array 'y' not found"),
        ("sweep model.h5 grid.toml --data data.npz --y labels", "11 of x, 4 of labels"),
        (
            "sweep model.h5 grid.toml --data data.npz --x images",
            "4 of images, 11 of lab",
        ),
        (
            "sweep model.h5 grid.toml --data data.npz --checkpoint data.npz/a",
            "checkpoint data.npz/a can't be written: Not a directory",
        ),
    ],
)
def test_bad_input_is_one_line(run, files, words, message):
    if not (files / "x.npy").exists():
        np.save(files / "x.npy", np.zeros((3, 4)))
        (files / "cut.npz").write_bytes((files / "data.npz").read_bytes()[:300])
        np.savez(files / "objects.npz", x=np.array([{}, None], dtype=object))
        (files / "empty.toml").write_text("[grid]\n")
        (files / "failing.toml").write_text(
            '[grid]\ntimesteps = [1, 2]\nneuron = "AdaptiveLIF"\nsimulator = "loihi"\n'
        )
        (files / "other.toml").write_text("scale_firing_rates = [1]\n")
        (files / "unknown.toml").write_text("[grid]\nscale = [1]\n")
    assert message in run(*words.split(), code=1)


@pytest.mark.parametrize("name", ["estimate", "compare", "sweep", "deploy"])
def test_help_has_examples(name, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    out, err = capsys.readouterr()
    assert f"  nengo-energy {name} digits.keras " in out and err == ""


@pytest.mark.parametrize(
    "words",
    [
        "estimate model.h5",
        "estimate model.h5 --data data.npz --format html5",
        "compare model.h5 --data data.npz --timesteps many",
        "sweep model.h5 --data data.npz",
        "deploy --data data.npz",
    ],
)
def test_wrong_usage_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(words.split())
    assert stop.value.code == 2
    assert capsys.readouterr().out == ""


def test_nothing_but_data_on_the_output(files):
    """In a process of its own, as TensorFlow's libraries write when they are loaded."""
    command = [sys.executable, "-m", "nengo_energy.cli", "estimate", "model.h5"]
    command += [
        "--data",
        "no_labels.npz",
        "--device",
        "loihi",
        "--format",
        "csv",
        *SCALE,
    ]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(io.StringIO(done.stdout))) > 0
    assert done.stderr == ""
