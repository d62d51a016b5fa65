"""What networks cost on a device, fitted to measurements: by size and by batch.

A batch of b inferences of a network of m multiply-accumulates is taken to cost

    launch + m x (load + b x mac),

so that each inference costs launch / b + m x (load / b + mac): starting a batch,
fetching a weight once per batch, and one multiply-accumulate. `fit_cost` finds the
three, or those that the measured networks can tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

from measured import Case

from nengo_energy.calibration.fitting import fit_terms

TERMS = ("launch", "mac", "load")


@dataclass(frozen=True)
class Cost:
    """Energy or time of a network on a device, by batch size.

    Attributes
    ----------
    costs : Mapping of str to float
        Cost of each of `TERMS` that was fitted.
    spread : tuple of float
        Least and greatest ratio of measured to fitted.
    """

    costs: Mapping[str, float]
    spread: tuple[float, float]

    def at(self, batch: int) -> tuple[float, float]:
        """Return the cost of an inference whatever the network, and that of a MAC."""
        known = {**dict.fromkeys(TERMS, 0.0), **self.costs}
        return known["launch"] / batch, known["mac"] + known["load"] / batch

    def predict(self, case: Case) -> tuple[float, float, float]:
        """Return low, nominal and high cost of one inference."""
        fixed, per_mac = self.at(case.batch)
        value = fixed + per_mac * case.macs
        return value * self.spread[0], value, value * self.spread[1]


def fit_cost(
    cases: Sequence[Case], terms: Sequence[str], field: str = "energy"
) -> Cost:
    """Fit the cost of terms to the energies or times of measured cases."""
    amounts = {
        "launch": lambda c: 1 / c.batch,
        "mac": lambda c: c.macs,
        "load": lambda c: c.macs / c.batch,
    }
    fit = fit_terms(
        [[amounts[term](case) for term in terms] for case in cases],
        [getattr(case, field) for case in cases],
    )
    return Cost(dict(zip(terms, fit.values.tolist())), fit.spread)


def kws_terms(device: str) -> tuple[str, ...]:
    """Return the terms that what was measured on a device can tell apart."""
    two_ways = device in ("xeon-e5-2630", "quadro-k4000")  # by size and by batch
    return TERMS if two_ways else TERMS[:2]


def mean_cost(cases: Sequence[Case], field: str = "energy") -> Cost:
    """Return the geometric mean of the cost per multiply-accumulate."""
    return fit_cost(cases, ("mac",), field)
