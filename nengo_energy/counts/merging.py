"""Counts of one network on several sets of inputs -> its counts on all of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Sequence

from ..common.assumptions import merge_assumptions
from ..common.exceptions import InputError
from .op_counts import OpCounts
from .operations import OpCount


def merge_counts(parts: Sequence[OpCounts]) -> OpCounts:
    """Merge the counts of one network on several sets of inputs, as if run on all.

    Totals are sums, exact where they are of integers. Standard deviations are pooled
    from those of the parts.

    Parameters
    ----------
    parts : sequence of OpCounts
        At least one, of the same network, timesteps and dt.

    Raises
    ------
    InputError
        If there are none, or timesteps or dt differ.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample
    variance: analysis and recommendations", The American Statistician 37 (1983)
    242-247, doi:10.1080/00031305.1983.10483115.
    """
    if len({(part.timesteps, part.dt) for part in parts}) != 1:
        found = ", ".join(f"{part.timesteps} x {part.dt} s" for part in parts) or "none"
        raise InputError(
            f"counts to merge must have the same timesteps and dt; got {found}"
        )
    # a layer without an operation in one part has it zero times there
    numbers = [
        {execution: _n_inferences(part, execution) for execution in ("event", "dense")}
        for part in parts
    ]
    known = [{_row_key(row): row for row in part.rows} for part in parts]
    rows = []
    for key in dict.fromkeys(key for rows_of in known for key in rows_of):
        some = next(rows_of[key] for rows_of in known if key in rows_of)
        found_rows = [
            rows_of.get(key)
            or replace(some, total=0, n_inferences=n[some.execution], std=0.0)
            for rows_of, n in zip(known, numbers)
        ]
        total = sum(row.total for row in found_rows)
        n_all = sum(row.n_inferences for row in found_rows)
        std = _pooled_std(found_rows, total / n_all)
        rows.append(replace(some, total=total, n_inferences=n_all, std=std))
    first = parts[0]
    deployment = first.deployment
    if deployment is not None:
        shared = [replace(part.deployed(), deployment=None) for part in parts]
        merged = merge_counts(shared).rows
        deployment = replace(
            deployment, rows=tuple(row for row in merged if row.execution == "event")
        )
    settings = dict(first.settings)
    settings["n_inferences"] = sum(n["event"] for n in numbers)
    return OpCounts(
        tuple(rows),
        timesteps=first.timesteps,
        dt=first.dt,
        assumptions=merge_assumptions(*(part.assumptions for part in parts)),
        settings=settings,
        deployment=deployment,
        saturated=tuple(dict.fromkeys(name for p in parts for name in p.saturated)),
        synapses=first.synapses,
    )


def _n_inferences(counts: OpCounts, execution: str) -> int:
    return max(
        (r.n_inferences for r in counts.rows if r.execution == execution), default=0
    )


def _row_key(row: OpCount) -> tuple[str, str, str, str, str]:
    return row.layer, row.operation, row.execution, row.where, row.form


def _pooled_std(rows: Sequence[OpCount], mean: float) -> float:
    n = sum(row.n_inferences for row in rows)
    squares = sum(
        (row.n_inferences - 1) * row.std**2 + row.n_inferences * (row.mean - mean) ** 2
        for row in rows
        if row.n_inferences
    )
    return math.sqrt(squares / (n - 1)) if n > 1 else 0.0
