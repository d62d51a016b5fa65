"""What an estimate consists of: rows of energy, intervals, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EnergyRow:
    """Energy of one operation in one layer on one device, per inference.

    Attributes
    ----------
    device, layer, operation : str
        What was priced. ``operation`` is a key of ``counts.OPERATIONS``, ``"fixed"``
        for the energy of an inference whatever the network, or ``"static"`` for static
        power over the whole inference.
    where : str
        ``"device"``, or ``"host"`` for what the host does for the device.
    host : str
        Device whose price was used where ``where`` is ``"host"``, else empty.
    count : float
        Mean count [per inference]; 1 where ``operation`` is ``"fixed"``, or the share
        of a batch, and the inference's share of time [s] where it is ``"static"``.
    energy_per_operation : float
        Price [J]; static power [W] where ``operation`` is ``"static"``.
    energy, low, high : float
        Energy, and its range by the ranges of price and time [J per inference].
    std : float
        Standard deviation over inferences [J per inference].
    """

    device: str
    layer: str
    operation: str
    where: str
    host: str
    count: float
    energy_per_operation: float
    energy: float
    low: float
    high: float
    std: float


@dataclass(frozen=True)
class Interval:
    """What the interval of a device's total is.

    Attributes
    ----------
    level : float
        Share of measured networks, left out of the device's fit, that it is to hold.
    factor : float
        From total / factor to total x factor, static power aside.
    outside : tuple of str
        What of the network lies outside of what was measured, and widened it.
    """

    level: float
    factor: float
    outside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "outside", tuple(self.outside))


@dataclass(frozen=True)
class Moved:
    """Kernels that an inference starts, or bytes that it moves, priced or not.

    Attributes
    ----------
    execution : str
        ``"dense"`` for the conventional network, ``"event"`` for the spiking one.
    operation : str
        ``"kernel"``, ``"weight_byte"``, ``"activation_byte"`` or ``"state_byte"``.
    count : float
        Mean count [per inference], of a batch of one; bytes at 32 bits a number.
    """

    execution: str
    operation: str
    count: float


@dataclass(frozen=True)
class NotModelled:
    """Something that costs energy or time on a device and isn't in its totals.

    Attributes
    ----------
    device, operation : str
        What is left out, and where.
    reason : str
        One sentence.
    count : float or None
        Mean count [per inference] where it is known.
    where : str
        ``"device"`` or ``"host"``.
    """

    device: str
    operation: str
    reason: str
    count: float | None = None
    where: str = "device"
