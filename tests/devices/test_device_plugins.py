"""Devices of other packages, and the files of ours, as they are once installed."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import warnings
import zipfile

import pytest
from paths import ROOT

from nengo_energy.devices import Device, Quantity
from nengo_energy.devices.plugins import load_plugins
from nengo_energy.devices.registry import Registry, builtin_names

BUILTIN = builtin_names()


def make_device(**fields):
    given = {
        "name": "chip",
        "kind": "event",
        "energies": {"synop": Quantity(1e-12, "paper")},
        "sources": {"paper": "Someone, A paper, 2020"},
    }
    return Device(**{**given, **fields})


# --- entry points ------------------------------------------------------------------

PLUGIN_DEVICE = make_device(name="plugin-chip")
NOT_A_DEVICE = "text"
TAKEN = make_device(name="LOIHI")


def plugin_function():
    return make_device(name="made-chip")


def entry_point(name, attribute):
    value = f"{__name__}:{attribute}"
    return importlib.metadata.EntryPoint(name, value, "nengo_energy.devices")


@pytest.mark.parametrize(
    "attribute, reason",
    [
        ("no_such_thing", "AttributeError: .*no_such_thing"),
        ("NOT_A_DEVICE", "TypeError: it leads to 'text', which isn't a Device"),
        ("TAKEN", "ValueError: device 'LOIHI' is already known"),
        ("PLUGIN_DEVICE", "ValueError: device 'plugin-chip' is already known"),
    ],
)
def test_broken_plugin_warns_with_its_name_and_the_others_load(attribute, reason):
    points = [
        entry_point("good", "PLUGIN_DEVICE"),
        entry_point("broken", attribute),
        entry_point("also-good", "plugin_function"),
    ]
    match = rf"device plugin 'broken' \(.*{attribute}\) was left out: {reason}"
    with pytest.warns(RuntimeWarning, match=match) as caught:
        found = load_plugins(points, BUILTIN)
    assert len(caught) == 1
    assert set(found) == {"plugin-chip", "made-chip"}


def test_registry_finds_devices_of_plugins(monkeypatch):
    points = [entry_point("good", "PLUGIN_DEVICE")]
    monkeypatch.setattr(
        "nengo_energy.devices.registry.installed_entry_points", lambda: list(points)
    )
    registry = Registry()
    assert registry.names() == tuple(sorted((*BUILTIN, "plugin-chip")))
    assert registry.get("Plugin-Chip") is PLUGIN_DEVICE


def test_installed_entry_points_are_asked_for_by_group(monkeypatch):
    class Selectable(list):
        def select(self, group):
            return [point for point in self if point.group == group]

    good = entry_point("good", "PLUGIN_DEVICE")
    other = importlib.metadata.EntryPoint("other", "json:dumps", "console_scripts")
    found = Selectable([good, other])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: found)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "plugin-chip" in Registry().names()
    as_python_39_does = {"nengo_energy.devices": [good], "console_scripts": [other]}
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: as_python_39_does)
    assert "plugin-chip" in Registry().names()


PACKAGE = {
    "setup.py": "from setuptools import setup\nsetup()\n",
    "setup.cfg": """
[metadata]
name = tiny-chips
version = 1.0
[options]
py_modules = tiny_chips
[options.entry_points]
nengo_energy.devices =
    tiny = tiny_chips:TINY
    toml = tiny_chips:from_file
    broken = tiny_chips:no_such_chip
""",
    "tiny_chips.py": """
import pathlib
from nengo_energy.devices import Device, Quantity, load

TINY = Device(
    "tiny-chip", "event", {"synop": Quantity(1e-12, "us")}, {"us": "Our data sheet"}
)

def from_file():
    return load(pathlib.Path(__file__).with_name("filed_chip.toml"))
""",
    "filed_chip.toml": """
name = "filed-chip"
kind = "event"
[energies.synop]
value = 2
unit = "pJ"
source = "us"
locator = "p. 1"
evidence = "measured"
year = 2020
[sources]
us = "Our data sheet"
""",
}


def pip(*arguments):
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.slow
def test_devices_of_an_installed_package_are_found_and_a_broken_one_warns(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name, text in PACKAGE.items():
        (source / name).write_text(text)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    pip("install", *options, "--target", str(target), str(source))
    (target / "filed_chip.toml").write_text(PACKAGE["filed_chip.toml"])
    code = (
        "import warnings; from nengo_energy import devices\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    names = devices.names()\n"
        "print(len(names)); print(*(str(w.message) for w in caught), sep='\\n')\n"
        "for name in ('tiny-chip', 'FILED-CHIP'):\n"
        "    print(devices.get(name).energies['synop'].value)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{target}:{ROOT}", "PATH": ""},
        cwd=tmp_path,
    )
    count, warning, *values = result.stdout.splitlines()
    assert int(count) == len(BUILTIN) + 2
    assert warning.startswith(
        "device plugin 'broken' (tiny_chips:no_such_chip) was left out: AttributeError"
    )
    assert values == ["1e-12", "2e-12"]


# --- wheel -------------------------------------------------------------------------


@pytest.mark.slow
def test_wheel_holds_every_device_file(tmp_path):
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    copy = tmp_path / "tree"
    copy.mkdir()
    for name in ("setup.py", "setup.cfg", "README.md", "LICENSE", "MANIFEST.in"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    (copy / "nengo_energy").symlink_to(ROOT / "nengo_energy")
    pip("wheel", *options, "--wheel-dir", str(tmp_path), str(copy))
    (wheel,) = tmp_path.glob("nengo_energy-*.whl")
    folder = "nengo_energy/devices/data/"
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if name.startswith(folder)}
        for name in BUILTIN:
            shipped = archive.read(f"{folder}{name}.toml")
            assert shipped == (ROOT / f"{folder}{name}.toml").read_bytes()
    assert files == {f"{folder}{name}.toml" for name in BUILTIN}
