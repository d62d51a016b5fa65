"""Ledger, its comparison with an estimate and its costs -> frames and text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Sequence

import numpy as np

from ..common.sums import sum_by_key
from ..common.tables import format_bullets, format_si, format_table, plural, wrap
from ..common.vital_signs import format_alerts
from .comparison import COMPARED, OTHER_SYNOPS, STORED_ZEROS

if TYPE_CHECKING:
    import pandas

    from .comparison import EnergyDifference, LedgerComparison
    from .core_load import CoreLoad
    from .costs import LedgerCosts
    from .ledger import Ledger

ROUNDED_AWAY = 1e-9
"""Share of an energy below which a difference is one of rounding."""

_HAPPENED = ("updates_active", "synops", "spikes", "messages_out")


def ledger_frame(ledger: Ledger) -> pandas.DataFrame:
    """Return one row per core, with totals over all inferences.

    Columns are the fields of `nengo_energy.loihi.CoreLoad`, the share of synapse memory
    in use, and for each placement the tile and the hops of the messages that leave:
    ``"column (greedy)"``, ``"row (greedy)"``, ``"hops (greedy)"``, and the same for
    ``row-major``.
    """
    import pandas as pd

    frame = pd.DataFrame([asdict(core) for core in ledger.cores])
    frame["synapse_share"] = [core.synapse_share for core in ledger.cores]
    for name, placement in ledger.placements.items():
        frame[f"column ({name})"] = placement.columns
        frame[f"row ({name})"] = placement.rows
        across, along = placement.hops(ledger.messages)
        frame[f"hops_east_west ({name})"] = across
        frame[f"hops_north_south ({name})"] = along
    return frame


def format_ledger(ledger: Ledger) -> str:
    """Return a ledger as text: by layer, in total, and what to look at."""
    blocks = format_alerts(ledger.alerts)
    blocks += [format_layers(ledger), _summary(ledger)]
    warnings = _warnings(ledger)
    if warnings:
        blocks.append(format_bullets("To look at", warnings))
    sentences = (str(assumption) for assumption in ledger.assumptions)
    blocks.append(format_bullets("Assumptions", sentences))
    return "\n\n".join(blocks)


def format_deployment(ledger: Ledger, differences: Sequence[EnergyDifference]) -> str:
    """Return in few lines how a network lies on the chip, and what that changes.

    Parameters
    ----------
    ledger : Ledger
        The deployment.
    differences : sequence of EnergyDifference
        What leads from the energies of an estimate to those of the ledger.
    """
    lines = [headline(ledger)]
    for found in differences:
        why = ", ".join(f"{what} {_signed(energy)}" for what, energy in _largest(found))
        lines.append(energy_pair(found) + (f" ({why})." if why else "."))
    return "\n".join(wrap(line) for line in lines)


def energy_pair(found: EnergyDifference) -> str:
    """Return both energies in words."""
    return (
        f"{found.device}: {format_si(found.estimate, 'J')} by the estimate, "
        f"{format_si(found.ledger, 'J')} by the ledger"
    )


def _largest(found: EnergyDifference) -> list[tuple[str, float]]:
    """Return the two steps that matter most, those of synops as one.

    Weights that are rounded to zero are zeros that the chip stores, and synops of an
    estimate that it lacks: two steps that cancel.
    """
    steps: dict[str, float] = {}
    for what, energy in found.steps:
        key = "synops" if what in (STORED_ZEROS, OTHER_SYNOPS) else what
        steps[key] = steps.get(key, 0.0) + energy
    least = ROUNDED_AWAY * max(found.estimate, found.ledger)
    large = [step for step in steps.items() if abs(step[1]) > least]
    return sorted(large, key=lambda step: -abs(step[1]))[:2]


def headline(ledger: Ledger) -> str:
    """Return in a line how a network lies on the chip."""
    on_host = ", ".join(sorted(ledger.on_host))
    with_host = f"; the host runs {on_host}" if on_host else ""
    fits = "" if ledger.fits else ", more than one has"
    return (
        f"Loihi: {plural(ledger.n_cores, 'core')} on "
        f"{plural(ledger.n_chips, 'chip')}{fits}{with_host}."
    )


def format_layers(ledger: Ledger) -> str:
    """Return a ledger by layer.

    Numbers of what happens are per inference, numbers of what is used are the largest
    of any core.
    """
    header = [
        ["", "", "neurons", "in", "out", "memory", "updates", "", "", "messages"],
        ["layer", "cores", "", "axons", "axons", "%", "active", "synops", "spikes", ""],
    ]
    body = []
    for layer in dict.fromkeys(core.layer for core in ledger.cores):
        cores = [core for core in ledger.cores if core.layer == layer]
        body.append(
            [
                layer,
                str(len(cores)),
                str(sum(core.compartments for core in cores)),
                str(max(core.in_axons for core in cores)),
                str(max(core.out_axons for core in cores)),
                f"{100 * max(core.synapse_share for core in cores):.0f}",
                *(
                    _mean(sum(getattr(core, q) for core in cores), ledger.n_inferences)
                    for q in _HAPPENED
                ),
            ]
        )
    n_neurons = str(ledger.total("compartments"))
    totals = [_mean(ledger.total(q), ledger.n_inferences) for q in _HAPPENED]
    footer = [["total", str(ledger.n_cores), n_neurons, "", "", "", *totals]]
    return format_table(header, body, footer)


def _summary(ledger: Ledger) -> str:
    n = ledger.n_inferences
    cores, chips = plural(ledger.n_cores, "core"), plural(ledger.n_chips, "chip")
    fits = "fits on one chip" if ledger.fits else "doesn't fit on one chip"
    lines = [
        f"{cores} on {chips} ({fits}); spikes by {ledger.simulator}, "
        f"{plural(n, 'inference')} of {ledger.timesteps} timesteps",
        f"neuron updates: {_mean(ledger.neuron_updates, n)} per inference, of which "
        f"{_mean(ledger.total('updates_active'), n)} with a spike",
        f"synops: {_mean(ledger.synops, n)} per inference, of which "
        f"{_mean(ledger.total('zero_synops'), n)} read a zero",
        f"from host to chip: {_mean(ledger.total('messages_from_host'), n)} messages; "
        f"from chip to host: {_mean(ledger.total('spikes_to_host'), n)} spikes",
    ]
    for name in ledger.placements:
        across, along = ledger.hops(name)
        lines.append(
            f"hops, placed {name}: {_mean(across + along, n)} per inference "
            f"({_mean(across, n)} east or west, {_mean(along, n)} north or south)"
        )
    crossing = _between_chips(ledger)
    if ledger.n_chips > 1:
        lines.append(f"between chips: {_mean(crossing, n)} messages per inference")
    return "\n".join(lines)


def _warnings(ledger: Ledger) -> list[str]:
    found = []
    for layer, n in _layers_that(ledger.cores, "saturated").items():
        found.append(f"{layer}: {n} neurons fire as fast as they can, once a timestep")
    for layer, n in _layers_that(ledger.cores, "overflows").items():
        found.append(f"{layer}: inputs or currents exceeded their bits {n} times")
    lost: dict[str, int] = {}
    for core in ledger.cores:
        lost[core.layer] = max(lost.get(core.layer, 0), core.lost_bits)
    for layer, n_bits in lost.items():
        if n_bits:
            found.append(
                f"{layer}: weights keep {8 - n_bits} of 8 bits on some core, since "
                "thresholds or biases are large beside them"
            )
    return found


def _between_chips(ledger: Ledger) -> int:
    chips = np.array([core.chip for core in ledger.cores])
    return int(ledger.messages[chips[:, None] != chips[None, :]].sum())


def _mean(total: int, n: int) -> str:
    mean = total / n
    return f"{mean:,.0f}" if mean >= 100 or mean == int(mean) else f"{mean:,.1f}"


def _layers_that(cores: Sequence[CoreLoad], quantity: str) -> dict[str, int]:
    """Sum a quantity by layer, where it isn't zero."""
    found = sum_by_key((core.layer, getattr(core, quantity)) for core in cores)
    return {layer: value for layer, value in found.items() if value}


