"""Devices: what each operation costs on them, and where the numbers come from."""

from __future__ import annotations

from .device import Device as Device
from .files import load as load
from .quantity import Quantity as Quantity
from .registry import Registry

_registry = Registry()

names = _registry.names
default_names = _registry.default_names
get = _registry.get
register = _registry.register
unregister = _registry.unregister
isolated = _registry.isolated

load_device, register_device = load, register  # as the root package calls them
