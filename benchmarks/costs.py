"""What networks cost on a device, fitted to measurements: few terms for all of them.

A batch of b inferences is taken to cost

    batch + kernels x kernel + weight bytes x weight_byte
    + b x (activation bytes x activation_byte + multiply-accumulates x mac)

of which each inference bears its share. `fit_cost` finds the costs, or those of them
that the measured networks can tell apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Mapping, Sequence

import numpy as np
from measured import Case
from scipy.optimize import least_squares
from scipy.stats import t

from nengo_energy.calibration.fitting import fit_terms

LEVEL = 0.9
"""Share of networks that intervals are to hold."""

WORD_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2, "int8": 1}
"""Bytes of a number by precision."""

GPU_TERMS = (
    "kernel",
    "weight_byte",
    "activation_byte",
    "mac@fp32",
    "mac@tf32",
    "mac@bf16",
)
"""What the networks on the H100 tell apart; multiply-accumulates by precision."""

TF_TERMS = ("batch", "kernel", "mac")
"""What keyword spotters by size and by batch tell apart: in fully connected layers of
256 units, kernels and bytes of weights grow alike."""

LLM_TERMS = ("weight_byte", "mac")
"""What tokens of language models tell apart."""

KINDS = ("convolution", "dense", "depthwise")
"""Kinds of layers that prices on microcontrollers are told apart by."""

RIDGE = 0.3
"""How strongly prices of kinds of layers are held together, in units of the logarithm's
error: without a network of one kind its price is that of the others."""

AMOUNTS: Mapping[str, Callable[[Case], float]] = {
    "batch": lambda c: 1 / c.batch,
    "inference": lambda c: 1.0,
    "kernel": lambda c: c.work.kernels / c.batch,
    "weight_byte": lambda c: c.work.weights * WORD_BYTES[c.precision] / c.batch,
    "activation_byte": lambda c: c.work.values * WORD_BYTES[c.precision],
    "mac": lambda c: c.macs,
    **{f"mac_{kind}": lambda c, kind=kind: c.work.macs.get(kind, 0) for kind in KINDS},
}
"""How much of each term one inference takes."""


@dataclass(frozen=True)
class Cost:
    """Energy or time of networks on a device.

    Attributes
    ----------
    costs : Mapping of str to float
        Cost of each term that was fitted.
    spread : tuple of float
        Least and greatest ratio of measured to fitted.
    """

    costs: Mapping[str, float]
    spread: tuple[float, float] = (1.0, 1.0)

    def of(self, case: Case) -> float:
        """Return the cost of one inference of a case."""
        return sum(cost * amount(term, case) for term, cost in self.costs.items())


def amount(term: str, case: Case) -> float:
    """Return how much of a term one inference takes; ``mac@bf16`` in bf16 alone."""
    name, _, precision = term.partition("@")
    if precision and precision != case.precision:
        return 0.0
    return AMOUNTS[name](case)


def fit_cost(
    cases: Sequence[Case],
    terms: Sequence[str],
    field: str = "energy",
    alike: Cost | None = None,
) -> Cost:
    """Fit the cost of terms to the energies or times of measured cases.

    Terms that none of them has are left out. One that can't be told from those before
    is to the last of them as on another device, if there is one, and else left out.

    Parameters
    ----------
    cases : sequence of Case
        Measured cases.
    terms : sequence of str
        Terms to tell apart, the surest first.
    field : str
        ``"energy"`` or ``"time"``.
    alike : Cost, optional
        Costs of the terms on another device that runs the same software.
    """
    rows: list[list[float]] = [[] for _ in cases]
    kept: list[str] = []
    tied: dict[str, tuple[str, float]] = {}
    for term in terms:
        column = [amount(term, case) for case in cases]
        grown = [[*row, x] for row, x in zip(rows, column)]
        scaled = np.array(grown) / np.maximum(np.max(grown, axis=0), 1e-300)
        if max(column) and np.linalg.matrix_rank(scaled, 1e-9) == len(kept) + 1:
            rows, kept = grown, [*kept, term]
        elif max(column) and alike is not None:
            ratio = alike.costs[term] / alike.costs[kept[-1]]
            tied[term] = kept[-1], ratio
            rows = [[*row[:-1], row[-1] + ratio * x] for row, x in zip(rows, column)]
    fit = fit_terms(rows, [getattr(case, field) for case in cases])
    costs = dict(zip(kept, fit.values.tolist()))
    costs.update({term: ratio * costs[other] for term, (other, ratio) in tied.items()})
    return Cost(costs, fit.spread)


def groups(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Return cases by what must be left out together: networks of one family.

    By batch size where all are of one network.
    """
    single = len({case.group for case in cases}) == 1
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(str(case.batch) if single else case.group, []).append(case)
    return found


