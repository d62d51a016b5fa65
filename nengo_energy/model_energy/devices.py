"""Devices as KerasSpiking describes them: two energies, and spiking or not."""

from __future__ import annotations

import warnings
from typing import Any, Iterator, Mapping

from .. import devices as registry
from ..common.exceptions import InputError
from ..devices import Device
from ..devices.device import device_key
from ..estimates.estimate import DeviceLike

OPERATIONS = {
    "event": ("synop", "neuron_update_active"),
    "dense": ("mac", "activation"),
}
"""What a synop and a neuron update are on each kind of device."""


class Devices(Mapping):
    """Read-only view of the known devices by name, whatever the case.

    Values are dicts of ``spiking``, ``energy_per_synop`` and ``energy_per_neuron``
    [J], None where a device has no price; a neuron update is an active one.
    """

    def __getitem__(self, name: str) -> dict[str, Any]:
        device = registry.get(name)
        synop, neuron = (device.energies.get(op) for op in OPERATIONS[device.kind])
        return {
            "spiking": device.kind == "event",
            "energy_per_synop": None if synop is None else synop.value,
            "energy_per_neuron": None if neuron is None else neuron.value,
        }

    def __contains__(self, name: object) -> bool:
        known = {device_key(device) for device in self}
        return isinstance(name, str) and device_key(name) in known

    def __iter__(self) -> Iterator[str]:
        return iter(registry.names())

    def __len__(self) -> int:
        return len(registry.names())


def resolve(device: DeviceLike) -> Device:
    """Return a device given as such or by name."""
    return device if isinstance(device, Device) else registry.get(device)


def register(
    name: str, energy_per_synop: float, energy_per_neuron: float, spiking: bool
) -> None:
    """Make a device known by its two energies [J]; warns if it replaces another."""
    if not isinstance(spiking, bool):
        raise InputError(
            f"device {name!r}: spiking must be True (event-driven) or False (dense); "
            f"got {spiking!r}"
        )
    if name in Devices():
        warnings.warn(
            f"Device {name!r} already registered; the new energies replace it",
            stacklevel=3,
        )
    energies = {"synop": energy_per_synop, "neuron_update": energy_per_neuron}
    if not spiking:
        energies = {"mac": energy_per_synop, "activation": energy_per_neuron}
    kind = "event" if spiking else "dense"
    registry.register(name, kind, energies, replace=True)
