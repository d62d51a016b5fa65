"""What a device is: sourced prices of operations, checked on the way in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Mapping

from ..checks import check_choice, check_count
from ..exceptions import InputError

KINDS = ("event", "dense")
"""Event devices pay for spikes, dense ones for the conventional network."""

PRICED_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "event": (
        "synop",
        "neuron_update_active",
        "neuron_update_inactive",
        "spike",
        "addition",
    ),
    "dense": ("mac", "activation", "addition"),
}
"""The operations that each kind of device can price, keys of counts.OPERATIONS."""

SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "neuron_update": ("neuron_update_active", "neuron_update_inactive"),
}
"""Words that price several operations at once."""

EVIDENCE = (
    "measured",
    "fitted",
    "pre-silicon",
    "datasheet-bound",
    "vendor-claim",
    "literature",
)
"""How a published number came to be; device files use one of these words."""

USER_EVIDENCE = "user"
"""Evidence of a number that a user gives in Python without a grade."""


def check_amount(name: str, value: object, unit: str) -> None:
    """Refuse a value that isn't a finite number of at least zero."""
    is_number = isinstance(value, (Real, Decimal)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:  # type: ignore
        shown = value if isinstance(value, Decimal) else repr(value)
        raise InputError(f"{name} must be a number of at least 0 [{unit}]; got {shown}")


def check_text(name: str, value: object) -> None:
    """Refuse a value that isn't a text, or an empty one."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} must be a text that isn't empty; got {value!r}")


@dataclass(frozen=True)
class Quantity:
    """A number in SI units, and where it comes from.

    Attributes
    ----------
    value : float
        Best value [J per operation, or W].
    source : str
        Key of the citation in the ``sources`` of the device.
    low, high : float, optional
        Range in which the value may lie; the value itself where None.
    published : str
        The number and unit as the source prints it, e.g. ``"23.6 + 3.5 pJ"``.
    locator : str
        Where in the source: table, page, line.
    evidence : str
        One of `EVIDENCE`, or ``"user"`` for a number given in Python.
    year : int, optional
        Year of the publication.
    conditions : str
        Supply voltage, batch size, software: what the number holds for.
    note : str
        What a reader should know about how far to trust it.
    range_source : str
        Key of the citation of ``low`` and ``high``, where it is another one.
    """

    value: float
    source: str
    low: float | None = None
    high: float | None = None
    published: str = ""
    locator: str = ""
    evidence: str = USER_EVIDENCE
    year: int | None = None
    conditions: str = ""
    note: str = ""
    range_source: str = ""

    def __post_init__(self) -> None:
        check_amount("value", self.value, "J or W")
        check_text("source", self.source)
        check_choice("evidence", self.evidence, (*EVIDENCE, USER_EVIDENCE))
        if self.low is not None:
            check_amount("low", self.low, "J or W")
        if self.high is not None:
            check_amount("high", self.high, "J or W")
        low, high = self.bounds
        if not low <= self.value <= high:
            raise InputError(
                "low, value, high must be in ascending order; "
                f"got {low:g}, {self.value:g}, {high:g}"
            )
        for name in ("published", "locator", "conditions", "note", "range_source"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name} must be a text; got {getattr(self, name)!r}")
        if self.year is not None:
            check_count("year", self.year)

    @property
    def bounds(self) -> tuple[float, float]:
        """Low and high, each the value itself where the range is open."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, high


def device_key(name: object) -> str:
    """Return the form of a device's name that look-ups use, in lower case."""
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"a device's name must be a text; got {name!r}")
    return name.strip().lower()


