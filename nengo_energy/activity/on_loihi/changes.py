"""What is changed of a network so that it goes onto the chip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One thing that was changed for the chip.

    Attributes
    ----------
    kind : str
        ``"biases"``, ``"pooling"``, ``"neurons"``, ``"merged"``, ``"slices"``,
        ``"host"`` or ``"blocks"``.
    layer : str
        What it was done to.
    what, why : str
        What was done, and the reason.
    """

    kind: str
    layer: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.what}; {self.why}"
