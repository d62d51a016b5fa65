"""What a result takes for granted: a short code and a sentence for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable


@dataclass(frozen=True)
class Assumption:
    """Something that a stage took for granted.

    Attributes
    ----------
    code : str
        Short name, the same in every report, e.g. ``"input-on-host"``.
    text : str
        One sentence for the reader of the report.
    """

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


def merge_assumptions(*groups: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Join groups of assumptions in order, each sentence once."""
    return tuple(dict.fromkeys(a for group in groups for a in group))
