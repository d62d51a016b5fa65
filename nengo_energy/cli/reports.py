"""The commands ``report`` and ``diff``: what to do with saved estimates."""

from __future__ import annotations

import argparse
from typing import Any

BEYOND_TOLERANCE = 3
"""What ``diff`` exits with where energy or latency changed too much."""


def add_commands(commands: Any) -> None:
    """Add ``report`` and ``diff`` to the parser's commands."""
    _add_report(commands)
    _add_diff(commands)


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report",
        help="show a saved estimate in another format",
        epilog="example: nengo-energy report estimate.json --output report.html",
    )
    report.add_argument(
        "file", metavar="FILE.json", help="what EnergyEstimate.to_json wrote"
    )
    report.add_argument(
        "--format",
        metavar="FORMAT",
        help="table, csv, json, markdown, latex or html "
        "(default: by the ending of OUTPUT, else table)",
    )
    report.add_argument(
        "--output", metavar="OUTPUT", help="file to write (default: standard output)"
    )
    report.set_defaults(command=_report)


def _add_diff(commands: Any) -> None:
    diff = commands.add_parser(
        "diff",
        help="show what changed between two saved estimates",
        description="Show what changed between two saved estimates, and exit with "
        f"{BEYOND_TOLERANCE} if a total, a latency or the set of devices changed by "
        "more than the tolerance.",
        epilog="example: nengo-energy diff before.json after.json --tolerance 0.05",
    )
    diff.add_argument("before", metavar="BEFORE.json")
    diff.add_argument("after", metavar="AFTER.json")
    diff.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share by which energy and latency may change, 0.05 for 5 %% (default: 0)",
    )
    diff.add_argument(
        "--format", choices=("table", "csv"), default="table", help="(default: table)"
    )
    diff.set_defaults(command=_diff)


def _report(options: argparse.Namespace) -> None:
    from ..common.file_output import check_writable, write_text
    from ..estimates.serialization import load_estimate
    from .formats import choose_format, format_as

    name = choose_format(options.format, options.output)
    if options.output is not None:
        check_writable(options.output)
    text = format_as(load_estimate(options.file), name)
    if options.output is None:
        print(text.rstrip("\n"))
    else:
        write_text(options.output, text)


def _diff(options: argparse.Namespace) -> int:
    from ..estimates.differences import diff

    found = diff(options.before, options.after, tolerance=options.tolerance)
    if options.format == "csv":
        print(found.to_frame().to_csv(index=False, lineterminator="\n"), end="")
    else:
        print(found)
    return BEYOND_TOLERANCE if found.exceeds() else 0
