"""The HTML report as a file: whole, escaped, refused early; and notebooks' tables."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from priced import CHIP
from report_examples import (
    AWKWARD,
    Comparison,
    Ledger,
    activity_rows,
    make_estimate,
    sweep_rows,
)

import nengo_energy as ne
from nengo_energy.common.exceptions import InputError, MissingDependencyError
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.pages import writing
from nengo_energy.pages.parts import linked
from nengo_energy.pages.writing import format_report
from nengo_energy.pricing.energy import estimate_energy

VOID = {"meta", "link", "input", "br"}


class Tags(HTMLParser):
    """Collects tags, checks that they nest, and keeps the texts outside scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def estimate():
    return make_estimate()


@pytest.fixture(scope="module")
def report(estimate):
    return format_report(
        estimate,
        activity=activity_rows(),
        comparison=Comparison(),
        sweep=sweep_rows(),
        ledger=Ledger(),
        title=AWKWARD,
    )


def test_the_page_is_well_formed_and_loads_nothing_from_outside(report):
    page = Tags(report)
    assert page.open == []
    for tag, attributes in page.tags:
        for name in ("src", "href"):
            link = attributes.get(name, "#")
            follows = tag == "a" and link.startswith("https://")
            assert follows or link.startswith("#") or link == "data:,", (tag, link)
    assert "@import" not in report and "url(" not in report.split("<script")[0]
    assert len(report) < 1.5e6


def test_names_are_escaped_wherever_they_stand(report):
    page = Tags(report)
    assert page.texts.count(AWKWARD) >= 2  # heading, and the layer in a table
    # no tag of the name's got through
    assert "b" not in [tag for tag, _ in page.tags]
    (specs,) = re.findall(r'id="specs">(.*?)</script>', report, re.DOTALL)
    assert AWKWARD in json.dumps(
        json.loads(specs)["rates"], ensure_ascii=False
    ).replace('\\"', '"')


def test_every_remark_and_source_is_in_the_page(report, estimate):
    texts = " ".join(" ".join(Tags(report).texts).split())
    whole = "".join(texts.split())  # as links split texts
    for assumption in estimate.assumptions:
        assert "".join(assumption.text.split()) in whole
    for model in estimate.models:
        for number in model.charged.values():
            assert "".join(model.sources[number.source].split()) in whole
    assert "simulator nengo-dl" in texts
    assert f"nengo-energy {ne.__version__}" in texts


def test_only_what_is_given_has_a_section(estimate):
    sections = [
        a["id"]
        for t, a in Tags(format_report(estimate)).tags
        if t == "section" and "id" in a
    ]
    assert sections == ["energy", "ranking", "layers", "assumptions", "sources"]


def test_frames_serve_as_well_as_objects(estimate, report):
    frames = format_report(
        estimate,
        comparison=Comparison().to_frame(),
        ledger=Ledger().to_frame(),
        title="x",
    )
    assert 'id="comparison"' in frames and 'id="mesh"' in frames
    assert 'data-chart="curve"' not in frames
    # a bare frame doesn't say how many inferences its counts cover
    assert '<td data-value="150000.0">150,000</td>' in frames
    assert '<td data-value="75000.0">75,000</td>' in report


def test_activity_as_it_is_measured(estimate):
    import nengo

    with nengo.Network(seed=0) as net:
        nengo.Connection(nengo.Ensemble(10, 1), nengo.Ensemble(10, 1, label="second"))
    activity = ne.measure_activity(net, timesteps=5)
    assert "second" in format_report(estimate, activity=activity)


def test_a_network_that_spends_nothing_has_no_logarithmic_chart():
    silent = estimate_energy(OpCounts((OpCount("a", "synop", 0, 1),)), CHIP)
    report = format_report(silent)
    assert 'data-chart="totals"' not in report
    assert 'data-chart="layers-0"' in report


def test_the_title_is_the_models_name(estimate):
    named = dataclasses.replace(estimate, settings={"model": "digits_cnn"})
    assert "<h1>digits_cnn</h1>" in format_report(named)
    assert "<h1>Energy report</h1>" in format_report(estimate)


@pytest.mark.parametrize(
    "part, value, message",
    [
        ("activity", 5, "activity must be a DataFrame or have to_frame.*; got int"),
        ("activity", sweep_rows(), "activity lacks the columns population, n_neurons"),
        ("comparison", activity_rows(), "comparison lacks the columns layer, correl"),
        ("sweep", activity_rows(), "sweep lacks the columns accuracy; it has popul"),
        (
            "sweep",
            pd.DataFrame({"accuracy": [0.5]}),
            "frame has no column 'energy <device>'; it has accuracy",
        ),
        (
            "sweep",
            pd.DataFrame({"accuracy": [float("nan")], "energy chip": [1e-6]}),
            "sweep holds no row with accuracy and an energy",
        ),
        ("sweep", sweep_rows()[:0], "sweep holds no rows"),
        ("ledger", sweep_rows(), "ledger lacks the columns chip, core, layer, synops"),
    ],
)
def test_frames_that_lack_something(estimate, part, value, message):
    with pytest.raises(InputError, match=message):
        format_report(estimate, **{part: value})


