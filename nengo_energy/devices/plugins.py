"""Entry points of other packages -> devices; a broken one breaks nothing else."""

from __future__ import annotations

import importlib.metadata
import warnings
from typing import Iterable

from .device import POINT_MARK, Device, device_key

ENTRY_POINT_GROUP = "nengo_energy.devices"
"""Entry points of this group lead to a Device, or to a function that returns one."""


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
            if POINT_MARK in key:
                raise ValueError(f"device {device.name!r} has {POINT_MARK} in its name")
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


def installed_entry_points() -> list[importlib.metadata.EntryPoint]:
    found = importlib.metadata.entry_points()
    if hasattr(found, "select"):
        return list(found.select(group=ENTRY_POINT_GROUP))
    return list(found.get(ENTRY_POINT_GROUP, ()))  # Python 3.9
