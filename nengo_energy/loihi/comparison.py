"""The counts of an estimate beside those of a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Iterator

from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..counts import Deployment, OpCounts
from ..estimates.estimate import DeviceLike, EnergyEstimate

if TYPE_CHECKING:
    import pandas

    from .ledger import Ledger

COMPARED = ("synop", "neuron_update_active", "neuron_update_inactive")

ON_HOST = "runs on the host"
READ_BY_HOST = "read out by the host"

STORED_ZEROS = "stored zeros that spikes read"
OTHER_SYNOPS = "other synops"

LEAST_SHARE = 0.01
"""Share of a layer's synops that zeros must exceed to be worth a word."""


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


@dataclass(frozen=True, repr=False)
class LedgerComparison(Shown):
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


@dataclass(frozen=True, repr=False)
class EnergyDifference(Shown):
    """What leads from the energy of an estimate to that of a ledger.

    Attributes
    ----------
    device : str
        Name of the device.
    estimate, ledger : float
        Energies of the device [J per inference], the host's left out.
    steps : tuple of (str, float)
        What sets them apart, and by how much [J]; they add up to the difference.
    notes : tuple of str
        What else is to be said of them.
    """

    device: str
    estimate: float
    ledger: float
    steps: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]

    def _headline(self) -> str:
        from .report import energy_pair

        return energy_pair(self)

    def __str__(self) -> str:
        from .report import format_energy_difference

        return format_energy_difference(self)


def compare_counts(ledger: Ledger, estimate: OpCounts) -> LedgerComparison:
    """Put the counts of an estimate beside those of a ledger."""
    on_chip = {row.layer for row in ledger.rows if row.where == "device"}
    found: dict[tuple[str, str], list[float]] = {}
    estimated_rows = estimate.deployed().select("event")
    on_device = {row.layer for row in estimated_rows}
    # of layers that the host runs, what devices that run them all are charged
    elsewhere = [r for r in estimate.select("event") if r.layer not in on_device]
    estimated_rows += tuple(elsewhere)
    for k, rows in enumerate((estimated_rows, ledger.rows)):
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
    notes = [*_placements(ledger, estimate.deployment), *stored_zeros(ledger)]
    if estimated_on != ledger.simulator:
        notes += [note.text for note in ledger.notes]
    return LedgerComparison(
        tuple(compared), estimated_on, ledger.simulator, tuple(notes)
    )


def explain_energy(
    ledger: Ledger, estimate: OpCounts, device: DeviceLike
) -> EnergyDifference:
    """Lead from the energy of an estimate to that of a ledger; see `Ledger.explain`."""
    from ..pricing.energy import estimate_energy

    compared = compare_counts(ledger, estimate)
    estimated, accounted = estimate_energy(estimate, device), ledger.estimate(device)
    before, after = _by_layer(estimated), _by_layer(accounted)
    price = _mean_price(before, estimate.deployed())
    stored = _mean_price(after, ledger.counts())
    zeros = {
        layer: stored * n / ledger.n_inferences
        for layer, n in ledger.by_layer("zero_synops").items()
    }
    # spikes on their way would have read as many zeros as those that arrived
    useful = 1 - ledger.total("zero_synops") / max(1, ledger.synops)
    rows = [row for row in compared.rows if row.operation == "synop"]
    steps = {
        "readout, which the host does": -price
        * sum(row.estimate for row in rows if row.note == READ_BY_HOST),
        STORED_ZEROS: sum(zeros.values()),
        "synops on their way at the end": -price
        * useful
        * sum(row.pending for row in rows),
    }
    change = {
        key: after.get(key, 0.0) - before.get(key, 0.0) for key in {**before, **after}
    }
    on_host = estimate.deployment.on_host if estimate.deployment else frozenset()
    for layer in sorted(on_host ^ ledger.on_host):
        place = "ledger" if layer in on_host else "estimate"
        moved = sum(change.pop(key) for key in list(change) if key[0] == layer)
        steps[f"{layer}, on the chip in the {place} alone"] = moved - zeros.get(
            layer, 0.0
        )
    rest = sum_by_key(
        (_WORDS.get(operation, operation), energy)
        for (_, operation), energy in change.items()
    )
    total = sum(after.values()) - sum(before.values())
    rest[OTHER_SYNOPS] = 0.0
    rest[OTHER_SYNOPS] = total - sum(steps.values()) - sum(rest.values())
    return EnergyDifference(
        device=estimated.models[0].name,
        estimate=sum(before.values()),
        ledger=sum(after.values()),
        steps=tuple({**steps, **rest}.items()),
        notes=compared.notes,
    )


_WORDS = {
    "synop": OTHER_SYNOPS,
    "neuron_update_active": "neuron updates",
    "neuron_update_inactive": "neuron updates",
    "static": "static power, as the ledger knows the time",
}


def _by_layer(found: EnergyEstimate) -> dict[tuple[str, str], float]:
    """Return the energy of the device itself by layer and operation [J]."""
    return sum_by_key(
        ((row.layer, row.operation), row.energy)
        for row in found.rows
        if row.where == "device"
    )


def _mean_price(energies: dict[tuple[str, str], float], counts: OpCounts) -> float:
    """Return the energy of a mean synop [J]."""
    rows = [row for row in counts.select("event") if row.operation == "synop"]
    n_synops = sum(row.mean for row in rows)
    total = sum(e for (_, operation), e in energies.items() if operation == "synop")
    return total / n_synops if n_synops else 0.0


def _placements(ledger: Ledger, deployment: Deployment | None) -> Iterator[str]:
    """Yield which layers the two have on the host."""
    if deployment is None:
        return
    both = ledger.on_host & deployment.on_host
    if both:
        yield f"{', '.join(sorted(both))}: on the host in both"
    for names, here, there in (
        (deployment.on_host - ledger.on_host, "estimate", "ledger"),
        (ledger.on_host - deployment.on_host, "ledger", "estimate"),
    ):
        if names:
            yield (
                f"{', '.join(sorted(names))}: on the host in the {here}, on the chip "
                f"in the {there}; on_host= places them alike"
            )


def stored_zeros(ledger: Ledger) -> Iterator[str]:
    """Yield how many synops of a layer read a zero, where they are worth a word.

    The chip reads all weights that it stores for a spike; an estimate counts those that
    aren't zero.
    """
    synops, zeros = (
        ledger.by_layer(quantity) for quantity in ("synops", "zero_synops")
    )
    for layer, n_zeros in zeros.items():
        if n_zeros > LEAST_SHARE * synops[layer]:
            cores = [core for core in ledger.cores if core.layer == layer]
            largest = max(core.compartments for core in cores)
            blocks = f"{len(cores)} block" + "s" * (len(cores) > 1)
            yield (
                f"{layer}: {n_zeros / ledger.n_inferences:,.0f} of "
                f"{synops[layer] / ledger.n_inferences:,.0f} synops read a zero, as it "
                f"is stored in {blocks} of up to {largest} neurons"
            )