def comparison_frame(comparison: LedgerComparison) -> pandas.DataFrame:
    """Return one row per layer and operation, counts per inference."""
    import pandas as pd

    rows = [{**asdict(row), "difference": row.difference} for row in comparison.rows]
    columns = ["layer", "operation", "estimate", "ledger", "pending", "difference"]
    columns.append("note")
    return pd.DataFrame(rows, columns=columns)


def format_comparison(comparison: LedgerComparison) -> str:
    """Return an estimate beside a ledger, by layer and in total."""
    header = [["layer, operation", "estimate", "ledger", "pending", "difference"]]
    body = [
        [
            f"{row.layer}, {row.operation}",
            *(f"{n:,.1f}" for n in (row.estimate, row.ledger, row.pending)),
            f"{row.difference:+,.1f}",
        ]
        for row in comparison.rows
        if not row.note
    ]
    footer, shares = [], []
    for operation in COMPARED:
        numbers = comparison.total(operation)
        difference = numbers[1] + numbers[2] - numbers[0]
        cells = [f"{n:,.1f}" for n in numbers]
        footer.append([f"on the chip, {operation}", *cells, f"{difference:+,.1f}"])
        if numbers[0]:
            shares.append(f"{operation} {difference / numbers[0]:+.2%}")
    title = (
        f"Counts per inference: estimate by {comparison.estimated_on}, ledger by "
        f"{comparison.accounted_on}, and what was on its way at the end"
    )
    parts = [title, format_table(header, body, footer)]
    if shares:
        parts.append("difference: " + ", ".join(shares))
    aside = [
        f"{row.layer}, {row.operation}: {row.estimate:,.1f} of the estimate, {row.note}"
        for row in comparison.rows
        if row.note
    ]
    if aside:
        parts.append(format_bullets("Not on the chip", aside))
    if comparison.notes:
        parts.append(format_bullets("What sets them apart", comparison.notes))
    return "\n\n".join(parts)