@dataclass(frozen=True)
class Device:
    """Prices of the operations on one device.

    energy = sum over operations (count x energy per operation)
    + static power x latency

    Attributes
    ----------
    name : str
        Name; look-ups ignore its case.
    kind : str
        ``"event"`` (pays for synops and neuron updates) or ``"dense"`` (runs the
        conventional network once per inference).
    energies : Mapping of str to Quantity
        Energy of each operation [J]. ``neuron_update`` stands for
        ``neuron_update_active`` and ``neuron_update_inactive``.
    sources : Mapping of str to str
        Full citation of each source key that a number refers to.
    description : str
        One line on what the device is.
    static_power : Quantity, optional
        Power drawn whatever the activity [W].
    real_time : bool, optional
        True where a timestep of the network takes the timestep's length ``dt`` on
        the device; None where unknown.
    real_time_source : str
        Source key for ``real_time``.
    notes : tuple of str
        Sentences on the device as a whole, carried to the report.
    not_modelled : Mapping of str to str
        What costs energy on the device and can't be priced from counts, with a
        sentence each, carried to the report.

    Raises
    ------
    InputError
        When a field can't be worked with; the message names device and field.
    """

    name: str
    kind: str
    energies: Mapping[str, Quantity]
    sources: Mapping[str, str]
    description: str = ""
    static_power: Quantity | None = None
    real_time: bool | None = None
    real_time_source: str = ""
    notes: tuple[str, ...] = ()
    not_modelled: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(mark in device_key(self.name) for mark in ",\n\r\t"):
            raise InputError(
                f"a device's name must be one line without commas; got {self.name!r}"
            )
        try:
            check_choice("kind", self.kind, KINDS)
            for name in ("energies", "sources", "not_modelled"):
                self._own_mapping(name)
            self._set("energies", expand_shorthands(self.energies))
            self._check_energies()
            self._check_texts()
            self._check_real_time()
            self._check_sources()
        except InputError as error:
            raise InputError(f"device {self.name!r}: {error}") from None

    @property
    def evidence(self) -> tuple[str, ...]:
        """The grades of evidence of the device's numbers, each once."""
        return tuple(dict.fromkeys(q.evidence for q in self._quantities().values()))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the instance is still being made

    def _own_mapping(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, Mapping):
            raise InputError(f"{name} must be a mapping; got {value!r}")
        self._set(name, dict(value))

    def _quantities(self) -> dict[str, Quantity]:
        found = {f"energies.{op}": price for op, price in self.energies.items()}
        if self.static_power is not None:
            found["static_power"] = self.static_power
        return found

    def _check_energies(self) -> None:
        allowed = PRICED_OPERATIONS[self.kind]
        for operation in self.energies:
            if operation not in allowed:
                raise InputError(
                    f"energies.{operation} isn't an operation of a device of kind "
                    f"{self.kind!r}; allowed: {', '.join(allowed)}"
                )
        quantities = self._quantities()
        if not quantities:
            raise InputError("energies is empty; price at least one operation")
        for name, quantity in quantities.items():
            if not isinstance(quantity, Quantity):
                raise InputError(f"{name} must be a Quantity; got {quantity!r}")

    def _check_texts(self) -> None:
        if not isinstance(self.description, str):
            raise InputError(f"description must be a text; got {self.description!r}")
        if not isinstance(self.notes, (list, tuple)):
            raise InputError(f"notes must be a list of texts; got {self.notes!r}")
        self._set("notes", tuple(self.notes))
        for note in self.notes:
            check_text("each of notes", note)
        for what, sentence in self.not_modelled.items():
            check_text(f"not_modelled.{what}", sentence)

    def _check_real_time(self) -> None:
        if self.real_time is None:
            return
        if not isinstance(self.real_time, bool):
            raise InputError(
                f"real_time must be true, false or left out; got {self.real_time!r}"
            )
        if self.kind == "dense":
            raise InputError(
                "real_time is for devices of kind 'event'; a dense device runs the "
                "conventional network, which has no timesteps"
            )

    def _check_sources(self) -> None:
        for key, citation in self.sources.items():
            check_text(f"sources.{key}", citation)
        wanted = {}
        for name, quantity in self._quantities().items():
            wanted[f"{name}.source"] = quantity.source
            if quantity.range_source:
                wanted[f"{name}.range_source"] = quantity.range_source
        if self.real_time is not None:
            wanted["real_time.source"] = self.real_time_source
        for name, key in wanted.items():
            if key not in self.sources:
                known = ", ".join(self.sources) or "none"
                raise InputError(
                    f"{name} must be a key of sources; got {key!r}, known: {known}"
                )


def expand_shorthands(energies: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return prices with each of `SHORTHANDS` replaced by what it stands for."""
    expanded: dict[str, Quantity] = {}
    for word, price in energies.items():
        for operation in SHORTHANDS.get(word, (word,)):
            if operation in expanded:
                raise InputError(
                    f"energies.{operation} is priced twice; "
                    "give neuron_update, or active and inactive apart"
                )
            expanded[operation] = price
    return expanded
