"""What is written as JSON keeps to the published schema, as device files do."""

from __future__ import annotations

import copy
import json
import sys

import json_schema
import numpy as np
import pytest
from paths import ROOT
from report_examples import make_estimate
from sweep_examples import build_model, make_data

import nengo_energy as ne
from nengo_energy.cli import main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads(json_schema.PAGE.read_text(encoding="utf-8"))


def complaints(data, kind):
    """Return what is wrong with data that are to be of a kind."""
    chosen = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    validator = jsonschema.Draft202012Validator(chosen)
    return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(data)]


def test_the_published_schema_is_that_of_the_code():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA == json_schema.schema(), "run tests/helpers/json_schema.py"


def test_every_device_file_keeps_to_it():
    for path in (ROOT / "nengo_energy" / "devices" / "data").glob("*.toml"):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        assert complaints(content, "device_file") == [], path.name


def test_an_estimate_keeps_to_it_and_a_broken_one_does_not():
    data = json.loads(make_estimate().to_json())
    assert complaints(data, "estimate") == []
    for break_it, said in (
        (lambda d: d["rows"][0].update(energy="1 J"), "is not of type 'number'"),
        (lambda d: d["rows"][0].pop("layer"), "'layer' is a required property"),
        (lambda d: d.update(colour="red"), "Additional properties"),
        (lambda d: d["devices"][0].update(prices={}), "Additional properties"),
        (lambda d: d.update(schema_version=1), "2 was expected"),
    ):
        broken = copy.deepcopy(data)
        break_it(broken)
        assert any(said in found for found in complaints(broken, "estimate")), said


@pytest.mark.tensorflow
def test_outputs_of_the_command_line_keep_to_it(tmp_path, capsys):
    build_model().save(tmp_path / "model.keras")
    x, labels = make_data()
    np.savez(tmp_path / "data.npz", x=x, y=labels)
    (tmp_path / "grid.toml").write_text(
        '[grid]\nscale_firing_rates = ["auto"]\ntimesteps = [10, 20]\n'
    )
    model, data, grid = (
        str(tmp_path / name) for name in ("model.keras", "data.npz", "grid.toml")
    )
    given = ["--data", data, "--format", "json", "--quiet"]
    for command, kind in (
        (["check", model, "--format", "json"], "check"),
        (["estimate", model, *given], "estimate"),
        (["compare", model, *given], "comparison"),
        (["deploy", model, *given, "--inferences", "2"], "deployment"),
        (["sweep", model, grid, *given, "--scheduler", "synchronous"], "sweep"),
    ):
        assert main(command) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["schema"] == f"nengo_energy.{kind}"
        assert complaints(found, kind) == [], command
        if kind == "estimate":
            flat = ne.load_estimate(json.dumps(found)).to_dict()
            total = sum(r["energy"] for r in found["rows"] if r["device"] == "loihi")
            assert flat["energy loihi"] == pytest.approx(total, rel=1e-12)
            spiking = found["settings"]["accuracy"]["spiking"]["value"]
            assert (flat["accuracy"], flat["timesteps"]) == (spiking, 50)
            assert "low loihi" not in flat and "low loihi-davies2018" in flat
