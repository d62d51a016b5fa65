"""Energy meters of this machine, read through Zeus: NVML for GPUs, RAPL for CPUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ..common.checks import check_choice, shown
from ..common.exceptions import InputError, MissingDependencyError, UnsupportedError

METERS = {"gpu": "NVML (NVIDIA GPU)", "cpu": "RAPL (CPU packages and their memory)"}
"""The meters, and what each reads."""

WINDOW = "nengo-energy"


@dataclass(frozen=True)
class Window:
    """What was drawn in a stretch of time.

    Attributes
    ----------
    energy : float
        Energy [J].
    time : float
        Length [s].
    """

    energy: float
    time: float


@dataclass(frozen=True)
class Meter:
    """One meter of a machine.

    Attributes
    ----------
    kind : str
        ``"gpu"`` or ``"cpu"``.
    monitor : zeus.monitor.ZeusMonitor
        What reads it, or an object with its interface: ``begin_window(key,
        sync_execution=)``, ``end_window(key, sync_execution=)`` with ``time``,
        ``gpu_energy``, ``cpu_energy`` and ``dram_energy`` of what it returns,
        ``gpu_indices`` and ``cpu_indices``.
    """

    kind: str
    monitor: Any

    def measure(self, work: Callable[[], None]) -> Window:
        """Return the energy and time of some work, which must be done when it returns.

        Raises
        ------
        UnsupportedError
            When the meter doesn't count, or not in so short a time.
        """
        # the work itself waits for its results, so the monitor needn't
        self.monitor.begin_window(WINDOW, sync_execution=False)
        try:
            work()
        except BaseException:
            self.monitor.end_window(WINDOW, sync_execution=False)
            raise
        reading = self.monitor.end_window(WINDOW, sync_execution=False)
        if self.kind == "gpu":
            parts = [reading.gpu_energy]
        else:
            parts = [reading.cpu_energy, reading.dram_energy]
        energy = float(sum(sum(part.values()) for part in parts if part))
        if not energy > 0:
            raise UnsupportedError(
                f"{METERS[self.kind]} counted {energy:g} J in {reading.time:.3g} s; "
                "measure for longer with seconds=, if the meter counts at all"
            )
        return Window(energy, float(reading.time))


def open_meter(kind: str | None = None, monitor: Any = None) -> Meter:
    """Return a meter of this machine.

    Parameters
    ----------
    kind : {"gpu", "cpu"}, optional
        Which; by default the GPU's if there is one.
    monitor : zeus.monitor.ZeusMonitor, optional
        An open monitor.

    Raises
    ------
    MissingDependencyError
        When Zeus isn't installed.
    UnsupportedError
        When the machine has no such meter, or its user may not read it.
    """
    if kind is not None:
        check_choice("meter", kind, tuple(METERS))
    if monitor is None:
        monitor = _zeus_monitor(kind)
    elif not hasattr(monitor, "begin_window"):
        raise InputError(
            f"monitor must be a zeus.monitor.ZeusMonitor; got {shown(monitor)}"
        )
    found = {"gpu": list(monitor.gpu_indices), "cpu": list(monitor.cpu_indices)}
    for name in [kind] if kind else METERS:
        if found[name]:
            if name == "gpu" and len(found[name]) > 1:
                raise InputError(
                    f"{len(found[name])} GPUs would be added up; choose one with "
                    "CUDA_VISIBLE_DEVICES, or pass monitor="
                )
            return Meter(name, monitor)
    wanted = METERS[kind] if kind else " or ".join(METERS.values())
    raise UnsupportedError(
        f"no energy meter found: {wanted}. NVML needs an NVIDIA GPU and its driver; "
        "RAPL an x86 CPU and leave to read /sys/class/powercap, which most systems "
        "give to root alone. Nothing was measured"
    )


def _zeus_monitor(kind: str | None) -> Any:
    try:
        from zeus.monitor import ZeusMonitor
    except ImportError as error:
        raise MissingDependencyError(
            "measuring energy needs Zeus, which reads the meters: "
            'pip install "nengo-energy[calibrate]"'
        ) from error
    unread: dict[str, list[int]] = {}  # the other meter needn't be opened
    if kind is not None:
        unread["cpu_indices" if kind == "gpu" else "gpu_indices"] = []
    return ZeusMonitor(**unread)
