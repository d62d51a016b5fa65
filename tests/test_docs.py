"""The documentation: its code runs and prints what it says, and it builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import device_catalogue
import pytest
from docs_pages import PAGES, ROOT, blocks_of, differences, run_blocks

import nengo_energy as ne

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CODED = [page for page in PAGES if blocks_of(page)]
LIGHT = {"any-network.md", "nengo.md", "own-device.md", "reports.md"}
MARKS = {
    page.name: [pytest.mark.tensorflow] for page in CODED if page.name not in LIGHT
}
MARKS["tutorial.md"].append(pytest.mark.slow)


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, id=p.stem, marks=MARKS.get(p.name, ())) for p in CODED],
)
def test_code_prints_what_the_page_says(page):
    blocks = blocks_of(page)
    printed = run_blocks(blocks)
    assert any(block.output for block in blocks)
    for block, found in zip(blocks, printed):
        assert differences(block.output or "", found, block.tolerance) == [], block.code


@pytest.mark.parametrize(
    "said, printed, tolerance, equal",
    [
        ("a 1.0 uJ\n", "a  1.0 uJ", 0, True),
        ("a 1.0 uJ", "a 1.1 uJ", 0, False),
        ("a 1.0 uJ", "a 1.1 uJ", 0.2, True),
        ("a 1.0 uJ", "a 2.0 uJ", 0.2, False),
        ("energy 1,000 J", "energy 1,100 J", 0.2, True),
        ("energy 900 nJ", "energy 1.00 uJ", 0.2, False),
        ("energy 1 J", "power 1 J", 0.2, False),
        ("", "a", 0, False),
    ],
)
def test_texts_are_told_apart(said, printed, tolerance, equal):
    assert (differences(said, printed, tolerance) == []) is equal


def test_the_api_lists_every_public_name_once():
    text = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^   ([\w.]+)$", text, re.MULTILINE)
    own = [name for name in listed if "." not in name]
    # a mapping and a module have sentences of their own
    assert sorted(own) == sorted(set(ne.__all__) - {"OPERATIONS", "devices"})


def test_every_assumption_is_explained():
    """Codes in the source, as literals behind ``Assumption(`` or as its constants."""
    codes = set()
    for file in (ROOT / "nengo_energy").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        codes |= set(re.findall(r"Assumption\(\s*\"([a-z0-9-]+)\"", text))
        for constant in re.findall(r"Assumption\(\s*([A-Z_]+),", text):
            codes |= set(re.findall(rf"^{constant} = \"([a-z0-9-]+)\"", text, re.M))
    page = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z0-9-]+)`", page))
    assert len(codes) > 25
    assert codes <= explained, codes - explained
    assert explained - {"device-"} <= codes, explained - codes


def test_the_page_of_devices_holds_every_number_of_their_files():
    """In step with the files, and each value found again by reading them as TOML."""
    text = device_catalogue.PAGE.read_text(encoding="utf-8")
    assert text == device_catalogue.page(), "run tests/helpers/device_catalogue.py"
    for file in (ROOT / "nengo_energy" / "devices" / "data").glob("*.toml"):
        with open(file, "rb") as opened:
            found = tomllib.load(opened)
        _, _, own = text.partition(f"\n## {found['name']}\n")
        own, _, _ = own.partition("\n## ")
        for number in _numbers(found):
            shown = re.findall(rf"\| ([\d.]+) {number['unit']} ", own)
            wanted = pytest.approx(number["value"], rel=5e-3)  # three digits
            assert any(float(value) == wanted for value in shown), (file.name, number)


def _numbers(part):
    """Return energies, powers and times of a file that keep their unit's prefix."""
    if not isinstance(part, dict):
        return []
    if "value" in part and "unit" in part:
        shown = part["unit"][-1] in "JWs" and 1 <= part["value"] < 999.5
        return [part] if shown else []
    return [number for inner in part.values() for number in _numbers(inner)]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_pages_build_without_a_warning(tmp_path):
    """The notebook among them, which is run: no error, nothing on the error stream."""
    for package in ("sphinx", "furo", "myst_nb", "numpydoc", "ipykernel"):
        pytest.importorskip(package)
    docs = (
        tmp_path / "docs"
    )  # a copy, as pages of the API are written beside the others
    shutil.copytree(ROOT / "docs", docs)
    shutil.copy(ROOT / "CHANGES.md", tmp_path)  # the page of changes shows it
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-E"]
    run = subprocess.run(
        [*command, str(docs), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    page = tmp_path / "html" / "generated" / "nengo_energy.diff.html"
    assert "Share by which totals and latencies may change" in page.read_text()
    run_notebook = tmp_path / "jupyter_execute" / "walkthrough.ipynb"
    _check_results(json.loads(run_notebook.read_text(encoding="utf-8")))


def _check_results(notebook):
    """Each cell ends with one result, which is short as text; figures are pictures."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    pictures = 0
    for cell in cells:
        source = "".join(cell["source"])
        assert all(o["output_type"] != "stream" for o in cell["outputs"]), source
        (result,) = (o for o in cell["outputs"] if o["output_type"] == "execute_result")
        assert len("".join(result["data"]["text/plain"])) < 2000, source
        assert "Traceback" not in str(result), source
        pictures += "image/png" in result["data"]
        bars = [o for o in cell["outputs"] if o["output_type"] == "display_data"]
        assert bool(bars) >= ("progress=True" in source), source
    assert len(cells) > 20 and pictures == 5
