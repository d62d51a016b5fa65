"""Names -> devices: the built-in ones, those of plugins, those a user registers."""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import Iterable, Iterator, Mapping

from ..common.checks import check_flag
from ..common.exceptions import InputError, NotFoundError
from .device import POINT_MARK, Device, device_key
from .files import parse_device
from .plugins import installed_entry_points, load_plugins
from .user import USER_SOURCE, Price, user_device

DEFAULT_NAMES = (
    "arm",
    "cpu",
    "gpu",
    "loihi",
    "loihi-davies2018",
    "spinnaker",
    "spinnaker2",
)
"""The built-in devices that an estimate covers if none is named."""


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
        known = {name: name for name in builtin_names()}
        for devices in (self._load_plugins(), self._registered):
            known.update({key: device.name for key, device in devices.items()})
        return tuple(known[key] for key in sorted(known))

    def default_names(self) -> tuple[str, ...]:
        """Return the names that an estimate covers if none is given.

        They are ``DEFAULT_NAMES``, and all devices of plugins and of the user that
        price anything.
        """
        known = {name: name for name in DEFAULT_NAMES}
        for devices in (self._load_plugins(), self._registered):
            known.update(
                {key: dev.name for key, dev in devices.items() if not dev.unpriced}
            )
        return tuple(known[key] for key in sorted(known))

    def get(self, name: str) -> Device:
        """Return a device by its name, whatever the case.

        Parameters
        ----------
        name : str
            A name of `names`, with an operating point after ``@`` where the device has
            several (``"h100@bf16"``); without it, at its default. Where prices tell
            what a batch takes once, a batch size may stand there, or follow the point
            (``"h100@bf16-batch24"``).

        Raises
        ------
        NotFoundError
            When no device has that name, or the device has no such operating point;
            the message lists those that exist.
        """
        key, mark, point = device_key(name).partition(POINT_MARK)
        device = self._device(key.strip(), name)
        return _at_point(device, point.strip()) if mark else device

    def _device(self, key: str, name: str) -> Device:
        for devices in (self._registered, self._load_plugins(), self._builtin):
            if key in devices:
                return devices[key]
        if key in builtin_names():
            self._builtin[key] = _read_builtin(key)
            return self._builtin[key]
        known = self.names()
        hint = _closest(name, known)
        raise NotFoundError(
            f"device {name!r} not found{hint}; known: {', '.join(known)}"
        )

    def register(
        self,
        device: str | Device,
        kind: str | None = None,
        energies: Mapping[str, Price] | None = None,
        *,
        static_power: Price | None = None,
        real_time: bool | None = None,
        fixed_energy: Price | None = None,
        times: Mapping[str, Price] | None = None,
        fixed_time: Price | None = None,
        description: str = "",
        source: str = USER_SOURCE,
        replace: bool = False,
    ) -> Device:
        """Make a device known by name, for as long as this Python process lives.

        Parameters
        ----------
        device : str or Device
            Name of a device that the other arguments describe, or a finished one
            (for example from ``load``), which takes none but ``replace``.
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
        fixed_energy : float or Quantity, optional
            Energy of each inference whatever the network [J].
        times : Mapping of str to float or Quantity, optional
            Time of each operation [s].
        fixed_time : float or Quantity, optional
            Time of each inference whatever the network [s].
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
        check_flag("replace", replace)
        described = {
            "kind": kind,
            "energies": energies,
            "static_power": static_power,
            "real_time": real_time,
            "fixed_energy": fixed_energy,
            "times": times,
            "fixed_time": fixed_time,
        }
        given = {name: value for name, value in described.items() if value is not None}
        if not isinstance(device, Device):
            device = user_device(device, given, description, source)
        elif given:
            raise InputError(
                f"device {device.name!r} is complete; register it without "
                f"{', '.join(given)}"
            )
        key = device_key(device.name)
        if POINT_MARK in key:
            raise InputError(
                f"device {device.name!r} can't be registered: {POINT_MARK} stands "
                "before an operating point; rename it with dataclasses.replace"
            )
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
            self._plugins.update(
                load_plugins(installed_entry_points(), builtin_names())
            )
        return self._plugins


def _at_point(device: Device, point: str) -> Device:
    keys = {device_key(name): name for name in device.operating_points}
    if point in keys:
        return device.operating_points[keys[point]]
    at_batch = _at_batch(device, point)
    if at_batch is not None:
        return at_batch
    if not keys:
        raise NotFoundError(
            f"device {device.name!r} has no operating points; got {point!r}"
        )
    hint = _closest_point(point, device.operating_points)
    raise NotFoundError(
        f"operating point {point!r} of device {device.name!r} not found{hint}; "
        f"known: {', '.join(device.operating_points)}"
    )


def _at_batch(device: Device, point: str) -> Device | None:
    """Return a device at a batch size, such as ``batch8`` or ``bf16-batch8``."""
    name, mark, number = point.rpartition("batch")
    if not mark or not re.fullmatch("[0-9]{1,9}", number) or int(number) < 1:
        return None
    keys = {device_key(own): own for own in device.operating_points}
    if not name:
        base = device
    elif name.endswith("-") and name[:-1] in keys:
        base = device.operating_points[keys[name[:-1]]]
    else:
        return None
    if not base.takes_batches:
        return None
    mark = "-" if base.operating_point and name else POINT_MARK
    return replace(
        base.at_batch(int(number)),
        name=f"{base.name}{mark}batch{number}",
        description=f"{base.description}, batch size {number}",
    )


def _closest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most like another one."""
    keys = {device_key(other): other for other in known}
    close = difflib.get_close_matches(device_key(name), keys, n=1)
    return f" (did you mean {keys[close[0]]!r}?)" if close else ""


def _closest_point(point: str, known: Iterable[str]) -> str:
    """Return a hint at an operating point: by its number, if that alone differs.

    Numbers are near as ratios: batch32 is near batch64, not batch512.
    """
    stem, number = _split_number(point)
    ratios = {
        name: max(n, number) / min(n, number)
        for name in known
        for start, n in [_split_number(name.lower())]
        if start == stem and n and number
    }
    if not ratios:
        return _closest(point, known)
    return f" (did you mean {min(ratios, key=ratios.__getitem__)!r}?)"


def _split_number(key: str) -> tuple[str, int]:
    """Return a name without the number at its end, and that number, or 0."""
    stem = key.rstrip("0123456789")
    digits = key[len(stem) :][-9:]  # more are no batch size
    return stem, int(digits or 0)


@functools.lru_cache(maxsize=None)
def builtin_names() -> tuple[str, ...]:
    """Return the names of the devices that the package ships, in order."""
    folder = importlib.resources.files(__package__).joinpath("data")
    files = (entry.name for entry in folder.iterdir())
    stems = (name[: -len(".toml")] for name in files if name.endswith(".toml"))
    return tuple(sorted(stems))


def _read_builtin(name: str) -> Device:
    folder = importlib.resources.files(__package__).joinpath("data")
    file = folder.joinpath(f"{name}.toml")
    return parse_device(file.read_text(encoding="utf-8"), f"built-in file {file.name}")
