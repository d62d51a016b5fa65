"""A ledger's energy, time and power on devices, unthrottled and in real time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

from ..common.shown import Shown
from ..devices import Device
from ..estimates.estimate import DeviceLike
from .chip import CORES_PER_CHIP, LOIHI_DEVICES

if TYPE_CHECKING:
    import pandas

    from .ledger import Ledger

PACES = {"unthrottled": False, "real time": True}
"""Timesteps as fast as the chip can, or held to ``dt``."""


@dataclass(frozen=True)
class DeviceCost:
    """What one inference costs by one device's figures.

    Attributes
    ----------
    device : str
        Whose figures.
    pace : str
        ``"unthrottled"`` or ``"real time"``.
    dynamic : float
        Energy of operations [J].
    static_cores, static_chips : float or None
        Static power x latency, of the cores in use and of whole chips [J]; None where
        a figure for it is missing.
    latency : float or None
        Time [s].
    """

    device: str
    pace: str
    dynamic: float
    static_cores: float | None
    static_chips: float | None
    latency: float | None

    @property
    def energy(self) -> float:
        """Dynamic energy, and static energy of whole chips if it is known [J]."""
        return self.dynamic + (self.static_chips or 0.0)

    @property
    def power(self) -> float | None:
        """Energy / latency [W]."""
        return None if self.latency is None else self.energy / self.latency

    @property
    def edp(self) -> float | None:
        """Energy-delay product: energy x latency [J s]."""
        return None if self.latency is None else self.energy * self.latency


@dataclass(frozen=True, repr=False)
class LedgerCosts(Shown):
    """Costs per inference by device and pace; see ``ledger_costs``.

    Attributes
    ----------
    rows : tuple of DeviceCost
        One per device and pace.
    placement : str
        Placement that hops are counted under.
    """

    rows: tuple[DeviceCost, ...]
    placement: str

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per device and pace, in SI units."""
        from .report import costs_frame

        return costs_frame(self)

    def __str__(self) -> str:
        from .report import format_costs

        return format_costs(self)


def ledger_costs(
    ledger: Ledger,
    devices: Sequence[DeviceLike] = LOIHI_DEVICES,
    placement: str = "greedy",
) -> LedgerCosts:
    """Price a ledger on devices, as fast as the chip can and in real time."""
    share = ledger.n_cores / (ledger.n_chips * CORES_PER_CHIP)
    if isinstance(devices, (str, Device)):
        devices = [devices]
    rows = []
    for device in devices:
        for pace, real_time in PACES.items():
            estimate = ledger.estimate(device, placement=placement, real_time=real_time)
            (name,) = estimate.devices
            static = estimate.static(name)
            rows.append(
                DeviceCost(
                    device=name,
                    pace=pace,
                    dynamic=estimate.dynamic(name),
                    static_cores=None if static is None else share * static,
                    static_chips=static,
                    latency=estimate.latency(name),
                )
            )
    return LedgerCosts(tuple(rows), placement)