def test_something_else_than_an_estimate():
    with pytest.raises(InputError, match="must be an EnergyEstimate; got str"):
        format_report("estimate.json")


def test_a_path_that_cannot_be_written_is_refused_before_the_work(
    estimate, tmp_path, monkeypatch
):
    def fail(*arguments, **names):
        raise AssertionError("worked for nothing")

    monkeypatch.setattr(writing, "format_report", fail)
    with pytest.raises(InputError, match="there is no folder"):
        ne.write_report(tmp_path / "no" / "report.html", estimate)


def test_what_was_there_stays_if_the_report_fails(estimate, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("the user's")
    with pytest.raises(InputError):
        ne.write_report(path, estimate, sweep=5)
    assert path.read_text() == "the user's"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize("package", ["altair", "vl_convert", "jinja2"])
def test_missing_packages_are_named_with_what_to_install(
    estimate, monkeypatch, package
):
    monkeypatch.setitem(sys.modules, package, None)
    message = f"package '{package}'.*pip install \"nengo-energy\\[report\\]\""
    with pytest.raises(MissingDependencyError, match=message):
        format_report(estimate)


def test_notebooks_show_both_tables_and_fold_up_the_rest(estimate, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)  # it needs nothing
    text = estimate._repr_html_()
    page = Tags(text)
    assert page.open == []
    assert [tag for tag, _ in page.tags].count("table") == 2
    assert [tag for tag, _ in page.tags].count("details") == 2
    values = [float(a["data-value"]) for _, a in page.tags if "data-value" in a]
    for name in estimate.devices:
        assert estimate.total(name) in values
    for assumption in estimate.assumptions:
        assert " ".join(assumption.text.split()) in " ".join(
            " ".join(page.texts).split()
        )


def test_notebooks_escape_names():
    chip = dataclasses.replace(CHIP, name="<b>chip</b>")
    rows = (OpCount(AWKWARD, "synop", 7, 1),)
    page = Tags(estimate_energy(OpCounts(rows), chip)._repr_html_())
    assert "<b>chip</b>" in page.texts and AWKWARD in page.texts
    assert "b" not in [tag for tag, _ in page.tags]


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore::nengo_energy.ExtrapolationWarning")
def test_model_energy_is_shown_for_the_devices_of_the_estimate(estimate):
    """10 x 4 connections and 4 activations at 0.9 nJ on the ARM: 39.6 nJ."""
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    layers = [keras.Input((10,)), keras.layers.Dense(4, "relu", name="only")]
    model = keras.Sequential(layers)
    text = format_report(estimate, model_energy=ne.ModelEnergy(model))
    section = text[text.index('id="model-energy"') : text.index('id="assumptions"')]
    assert "energy arm" in section and "loihi" not in section  # that needs rates
    found = [float(x) for x in re.findall(r'data-value="([^"]*)"', section)]
    assert found[:2] == [40, 4]
    assert found[2] == pytest.approx(39.6e-9)
    text = format_report(
        estimate, model_energy=ne.ModelEnergy(model, example_data=[[0.5] * 10])
    )
    section = text[text.index('id="model-energy"') : text.index('id="assumptions"')]
    assert "rate [Hz]" in section and "energy loihi-davies2018" in section
    # a device that isn't registered can't be priced by its name
    assert "energy twin" not in section


def test_pages_dois_and_papers_are_links():
    text = "<Davies>, doi:10.1109/MM.2018.1; arXiv:2103.08392, https://a.org/b?c=1&d"
    page = Tags(f"<p>{linked(text)}</p>")
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [
        "https://doi.org/10.1109/MM.2018.1",
        "https://arxiv.org/abs/2103.08392",
        "https://a.org/b?c=1&d",
    ]
    assert "".join("".join(page.texts).split()) == text.replace(" ", "")


def test_a_slider_chooses_among_estimates():
    """Of measured timesteps a table each, with the numbers of its estimate."""
    known = {"value": 0.9, "low": 0.8, "high": 1.0}
    estimates = [
        dataclasses.replace(
            make_estimate(),
            settings={"timesteps": n, "n_inferences": 100, "accuracy": accuracy},
        )
        for n, accuracy in (
            (50, dict.fromkeys(("keras", "spiking"), known)),
            (10, None),
        )
    ]
    report = format_report(estimates[0], over_time=estimates)
    tables = re.findall(r'<div data-timesteps="(\d+)">\s*<h3>(.*?)</h3>', report)
    assert tables == [("10", "10 timesteps"), ("50", "50 timesteps: accuracy 90.0 %")]
    assert 'type="range" min="0" max="1" value="1"' in report
    with pytest.raises(ne.InputError, match="each of another number of timesteps"):
        format_report(estimates[0], over_time=estimates[:1] * 2)