def format_energy_difference(found: EnergyDifference) -> str:
    """Return the way from an estimate's energy to a ledger's, step by step."""
    least = ROUNDED_AWAY * max(found.estimate, found.ledger)
    steps = [(what, energy) for what, energy in found.steps if abs(energy) > least]
    body = [
        ["estimate", format_si(found.estimate, "J")],
        *([what, _signed(energy)] for what, energy in steps),
    ]
    footer = [["ledger", format_si(found.ledger, "J")]]
    header = [[f"{found.device}, per inference", "energy"]]
    parts = [format_table(header, body, footer)]
    if found.notes:
        parts.append(format_bullets("What sets them apart", found.notes))
    return "\n\n".join(parts)


def _signed(energy: float) -> str:
    return ("+" if energy > 0 else "-") + format_si(abs(energy), "J")


def costs_frame(costs: LedgerCosts) -> pandas.DataFrame:
    """Return one row per device and pace; ``attrs["units"]`` has the units."""
    import pandas as pd

    derived = ("energy", "power", "edp")
    frame = pd.DataFrame(
        [
            {**asdict(r), **{name: getattr(r, name) for name in derived}}
            for r in costs.rows
        ]
    )
    joules = ("dynamic", "static_cores", "static_chips", "energy")
    units = {**dict.fromkeys(joules, "J/inf"), "latency": "s", "power": "W"}
    frame.attrs["units"] = {**units, "edp": "J s"}
    return frame


def format_costs(costs: LedgerCosts) -> str:
    """Return what an inference costs, by device and pace."""
    header = [
        ["", "", "dynamic", "static", "static", "energy", "latency", "power", "EDP"],
        ["device", "pace", "", "of cores", "of chips", "", "", "", ""],
    ]
    body = [
        [
            row.device,
            row.pace,
            *(
                format_si(value, "J")
                for value in (
                    row.dynamic,
                    row.static_cores,
                    row.static_chips,
                    row.energy,
                )
            ),
            format_si(row.latency, "s"),
            format_si(row.power, "W"),
            format_si(row.edp, "J s"),
        ]
        for row in costs.rows
    ]
    title = f"Per inference, cores placed {costs.placement}"
    note = (
        "energy: dynamic + static of whole chips, what of it is known. Latency is that "
        "of the busiest core of each timestep; of the mean timestep, a floor, where "
        "timesteps weren't followed. The host's link isn't priced."
    )
    table = format_table(header, body)
    return "\n\n".join([title, table, wrap(note)])