def left_out(
    cases: Sequence[Case],
    terms: Sequence[str],
    field: str = "energy",
    anchors: Sequence[Case] = (),
    alike: Cost | None = None,
) -> dict[str, list[float]]:
    """Return logarithms of measured over predicted, each of `groups` left out whole.

    Anchors are always in the fit, and aren't predicted.
    """
    found = {}
    for name, members in groups(cases).items():
        rest = [case for case in cases if case not in members]
        cost = fit_cost([*rest, *anchors], terms, field, alike)
        found[name] = [math.log(getattr(c, field) / cost.of(c)) for c in members]
    return found


def interval_factor(residuals: Mapping[str, Sequence[float]]) -> float:
    """Return the factor to both sides that holds `LEVEL` of networks left out.

    Student's t with as many degrees of freedom as cases. Cases of one network err
    alike, so there is less freedom in truth; docs/validation.md shows what is held.
    """
    errors = np.concatenate([np.asarray(values) for values in residuals.values()])
    deviation = math.sqrt(float(np.mean(np.square(errors))))
    return math.exp(float(t.ppf(0.5 + LEVEL / 2, errors.size)) * deviation)


def fit_kinds(
    cases: Sequence[Case], field: str = "energy"
) -> dict[tuple[str, str], Cost]:
    """Fit prices by kind of layer to microcontrollers, by device and operating point.

    Each has a scale of its own, and ratios between kinds are common to all. Least
    squares of logarithms; `RIDGE` holds the ratios near 1.
    """
    points = sorted({(case.device, case.point) for case in cases})
    which = np.array([points.index((case.device, case.point)) for case in cases])
    work = np.array([[case.work.macs.get(kind, 0) for kind in KINDS] for case in cases])
    measured = np.log([getattr(case, field) for case in cases])

    def residuals(x: np.ndarray) -> np.ndarray:
        scales, ratios = x[: len(points)], np.append(0.0, x[len(points) :])
        fitted = scales[which] + np.log(work @ np.exp(ratios))
        return np.append(fitted - measured, RIDGE * ratios[1:])

    start = np.append(np.zeros(len(points)), np.zeros(len(KINDS) - 1))
    start[: len(points)] = np.mean(measured - np.log(work.sum(axis=1)))
    found = least_squares(residuals, start).x
    ratios = np.exp(np.append(0.0, found[len(points) :]))
    return {
        point: Cost(
            {
                f"mac_{kind}": float(np.exp(found[i]) * ratio)
                for kind, ratio in zip(KINDS, ratios)
            }
        )
        for i, point in enumerate(points)
    }


def kinds_left_out(
    cases: Sequence[Case], field: str = "energy"
) -> dict[str, list[float]]:
    """Return logarithms of measured over predicted, a network left out on all boards.

    By network.
    """
    found: dict[str, list[float]] = {}
    for group in dict.fromkeys(case.group for case in cases):
        costs = fit_kinds([case for case in cases if case.group != group], field)
        found[group] = [
            math.log(getattr(case, field) / costs[case.device, case.point].of(case))
            for case in cases
            if case.group == group and (case.device, case.point) in costs
        ]
    return found
