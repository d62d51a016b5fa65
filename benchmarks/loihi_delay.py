"""Why the emulator counts other spikes than NengoDL: delay of layers, and rounding.

Trains networks on scikit-learn's digits, and prints by how much spikes on Loihi's
emulator differ from NengoDL's, and how much is left when NengoDL's are late by as much:
where spikes lead to a layer, the emulator is run longer by the timesteps that the layer
is behind; where NengoLoihi encodes the input, NengoDL's input passes the same filter.
What is left is rounding.

    python benchmarks/loihi_delay.py
"""

from __future__ import annotations

import os
from typing import Any, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo
import numpy as np
from sklearn.datasets import load_digits

import nengo_energy as ne
from nengo_energy.activity.emulator.delays import ENCODING_TAU, pipeline_delays
from nengo_energy.common.defaults import DT
from nengo_energy.common.tables import format_table
from nengo_energy.compat import import_tensorflow

N_TRAIN, N_INFERENCES = 1300, 20
TIMESTEPS = (50, 200)
SYNAPSES = (None, 0.005)


def build(widths: Sequence[int], conv: bool) -> Any:
    """Return a dense network of some hidden layers, or a convolutional one."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = x = keras.Input((8, 8, 1))
    if conv:
        x = layers.Conv2D(8, 3, activation="relu", name="conv_1")(x)
        x = layers.Conv2D(16, 3, 2, activation="relu", name="conv_2")(x)
    x = layers.Flatten()(x)
    for k, width in enumerate(widths, start=1):
        x = layers.Dense(width, activation="relu", name=f"dense_{k}")(x)
    model = keras.Model(image, layers.Dense(10, name="digit")(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    return model


MODELS = {
    "1 hidden layer": ((64,), False),
    "2 hidden layers": ((64, 64), False),
    "3 hidden layers": ((64, 64, 64), False),
    "2 convolutions": ((32,), True),
}


def spikes(activities: Sequence[ne.Activity]) -> list[np.ndarray]:
    """Return the spikes of each population, by the number of timesteps."""
    found = [[p.spikes.sum() for p in a.populations.values()] for a in activities]
    return list(np.transpose(found))


def filtered(snn: Any, inputs: Any, marks: Sequence[int]) -> list[np.ndarray]:
    """Return spikes in NengoDL with input that passes NengoLoihi's filter."""
    connections = [c for c in snn.net.all_connections if c.pre_obj in snn.input_nodes]
    for connection in connections:  # a network of our own, used once
        connection.synapse = nengo.Lowpass(ENCODING_TAU)
    return spikes(
        ne.measure_activity_at(
            snn.net, inputs, marks, simulator="nengo-dl", progress=False
        )
    )


def rows(name: str, model: Any, x: np.ndarray, synapse: float | None) -> list[list]:
    """Return a row for each layer on the chip."""
    snn = ne.convert(model, scale_firing_rates=200, synapse=synapse)
    prepared = snn.loihi_network()
    lags = pipeline_delays(prepared.topology, prepared.on_host, DT)
    longest = TIMESTEPS[-1] + 10
    marks = range(1, longest + 1)
    on_chip, simulated = (
        spikes(snn.measure_at(x, marks, simulator=s, progress=False))
        for s in ("loihi", "nengo-dl")
    )
    populations = [p.name for p in snn.topology.populations]
    encoded = {p.post for p in snn.topology.inputs}
    found = []
    late = filtered(snn, snn.as_input(x), marks) if encoded & set(lags) else simulated
    for k, population in enumerate(populations):
        if population not in lags:
            continue
        chip, plain = on_chip[k], simulated[k]
        shift = 0 if encoded & set(lags) else int(lags[population])
        cells = [name, str(synapse), population, f"{lags[population]:.1f}"]
        for t in TIMESTEPS:
            cells.append(f"{chip[t - 1] / plain[t - 1] - 1:+.1%}")
        for t in TIMESTEPS:
            cells.append(f"{chip[t - 1 + shift] / late[k][t - 1] - 1:+.2%}")
        found.append(cells)
    return found


def main() -> None:
    """Print the table."""
    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    images = (digits.images[order] / 16)[..., None].astype("float32")
    labels = digits.target[order]
    body = []
    for name, (widths, conv) in MODELS.items():
        model = build(widths, conv)
        model.fit(images[:N_TRAIN], labels[:N_TRAIN], epochs=25, verbose=0)
        for synapse in SYNAPSES:
            x = images[N_TRAIN : N_TRAIN + N_INFERENCES]
            body += rows(name, model, x, synapse)
    late, left = "difference", "when as late"
    header = [
        ["", "", "", "", late, "", left, ""],
        ["network", "synapse", "layer", "behind", "50", "200", "50", "200"],
    ]
    print(format_table(header, body, []))


if __name__ == "__main__":
    main()
