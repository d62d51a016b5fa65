"""Devices: what each operation costs on them, and where the numbers come from."""

from __future__ import annotations

from nengo_energy.devices.device import Device
from nengo_energy.devices.files import load
from nengo_energy.devices.quantity import Quantity
from nengo_energy.devices.registry import Registry

__all__ = [
    "Device",
    "Quantity",
    "default_names",
    "get",
    "isolated",
    "load",
    "names",
    "register",
    "unregister",
]

_registry = Registry()

names = _registry.names
default_names = _registry.default_names
get = _registry.get
register = _registry.register
unregister = _registry.unregister
isolated = _registry.isolated
