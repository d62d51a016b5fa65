"""Names with HTML, LaTeX, formulas, escapes and marks are harmless in each output.

Each output is read as its reader reads it: by an HTML parser, as CSV, as JSON, as XML.
"""

from __future__ import annotations

import csv
import dataclasses
import html.parser
import io
import json
import re
import warnings
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Mapping

import nengo
import numpy as np
import pandas as pd
import pytest
from priced import CHIP, COUNTS
from sweep_examples import build_model, make_data

import nengo_energy as ne
from nengo_energy.cli import program
from nengo_energy.common.plain_text import (
    plain_csv,
    plain_json,
    plain_line,
    plain_text,
)
from nengo_energy.devices.report import format_device
from nengo_energy.devices.writing import format_device_file
from nengo_energy.loihi import build_loihi_network
from nengo_energy.pricing.energy import estimate_energy

NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><!--",
    "{{ 7 * 7 }}{% raw %}",
    "\\input{/etc/passwd}$x^2$%&#_~^{",
    "[1cm] first",
    "*",
    "$\\no$",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "back\b\b\b\b\x9b2J",
    "\u202egnp.exe",
    "\u2066\u200bhidden\u2069",
    "two\nlines\r\nand \u2028 three",
    "tab\there",
    "| a | b |",
    "](javascript:alert(1))",
    "`code`",
    "null \0 byte",
)


def spelt(name):
    """Return a name as it's shown: what isn't seen as Python spells it in a string."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def one_line(name):
    return " ".join(spelt(name).split())


def is_harmless(text):
    """Tell whether a terminal shows nothing but characters, line by line."""
    return all(c.isprintable() or c == "\n" for c in text)


def device_name(name):
    """Return a name without what no device's may hold."""
    return re.sub("[,@\n\r\t]", ".", name).strip()


@pytest.fixture(params=NAMES, ids=lambda name: ascii(name)[1:20])
def name(request):
    return request.param


@pytest.fixture
def estimate(name):
    return make_estimate(name)


def make_estimate(name):
    """A layer, a device, its source and note, a simulator and a model of that name."""
    rows = tuple(
        replace(row, layer=name) if row.layer == "conv" else row for row in COUNTS.rows
    )
    settings = {"simulator": name, "model": name}
    chip = replace(
        CHIP,
        name=device_name(name),
        sources={"paper": name},
        notes=(name,),
        description=name,
    )
    counts = replace(COUNTS, rows=rows, settings=settings)
    return estimate_energy(counts, [chip, "arm"], host="arm")


def test_terminal(estimate, name):
    texts = [str(estimate), repr(estimate), estimate.notes()]
    texts.append(str(ne.diff(estimate, estimate)))
    texts.append(format_device(estimate.models[0]))
    assert all(map(is_harmless, texts))
    assert spelt(name) in texts[0]
    with pytest.raises(ne.NengoEnergyError) as caught:
        estimate.total(f"no {name}")
    assert is_harmless(str(caught.value))


def test_csv(estimate, name):
    rows = list(csv.DictReader(io.StringIO(estimate.to_csv())))
    assert len(rows) == len(estimate.rows)
    expected = spelt(name)
    if name.startswith(("=", "+", "-", "@")):
        expected = f"'{expected}"
    assert {row["layer"] for row in rows} >= {expected, "dense"}
    assert is_harmless(estimate.to_csv())
    assert sum(float(row["energy"]) for row in rows) == pytest.approx(
        estimate.total(estimate.devices[0]) + estimate.total("arm"), rel=1e-12
    )


def test_json(estimate, tmp_path):
    text = estimate.to_json()
    assert is_harmless(text)
    estimate.to_json(tmp_path / "estimate.json")
    assert (tmp_path / "estimate.json").read_text() == text
    assert ne.load_estimate(tmp_path / "estimate.json") == estimate


