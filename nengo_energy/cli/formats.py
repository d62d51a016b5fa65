"""What an estimate can be printed or written as."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Mapping

from ..common.checks import check_choice
from ..common.file_output import PathLike
from ..estimates.estimate import EnergyEstimate
from ..estimates.formats import estimate_to_csv, estimate_to_latex, estimate_to_markdown
from ..estimates.serialization import estimate_to_json


def _html(estimate: EnergyEstimate) -> str:
    from ..pages.writing import format_report  # needs optional packages

    return format_report(estimate)


FORMATS: Mapping[str, Callable[[EnergyEstimate], str]] = {
    "table": str,
    "csv": estimate_to_csv,
    "json": estimate_to_json,
    "markdown": estimate_to_markdown,
    "latex": estimate_to_latex,
    "html": _html,
}
"""What an estimate can be written as."""

ENDINGS: Mapping[str, str] = {
    ".txt": "table",
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
}
"""The format that a file's ending stands for."""


def choose_format(name: str | None, path: PathLike | None = None) -> str:
    """Return a key of `FORMATS`: the one named, that of a file's ending, or a table.

    Parameters
    ----------
    name : str, optional
        Name of a format.
    path : str or path, optional
        File that is to be written.

    Raises
    ------
    InputError
        When there is no such format, or the ending stands for none.
    """
    if name is not None:
        return check_choice("format", name, tuple(FORMATS))
    if path is None:
        return "table"
    return ENDINGS[check_choice("the file's ending", Path(path).suffix, tuple(ENDINGS))]


def format_as(estimate: EnergyEstimate, name: str) -> str:
    """Return an estimate in one of `FORMATS`."""
    return FORMATS[name](estimate)
