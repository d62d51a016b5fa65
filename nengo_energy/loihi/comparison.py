"""The counts of an estimate beside those of a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..counts import OpCounts

if TYPE_CHECKING:
    import pandas

    from .ledger import Ledger

COMPARED = ("synop", "neuron_update_active", "neuron_update_inactive")

ON_HOST = "runs on the host"
READ_BY_HOST = "read out by the host"


@dataclass(frozen=True)
class ComparedCount:
    """One operation of one layer in both.

    Attributes
    ----------
    layer, operation : str
        What was counted.
    estimate, ledger : float
        Counts per inference.
    pending : float
        What spikes that were on their way at the end of an inference add a timestep
        later; an estimate counts them with the rest.
    note : str
        Why one of the two has nothing, if so.
    """

    layer: str
    operation: str
    estimate: float
    ledger: float
    pending: float = 0.0
    note: str = ""

    @property
    def difference(self) -> float:
        """Ledger and what is pending minus estimate, per inference."""
        return self.ledger + self.pending - self.estimate


@dataclass(frozen=True)
class LedgerComparison:
    """An estimate's counts beside a ledger's.

    Attributes
    ----------
    rows : tuple of ComparedCount
        By layer and operation.
    estimated_on, accounted_on : str
        Simulators whose spikes the two counted.
    notes : tuple of str
        What else sets the two apart.
    """

    rows: tuple[ComparedCount, ...]
    estimated_on: str
    accounted_on: str
    notes: tuple[str, ...] = ()

    def total(self, operation: str) -> tuple[float, float, float]:
        """Return estimate, ledger and pending of an operation on the chip."""
        rows = [r for r in self.rows if r.operation == operation and not r.note]
        return (
            sum(r.estimate for r in rows),
            sum(r.ledger for r in rows),
            sum(r.pending for r in rows),
        )

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per layer and operation."""
        from .report import comparison_frame

        return comparison_frame(self)

    def __str__(self) -> str:
        from .report import format_comparison

        return format_comparison(self)


def compare_counts(ledger: Ledger, estimate: OpCounts) -> LedgerComparison:
    """Put the counts of an estimate beside those of a ledger.

    Parameters
    ----------
    ledger : Ledger
        Counts of the real build.
    estimate : OpCounts
        Counts from topology and activity.
    """
    on_chip = {row.layer for row in ledger.rows if row.where == "device"}
    found: dict[tuple[str, str], list[float]] = {}
    for k, rows in enumerate((estimate.select("event"), ledger.rows)):
        for row in rows:
            if row.operation in COMPARED and row.where == "device":
                pair = found.setdefault((row.layer, row.operation), [0.0, 0.0])
                pair[k] += row.mean
    compared = []
    for (layer, operation), (estimated, accounted) in found.items():
        note = ""
        if layer not in on_chip:
            note = READ_BY_HOST if operation == "synop" else ON_HOST
        late = ledger.pending.get(layer, 0) / ledger.n_inferences
        pending = late if operation == "synop" else 0.0
        compared.append(
            ComparedCount(
                layer=layer,
                operation=operation,
                estimate=estimated,
                ledger=accounted,
                pending=pending,
                note=note,
            )
        )
    estimated_on = str(estimate.settings.get("simulator", "unknown"))
    found_apart = []
    if estimated_on != ledger.simulator:
        found_apart = [note.text for note in ledger.notes]
    return LedgerComparison(
        tuple(compared), estimated_on, ledger.simulator, tuple(found_apart)
    )
