"""One measured case, and what was predicted for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nengo_energy import estimate_energy
from nengo_energy.counts import OpCounts
from nengo_energy.devices import Device
from nengo_energy.devices.spread import Growth


@dataclass(frozen=True)
class Prediction:
    """One measured case, and what was predicted for it.

    Attributes
    ----------
    tier, hardware, case : str
        What was measured.
    measured : float
        Energy [J]: per inference, or per operation.
    low, high : float
        Predicted range [J].
    nominal : float or None
        Predicted energy [J]; None where firing rates aren't known.
    keras_spiking : tuple of float or None
        Prediction with KerasSpiking's constants [J], from low to high.
    own : float or None
        What the device as shipped, which knows the case, gives [J].
    group : str
        Networks that are left out together.
    width : float
        Factor to both sides of the interval before it grows beyond what was measured.
    growth : Growth
        How far the network lies beyond that.
    """

    tier: str
    hardware: str
    case: str
    measured: float
    low: float
    nominal: float | None
    high: float
    keras_spiking: tuple[float, float] | None = None
    own: float | None = None
    group: str = ""
    width: float = 1.0
    growth: Growth = Growth()

    @property
    def factor(self) -> float:
        """How far off the prediction is, at least 1; 1 within the band of rates."""
        if self.nominal is None:
            return factor(self.measured, self.low, self.high)
        return factor(self.measured, self.nominal, self.nominal)

    @property
    def keras_spiking_factor(self) -> float | None:
        """The same of KerasSpiking's."""
        if self.keras_spiking is None:
            return None
        return factor(self.measured, *self.keras_spiking)

    @property
    def half_width(self) -> float | None:
        """Factor to both sides that the predicted range is of a nominal value."""
        if self.nominal is None or self.low <= 0:
            return None
        return math.sqrt(self.high / self.low)

    @property
    def is_inside(self) -> bool:
        """Whether the predicted range holds what was measured."""
        return self.low <= self.measured <= self.high


def factor(value: float, low: float, high: float) -> float:
    """Return how many times a value lies outside a range, 1 inside it."""
    return max(1.0, low / value, value / high)


def price(counts: OpCounts, device: Device | str, kind: str) -> tuple[float, ...]:
    """Return low, nominal and high energy, dynamic (with the fixed one) or total."""
    estimate = estimate_energy(counts, device)
    rows = [r for r in estimate.rows if kind == "total" or r.operation != "static"]
    ends = ([getattr(r, end) for r in rows] for end in ("low", "energy", "high"))
    return tuple(map(sum, ends))
