"""Names -> devices: the built-in ones, those of plugins, those a user registers."""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import importlib.resources
import warnings
from contextlib import contextmanager
from typing import Iterable, Iterator, Mapping, Union

from ..exceptions import InputError, NotFoundError
from .device import Device, Quantity, device_key
from .files import parse_device

ENTRY_POINT_GROUP = "nengo_energy.devices"
"""Entry points of this group lead to a Device, or to a function that returns one."""

Price = Union[Quantity, float]

_USER_SOURCE = "user"


class Registry:
    """The devices known by name; names ignore case.

    Built-in files are read when first asked for, and plugins when the first name is
    looked up, so that importing the package reads neither.
    """

    def __init__(self) -> None:
        self._builtin: dict[str, Device] = {}
        self._plugins: dict[str, Device] | None = None
        self._registered: dict[str, Device] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all known devices, in alphabetical order."""
        known = {name: name for name in _builtin_names()}
        for devices in (self._load_plugins(), self._registered):
            known.update({key: device.name for key, device in devices.items()})
        return tuple(known[key] for key in sorted(known))

    def get(self, name: str) -> Device:
        """Return a device by its name, whatever the case.

        Raises
        ------
        NotFoundError
            When no device has that name; the message lists those that exist.
        """
        key = device_key(name)
        for devices in (self._registered, self._load_plugins(), self._builtin):
            if key in devices:
                return devices[key]
        if key in _builtin_names():
            self._builtin[key] = _read_builtin(key)
            return self._builtin[key]
        raise NotFoundError(self._not_found(name))

    def register(
        self,
        device: str | Device,
        kind: str | None = None,
        energies: Mapping[str, Price] | None = None,
        *,
        static_power: Price | None = None,
        real_time: bool | None = None,
        description: str = "",
        source: str = _USER_SOURCE,
        replace: bool = False,
    ) -> Device:
        """Make a device known by name, for as long as this Python process lives.

        Parameters
        ----------
        device : str or Device
            Name of a device that the other arguments describe, or a finished one
            (for example from `load`), which takes none but ``replace``.
        kind : str
            ``"event"`` or ``"dense"``.
        energies : Mapping of str to float or Quantity
            Energy of each operation [J]: ``synop``, ``neuron_update`` (or its parts
            ``neuron_update_active`` and ``neuron_update_inactive``), ``spike`` and
            ``addition`` of an event device; ``mac``, ``activation`` and ``addition``
            of a dense one.
        static_power : float or Quantity, optional
            Power drawn whatever the activity [W].
        real_time : bool, optional
            True where a timestep takes ``dt`` on an event device.
        description : str
            One line on what the device is.
        source : str
            Where the numbers come from. A `Quantity` among them may name its own
            source; it counts as the citation.
        replace : bool
            Allow a name that is taken.

        Returns
        -------
        Device
            The device as registered.

        Raises
        ------
        InputError
            When the name is taken, or a field can't be worked with.

        Examples
        --------
        >>> from nengo_energy import devices
        >>> with devices.isolated():
        ...     chip = devices.register(
        ...         "my-chip", "event", {"synop": 20e-12, "neuron_update": 60e-12}
        ...     )
        ...     "my-chip" in devices.names()
        True
        """
        if isinstance(device, Device):
            given = (kind, energies, static_power, real_time)
            if any(value is not None for value in given):
                raise InputError(
                    f"device {device.name!r} is complete; register it without "
                    "kind, energies, static_power and real_time"
                )
        else:
            device = _user_device(
                device, kind, energies, static_power, real_time, description, source
            )
        key = device_key(device.name)
        taken = {device_key(name) for name in self.names()}
        if key in taken and not replace:
            raise InputError(
                f"device {device.name!r} is already known; "
                "pass replace=True to replace it"
            )
        self._registered[key] = device
        return device

    def unregister(self, name: str) -> None:
        """Forget a registered device; one that it replaced is back.

        Raises
        ------
        NotFoundError
            When no device was registered under that name.
        """
        if self._registered.pop(device_key(name), None) is None:
            known = ", ".join(d.name for d in self._registered.values()) or "none"
            raise NotFoundError(
                f"device {name!r} isn't a registered one; registered: {known}"
            )

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Undo on leaving what was registered or unregistered inside."""
        registered = dict(self._registered)
        plugins = self._plugins
        try:
            yield
        finally:
            self._registered = registered
            self._plugins = plugins

    def _load_plugins(self) -> dict[str, Device]:
        if self._plugins is None:
            self._plugins = {}  # set first: a plugin may ask for names itself
            self._plugins.update(load_plugins(_entry_points(), _builtin_names()))
        return self._plugins

    def _not_found(self, name: str) -> str:
        known = self.names()
        keys = {device_key(other): other for other in known}
        close = difflib.get_close_matches(device_key(name), keys, n=1)
        hint = f" (did you mean {keys[close[0]]!r}?)" if close else ""
        return f"device {name!r} not found{hint}; known: {', '.join(known)}"


