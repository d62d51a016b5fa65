"""The GitHub Action: its steps are run as a runner would, in bash, with its inputs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT
from report_examples import make_estimate

yaml = pytest.importorskip("yaml")

ACTION = ROOT / ".github" / "actions" / "energy-diff" / "action.yml"

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")


def run_action(folder, **inputs):
    """Return exit code, output, and what was written to GitHub's files."""
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    declared = action["inputs"]
    values = {name: entry.get("default") for name, entry in declared.items()} | inputs
    (step,) = action["runs"]["steps"]
    found = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: values[m[1]], text)
        for name, text in step["env"].items()
    }
    files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    commands = Path(sys.executable).parent
    run = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={
            **os.environ,
            **found,
            **{name: str(file) for name, file in files.items()},
            "PATH": os.pathsep.join([str(commands), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )
    written = {
        name: file.read_text() if file.exists() else "" for name, file in files.items()
    }
    return run.returncode, run.stdout, written


@pytest.fixture
def saved(tmp_path):
    """Two estimates, of which a synop of the second costs 20 % more on one device."""
    data = json.loads(make_estimate().to_json(None))
    (tmp_path / "before.json").write_text(json.dumps(data))
    for row in data["rows"]:
        if (row["device"], row["operation"]) == ("twin", "synop"):
            row["energy"] *= 1.2
    (tmp_path / "after.json").write_text(json.dumps(data))
    return tmp_path


def test_what_stays_passes(saved):
    code, out, written = run_action(saved, before="before.json", after="before.json")
    assert code == 0 and "::error::" not in out
    assert written["GITHUB_OUTPUT"] == "exceeds=false\n"
    assert written["GITHUB_STEP_SUMMARY"].startswith("### Energy\n```text\n")


@pytest.mark.parametrize("tolerance, code", [("0.005", 3), ("0.02", 0)])
def test_what_costs_more_fails(tolerance, code, saved):
    """Synops of the twin are 43 of its 943 uJ: 20 % of them are 0.9 % of the total."""
    inputs = {"before": "before.json", "after": "after.json", "tolerance": tolerance}
    found, out, written = run_action(saved, **inputs)
    assert found == code
    assert ("::error::energy or latency changed by more than 0.005" in out) is bool(
        code
    )
    assert written["GITHUB_OUTPUT"] == f"exceeds={str(bool(code)).lower()}\n"
    assert "twin" in written["GITHUB_STEP_SUMMARY"]


def test_a_missing_file_fails_as_an_error(saved):
    code, _, written = run_action(saved, before="none.json", after="after.json")
    assert code == 1 and not any(written.values())
