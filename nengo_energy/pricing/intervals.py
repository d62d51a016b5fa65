"""How far a device's estimate of a network may be off, and why that far."""

from __future__ import annotations

from typing import Sequence

from ..common.sums import sum_by_key
from ..counts import OpCount
from ..devices import Device
from ..devices.spread import Growth, Spread
from ..estimates.rows import Interval

GOOD_PART = 0.05
"""Share of the multiply-accumulates from which on a kind of layers matters."""


def prediction_interval(counts: Sequence[OpCount], model: Device) -> Interval | None:
    """Return the prediction interval of a device, wider beyond what was measured.

    Parameters
    ----------
    counts : sequence of OpCount
        What the device runs.
    model : Device
        The device.

    Returns
    -------
    Interval or None
        None where the device wasn't fitted to measured networks.
    """
    if model.spread is None:
        return None
    found = growth(counts, model.spread, model.batch_size)
    return Interval(
        model.spread.level, model.spread.energy * found.factor(), found.reasons
    )


def growth(counts: Sequence[OpCount], spread: Spread, batch_size: int) -> Growth:
    """Return how far counts lie beyond what a prediction interval was made from."""
    by_form = sum_by_key(
        (count.form, count.mean) for count in counts if count.operation == "mac"
    )
    macs = sum(by_form.values())
    forms = {form for form, n in by_form.items() if form and n > GOOD_PART * macs}
    return spread.growth(macs, batch_size, forms)
