"""Two estimates -> what changed between them, so that energy can be guarded."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields
from numbers import Real
from typing import TYPE_CHECKING, Iterator, Mapping, Sequence, Union

from ..common.exceptions import InputError
from ..common.file_output import PathLike
from ..common.shown import Shown
from ..devices import Device, Quantity
from ..devices.device import device_key
from ..devices.fields import PARTS
from .estimate import EnergyEstimate
from .serialization import load_estimate

if TYPE_CHECKING:
    import pandas

EstimateLike = Union[EnergyEstimate, PathLike]
"""An estimate, or the file that holds one."""

GUARDED = ("device", "total", "latency")
"""Kinds of changes that `EstimateDiff.exceeds` judges."""


@dataclass(frozen=True)
class Change:
    """One thing that two estimates don't have in common.

    Attributes
    ----------
    kind : str
        ``"device"`` (only one estimate has it), ``"total"``, ``"latency"``, ``"row"``
        (energy of an operation in a layer), ``"count"`` (how often it happens),
        ``"price"`` (a number of the device), ``"setting"`` or ``"assumption"``.
    device, layer, operation : str
        What it is of, as far as that applies, else empty.
    what : str
        Name of the setting, of the device's number, or code of the assumption.
    before, after : object
        Numbers in SI units, texts, or None where one side has nothing.
    """

    kind: str
    device: str = ""
    layer: str = ""
    operation: str = ""
    what: str = ""
    before: object = None
    after: object = None

    @property
    def relative(self) -> float | None:
        """Change as a share of the value before; None unless both are numbers.

        Infinite where something came from nothing.
        """
        pair = (self.before, self.after)
        if not all(isinstance(x, Real) and not isinstance(x, bool) for x in pair):
            return None
        before, after = float(self.before), float(self.after)  # type: ignore
        if before == after:
            return 0.0
        return math.inf if before == 0 else (after - before) / abs(before)


@dataclass(frozen=True, repr=False)
class EstimateDiff(Shown):
    """What changed between two estimates.

    Attributes
    ----------
    before, after : EnergyEstimate
        The two.
    changes : tuple of Change
        Everything that differs: devices, totals, latencies, rows, counts, numbers of
        devices, settings, assumptions.
    tolerance : float
        Share by which guarded numbers may change, 0.05 for 5 %.
    """

    before: EnergyEstimate
    after: EnergyEstimate
    changes: tuple[Change, ...]
    tolerance: float = 0.0

    def exceeds(self, tolerance: float | None = None) -> bool:
        """Return whether energy or latency changed by more than a tolerance.

        Totals and latencies count, in either direction, and so does a device that only
        one of the estimates has. Changes of layers, settings and prices are listed, and
        judged by the totals that they lead to.

        Parameters
        ----------
        tolerance : float, optional
            Share of the value before, 0.05 for 5 %; by default that of `diff`.
        """
        limit = self.tolerance if tolerance is None else _check_tolerance(tolerance)
        return any(is_beyond(change, limit) for change in self.changes)

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per change: the fields of ``Change``, and ``relative``."""
        import pandas as pd

        names = [f.name for f in fields(Change)] + ["relative"]
        rows = [[getattr(change, name) for name in names] for change in self.changes]
        return pd.DataFrame(rows, columns=names)

    def _headline(self) -> str:
        beyond = [c for c in self.changes if is_beyond(c, self.tolerance)]
        words = [
            f"{c.device} {c.kind}"
            + ("" if c.relative is None else f" {100 * c.relative:+.3g} %")
            for c in beyond
        ]
        return (
            f"{len(self.changes)} changes, {len(beyond)} beyond "
            f"{100 * self.tolerance:.3g} %" + ": " * bool(words) + ", ".join(words)
        )

    def __str__(self) -> str:
        from .differences_text import format_diff

        return format_diff(self)


def diff(
    before: EstimateLike, after: EstimateLike, *, tolerance: float = 0.0
) -> EstimateDiff:
    """Compare two estimates: what changed, and whether it is too much.

    Parameters
    ----------
    before, after : EnergyEstimate, str or path
        Estimates, or files that `EnergyEstimate.to_json` wrote.
    tolerance : float
        Share by which totals and latencies may change, 0.05 for 5 %.

    Returns
    -------
    EstimateDiff
        Prints what changed; ``exceeds()`` tells whether it is beyond the tolerance.

    Raises
    ------
    NotFoundError
        When a file doesn't exist.
    InputError
        When a file holds no estimate, or the tolerance is no number of at least zero.

    Examples
    --------
    >>> found = diff("before.json", "after.json", tolerance=0.05)  # doctest: +SKIP
    >>> print(found)  # doctest: +SKIP
    >>> found.exceeds()  # doctest: +SKIP
    """
    limit = _check_tolerance(tolerance)
    a, b = _estimate("before", before), _estimate("after", after)
    pairs = _pairs(a, b)
    shared = [(x, y) for x, y in pairs if x is not None and y is not None]
    changes = [
        *_devices(pairs),
        *_totals(a, b, shared),
        *_rows(a, b, shared),
        *(change for x, y in shared for change in _numbers(x, y)),
        *_settings("", a.settings, b.settings),
        *_assumptions(a, b),
    ]
    return EstimateDiff(a, b, tuple(changes), limit)


