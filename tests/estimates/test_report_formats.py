"""CSV, Markdown and LaTeX: read back by other readers, and added up again."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import pandas as pd
import pytest
from hypothesis import given, strategies as st
from priced import CHIP, COUNTS, TWIN

from nengo_energy.common.tables import common_prefix, format_digits, format_si
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device, Quantity
from nengo_energy.pricing.energy import estimate_energy

# from pandas 3 on the default is exact, and naming it is deprecated
EXACT = None if int(pd.__version__.split(".")[0]) >= 3 else "round_trip"
AWKWARD = "a_b|c & 100% #1 {x} ~^ \\ $*<i>`"


@pytest.fixture(scope="module")
def estimate():
    return estimate_energy(COUNTS, [CHIP, TWIN, "arm"], host="arm")


@pytest.fixture(scope="module")
def awkward():
    chip = Device(AWKWARD, "event", {"synop": Quantity(1e-12, "p")}, {"p": "A paper"})
    rows = (OpCount(AWKWARD, "synop", 7, 1),)
    return estimate_energy(OpCounts(rows, settings={"model": AWKWARD}), chip)


def test_csv_holds_the_frame_to_the_last_digit(estimate, tmp_path):
    estimate.to_csv(tmp_path / "rows.csv")
    for source in (tmp_path / "rows.csv", io.StringIO(estimate.to_csv())):
        read = pd.read_csv(source, keep_default_na=False, float_precision=EXACT)
        pd.testing.assert_frame_equal(read, estimate.to_frame(), check_exact=True)


def numbers(cells):
    return [float(cell) for cell in cells if cell not in ("-", "--", "")]


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines
    ]


def test_markdown_columns_add_up_in_their_unit(estimate, tmp_path):
    text = estimate.to_markdown()
    estimate.to_markdown(tmp_path / "table.md")
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == text
    header, rule, *rows = markdown_rows(text)
    # chip 901 uJ, of which 900 are the host's; twin 943 uJ; arm 9.46 uJ
    assert header == ["layer", "chip \\[µJ\\]", "twin \\[µJ\\]", "arm \\[µJ\\]"]
    assert rule == ["---", "---:", "---:", "---:"]
    table = {row[0]: row[1:] for row in rows}
    assert table["conv"] == ["0.851", "40.0", "8.55"]
    assert table["total"] == ["901", "943", "9.46"]
    # synops at half and at twice their price: 860 nJ less half, and more 860 nJ
    assert numbers(table["low"]) == [901] and numbers(table["high"]) == [902]
    assert table["evidence"] == ["user, measured", "user", "literature"]
    layers = list(table)[: list(table).index("total")]
    for i, name in enumerate(estimate.devices):
        total = sum(numbers([table[layer][i] for layer in layers]))
        assert total == pytest.approx(1e6 * estimate.total(name), rel=5e-3)


def test_markdown_says_what_is_left_out_and_assumed(estimate):
    text = estimate.to_markdown()
    assert text.startswith(
        "Energy per inference (50 timesteps of 1 ms, mean of 2 inferences, simulator "
        "nengo-dl, host arm)."
    )
    assert "**Not modelled**\n\n- " in text
    assert "- input-on-host: The host encodes the input." in text
    assert text.count("\n- ") == len(estimate.assumptions)


def test_markdown_escapes_its_marks(awkward):
    rows = markdown_rows(awkward.to_markdown())
    assert len({len(row) for row in rows}) == 1
    shown = re.sub(r"\\(.)", r"\1", rows[2][0])
    assert shown == AWKWARD


def test_latex_columns_add_up_in_their_unit(estimate, tmp_path):
    text = estimate.to_latex(label="tab:mine")
    estimate.to_latex(tmp_path / "table.tex", label="tab:mine")
    assert (tmp_path / "table.tex").read_text(encoding="utf-8") == text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [
        [cell.strip() for cell in line.rstrip(" \\").split("&")]
        for line in body.splitlines()
        if line.endswith(r"\\")
    ]
    assert rows[0] == ["layer", "chip", "twin", "arm"]
    assert rows[1] == ["", r"[$\mu$J]", r"[$\mu$J]", r"[$\mu$J]"]
    table = {row[0]: row[1:] for row in rows[2:]}
    assert table["total"] == ["901", "943", "9.46"]
    assert table["softmax"] == ["--", "--", "0.00900"]
    assert r"\begin{tabular}{lrrr}" in text
    assert r"\label{tab:mine}" in text
    assert r"\caption{Energy per inference (50 timesteps" in text


def test_latex_keeps_where_it_comes_from_in_comments(estimate):
    comments = [s for s in estimate.to_latex().splitlines() if s.startswith("%")]
    assert "% simulator: nengo-dl" in comments
    for assumption in estimate.assumptions:
        assert sum(assumption.text in line for line in comments) == 1


def test_latex_caption_of_the_users(awkward):
    text = awkward.to_latex(caption="100 % of it")
    assert r"\caption{100 \% of it}" in text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_is_set_by_latex(awkward, estimate, tmp_path):
    table = awkward.to_latex() + estimate.to_latex(label="tab:b")
    document = (
        "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage{booktabs}"
        f"\\begin{{document}}{table}\\end{{document}}"
    )
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:]


def test_captions_name_what_a_reader_needs():
    settings = {
        "model": "digits",
        "scale_firing_rates": {"conv": 200, "dense": 150},
        "synapse": 0.005,
        "seed": 3,
    }
    counts = OpCounts(COUNTS.rows, 50, 0.001, settings=settings)
    text = estimate_energy(counts, ["h100", CHIP]).to_markdown()
    said = text.splitlines()[0].replace("\\", "")
    assert said == (
        "Energy per inference (50 timesteps of 1 ms, mean of 2 inferences): model "
        "digits, firing rates scaled by conv: 200, dense: 150, synapse 0.005 s, seed "
        "3, h100 at bf16."
    )


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (8.6, "8.60"),
        (765.4, "765"),
        (999.6, "1000"),
        (123456.0, "123000"),
        (1.234e6, "1.23e6"),
        (0.0090, "0.00900"),
        (1e-4, "0.000100"),
        (9.996e-5, "0.000100"),
        (1.234e-5, "1.23e-5"),
        (-2.5, "-2.50"),
    ],
)
def test_format_digits(value, text):
    assert format_digits(value) == text


@given(value=st.floats(1e-18, 1e11))
def test_the_common_prefix_is_that_of_format_si(value):
    power, prefix = common_prefix(value)
    number, unit = format_si(value, "J").split()
    assert unit == f"{prefix}J"
    assert float(number) * 10.0**power == pytest.approx(value, rel=6e-3)


def test_powers_of_ten_in_latex():
    prices = {"synop": Quantity(1e-12, "p")}
    chip = Device("chip", "event", prices, {"p": "A paper"})
    rows = (OpCount("big", "synop", 10**9, 1), OpCount("small", "synop", 12, 1))
    text = estimate_energy(OpCounts(rows), chip).to_latex()
    # 1 mJ is the unit; 12 pJ are 1.2e-8 of it
    assert r"small & $1.20 \times 10^{-8}$ \\" in text
