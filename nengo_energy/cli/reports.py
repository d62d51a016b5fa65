"""The commands ``report`` and ``diff``: what to do with saved estimates."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path
from typing import Any

from .options import add_command, choice, number, switch, word
from .preparing import print_csv

BEYOND_TOLERANCE = 3
"""What ``diff`` exits with where energy or latency changed too much."""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser's."""
    add_command(
        commands,
        _report,
        "report",
        "show a saved estimate in another format",
        [
            word("file", "FILE.json", "what EnergyEstimate.to_json wrote"),
            word(
                "--format",
                "FORMAT",
                "table, csv, json, markdown, latex or html "
                "(default: by the ending of OUTPUT, else table)",
            ),
            word("--output", "OUTPUT", "file to write (default: standard output)"),
            switch("--open", "show the page in the browser; writes report.html"),
            switch("-v --verbose", "print all notes of a table as well"),
        ],
        epilog="example: nengo-energy report estimate.json --output report.html",
    )
    add_command(
        commands,
        _diff,
        "diff",
        "show what changed between two saved estimates",
        [
            word("before", "BEFORE.json"),
            word("after", "AFTER.json"),
            number(
                "--tolerance",
                "share by which energy and latency may change, 0.05 for 5 %%",
                0.0,
                "SHARE",
                float,
                shown="0",
            ),
            choice("--format", ("table", "csv")),
        ],
        "Show what changed between two saved estimates, and exit with "
        f"{BEYOND_TOLERANCE} if a total, a latency or the set of devices changed by "
        "more than the tolerance.",
        epilog="example: nengo-energy diff before.json after.json --tolerance 0.05",
    )


def _report(options: argparse.Namespace) -> None:
    from ..common.file_output import check_writable, write_text
    from ..estimates.report import format_tables
    from ..estimates.serialization import load_estimate
    from .formats import choose_format, format_as

    if options.open and options.output is None:
        options.output = "report.html"
    name = choose_format(options.format, options.output)
    if options.output is not None:
        check_writable(options.output)
    estimate = load_estimate(options.file)
    text = format_as(estimate, name)
    if name == "table" and options.verbose:
        text = f"{format_tables(estimate)}\n\n{estimate.notes()}"
    if options.output is None:
        print(text.rstrip("\n"))
        return
    write_text(options.output, text)
    if options.open:
        webbrowser.open(Path(options.output).resolve().as_uri())


def _diff(options: argparse.Namespace) -> int:
    from ..estimates.differences import diff

    found = diff(options.before, options.after, tolerance=options.tolerance)
    if options.format == "csv":
        print_csv(found.to_frame())
    else:
        print(found)
    return BEYOND_TOLERANCE if found.exceeds() else 0
