"""Figures: what is drawn equals the frames, as vectors, without global state."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from paths import HELPERS
from report_examples import Comparison, make_estimate, sweep_rows

from nengo_energy.common.colours import OPERATIONS
from nengo_energy.common.exceptions import (
    InputError,
    MissingDependencyError,
    NotFoundError,
)
from nengo_energy.comparison.plot import plot_comparison
from nengo_energy.counts import OPERATIONS as COUNTED
from nengo_energy.sweeps.plot import plot_pareto

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def estimate():
    return make_estimate()


def test_every_operation_has_a_look():
    assert set(OPERATIONS) == {*COUNTED, "fixed", "static"}
    for field in ("words", "light", "dark"):
        assert len({getattr(look, field) for look in OPERATIONS.values()}) == len(
            OPERATIONS
        )


def test_bars_add_up_to_the_rows_of_the_frame(estimate):
    figure = estimate.plot(by="layer")
    assert len(figure.axes) == len(estimate.devices)
    words = {look.words: key for key, look in OPERATIONS.items()}
    frame = estimate.to_frame()
    for axes, name in zip(figure.axes, estimate.devices):
        assert axes.get_title(loc="left").startswith(f"{name}: ")
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        own = frame[frame["device"] == name]
        found = {}
        for bars in axes.containers:
            for bar in bars:
                if bar.get_width():
                    layer = labels[round(bar.get_y() + bar.get_height() / 2)]
                    found[layer, words[bars.get_label()]] = bar.get_width()
        wanted = {}
        for row in own.itertuples():
            layer = {"fixed": "fixed energy", "static": "static power"}.get(
                row.operation,
                f"{row.layer} (host)" if row.where == "host" else row.layer,
            )
            if row.energy:
                wanted[layer, row.operation] = row.energy
        assert found == pytest.approx(wanted, rel=1e-12)
        # stacked, not on top of each other
        ends = [b.get_x() + b.get_width() for bars in axes.containers for b in bars]
        by_layer = own.groupby(["layer", "where", own["operation"].isin(["fixed"])])
        assert max(ends) == pytest.approx(by_layer["energy"].sum().max(), rel=1e-9)


def test_titles_hold_total_and_interval(estimate):
    titles = [axes.get_title(loc="left") for axes in estimate.plot(by="layer").axes]
    # 900 uJ of the host, 851 + 61 nJ, 50 nJ static; synops from half to twice 860 nJ
    assert titles[0] == "chip: 901 µJ (901 µJ to 902 µJ)"
    assert titles[2] == "arm: 9.46 µJ"


def test_chosen_devices(estimate):
    figure = estimate.plot(["H100", "arm"], by="layer")
    assert [axes.get_title(loc="left").split(":")[0] for axes in figure.axes] == [
        "h100",
        "arm",
    ]
    (axes,) = estimate.plot("arm").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["arm"]
    with pytest.raises(NotFoundError, match="device 'cpu' isn't in this estimate"):
        estimate.plot(["cpu"])
    with pytest.raises(InputError, match="devices must name at least one"):
        estimate.plot([])
    with pytest.raises(InputError, match="by must be one of"):
        estimate.plot(by="chip")


def test_totals_are_sorted_on_one_logarithmic_axis(estimate):
    (axes,) = estimate.plot().axes
    assert axes.get_xscale() == "log"
    names = [label.get_text() for label in axes.get_yticklabels()]
    # 9.46 uJ of arm, 901 uJ of the chip with its host
    assert names.index("arm") < names.index("chip")
    totals = [estimate.total(name) for name in names]
    assert totals == sorted(totals) and set(names) == set(estimate.devices)
    for place, (name, bar) in enumerate(zip(names, axes.containers)):
        point, _, (interval,) = bar.lines
        assert list(point.get_xdata()) == [estimate.total(name)]
        assert list(point.get_ydata()) == [place]
        (ends,) = interval.get_segments()
        assert ends[:, 0] == pytest.approx(estimate.interval(name), rel=1e-12)


def test_totals_with_gaps_are_hollow(estimate):
    (axes,) = estimate.plot().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    hollow = {
        name
        for name, bar in zip(names, axes.containers)
        if bar.lines[0].get_markerfacecolor() == "white"
    }
    assert hollow == {gap.device for gap in estimate.not_modelled if gap.count}
    assert 0 < len(hollow) < len(names)


def test_a_device_that_prices_nothing_says_so(estimate):
    rows = tuple(row for row in estimate.rows if row.device != "arm")
    (axes,) = replace(estimate, rows=rows).plot().axes
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "arm"
    assert [text.get_text() for text in axes.texts] == ["nothing of it is priced"]


def curve_points(line):
    return list(zip(*(np.asarray(x, float).tolist() for x in line.get_data())))


def test_comparison(tmp_path):
    comparison = Comparison()
    figure = plot_comparison(
        comparison.to_frame(), comparison.curve_frame(), comparison.outputs_frame()
    )
    layers, curve = figure.axes
    correlation, error = layers.get_lines()
    assert correlation.get_xdata()[0] == 0.985 and np.isnan(correlation.get_xdata()[1])
    assert list(error.get_xdata()) == [0.1234, 0.5]
    assert [t.get_text() for t in layers.get_yticklabels()] == ["conv", "dense"]
    line, keras = curve.get_lines()
    assert curve_points(line) == [(10, 0.3), (20, 0.8), (50, 0.9)]
    assert set(keras.get_ydata()) == {0.95}
    (band,) = curve.collections
    assert band.get_paths()[0].get_extents().bounds == pytest.approx(
        (10, 0.25, 40, 0.69)
    )
    assert len(plot_comparison(comparison.to_frame()).axes) == 1


def test_without_labels_the_curve_shows_agreement():
    curve = Comparison().curve_frame().rename(columns={"accuracy": "agreement"})
    figure = plot_comparison(
        Comparison().to_frame(), curve, Comparison().outputs_frame()
    )
    (line,) = figure.axes[1].get_lines()  # and no accuracy to compare it with
    assert curve_points(line)[-1] == (50, 0.9)
    assert figure.axes[1].get_title(loc="left") == "Agreement over time"


def test_pareto():
    figure = plot_pareto(
        sweep_rows(), dense=["arm"], label=lambda row: f"{row.scale_firing_rates}"
    )
    (axes,) = figure.axes
    chip, chip_front, arm, arm_front, keras = axes.get_lines()
    assert list(keras.get_ydata()) == [0.95, 0.95]
    assert curve_points(chip) == [(1e-7, 0.5), (9e-7, 0.9), (8e-6, 0.88)]
    assert curve_points(chip_front) == [(1e-7, 0.5), (9e-7, 0.9)]
    assert set(arm.get_ydata()) == set(arm_front.get_ydata()) == {0.95}
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts][:2] == ["10", "100"]
    (axes,) = plot_pareto(sweep_rows(), "chip").axes
    assert len(axes.get_lines()) == 3


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: plot_pareto(sweep_rows(), "cpu"),
            NotFoundError,
            "device 'cpu' not found; known: chip, arm",
        ),
        (
            lambda: plot_pareto(sweep_rows()[3:]),
            InputError,
            "frame holds no row with accuracy and an energy",
        ),
        (
            lambda: plot_pareto(Comparison().to_frame()),
            InputError,
            "no column 'energy <device>'; it has layer, n_neurons",
        ),
        (
            lambda: plot_comparison(sweep_rows()),
            InputError,
            "layers lacks the columns layer, correlation, relative_error; it has scal",
        ),
    ],
)
def test_frames_that_lack_something(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_files_hold_vectors(estimate, tmp_path):
    comparison = Comparison()
    figures = {
        "estimate": estimate.plot(),
        "comparison": plot_comparison(
            comparison.to_frame(), comparison.curve_frame(), comparison.outputs_frame()
        ),
        "pareto": plot_pareto(sweep_rows()),
    }
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.svg")
        figure.savefig(tmp_path / f"{name}.pdf")
        svg = (tmp_path / f"{name}.svg").read_text()
        assert "<image" not in svg and svg.count("<path") > 20
        pdf = (tmp_path / f"{name}.pdf").read_bytes()
        assert b"/Subtype /Image" not in pdf
        assert b"/Type3" not in pdf and b"/FontFile2" in pdf  # TrueType


def test_notebooks_show_a_figure(estimate):
    assert estimate.plot()._repr_png_().startswith(b"\x89PNG")


def test_global_state_is_left_alone():
    """In a process of its own, as other tests may have imported pyplot."""
    code = """
import sys, matplotlib
from report_examples import make_estimate, sweep_rows
from nengo_energy.sweeps.plot import plot_pareto
before = matplotlib.rcParams.copy()
make_estimate().plot(), plot_pareto(sweep_rows())
assert "matplotlib.pyplot" not in sys.modules
for key in set(before) - {"backend"}:  # looking at that one picks it
    assert matplotlib.rcParams[key] == before[key]
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=HELPERS, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]


def test_missing_matplotlib(estimate, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = re.escape('pip install "nengo-energy[plots]"')
    with pytest.raises(MissingDependencyError, match=message):
        estimate.plot()
