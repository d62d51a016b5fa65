"""Energy per further connection on Loihi, predicted over firing rates, and measured.

Blouw et al. 2019 (doi:10.1145/3320288.3320304) put N x 10 layers of 256 neurons into
their keyword spotter of 390-256-256-29, with random weights, and measured energy per
inference of 10 timesteps. The slope of a straight line through their raw logs is
26.9 pJ of dynamic energy for each connection. Firing rates weren't published, so they
are swept from 0.01 to 1 spike per neuron and timestep: the prediction is a band. No
price is fitted to the measurement.

The networks are converted, laid on cores and accounted for as for the chip; only their
spikes are set instead of measured.

    python benchmarks/loihi_scaling.py
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import nengo_energy as ne
from nengo_energy.activity.activity import Activity
from nengo_energy.common.tables import format_si, format_table
from nengo_energy.compat import import_tensorflow
from nengo_energy.loihi import Ledger, LoihiNetwork, ledger_from_activity

TIMESTEPS = 10
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
MEASURED = 26.9e-12
"""J per connection and inference, slope of a straight line through the raw logs."""

DEVICES = ("loihi-davies2018", "loihi-fitted2025@dense", "loihi")
N_INFERENCES = 10
"""So that 0.01 spikes per timestep are one spike over all timesteps."""


def spotter(n_layers: int) -> ne.SpikingModel:
    """Return the keyword spotter with further layers of 256 neurons."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    uniform = keras.initializers.RandomUniform(-0.05, 0.05)
    x = audio = keras.Input((390,), name="audio")
    for k in range(n_layers + 2):
        x = keras.layers.Dense(
            256, activation="relu", kernel_initializer=uniform, name=f"hidden_{k}"
        )(x)
    model = keras.Model(audio, keras.layers.Dense(29, name="letters")(x))
    return ne.convert(model, scale_firing_rates=100, verify=False)


def at_rate(prepared: LoihiNetwork, silent: Activity, rate: float) -> Ledger:
    """Return the ledger with every neuron spiking at a rate [1/timestep]."""
    spikes = round(rate * TIMESTEPS * N_INFERENCES)
    populations = {
        name: replace(population, spikes=np.full(population.n_neurons, spikes))
        for name, population in silent.populations.items()
    }
    return ledger_from_activity(prepared, replace(silent, populations=populations))


def slopes(sizes: Sequence[int]) -> dict[tuple[str, float], float]:
    """Return J per further connection, by device and rate, between two sizes."""
    energies: list[dict[tuple[str, float], float]] = []
    connections = []
    for n_layers in sizes:
        snn = spotter(n_layers)
        prepared = snn.loihi_network()
        silent = snn.measure(
            np.zeros((N_INFERENCES, 390)), TIMESTEPS, simulator="nengo", progress=False
        )
        found = {}
        for rate in RATES:
            ledger = at_rate(prepared, silent, rate)
            for device in DEVICES:
                estimate = ledger.estimate(device)
                found[device, rate] = estimate.dynamic(estimate.devices[0])
        energies.append(found)
        connections.append(snn.layer_ops.connections)
        print(
            f"{n_layers} further layers: {connections[-1]:,} connections on "
            f"{prepared.n_cores} cores"
        )
    small, large = energies
    n_more = connections[1] - connections[0]
    return {key: (large[key] - small[key]) / n_more for key in small}


def main() -> None:
    """Print the band beside the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, nargs=2, default=(10, 30))
    options = parser.parse_args()
    found = slopes(options.layers)
    header = ["spikes per timestep", *(f"{d} [pJ]" for d in DEVICES)]
    body = [
        [f"{rate:g}", *(f"{found[d, rate] * 1e12:.2f}" for d in DEVICES)]
        for rate in RATES
    ]
    print(f"\nDynamic energy per further connection and inference of {TIMESTEPS} steps")
    print(format_table([header], body, []))
    print(f"\nmeasured (Blouw et al. 2019, raw logs): {format_si(MEASURED, 'J')}")
    print(
        "loihi has KerasSpiking's constants: (23.6 + 3.5) pJ a synop, 81 pJ an update"
    )
    for device in DEVICES:
        band = [found[device, rate] for rate in RATES]
        low, high = (format_si(value, "J") for value in (min(band), max(band)))
        inside = min(band) <= MEASURED <= max(band)
        print(f"{device}: {low} to {high}; the measurement is in it: {inside}")


if __name__ == "__main__":
    main()