class Page(html.parser.HTMLParser):
    """Tags, links and what is shown of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.shown, self.inside = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = [attribute for attribute, _ in attrs]
        assert not any(attribute.startswith("on") for attribute in names)
        self.links += [value for key, value in attrs if key in ("href", "src")]
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.shown.append(data)


def test_html(estimate, name, tmp_path):
    harmless = make_estimate("harmless")
    pairs = [(estimate._repr_html_(), harmless._repr_html_())]
    pytest.importorskip("jinja2"), pytest.importorskip("vl_convert")
    for which, found in (("a", estimate), ("b", harmless)):
        ne.write_report(tmp_path / which, found)
    pairs.append([(tmp_path / which).read_text() for which in "ab"])
    for text, plain in pairs:
        page, expected = Page(text), Page(plain)
        assert page.tags == expected.tags
        assert all(link.startswith(("https://", "#", "data:")) for link in page.links)
        assert is_harmless(text) or text.isascii()
        assert one_line(name) in one_line(" ".join(page.shown))


def markdown_cells(line):
    """Return the cells of a row: between bars that no backslash stands before."""
    cells, cell, marks = [], "", iter(line.strip()[1:])
    for mark in marks:
        if mark == "|":
            cells.append(cell.strip())
            cell = ""
        else:
            cell += next(marks) if mark == "\\" else mark
    return cells


def test_markdown(estimate, name):
    text = estimate.to_markdown()
    assert is_harmless(text)
    rows = [markdown_cells(row) for row in text.splitlines() if row.startswith("| ")]
    assert {len(row) for row in rows} == {3}
    assert spelt(" ".join(name.split())) in [row[0] for row in rows]
    outside = re.sub(r"\\.", "", text)
    assert not re.search(r"[<>`]|]\(", outside)


def latex_text(cell):
    """Return what LaTeX sets of a cell, which has no command but those of marks."""
    marks = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~"}
    marks |= {r"\textasciicircum{}": "^", **{f"\\{m}": m for m in "&%$#_{}"}}
    marks |= {f"{{{m}}}": m for m in "[]*"}
    text = ""
    while cell:
        found = next((m for m in marks if cell.startswith(m)), cell[0])
        assert found in marks or found not in "\\{}&%$#_~^[]*"
        text += marks.get(found, found)
        cell = cell[len(found) :]
    return text


def test_latex(estimate, name):
    text = estimate.to_latex()
    assert is_harmless(text)
    assert text.count("\\begin{") == 2 and text.count("\\end{") == 2
    lines = text[text.index("\\toprule") :].splitlines()
    cells = [line.removesuffix(r" \\").strip().split(" & ") for line in lines]
    shown = [latex_text(row[0]) for row in cells if len(row) == 3 and "J" not in row[1]]
    assert spelt(" ".join(name.split())) in shown


@pytest.mark.parametrize("kind", ["svg"])
def test_figures(estimate, name, kind):
    pytest.importorskip("matplotlib")
    for by, expected in (("device", device_name(name)), ("layer", name)):
        file = io.BytesIO()
        figure = estimate.plot(by=by)
        labels = [t.get_text() for a in figure.axes for t in a.get_yticklabels()]
        assert spelt(expected) in [label.replace("\\$", "$") for label in labels]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of letters that a font lacks
            figure.savefig(file, format=kind)
        if kind == "svg":
            ElementTree.fromstring(file.getvalue())


def test_device_files(name):
    tomllib = pytest.importorskip("tomllib")
    text = format_device_file({"sources": {"paper": name}}, "")
    assert is_harmless(text)
    assert tomllib.loads(text)["sources"]["paper"] == name


def test_frames_of_all_results(name):
    frame = pd.DataFrame({name: [name, "a"], "n": [1.5, -2.0]})
    rows = list(csv.reader(io.StringIO(plain_csv(frame))))
    assert rows[1][0] == rows[0][0] and rows[2] == ["a", "-2.0"]
    assert json.loads(plain_json(json.dumps(name, ensure_ascii=False))) == name
    assert plain_line(name) == spelt(name)


def renamed(value, old, new):
    """Return a result with another name wherever one stands."""
    if isinstance(value, str):
        return value.replace(old, new)
    if dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value) if f.init]
        return replace(
            value, **{f: renamed(getattr(value, f), old, new) for f in fields}
        )
    if isinstance(value, Mapping):
        return {renamed(k, old, new): renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        return type(value)(renamed(item, old, new) for item in value)
    return value


@pytest.fixture(scope="module")
def results():
    """A ledger, a comparison and a sweep of one small model."""
    snn = ne.convert(build_model(), scale_firing_rates=200)
    x, labels = make_data()
    options = {"scheduler": "synchronous", "progress": False}
    return (
        snn.ledger(x, 10, progress=False),
        snn.compare(x, 10, labels, progress=False),
        ne.sweep(build_model(), x, labels, {"timesteps": [5, 10]}, **options),
    )


def check_page(result, harmless, name):
    """Compare what notebooks show of a result with the same of a harmless name."""
    page, expected = (Page(found._repr_html_()) for found in (result, harmless))
    assert page.tags == expected.tags
    assert all(map(is_harmless, page.shown))
    assert one_line(name) in one_line(" ".join(page.shown))


def check_texts(texts, name):
    assert all(map(is_harmless, texts))
    assert one_line(name) in one_line(texts[0])


@pytest.mark.tensorflow
def test_ledgers(results, name):
    ledger, harmless = (renamed(results[0], "hidden_2", n) for n in (name, "other"))
    bound = ledger.bottleneck()
    texts = [str(ledger), repr(ledger), str(ledger.costs()), str(bound), repr(bound)]
    check_texts(texts, name)
    with pytest.raises(ne.NengoEnergyError) as caught:
        ledger.total(name)
    assert is_harmless(str(caught.value))
    check_page(ledger, harmless, name)
    rows = list(csv.reader(io.StringIO(plain_csv(ledger.to_frame()))))
    assert len(rows) == 1 + len(ledger.to_frame())


@pytest.mark.tensorflow
def test_comparisons(results, name):
    found, harmless = (renamed(results[1], "hidden_2", n) for n in (name, "other"))
    check_texts([str(found), repr(found), found.notes(), found.to_json()], name)
    layers = [layer["layer"] for layer in json.loads(found.to_json())["layers"]]
    assert layers[1] == name
    check_page(found, harmless, name)


def in_points(sweep, name):
    """Return a sweep with a name among its settings and as an error."""
    first, second = sweep.points
    first = replace(first, settings={**first.settings, "scale_firing_rates": name})
    second = replace(second, error=f"layer {name} failed", estimate=None)
    axes = {**sweep.axes, "scale_firing_rates": [name, 1.0]}
    return replace(sweep, points=(first, second), axes=axes)


@pytest.mark.tensorflow
def test_sweeps(results, name):
    sweep, harmless = (in_points(results[2], n) for n in (name, "other"))
    texts = [str(sweep), repr(sweep), sweep.summary(1.0), sweep.to_json()]
    check_texts(texts + [str(point) for point in sweep.points], name)
    json.loads(sweep.to_json())
    check_page(sweep, harmless, name)


def test_the_command_line(name, monkeypatch, capsys):
    """Warnings and errors are a line each, an error's own ends of lines aside."""

    def command(_):
        warnings.warn(name, stacklevel=1)
        raise ne.InputError(name)

    monkeypatch.setattr(program, "_devices", command)
    assert program.main(["devices"]) == 1
    said = capsys.readouterr().err
    assert is_harmless(said)
    warning, error = said.removesuffix("\n").split("nengo-energy: ")[1:]
    assert warning == f"warning: {spelt(name)}\n"
    assert one_line(error) == one_line(plain_text(name))


@pytest.mark.tensorflow
def test_log_records_and_progress(name, caplog, capsys):
    """What conversion and deployment say of a model and a layer of that name."""
    caplog.set_level("INFO", "nengo_energy")
    model = build_model()
    model._name = name
    ne.convert(model, progress=True)
    said = capsys.readouterr().err
    assert is_harmless(said) and said.startswith(f"converting {spelt(name)}: ")
    with nengo.Network(seed=0) as net:
        x = nengo.Node(np.ones(2))
        some = {"gain": np.ones(4), "bias": np.ones(4), "neuron_type": nengo.LIF()}
        a, b = (nengo.Ensemble(4, 1, label=label, **some) for label in ("a", name))
        nengo.Connection(x, a.neurons, transform=np.ones((4, 2)), synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((4, 4)))
    build_loihi_network(net, ne.trace_topology(net), [])
    records = [record.getMessage() for record in caplog.records]
    assert all(map(str.isprintable, records))
    assert f"comparing the network with {spelt(name)}" in records
    assert any(record.startswith(f"{spelt(name)}: blocks") for record in records)
