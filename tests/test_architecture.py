"""The house: floors, circles and names are what docs/architecture.md says."""

from __future__ import annotations

import pydoc
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from floors import PAGE, PICTURE, draw, floors
from paths import ROOT

from nengo_energy.common.old_paths import MOVED

PACKAGE = ROOT / "nengo_energy"
LINT = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"

pytest.importorskip("importlinter")
grimp = pytest.importorskip("grimp")


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    """Run ``lint-imports`` on the package in a folder."""
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def copied(tmp_path):
    """A copy of the package's modules and its contracts."""
    no_modules = shutil.ignore_patterns("__pycache__", "data", "templates")
    shutil.copytree(PACKAGE, tmp_path / "nengo_energy", ignore=no_modules)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def test_imports_lead_down_the_floors(copied):
    run = lint_imports(copied)
    assert run.returncode == 0, run.stdout
    assert "Contracts: 3 kept, 0 broken" in run.stdout


@pytest.mark.parametrize(
    "module, line",
    [
        ("common/checks.py", "from ..counts import OpCounts"),
        ("network/fanout.py", "def late():\n    from ..loihi import chip"),
        ("pricing/energy.py", "from ..layer_ops import calls"),
        ("activity/emulator/meter.py", "from ..simulators import runner"),
        ("estimates/estimate.py", "import nengo_energy"),
        ("attic/__init__.py", ""),
    ],
)
def test_a_line_that_leads_up_or_aside_is_found(copied, module, line):
    path = copied / "nengo_energy" / module
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")
    run = lint_imports(copied)
    assert run.returncode == 1
    name = module.replace("/__init__", "").removesuffix(".py").replace("/", ".")
    assert name.rpartition(".")[2] in run.stdout


def test_every_name_at_the_top_has_its_floor():
    names = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(names) <= 20
    listed = {name for floor in floors() for name in floor}
    assert {name.removesuffix(".py") for name in names} == listed | {
        "__init__",
        "py.typed",
    }


def test_picture_is_the_contract():
    assert PICTURE.search(PAGE.read_text(encoding="utf-8"))[2] == draw()


def test_circles_are_those_that_the_page_names():
    """Strongly connected modules, imports for types and within functions among them."""
    graph = grimp.build_graph("nengo_energy", cache_dir=None)
    packages = {m for m in graph.modules if graph.find_children(m)}
    links = {
        module: graph.find_modules_directly_imported_by(module) - packages
        for module in graph.modules - packages
    }
    found = {
        f"- `{parents.pop()}`: {', '.join(f'`{name}`' for name in sorted(names))}"
        for names, parents in map(_by_parent, _circles(links))
    }
    page = PAGE.read_text(encoding="utf-8").partition("<!-- circles -->\n")[2]
    assert found == set(page.partition("\n\n")[0].splitlines())


def _by_parent(circle: set[str]) -> tuple[set[str], set[str]]:
    names = {module.rpartition(".")[2] for module in circle}
    parents = {module.split(".", 1)[1].rpartition(".")[0] for module in circle}
    assert len(parents) == 1, f"a circle leaves a package: {circle}"
    return names, parents


def _circles(links: dict[str, set[str]]) -> list[set[str]]:
    """Return groups of modules that reach each other, by Warshall's closure."""
    reached = {module: set(others) for module, others in links.items()}
    for middle in links:
        for module in links:
            if middle in reached[module]:
                reached[module] |= reached[middle]
    groups = {
        frozenset(n for n in reached[module] if module in reached.get(n, ()))
        for module in links
        if module in reached[module]
    }
    return [set(group) for group in groups]


def test_every_module_and_name_in_backticks_exists():
    """What docstrings and pages call ``nengo_energy.x.y`` can be imported."""
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    named = {
        name
        for path in [*PACKAGE.rglob("*.py"), *pages]
        for name in re.findall(
            r"(?<!`)`(nengo_energy(?:\.\w+)+)`(?!`)", path.read_text(encoding="utf-8")
        )
    }
    assert len(named) > 20
    for name in named - {f"nengo_energy.{old}" for old in MOVED}:
        assert pydoc.locate(name) is not None, name


def test_every_file_that_the_page_names_exists():
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w]+/)+(?:\w+\.\w+)?)`", text)
    assert len(named) > 30
    for name in named:
        inside, beside = PACKAGE / name, ROOT / name
        assert inside.exists() or beside.exists(), name
