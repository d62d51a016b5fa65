"""Readings of a machine -> device file: fitted prices with confidence intervals."""

from __future__ import annotations

import datetime
import platform
from typing import Any

import numpy as np

from ..common.exceptions import InputError
from ..common.version import __version__
from ..devices.writing import readable
from .fitting import Fit, fit_terms
from .measuring import Readings
from .meters import METERS

CONFIDENCE = 0.95
SOURCE = "calibration"


def host_name() -> str:
    """Return what this machine is, in words."""
    processor = platform.processor() or platform.machine()
    return f"{platform.node()} ({processor}, {platform.system()} {platform.release()})"


def idle_power(readings: Readings) -> tuple[float, float, float]:
    """Return the mean idle power, and its confidence interval [W]: low, mean, high."""
    from scipy.stats import t

    powers = np.array(readings.idle)
    mean = float(powers.mean())
    error = float(powers.std(ddof=1)) / len(powers) ** 0.5
    reach = float(t.ppf(0.5 + CONFIDENCE / 2, len(powers) - 1)) * error
    return max(mean - reach, 0.0), mean, mean + reach


def dynamic_energies(readings: Readings) -> list[float]:
    """Return the energy above idle of each model [J per inference].

    Raises
    ------
    InputError
        When a model drew no more than idling did.
    """
    idle = idle_power(readings)[1]
    energies = []
    for reading in readings.models:
        energy = reading.energy - idle * reading.time
        if energy <= 0:
            power = reading.energy / reading.time
            raise InputError(
                f"model {reading.name!r} drew {power:.3g} W, no more than the "
                f"{idle:.3g} W of idling; leave the machine alone, or choose larger "
                "models or batches"
            )
        energies.append(energy)
    return energies


def device_data(
    readings: Readings, name: str, host: str, date: datetime.date
) -> tuple[dict[str, Any], str]:
    """Return the content of a device file, and its comment.

    energy = fixed energy + macs x energy per MAC + idle power x time, and
    time = fixed time + macs x time per MAC, each fitted to the models.

    Parameters
    ----------
    readings : Readings
        What was measured.
    name : str
        Name of the device.
    host : str
        The machine, in words.
    date : datetime.date
        Day of the measurement.
    """
    macs = [reading.macs for reading in readings.models]
    amounts = [[1, n] for n in macs]
    energies = fit_terms(amounts, dynamic_energies(readings), CONFIDENCE)
    times = fit_terms(amounts, [r.time for r in readings.models], CONFIDENCE)
    low, idle, high = idle_power(readings)
    method = (
        f"{METERS[readings.meter]} read by Zeus, {len(readings.models)} Keras models, "
        f"batch size {readings.batch_size}, by nengo-energy {__version__} calibrate"
    )
    interval = f"{CONFIDENCE:.0%} confidence interval"
    if len(readings.models) == 2:
        interval = "no interval: two models fit exactly"
    data = {
        "name": name,
        "description": f"{host.split(' (')[0]}, measured {date.isoformat()}",
        "kind": "dense",
        "included": ["activation", "addition"],
        "batch_size": readings.batch_size,
        "notes": [
            f"Fitted to {len(macs)} models of {min(macs):,} to {max(macs):,} "
            "multiply-accumulates; measured over fitted energy went from "
            f"{energies.ratios.min():.2f} to {energies.ratios.max():.2f}."
        ],
        "shared": {
            "source": SOURCE,
            "locator": "readings in the comment of the file",
            "evidence": "measured",
            "year": date.year,
            "conditions": f"batch size {readings.batch_size}",
            "note": f"fitted to the readings; {interval}",
        },
        "fixed_energy": _term(energies, 0, "J"),
        "energies": {"mac": _term(energies, 1, "J")},
        "fixed_time": _term(times, 0, "s"),
        "times": {"mac": _term(times, 1, "s")},
        "static_power": {
            **readable(idle, "W", low, high),
            "per": "device",
            "conditions": "idle, before and after the models",
            "note": f"mean of {len(readings.idle)} windows; "
            f"{CONFIDENCE:.0%} confidence interval",
        },
        "sources": {SOURCE: f"Measured on {host} on {date.isoformat()}: {method}"},
    }
    lines = [f"Measured on {host} on {date.isoformat()}.", method + ".", ""]
    lines.append("model: multiply-accumulates, J per inference, s per inference, runs")
    lines += [
        f"{r.name}: {r.macs}, {r.energy:.4g}, {r.time:.4g}, {r.n_inferences}"
        for r in readings.models
    ]
    lines.append("idle [W]: " + ", ".join(f"{power:.4g}" for power in readings.idle))
    return data, "\n".join(lines)


def _term(fit: Fit, i: int, unit: str) -> dict[str, Any]:
    """Return one fitted cost as a device file holds it."""
    if fit.lows is None or fit.highs is None:
        return readable(float(fit.values[i]), unit)
    ends = float(fit.lows[i]), float(fit.highs[i])
    return readable(float(fit.values[i]), unit, *ends)
