"""What a device is: sourced prices of operations, checked on the way in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Sequence

from ..common.checks import check_choice, check_count, check_instance
from ..common.exceptions import InputError, NotFoundError
from ..common.shown import Shown
from .device_checks import check_device
from .fields import KINDS, PARTS, PER_BATCH, SHORTHANDS
from .quantity import Quantity, check_amount
from .spread import Spread

POINT_MARK = "@"
"""Stands between a device's name and an operating point: ``h100@bf16-batch64``."""

_MAPPINGS = (
    "energies",
    "sources",
    "not_modelled",
    "times",
    "powers",
    "capacity",
    "operating_points",
)


def device_key(name: object) -> str:
    """Return the form of a device's name that look-ups use, in lower case."""
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"a device's name must be a text; got {name!r}")
    return name.strip().lower()


def known_name(device: str | Device, names: Sequence[str], where: str) -> str:
    """Return the name that a device has among some, from it in any case.

    Raises
    ------
    NotFoundError
        If it isn't among them; the message says where it isn't.
    """
    name = device.name if isinstance(device, Device) else device
    for known in names:
        if device_key(known) == device_key(name):
            return known
    raise NotFoundError(f"device {name!r} isn't in {where}; known: {', '.join(names)}")


def check_name(name: object) -> None:
    """Refuse what can't be a device's name."""
    if any(mark in device_key(name) for mark in ",\n\r\t"):
        raise InputError(
            f"a device's name must be one line without commas; got {name!r}"
        )


