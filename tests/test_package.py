"""The package as a whole: what importing it loads, and what it offers."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
import subprocess
import sys

import pytest
from paths import ROOT

import nengo_energy as ne

HEAVY = {
    "tensorflow",
    "keras",
    "tf_keras",
    "nengo_dl",
    "nengo_loihi",
    "matplotlib",
    "dask",
    "numba",
    "pandas",
}

FOR_THEMSELVES = {
    "__future__",
    "typing",
    "common.lazy_names",
    "common.old_paths",
    "registry",
}
"""Modules from which packages import what isn't public."""


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh process holds after some code."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_import_loads_nothing_heavy():
    assert HEAVY & loaded_after("import nengo_energy") == set()


def test_looking_at_the_names_loads_no_heavy_package():
    code = "import nengo_energy as ne\nfor name in ne.__all__: getattr(ne, name)"
    # pandas is for tables, everything else for one task
    assert HEAVY & loaded_after(code) <= {"pandas"}


@pytest.mark.parametrize("name", ne.__all__)
def test_each_name_resolves_and_says_what_it_is(name):
    found = getattr(ne, name)
    assert name in dir(ne)
    if name != "OPERATIONS":  # a dictionary, whose values are the explanations
        own = found.__doc__ if inspect.isroutine(found) else vars(found)["__doc__"]
        # a dataclass without a docstring gets its signature for one
        assert own and not own.startswith(f"{name}(")
    else:
        assert all(found.values())


@pytest.mark.parametrize("name", ne.__all__)
def test_docstrings_name_what_there_is_in_order(name):
    """Parameters of functions, fields of dataclasses; other names have neither."""
    found = getattr(ne, name)
    if inspect.isfunction(found):
        listed = documented(inspect.getdoc(found), "Parameters")
        assert listed == list(inspect.signature(found).parameters)
    elif dataclasses.is_dataclass(found):
        wanted = [field.name for field in dataclasses.fields(found)]
        listed = documented(inspect.getdoc(found), "Attributes")
        if name == "SpikingModel":  # `convert` alone makes it; its maps are properties
            wanted = [field for field in wanted if field in listed]
        assert [item for item in listed if item in wanted] == wanted


def documented(text: str, section: str) -> list[str]:
    """Return the names that a section of a numpydoc docstring explains."""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", text, flags=re.MULTILINE)
    bodies = dict(zip(parts[1::2], parts[2::2]))
    heads = re.findall(
        r"^(\S[^:\n]*?)(?: :.*)?$", bodies.get(section, ""), re.MULTILINE
    )
    return [item.strip().lstrip("*") for head in heads for item in head.split(",")]


@pytest.mark.parametrize("package", ["", "devices/", "layer_ops/", "loihi/"])
def test_type_checkers_take_names_as_exported(package):
    """PEP 484: what a package with types exports is imported as its own name."""
    text = (ROOT / "nengo_energy" / package / "__init__.py").read_text(encoding="utf-8")
    public = [
        alias
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module not in FOR_THEMSELVES
        for alias in node.names
    ]
    assert len(public) >= 3
    assert [alias.name for alias in public if alias.asname != alias.name] == []


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="'nengo_energy' has no attribute 'enrgy'"):
        ne.enrgy


@pytest.mark.parametrize(
    "answer, said, code",
    [
        ("None", "knows 1 of 2 packages, 0 of them unsafe; .* for the other 1$", 0),
        ("[{'id': 'CVE-1'}]", "1 of them unsafe; .*\nsome 1.0: CVE-1$", 1),
        ("1 / 0", "looked at nothing; it said: ZeroDivisionError", 0),
    ],
    ids=["answered", "unsafe", "didn't answer"],
)
def test_what_an_audit_of_packages_says(answer, said, code, tmp_path):
    (tmp_path / "pip_audit.py").write_text(
        f"import json; some = dict(name='some', version='1.0', vulns={answer} or [])\n"
        "other = dict(name='other', skip_reason='not found')\n"
        "print(json.dumps(dict(dependencies=[some, other])))"
    )
    command = [sys.executable, ROOT / "tests/helpers/supply.py"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, capture_output=True, text=True, env=env)
    assert run.returncode == code, run.stderr
    assert re.search(said, run.stdout.strip()), run.stdout[-300:]
    assert re.search(r"^numpy +\S", run.stdout, re.MULTILINE)