def load_plugins(
    entry_points: Iterable[importlib.metadata.EntryPoint], taken: Iterable[str]
) -> dict[str, Device]:
    """Load the devices of entry points; a broken one warns, and the others load.

    Parameters
    ----------
    entry_points : iterable of EntryPoint
        Each leads to a `Device`, or to a function without arguments that returns one.
    taken : iterable of str
        Names that a plugin can't have.
    """
    found: dict[str, Device] = {}
    for entry_point in entry_points:
        try:
            device = entry_point.load()
            if callable(device):
                device = device()
            if not isinstance(device, Device):
                raise TypeError(f"it leads to {device!r}, which isn't a Device")
            key = device_key(device.name)
            if key in found or key in taken:
                raise ValueError(f"device {device.name!r} is already known")
            found[key] = device
        except Exception as error:  # whatever a plugin does, the others must load
            warnings.warn(
                f"device plugin {entry_point.name!r} ({entry_point.value}) was left "
                f"out: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
    return found


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    found = importlib.metadata.entry_points()
    if hasattr(found, "select"):
        return list(found.select(group=ENTRY_POINT_GROUP))
    return list(found.get(ENTRY_POINT_GROUP, ()))  # Python 3.9


@functools.lru_cache(maxsize=None)
def _builtin_names() -> tuple[str, ...]:
    folder = importlib.resources.files(__package__).joinpath("data")
    files = (entry.name for entry in folder.iterdir())
    stems = (name[: -len(".toml")] for name in files if name.endswith(".toml"))
    return tuple(sorted(stems))


def _read_builtin(name: str) -> Device:
    folder = importlib.resources.files(__package__).joinpath("data")
    file = folder.joinpath(f"{name}.toml")
    return parse_device(file.read_text(encoding="utf-8"), f"built-in file {file.name}")


def _user_device(
    name: str,
    kind: str | None,
    energies: Mapping[str, Price] | None,
    static_power: Price | None,
    real_time: bool | None,
    description: str,
    source: str,
) -> Device:
    """Return the device that a user describes with plain numbers."""
    if kind is None or energies is None:
        missing = "kind" if kind is None else "energies"
        raise InputError(f"device {name!r}: {missing} is missing")
    if not isinstance(energies, Mapping):
        raise InputError(
            f"device {name!r}: energies must be a mapping; got {energies!r}"
        )
    sources = {_USER_SOURCE: source}

    def quantity(field: str, price: Price) -> Quantity:
        if isinstance(price, Quantity):
            sources.setdefault(price.source, price.source)
            if price.range_source:
                sources.setdefault(price.range_source, price.range_source)
            return price
        try:
            return Quantity(price, _USER_SOURCE)
        except InputError as error:
            raise InputError(f"device {name!r}: {field}: {error}") from None

    return Device(
        name=name,
        kind=kind,
        energies={
            operation: quantity(f"energies.{operation}", price)
            for operation, price in energies.items()
        },
        sources=sources,
        description=description,
        static_power=(
            None if static_power is None else quantity("static_power", static_power)
        ),
        real_time=real_time,
        real_time_source=_USER_SOURCE,
    )
