"""Module paths that the documentation once named: they work, and say where to go."""

from __future__ import annotations

import importlib
import sys

import pytest

from nengo_energy.common.old_paths import MOVED


@pytest.fixture
def fresh():
    """No old path was imported before, nor is after."""

    def forget() -> None:
        for old in MOVED:
            path, _, name = f"nengo_energy.{old}".rpartition(".")
            sys.modules.pop(f"{path}.{name}", None)
            if path in sys.modules:
                vars(sys.modules[path]).pop(name, None)

    forget()
    yield
    forget()


@pytest.mark.parametrize(
    "old, name, home",
    [
        ("demo", "load_digits", "cli.demo"),
        ("exceptions", "NotFoundError", "common.exceptions"),
        ("firing_rates", "TARGET_RATE", "network.firing_rates"),
        ("html_report", "format_report", "pages.writing"),
        ("keras_layers", "register_operation", "layer_ops.counters"),
        ("loihi.emulator", "open_simulator", "activity.emulator"),
        ("plots", "plot_estimate", "estimates.plot"),
        ("plots", "plot_comparison", "comparison.plot"),
        ("plots", "plot_pareto", "sweeps.plot"),
        ("report", "estimate_frame", "estimates.report"),
        ("report", "activity_frame", "activity.report"),
    ],
)
def test_old_path_gives_the_same_object_and_warns(fresh, old, name, home):
    with pytest.warns(DeprecationWarning, match=f"nengo_energy.{old} is now") as caught:
        module = importlib.import_module(f"nengo_energy.{old}")
    assert "nengo_energy" in str(caught[0].message)
    wanted = getattr(importlib.import_module(f"nengo_energy.{home}"), name)
    assert getattr(module, name) is wanted


def test_the_warning_points_at_the_import(fresh):
    with pytest.warns(DeprecationWarning) as caught:
        from nengo_energy.keras_layers import Operations
    assert caught[0].filename == __file__
    assert Operations.__name__ == "Operations"


def test_names_and_modules_that_never_were_are_refused(fresh):
    with pytest.warns(DeprecationWarning):
        from nengo_energy import plots
    with pytest.raises(AttributeError, match="nengo_energy.plots has no attribute 'x'"):
        plots.x
    with pytest.raises(ModuleNotFoundError, match="nengo_energy.nowhere"):
        importlib.import_module("nengo_energy.nowhere")


def test_every_old_path_is_tried_above():
    marks = test_old_path_gives_the_same_object_and_warns.pytestmark
    (cases,) = (mark.args[1] for mark in marks if mark.name == "parametrize")
    assert {old for old, _, _ in cases} == set(MOVED)
