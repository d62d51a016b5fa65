"""The commands on saved estimates: what they print where, and the exit code."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest
from report_examples import make_estimate

import nengo_energy as ne
from nengo_energy.cli import options, program as cli
from nengo_energy.cli.formats import FORMATS
from nengo_energy.cli.reports import BEYOND_TOLERANCE


@pytest.fixture(scope="module")
def estimate():
    return make_estimate()


@pytest.fixture
def saved(estimate, tmp_path):
    estimate.to_json(tmp_path / "a.json")
    return str(tmp_path / "a.json")


@pytest.fixture
def dearer(estimate, tmp_path):
    """The same, but for a synop of the chip that costs 20 % more."""
    data = json.loads(estimate.to_json())
    for row in data["rows"]:
        if (row["device"], row["operation"]) == ("twin", "synop"):
            row["energy"] *= 1.2
    (tmp_path / "b.json").write_text(json.dumps(data))
    return str(tmp_path / "b.json")


@pytest.mark.parametrize("name", FORMATS)
def test_report_in_every_format(name, estimate, saved, capsys):
    assert cli.main(["report", saved, "--format", name]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.rstrip("\n") == FORMATS[name](estimate).rstrip("\n")


def test_estimate_offers_every_format():
    """The options name them, as importing the formats would take long."""
    assert options.ESTIMATE_FORMATS == tuple(FORMATS)
    assert set(options.RESULT_FORMATS) < set(FORMATS)


def test_report_is_a_table_unless_told_otherwise(estimate, saved, capsys):
    assert cli.main(["report", saved]) == 0
    assert capsys.readouterr().out == f"{estimate}\n"


@pytest.mark.parametrize(
    "file, name",
    [
        ("a.html", "html"),
        ("a.csv", "csv"),
        ("b.json", "json"),
        ("a.md", "markdown"),
        ("a.tex", "latex"),
        ("a.txt", "table"),
    ],
)
def test_report_goes_by_the_ending(file, name, estimate, saved, tmp_path, capsys):
    assert cli.main(["report", saved, "--output", str(tmp_path / file)]) == 0
    assert capsys.readouterr() == ("", "")
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert text == FORMATS[name](estimate)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["report", "none.json"], "estimate file 'none.json' not found"),
        (["report", "{saved}", "--format", "pdf"], "format must be one of table, csv"),
        (["report", "{saved}", "--output", "a.pdf"], "ending must be one of .txt, .cs"),
        (["report", "{saved}", "--output", "no/a.html"], "there is no folder"),
        (["diff", "{saved}", "none.json"], "estimate file 'none.json' not found"),
        (["diff", "{saved}", "{saved}", "--tolerance", "-1"], "tolerance must be a nu"),
    ],
)
def test_errors_of_the_users_are_one_line(arguments, message, saved, capsys):
    arguments = [word.format(saved=saved) for word in arguments]
    assert cli.main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nengo-energy: ") and message in err
    assert err.count("\n") == 1


def test_diff_of_the_same(saved, capsys):
    assert cli.main(["diff", saved, saved]) == 0
    assert capsys.readouterr() == ("Nothing changed.\n", "")


@pytest.mark.parametrize(
    "tolerance, code",
    [("0", BEYOND_TOLERANCE), ("0.005", BEYOND_TOLERANCE), ("0.02", 0)],
)
def test_diff_guards_totals(tolerance, code, saved, dearer, capsys):
    """Synops of the twin are 43 of its 943 uJ: 20 % of them are 0.9 % of the total."""
    assert cli.main(["diff", saved, dearer, "--tolerance", tolerance]) == code
    out, err = capsys.readouterr()
    assert err == ""
    assert out == f"{ne.diff(saved, dearer, tolerance=float(tolerance))}\n"
    assert "twin" in out and "+0.912 %" in out
    assert ("beyond" in out) is (code != 0)


def test_diff_as_csv(saved, dearer, capsys):
    cli.main(["diff", saved, dearer, "--format", "csv"])
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(frame["kind"]) == ["total", "row", "row"]
    assert frame["relative"].iloc[1] == pytest.approx(0.2)


@pytest.mark.parametrize("command", ["report", "diff"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert f"example: nengo-energy {command} " in capsys.readouterr().out
