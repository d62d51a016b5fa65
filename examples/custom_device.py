"""A device of your own, from Python and from a file, and what-if questions.

python examples/custom_device.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras

DEVICE_FILE = """
name = "our-chip"
description = "the second revision of our chip"
kind = "event"

[energies.synop]
value = 4.2
low = 3.9
high = 4.8
unit = "pJ"
source = "us2026"
locator = "table 3"
evidence = "measured"
year = 2026
conditions = "0.6 V"

[energies.neuron_update]
value = 11
unit = "pJ"
source = "us2026"
locator = "table 3"
evidence = "measured"
year = 2026
conditions = "0.6 V"

[sources]
us2026 = "Our own report, 2026"
"""

keras = import_tf_keras()
keras.utils.set_random_seed(0)
layers = [keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
snn = ne.convert(keras.Sequential(layers), scale_firing_rates=200)
activity = snn.measure(np.random.RandomState(0).uniform(size=(20, 64)), timesteps=50)

# plain numbers, for this Python process
ne.register_device(
    "sketch", kind="event", energies={"synop": 5e-12, "neuron_update": 20e-12}
)

# a file, with the source of every number; a mistake in it is named by its field
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "our-chip.toml")
    path.write_text(DEVICE_FILE)
    chip = ne.load_device(path)
ne.register_device(chip)

# what if it took half? The registry isn't touched
halved = chip.scaled(0.5)
estimate = snn.estimate(activity, ["loihi", "sketch", "our-chip", halved])
print(estimate)
low, high = estimate.interval("our-chip")
print(f"\nour-chip: {low:.3g} to {high:.3g} J per inference")