@dataclass(frozen=True, repr=False)
class Device(Shown):
    """Prices of the operations on one device, at one operating point.

    energy = fixed energy + sum over operations (count x energy per operation)
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
        Power drawn whatever the activity [W], of the device or, where its ``per`` says
        so, of each board, chip or core in use.
    real_time : bool, optional
        True where a timestep of the network takes the timestep's length ``dt`` on
        the device; None where unknown.
    real_time_source : str
        Source key for ``real_time``.
    spike_input : bool
        Whether it takes spikes alone, so that analog input is a host's to encode: the
        host runs the layers that the input feeds.
    notes : tuple of str
        Sentences on the device as a whole, carried to the report.
    not_modelled : Mapping of str to str
        What costs energy on the device and can't be priced from counts, with a
        sentence each, carried to the report.
    fixed_energy : Quantity, optional
        Energy of each inference whatever the network [J]: starting it, input, output.
    times : Mapping of str to Quantity
        Time of each operation [s], keys of ``fields.TIMED_OPERATIONS``.
    fixed_time : Quantity, optional
        Time of each inference whatever the network [s].
    powers : Mapping of str to Quantity
        Other powers that are known [W], by what draws them; no estimate adds them.
    capacity : Mapping of str to Quantity
        What the device can hold, keys of ``fields.CAPACITIES``.
    batch_energy : Quantity, optional
        Energy of starting a batch, whatever the network [J]; each inference bears its
        share, as of the prices of ``fields.PER_BATCH``.
    batch_time : Quantity, optional
        Time of starting a batch, whatever the network [s].
    included : tuple of str
        Operations whose energy and time the figures of others hold already, such as
        activations where a price per MAC was fitted to whole networks;
        ``fields.FOLDED`` are left out with all that they take.
    batch_size : int
        Inferences that run together; energies and times are per inference all the same.
    word_bits : int
        Bits of a number; bytes are counted at 32.
    spread : Spread, optional
        Prediction interval of estimates, and what it holds for.
    unpriced : str
        Why no operation has a price, where none has; energy can't be estimated then.
    operating_point : str
        Name of the conditions that the numbers hold for, where there are several.
    operating_points : Mapping of str to Device
        The device at each of its operating points, by name; empty on these themselves.

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
    spike_input: bool = False
    notes: tuple[str, ...] = ()
    not_modelled: Mapping[str, str] = field(default_factory=dict)
    fixed_energy: Quantity | None = None
    times: Mapping[str, Quantity] = field(default_factory=dict)
    fixed_time: Quantity | None = None
    powers: Mapping[str, Quantity] = field(default_factory=dict)
    capacity: Mapping[str, Quantity] = field(default_factory=dict)
    batch_energy: Quantity | None = None
    batch_time: Quantity | None = None
    included: tuple[str, ...] = ()
    batch_size: int = 1
    word_bits: int = 32
    spread: Spread | None = None
    unpriced: str = ""
    operating_point: str = ""
    operating_points: Mapping[str, Device] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        try:
            check_choice("kind", self.kind, KINDS)
            for name in _MAPPINGS:
                self._own_mapping(name)
            for name in ("energies", "times"):
                self._set(name, expand_shorthands(name, getattr(self, name)))
            for name in ("notes", "included"):
                self._own_list(name)
            check_device(self)
        except InputError as error:
            raise InputError(f"device {self.name!r}: {error}") from None

    @property
    def quantities(self) -> dict[str, Quantity]:
        """Every number of the device, by field, such as ``"energies.synop"``."""
        found: dict[str, Quantity] = {}
        for part in PARTS:
            value = getattr(self, part)
            if isinstance(value, Mapping):
                found.update({f"{part}.{key}": item for key, item in value.items()})
            elif value is not None:
                found[part] = value
        return found

    @property
    def charged(self) -> dict[str, Quantity]:
        """The numbers that estimates multiply by counts and time, by what they price.

        Static power of a chip or core is among them, though it waits for their number.
        """
        single = {
            name: getattr(self, name)
            for name in ("fixed_energy", "batch_energy", "static_power")
        }
        known = {part: price for part, price in single.items() if price is not None}
        return {**self.energies, **known}

    def energy_of(self, operation: str, form: str = "") -> Quantity | None:
        """Return the price of an operation, that of its form before the general one."""
        return self.energies.get(f"{operation}_{form}", self.energies.get(operation))

    def time_of(self, operation: str, form: str = "") -> Quantity | None:
        """Return the time of an operation, that of its form before the general one."""
        return self.times.get(f"{operation}_{form}", self.times.get(operation))

    @property
    def evidence(self) -> tuple[str, ...]:
        """The grades of evidence of what estimates charge, each once.

        Those of all its numbers where they charge nothing.
        """
        charged = [
            price
            for price in self.charged.values()
            if price.per in ("", "device")  # others wait for the number of chips
        ]
        known = charged or self.quantities.values()
        return tuple(dict.fromkeys(price.evidence for price in known))

    @property
    def takes_batches(self) -> bool:
        """Whether prices tell what a batch takes from what an inference takes."""
        priced = {*self.energies, *self.times}
        return self.batch_energy is not None or not priced.isdisjoint(PER_BATCH)

    def at_batch(self, batch_size: int) -> Device:
        """Return a copy that runs another number of inferences together.

        Parameters
        ----------
        batch_size : int
            Inferences that run together.

        Raises
        ------
        InputError
            When the device's prices hold for one batch size only.

        Examples
        --------
        >>> from nengo_energy import devices
        >>> devices.get("h100@bf16").at_batch(24).batch_size
        24
        """
        check_count("batch_size", batch_size)
        if not self.takes_batches:
            raise InputError(
                f"device {self.name!r} has prices for batch size {self.batch_size} "
                "only; they don't tell what a batch takes once"
            )
        return replace(
            self, batch_size=batch_size, operating_point="", operating_points={}
        )

    @property
    def all_in(self) -> bool:
        """Whether the prices hold all that the device draws; nothing may be added."""
        return any(price.all_in for price in self.energies.values())

    def scaled(
        self, factor: float = 1.0, *, name: str = "", **factors: float
    ) -> Device:
        """Return a copy with other prices, for what-if questions.

        Parameters
        ----------
        factor : float
            What every energy and the static power are multiplied by.
        name : str
            Name of the copy; by default the old name and what was scaled.
        **factors : float
            What single operations, ``neuron_update``, ``static_power`` or
            ``fixed_energy`` are multiplied by as well.

        Returns
        -------
        Device
            Not registered; what was scaled is graded ``"user"``, and a note says so.

        Raises
        ------
        InputError
            When a factor is no number of at least zero, or the device doesn't price
            what it names.

        Examples
        --------
        >>> from nengo_energy import devices
        >>> twice_as_efficient = devices.get("gpu").scaled(0.5)
        >>> twice_as_efficient.name, twice_as_efficient.energies["mac"].value
        ('gpu x0.5', 1.5e-10)
        """
        check_instance("name", name, str)
        for word, times in {"factor": factor, **factors}.items():
            check_amount(word, times, "1")
        each = {part: factor for part in self.charged if factor != 1}
        for word, extra in factors.items():
            for part in SHORTHANDS.get(word, (word,)):
                if part not in self.charged:
                    known = ", ".join(self.charged) or "nothing"
                    raise InputError(
                        f"device {self.name!r} doesn't price {word}; it prices {known}"
                    )
                each[part] = each.get(part, 1.0) * extra
        scaled = {
            part: price.scaled(each[part]) if part in each else price
            for part, price in self.charged.items()
        }
        words = [f"x{factor:g}"] if factor != 1 or not factors else []
        words += [f"{word} x{extra:g}" for word, extra in factors.items()]
        changed = " ".join(words)
        return replace(
            self,
            name=name or f"{self.name} {changed}",
            energies={operation: scaled[operation] for operation in self.energies},
            fixed_energy=scaled.get("fixed_energy"),
            batch_energy=scaled.get("batch_energy"),
            static_power=scaled.get("static_power"),
            notes=(*self.notes, f"A what-if: the prices of {self.name}, {changed}."),
            operating_points={},
        )

    def __str__(self) -> str:
        from .report import format_device

        return format_device(self)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the instance is still being made

    def _own_mapping(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, Mapping):
            raise InputError(f"{name} must be a mapping; got {value!r}")
        self._set(name, dict(value))

    def _own_list(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{name} must be a list of texts; got {value!r}")
        self._set(name, tuple(value))


def expand_shorthands(
    part: str, quantities: Mapping[str, Quantity]
) -> dict[str, Quantity]:
    """Return numbers with each of `fields.SHORTHANDS` replaced by what it means."""
    expanded: dict[str, Quantity] = {}
    for word, price in quantities.items():
        for operation in SHORTHANDS.get(word, (word,)):
            if operation in expanded:
                raise InputError(
                    f"{part}.{operation} is priced twice; "
                    "give neuron_update, or active and inactive apart"
                )
            expanded[operation] = price
    return expanded
