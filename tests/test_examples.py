"""The README's example and every script in examples/ run, and print what they say."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from paths import HELPERS, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.tensorflow


def block_after(marker: str) -> str:
    """Return the block of code behind a marker in the README."""
    found = re.search(
        re.escape(f"<!-- {marker} -->") + r"\s+```\w*\n(.*?)```", README, re.DOTALL
    )
    assert found, f"README.md has no block of code after the marker {marker!r}"
    return found.group(1)


def run(*command: str) -> str:
    """Run a script, and return what it prints."""
    result = subprocess.run(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def columns(table: str) -> dict[str, list[str]]:
    """Split a table into its columns by their heading, units joined to the numbers."""
    lines = [line for line in table.splitlines() if not set(line) <= {"-"}]
    rows = [re.sub(r"(\d) (\w?J)\b", r"\1\2", line).split() for line in lines]
    return {column[0]: list(column[1:]) for column in zip(*rows)}


def test_readme_example_prints_its_table(tmp_path):
    script = tmp_path / "example.py"
    script.write_text(block_after("example"))
    printed = run(str(script))
    assert printed.splitlines()[-1] == "(50, 10)"
    shown = columns(block_after("table"))
    start = printed.index("layer")
    found = columns(printed[start : printed.index("\n\n", start)])
    assert list(shown) == list(found) == ["layer", "cpu", "gpu", "loihi", "spinnaker2"]
    # weights are drawn differently by different versions; connections are not
    for name in ("layer", "cpu", "gpu"):
        assert shown[name] == found[name]


def test_readme_deployment_runs(tmp_path):
    script = tmp_path / "deployment.py"
    images = "images = np.random.RandomState(0).rand(8, 28, 28, 1)\n"
    picture = f"{tmp_path / 'mesh.png'}"
    block = block_after("loihi").replace("mesh.png", picture)
    # the same model
    model = block_after("example").partition("snn = ")[0]
    script.write_text(model + images + block)
    printed = run(str(script))
    for said in ("Fits on one chip", "Changed for the chip", "hops, placed greedy"):
        assert said in printed
    assert "ledger by loihi" in printed
    assert (tmp_path / "mesh.png").stat().st_size > 5000


def test_readme_model_energy(capsys):
    import numpy as np

    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    layers = [keras.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(2)]
    names = {"model": keras.Sequential(layers), "x": np.ones((2, 4))}
    exec("import nengo_energy as ne\n" + block_after("model energy"), names)
    printed = capsys.readouterr().out
    assert "Total energy per inference [Joules/inf] (loihi)" in printed
    assert "spikes measured (simulator compiled)" in printed


@pytest.mark.slow
def test_readme_compares_and_sweeps(tmp_path):
    """The blocks as they stand, on a small model, in a script without a main guard."""
    script = tmp_path / "explore.py"
    script.write_text(
        "import nengo_energy as ne\n"
        "from sweep_examples import build_model, make_data\n"
        "model, (x_test, y_test) = build_model(), make_data()\n"
        "snn = ne.convert(model, scale_firing_rates=200)\n"
        + block_after("explore").replace('"my-sweep"', repr(str(tmp_path / "sweep")))
    )
    code = f"import sys; sys.path.insert(0, {str(HELPERS)!r}); "
    printed = run("-c", code + f"exec(open({str(script)!r}).read())")
    assert "Keras model beside converted network" in printed
    assert "accuracy  energy loihi" in printed and "scale_firing_rates=" in printed
    assert len(list((tmp_path / "sweep").glob("*.parquet"))) == 8


def test_readme_reports(tmp_path, monkeypatch):
    for package in ("altair", "matplotlib", "vl_convert"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    import nengo

    import nengo_energy as ne

    with nengo.Network(seed=0) as net:
        nengo.Connection(nengo.Ensemble(10, 1), nengo.Ensemble(10, 1))
    topology = ne.trace_topology(net)
    activity = ne.measure_activity(net, timesteps=10, topology=topology)
    estimate = ne.estimate_energy(ne.count_ops(topology, activity), "loihi")
    exec(block_after("reports"), {"ne": ne, "estimate": estimate, "activity": activity})
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"estimate.json", "table.tex", "energy.pdf", "report.html"}


def test_readme_stages_run_on_any_network():
    import nengo

    block = block_after("stages")
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(10, 1), nengo.Ensemble(10, 1)
        nengo.Connection(a, b)
    exec("import nengo_energy as ne\n" + block, {"net": net})


def test_readme_emulator_runs_any_network():
    import nengo

    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(10, 1), nengo.Ensemble(10, 1)
        nengo.Connection(a, b)
    names = {"net": net}
    exec(block_after("emulator"), names)
    assert names["sim"].n_steps == 100


@pytest.mark.parametrize("name", sorted(p.name for p in ROOT.glob("examples/*.py")))
def test_example_runs(name):
    printed = run(str(ROOT / "examples" / name))
    assert "Energy per inference" in printed
