"""Prepared networks -> text: how they lie on cores, and what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from ..common.tables import format_bullets, format_table
from .chip import CORES_PER_CHIP

if TYPE_CHECKING:
    from ..activity.on_loihi.changes import Change
    from .prepared import LoihiNetwork

BITS_PER_KIB = 8 * 1024


def format_network(prepared: LoihiNetwork) -> str:
    """Return how a network lies on cores, whether it fits, and what was changed."""
    header = [
        ["", "", "", "", "neurons", "in axons", "out axons", "memory"],
        ["layer", "shape", "block", "cores", "per core", "per core", "per core", "KiB"],
    ]
    body = [
        [
            plan.layer,
            _times(plan.partition.shape),
            _times(plan.partition.block),
            str(plan.n_cores),
            str(int(plan.partition.sizes.max())),
            str(int(plan.in_axons.max())),
            str(int(plan.out_axons.max())),
            f"{plan.synapse_bits.max() / BITS_PER_KIB:.1f}",
        ]
        for plan in prepared.plans.values()
    ]
    footer = [["total", "", "", str(prepared.n_cores), "", "", "", ""]]
    parts = [format_table(header, body, footer), verdict(prepared)]
    if prepared.checks:
        parts.append(format_bullets("To look at", map(str, prepared.checks)))
    if prepared.changes:
        words = changes_in_words(prepared.changes)
        parts.append(format_bullets("Changed for the chip", words))
    return "\n\n".join(parts)


def changes_in_words(changes: Sequence[Change]) -> list[str]:
    """Return a sentence for each kind of change, with the layers it was made to."""
    layers: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        layers.setdefault((change.what, change.why), []).append(change.layer)
    return [
        f"{', '.join(dict.fromkeys(names))}: {what}; {why}"
        for (what, why), names in layers.items()
    ]


def verdict(prepared: LoihiNetwork) -> str:
    """Return whether a network fits, and what is to be done if it doesn't."""
    if prepared.fits:
        return f"Fits on one chip: {prepared.n_cores} of {CORES_PER_CHIP} cores."
    lines = [
        f"Doesn't fit on one chip: {prepared.n_cores} cores are "
        f"{prepared.n_cores - CORES_PER_CHIP} more than its {CORES_PER_CHIP}; "
        f"{prepared.n_chips} chips hold them."
    ]
    lines += [
        f"Layer {plan.layer!r} alone needs {plan.n_cores} cores, "
        f"{plan.n_cores - CORES_PER_CHIP} more than a chip has: {plan.n_chips} chips."
        for plan in prepared.plans.values()
        if plan.n_chips > 1
    ]
    return "\n".join(lines)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
