"""What a spiking network reads and writes of memory, beside its synops."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Iterator

from ..common.assumptions import Assumption
from ..common.sums import sum_by_key
from ..counts import OpCount, OpCounts
from ..devices.fields import BYTES, PER_BATCH
from ..estimates.rows import Moved

WORD_BYTES = 4
"""Bytes of a number at which they are counted, 32 bits; a device may have fewer."""

STATE_WORDS = 2
"""Numbers of a state that a change of it takes: one read, one written."""

OVERHEADS = (*PER_BATCH, *BYTES)
"""Operations that are no arithmetic, which few devices price."""

MEMORY_COUNTED = Assumption(
    "memory-counted",
    "Memory traffic of the spiking network is counted: a weight for each synop, and a "
    "state that is read and written for each synop and each neuron update. Devices "
    "that price synops as arithmetic alone price it; those of chips were measured or "
    "simulated with their memory.",
)


def with_memory(counts: OpCounts) -> OpCounts:
    """Return counts with the bytes that the spiking network moves.

    A synop reads a weight, and reads and writes what its neuron has added up; a neuron
    update reads and writes a state [1]_.

    Parameters
    ----------
    counts : OpCounts
        Of a spiking network.

    References
    ----------
    .. [1] E. Lemaire, L. Cordone, A. Castagnetti, P.-E. Novac, J. Courtois,
       B. Miramond, "An analytical estimation of spiking neural networks energy
       efficiency", ICONIP 2022, arXiv:2210.13107.
    """
    deployment = counts.deployment
    if deployment is not None:
        rows = (*deployment.rows, *_bytes(deployment.rows))
        deployment = replace(deployment, rows=rows)
    return replace(
        counts,
        rows=(*counts.rows, *_bytes(counts.rows)),
        deployment=deployment,
        assumptions=(*counts.assumptions, MEMORY_COUNTED),
    )


def _bytes(rows: Iterable[OpCount]) -> Iterator[OpCount]:
    """Yield the bytes of the weights and states of rows on the device."""
    for row in rows:
        if row.execution != "event" or row.where != "device":
            continue
        words = {}
        if row.operation == "synop":
            words = {"weight_byte": 1, "state_byte": STATE_WORDS}
        elif row.operation.startswith("neuron_update"):
            words = {"state_byte": STATE_WORDS}
        for operation, n in words.items():
            yield replace(
                row,
                operation=operation,
                total=WORD_BYTES * n * row.total,
                std=WORD_BYTES * n * row.std,
                form="",
            )


def moved(counts: OpCounts) -> tuple[Moved, ...]:
    """Return the kernels and bytes of an inference, whether or not they are priced."""
    totals = sum_by_key(
        ((row.execution, row.operation), row.mean)
        for row in counts.rows
        if row.operation in OVERHEADS and row.where == "device"
    )
    return tuple(Moved(*key, total) for key, total in totals.items())