def _estimate(name: str, value: EstimateLike) -> EnergyEstimate:
    if isinstance(value, EnergyEstimate):
        return value
    if not isinstance(value, (str, os.PathLike)):
        raise InputError(
            f"{name} must be an EnergyEstimate or the path of one; got "
            f"{type(value).__name__}"
        )
    return load_estimate(value)


def _check_tolerance(value: object) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:  # type: ignore
        raise InputError(
            f"tolerance must be a number of at least 0, 0.05 for 5 %; got {value!r}"
        )
    return float(value)  # type: ignore[arg-type]


def is_beyond(change: Change, tolerance: float) -> bool:
    """Return whether a change is one that is guarded, and larger than a tolerance."""
    if change.kind not in GUARDED:
        return False
    # None: a device or a latency that is there only once
    return change.relative is None or abs(change.relative) > tolerance


def _pairs(
    a: EnergyEstimate, b: EnergyEstimate
) -> list[tuple[Device | None, Device | None]]:
    """Return the devices of both, those of the same name together."""
    first = {device_key(model.name): model for model in a.models}
    second = {device_key(model.name): model for model in b.models}
    return [(first.get(key), second.get(key)) for key in {**first, **second}]


def _devices(pairs: Sequence[tuple[Device | None, Device | None]]) -> Iterator[Change]:
    for x, y in pairs:
        if x is not None and y is None:
            yield Change("device", x.name, before=x.name)
        elif y is not None and x is None:
            yield Change("device", y.name, after=y.name)


def _totals(
    a: EnergyEstimate, b: EnergyEstimate, shared: Sequence[tuple[Device, Device]]
) -> Iterator[Change]:
    for x, y in shared:
        for kind, pair in (
            ("total", (a.total(x), b.total(y))),
            ("latency", (a.latency(x), b.latency(y))),
        ):
            if pair[0] != pair[1]:
                yield Change(kind, x.name, before=pair[0], after=pair[1])


def _rows(
    a: EnergyEstimate, b: EnergyEstimate, shared: Sequence[tuple[Device, Device]]
) -> Iterator[Change]:
    names = {y.name: x.name for x, y in shared}
    first = _summed(a, {x.name: x.name for x, _ in shared})
    second = _summed(b, names)
    for key in {**first, **second}:
        device, layer, operation, where = key
        words = f"{operation} on the host" if where == "host" else operation
        for kind, before, after in zip(
            ("row", "count"), first.get(key, (0.0, 0.0)), second.get(key, (0.0, 0.0))
        ):
            if before != after:
                yield Change(kind, device, layer, words, "", before, after)


def _summed(
    estimate: EnergyEstimate, names: Mapping[str, str]
) -> dict[tuple[str, str, str, str], tuple[float, float]]:
    """Return energy and count by device, layer, operation and place."""
    found: dict[tuple[str, str, str, str], tuple[float, float]] = {}
    for row in estimate.rows:
        if row.device in names:
            key = (names[row.device], row.layer, row.operation, row.where)
            energy, count = found.get(key, (0.0, 0.0))
            found[key] = (energy + row.energy, count + row.count)
    return found


def _numbers(x: Device, y: Device) -> Iterator[Change]:
    """Yield what differs between the numbers, and all else, of one device."""
    first, second = x.quantities, y.quantities
    for key in {**first, **second}:
        old, new = first.get(key), second.get(key)
        if old is None or new is None:
            values = [None if q is None else q.value for q in (old, new)]
            yield Change("price", x.name, "", "", key, *values)
        else:
            for f in fields(Quantity):
                what = key if f.name == "value" else f"{key}.{f.name}"
                yield from _unequal("price", x.name, what, old, new, f.name)
    for f in fields(Device):
        if f.name not in (*PARTS, "name", "operating_points"):
            yield from _unequal("price", x.name, f.name, x, y, f.name)


def _unequal(
    kind: str, device: str, what: str, old: object, new: object, name: str
) -> Iterator[Change]:
    before, after = getattr(old, name), getattr(new, name)
    if before != after:
        yield Change(kind, device, "", "", what, before, after)


def _settings(
    prefix: str, first: Mapping[str, object], second: Mapping[str, object]
) -> Iterator[Change]:
    for key in {**first, **second}:
        before, after = first.get(key), second.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _settings(f"{prefix}{key}.", before, after)
        elif before != after:
            yield Change("setting", "", "", "", f"{prefix}{key}", before, after)


def _assumptions(a: EnergyEstimate, b: EnergyEstimate) -> Iterator[Change]:
    first, second = dict.fromkeys(a.assumptions), dict.fromkeys(b.assumptions)
    for said in {**first, **second}:
        if said not in second:
            yield Change("assumption", "", "", "", said.code, said.text, None)
        elif said not in first:
            yield Change("assumption", "", "", "", said.code, None, said.text)
