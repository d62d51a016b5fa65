"""Frames as reports and figures take them, small and made by hand."""

from __future__ import annotations

import pandas as pd
from priced import CHIP, COUNTS, TWIN

from nengo_energy.pricing.energy import estimate_energy

AWKWARD = "</script><b>\"&'_1 {{ x }}"
"""A name that must come out as it is, whatever it is written into."""


def make_estimate():
    """Devices of both kinds, with and without ranges, host, fixed and static terms."""
    devices = [CHIP, TWIN, "arm", "h100", "loihi-davies2018"]
    return estimate_energy(COUNTS, devices, host="arm")


def activity_rows():
    return pd.DataFrame(
        {
            "population": ["conv", AWKWARD],
            "n_neurons": [500, 10],
            "spikes": [1000.25, 0.0],
            "std": [12.5, 0.0],
            "firing_rate": [40.01, 0.0],
            "firing_rate_max": [187.5, 0.0],
            "silent": [0.125, 1.0],
            "peak": [1, 0],
        }
    )


class Comparison:
    """What a comparison offers: three frames."""

    def to_frame(self):
        return pd.DataFrame(
            {
                "layer": ["conv", "dense"],
                "n_neurons": [500, 10],
                "correlation": [0.985, float("nan")],
                "relative_error": [0.1234, 0.5],
                "silent": [0.125, 0.0],
            }
        )

    def outputs_frame(self):
        return pd.DataFrame(
            {
                "output": ["digit"],
                "accuracy": [0.9],
                "accuracy_low": [0.84],
                "accuracy_high": [0.94],
                "keras_accuracy": [0.95],
                "keras_accuracy_low": [0.9],
                "keras_accuracy_high": [0.98],
            }
        )

    def curve_frame(self):
        return pd.DataFrame(
            {
                "output": ["digit"] * 3,
                "timesteps": [10, 20, 50],
                "accuracy": [0.3, 0.8, 0.9],
                "accuracy_low": [0.25, 0.75, 0.84],
                "accuracy_high": [0.36, 0.85, 0.94],
                "energy chip": [1e-7, 2e-7, 5e-7],
            }
        )


def sweep_rows():
    """Four settings, one of which failed; the second beats the third on the chip."""
    nan = float("nan")
    return pd.DataFrame(
        {
            "scale_firing_rates": [10, 100, 1000, 10],
            "timesteps": [20, 20, 20, 50],
            "synapse": [0.005] * 4,
            "n_inferences": [300] * 4,
            "accuracy": [0.5, 0.9, 0.88, nan],
            "keras_accuracy": [0.95, 0.95, 0.95, nan],
            "spikes": [100.0, 1000.0, 9000.0, nan],
            "energy chip": [1e-7, 9e-7, 8e-6, nan],
            "energy arm": [9.46e-6, 9.46e-6, 9.46e-6, nan],
            "error": ["", "", "", "InputError: too large"],
        }
    )


class Ledger:
    """Six cores on two tiles, counted over two inferences."""

    n_inferences = 2

    def to_frame(self):
        return pd.DataFrame(
            {
                "chip": [0] * 6,
                "core": range(6),
                "layer": ["conv"] * 5 + ["dense"],
                "compartments": [100] * 5 + [10],
                "synops": [80_000, 40_000, 20_000, 10_000, 0, 6_001],
                "spikes": [10] * 6,
                "messages_out": [12] * 6,
                "synapse_share": [0.5] * 6,
                "column (greedy)": [0, 0, 0, 0, 1, 1],
                "row (greedy)": [2] * 6,
            }
        )
