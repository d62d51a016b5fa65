"""EnergyEstimate -> CSV, Markdown, LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Mapping, Sequence

from ..common.plain_text import plain_csv, plain_line
from ..common.tables import NOTHING, common_prefix, format_digits
from .ranking import known_interval, said_of_left_out
from .report import (
    energies_by_layer,
    estimate_frame,
    estimate_title,
    remarks,
)

if TYPE_CHECKING:
    from .estimate import EnergyEstimate

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{mark: f"{{{mark}}}" for mark in "[]*"},  # after the end of a row: its options
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|~&])")

_IN_CAPTION: Mapping[str, str] = {
    "model": "model {}",
    "scale_firing_rates": "firing rates scaled by {}",
    "synapse": "synapse {} s",
    "seed": "seed {}",
}
"""Settings that captions name, besides those of the title."""


def estimate_to_csv(estimate: EnergyEstimate) -> str:
    """Return the rows of an estimate as comma-separated values.

    Columns are those of `EnergyEstimate.to_frame`, in SI units; numbers have all their
    digits.
    """
    return plain_csv(estimate_frame(estimate))


def estimate_to_markdown(estimate: EnergyEstimate) -> str:
    """Return the energies of layers on devices as a table in Markdown.

    Parameters
    ----------
    estimate : EnergyEstimate
        What to write. Each column has the unit of its total; below the table follow
        what is not modelled, and the assumptions.
    """
    table = _UnitTable(estimate, "µ")
    lines = [_markdown(describe(estimate)), ""]
    lines.append(_markdown_row(map(_markdown, table.header)))
    lines.append(_markdown_row(["---", *["---:"] * len(estimate.devices)]))
    rows = (*table.body, *table.footer)
    lines += [_markdown_row(map(_markdown, row)) for row in rows]
    for heading, sentences in remarks(estimate).items():
        lines += ["", f"**{heading}**", ""]
        lines += [f"- {_markdown(sentence)}" for sentence in sentences]
    return "\n".join(lines) + "\n"


def estimate_to_latex(
    estimate: EnergyEstimate, *, caption: str | None = None, label: str = "tab:energy"
) -> str:
    """Return layers x devices as a table in LaTeX; see `EnergyEstimate.to_latex`.

    It needs the package booktabs. What is not modelled, the assumptions and the
    versions of packages stand above it in comments.
    """
    if caption is None:
        caption = " ".join([describe(estimate), *said_of_left_out(estimate)])
    table = _UnitTable(estimate, r"$\mu$")
    comments = [f"{key}: {value}" for key, value in estimate.settings.items()]
    for heading, sentences in remarks(estimate).items():
        comments += [f"{heading}:", *(f"- {sentence}" for sentence in sentences)]
    lines = [f"% {_one_line(comment)}" for comment in comments]
    lines += [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_latex(caption)}}}",
        rf"  \label{{{label}}}",
        rf"  \begin{{tabular}}{{l{'r' * len(estimate.devices)}}}",
        r"    \toprule",
        _latex_row(map(_latex, ["layer", *estimate.devices])),
        _latex_row(["", *(f"[{unit}]" for unit in table.units)]),
        r"    \midrule",
        *(
            _latex_row([_latex(row[0]), *map(_latex_number, row[1:])])
            for row in table.body
        ),
        r"    \midrule",
        *(
            _latex_row([_latex(row[0]), *map(_latex_number, row[1:])])
            for row in table.numbers
        ),
        *(_latex_row(map(_latex, row)) for row in table.words),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def describe(estimate: EnergyEstimate) -> str:
    """Return what a table shows, and the settings it was made with."""
    settings = estimate.settings
    said = [
        words.format(_short(settings[key]))
        for key, words in _IN_CAPTION.items()
        if settings.get(key) is not None
    ]
    said += [
        f"{model.name} at {model.operating_point}"
        for model in estimate.models
        if model.operating_points
    ]
    title = estimate_title(estimate)
    return f"{title}: {', '.join(said)}." if said else f"{title}."


class _UnitTable:
    """Layers down, devices across, each column in the unit of its total."""

    def __init__(self, estimate: EnergyEstimate, micro: str):
        labels, cells = energies_by_layer(estimate)
        totals = [estimate.total(name) for name in estimate.devices]
        scales = [common_prefix(total) for total in totals]
        self.units = [f"{micro if p == 'u' else p}J" for _, p in scales]
        self.header = [
            "layer",
            *(f"{n} [{u}]" for n, u in zip(estimate.devices, self.units)),
        ]
        powers = [power for power, _ in scales]
        self.body = [
            [
                label,
                *(
                    _in_unit(cells[name].get(label), power)
                    for name, power in zip(estimate.devices, powers)
                ),
            ]
            for label in labels
        ]
        self.numbers = [["total", *map(_in_unit, totals, powers)]]
        intervals = [known_interval(estimate, name) for name in estimate.devices]
        if any(intervals):
            for i, end in enumerate(("low", "high")):
                ends = [None if r is None else r[i] for r in intervals]
                self.numbers.append([end, *map(_in_unit, ends, powers)])
        self.words = [["evidence", *(", ".join(m.evidence) for m in estimate.models)]]
        self.footer = self.numbers + self.words


def _in_unit(value: float | None, power: int) -> str:
    return NOTHING if value is None else format_digits(value / 10.0**power)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(value)


def _one_line(text: str) -> str:
    return plain_line(" ".join(text.split()))


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _one_line(text))


def _markdown_row(cells: Sequence[str] | map[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(mark, mark) for mark in _one_line(text))


def _latex_number(text: str) -> str:
    """Return a number as LaTeX sets it: ``1.23e-5`` as a power of ten."""
    if text == NOTHING:
        return "--"
    mantissa, _, exponent = text.partition("e")
    return rf"${mantissa} \times 10^{{{exponent}}}$" if exponent else mantissa


def _latex_row(cells: Sequence[str] | map[str]) -> str:
    return rf"    {' & '.join(cells)} \\"
