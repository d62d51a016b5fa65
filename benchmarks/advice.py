"""What a ledger's bottleneck predicts of changes, beside what they do.

    python benchmarks/advice.py

Four networks with random weights are deployed on the emulator of Loihi; each advice of
`Ledger.bottleneck` is then followed, and the network converted, measured and accounted
for again.
"""

from __future__ import annotations

import argparse
import os
import warnings
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sanafe import NETWORKS

import nengo_energy as ne
from nengo_energy.common.tables import format_table
from nengo_energy.compat import import_tensorflow

DEVICE = "loihi-davies2018"
TIMESTEPS = 50
N_INFERENCES = 8


def followed(model: Any, scales: Any, x: np.ndarray, advice: Any) -> tuple[Any, Any]:
    """Return the bottleneck and the agreement with Keras once an advice is followed."""
    timesteps, min_cores = TIMESTEPS, None
    if advice is not None and advice.setting == "scale_firing_rates":
        scales = {layer: advice.value * scale for layer, scale in scales.items()}
    elif advice is not None and advice.setting == "timesteps":
        timesteps = advice.value
    elif advice is not None:
        min_cores = advice.value
    snn = ne.convert(model, scale_firing_rates=scales, synapse=0.005, verify=False)
    labels = model(x).numpy().argmax(axis=1)
    activity = snn.measure(x, timesteps, simulator="loihi", progress=False)
    ledger = snn.ledger(activity, min_cores=min_cores)
    return ledger.bottleneck(DEVICE), activity.accuracy(labels)


def main() -> None:
    """Print a row for each network and advice."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")
    keras = import_tensorflow().keras
    body = []
    for name, (build, shape) in NETWORKS.items():
        keras.utils.set_random_seed(0)
        image = keras.Input(shape)
        model = keras.Model(image, build(keras.layers, image))
        x = np.random.RandomState(0).uniform(size=(N_INFERENCES, *shape))
        auto = ne.convert(model, scale_firing_rates="auto", example_data=x)
        scales = auto.options["scale_firing_rates"]
        before, agreement = followed(model, scales, x, None)
        print(f"{name}\n{before}\n")
        for advice in before.advice:
            after, then = followed(model, scales, x, advice)
            body.append(
                [
                    f"{name}: {advice.words}",
                    f"{advice.latency:+.1%}",
                    f"{after.latency / before.latency - 1:+.1%}",
                    f"{advice.energy:+.1%}",
                    f"{after.energy / before.energy - 1:+.1%}",
                    f"{agreement:.0%}",
                    f"{then:.0%}",
                ]
            )
    header = [
        ["", "time", "", "energy", "", "agrees", ""],
        ["advice", "predicted", "obtained", "predicted", "obtained", "before", "after"],
    ]
    print(format_table(header, body, []))


if __name__ == "__main__":
    main()
