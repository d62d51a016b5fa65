"""Predictions for neuromorphic chips: single operations, whole boards, Speck.

Firing rates are published for Speck alone. Elsewhere they are swept, and the prediction
is a band.
"""

from __future__ import annotations

from dataclasses import replace

import fit_devices
import measured
import numpy as np
from measured import Case
from prediction import Prediction, price

from nengo_energy import devices
from nengo_energy.counts import OpCount, OpCounts

RATES = (0.01, 1.0)
"""Spikes per neuron and timestep that unknown rates are swept over."""

KWS_TIMESTEPS = 10


def spiking_counts(macs: int, neurons: int, senders: int, rate: float) -> OpCounts:
    """Return the counts of a network whose neurons and inputs all fire alike."""
    updates = neurons * KWS_TIMESTEPS
    operations = {
        "synop": macs * KWS_TIMESTEPS * rate,
        "neuron_update_active": updates * rate,
        "neuron_update_inactive": updates * (1 - rate),
        "spike": senders * KWS_TIMESTEPS * rate,
    }
    rows = (OpCount("network", op, round(n), 1) for op, n in operations.items())
    return OpCounts(tuple(rows), KWS_TIMESTEPS, 0.001)


def keyword_spotter(n_stacks: int, rate: float) -> OpCounts:
    """Return the counts of the keyword spotter of Blouw et al. 2019 at a rate."""
    neurons = measured.scaled_kws_neurons(n_stacks)
    senders = 390 + neurons - 29
    return spiking_counts(measured.scaled_kws_macs(n_stacks), neurons, senders, rate)


def band(n_stacks: int, device: str) -> tuple[float, float]:
    """Return the least and most energy of the keyword spotter over `RATES` [J]."""
    slow, fast = (
        price(keyword_spotter(n_stacks, rate), device, "dynamic") for rate in RATES
    )
    return slow[0], fast[2]


def spinnaker_operations() -> list[Prediction]:
    """Return operations on the board of 48 chips, from the prices of that of 4."""
    points = devices.get("spinnaker-ostrau2022").operating_points
    constants = devices.get("spinnaker").energies
    wanted = [("random", "synop"), ("one-to-all", "synop"), ("one-to-one", "synop")]
    wanted.append(("random", "neuron_update_inactive"))
    found = []
    for pattern, operation in wanted:
        known = points[f"spinn3-{pattern}"].energies[operation]
        low, high = known.bounds
        words = operation.replace("_inactive", "").replace("_", " ")
        theirs = constants[operation].value
        found.append(
            Prediction(
                "SpiNNaker, single operations",
                "SpiNNaker, 48 chips",
                f"one {words}" + f", {pattern}" * (operation == "synop"),
                points[f"spinn5-{pattern}"].energies[operation].value,
                low,
                known.value,
                high,
                (theirs, theirs),
            )
        )
    return found


def loihi_cases() -> list[Case]:
    """Return the runs on Loihi, mean over runs of the same network."""
    runs: dict[str, list[Case]] = {}
    for case in measured.of_device(measured.kws_cases(), "loihi"):
        # the keyword spotter was run again, and faster, as the smallest scaled network
        key = f"{case.network}, {round(1 / (case.time or 1), -2):.0f} inferences/s"
        runs.setdefault(key, []).append(case)
    return [
        replace(
            same[0],
            energy=float(np.mean([case.energy for case in same])),
            time=float(np.mean([case.time for case in same])),
        )
        for same in runs.values()
    ]


def stacks(case: Case) -> int:
    """Return how many stacks the network of a case has."""
    digits = "".join(filter(str.isdigit, case.network))
    return int(digits or 0)


def loihi_slope() -> list[Prediction]:
    """Return what a further connection costs on Loihi, per inference.

    Measured: the slope of a straight line through the seven sizes, all of which but the
    fast run of the smallest were run alike.
    """
    cases = [case for case in loihi_cases() if (case.time or 0.0) > 1 / 200]
    macs = [case.macs for case in cases]
    slope = float(np.polyfit(macs, [case.energy for case in cases], 1)[0])
    first, last = (measured.scaled_kws_macs(n) for n in (0, 10))

    def marginal(device: str) -> tuple[float, float]:
        ends = zip(band(0, device), band(10, device))
        low, high = ((large - small) / (last - first) for small, large in ends)
        return low, high

    low, high = marginal("loihi-fitted2025@dense")
    return [
        Prediction(
            "Loihi, per further connection",
            "Loihi",
            "a connection, 10 timesteps",
            slope,
            low,
            None,
            high,
            marginal("loihi"),
        )
    ]


def loihi_boards(with_processors: bool) -> list[Prediction]:
    """Return whole boards with Loihi, as above idle after boot.

    Operations alone, or with the embedded processors: the power that Frady et al. 2020
    measured on another board x the time that was measured here.
    """
    power = devices.get("loihi-davies2018").powers["embedded_processors"]
    found = []
    for case in loihi_cases():
        low, high = band(stacks(case), "loihi-fitted2025@dense")
        time = case.time or 0.0
        if with_processors:
            low += power.bounds[0] * time
            high += power.bounds[1] * time
        found.append(
            Prediction(
                "Loihi, whole board" + ", with x86 power x time" * with_processors,
                "Loihi",
                f"{case.network}, {1 / time:.0f} inferences/s",
                case.energy,
                low,
                None,
                high,
                band(stacks(case), "loihi"),
            )
        )
    return found


def other_boards() -> list[Prediction]:
    """Return keyword spotting by Yan et al. 2021, dynamic energy."""
    return [
        Prediction(
            "other boards",
            hardware,
            "kws",
            energy,
            band(0, device)[0],
            None,
            band(0, device)[1],
            band(0, constants),
        )
        for hardware, energy, device, constants in (
            ("Loihi", 37e-6, "loihi-fitted2025@dense", "loihi"),
            ("SpiNNaker 2 prototype", 7.1e-6, "spinnaker2", "spinnaker2"),
        )
    ]


def speck() -> list[Prediction]:
    """Return Speck: each task from the energy per synop of the other two."""
    found = []
    energies = fit_devices.speck_energies()
    for row in measured.read("speck_yao2024.csv"):
        others = [
            energy
            for name, energy in energies.items()
            if not name.startswith(f"{row['task']} ")
        ]
        spikes = float(row["spikes_per_sample"])
        mean = float(np.exp(np.mean(np.log(others))))
        shipped = devices.get("speck").energies["synop"].value
        found.append(
            Prediction(
                "Speck, spikes known",
                "Speck",
                f"{row['task']}, {row['model']}",
                energies[f"{row['task']} {row['model']}"] * spikes,
                min(others) * spikes,
                mean * spikes,
                max(others) * spikes,
                None,
                shipped * fit_devices.SPECK_FAN_OUT * spikes,
            )
        )
    return found
