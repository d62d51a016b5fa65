"""From a Keras model to joules on every device, and onto Loihi's emulator.

python examples/keras_to_energy.py
"""

from __future__ import annotations

import numpy as np

import nengo_energy as ne
from nengo_energy.cli.demo import load_digits, train_digits_model

digits = load_digits()
model = train_digits_model(digits)

# a layer may have a scale of its own, by layer or by name; 1 would keep activations
# as firing rates in Hz
snn = ne.convert(
    model,
    scale_firing_rates={"conv_1": 200, "conv_2": 200, "dense": 150},
    synapse=0.005,
)

# one simulation, in minibatches; the first 20 timesteps fill the filters
activity = snn.measure(digits.x_test, timesteps=50, warmup=20)
print(activity)
print(f"\naccuracy {activity.accuracy(digits.y_test):.1%}\n")

# priced on any number of devices, one of them our own
ne.register_device(
    "my-chip",
    kind="event",
    energies={"synop": 5e-12, "neuron_update": 20e-12},  # J
    description="a chip that we think of",
)
estimate = snn.estimate(activity, ["cpu", "loihi", "loihi-davies2018", "my-chip"])
print(estimate)

frame = estimate.to_frame()
by_operation = frame.groupby(["device", "operation"])["energy"].sum()
print(f"\n{by_operation.to_string()}")

# the same object on the emulator, digit after digit
with snn.simulator("loihi", digits.x_test[0]) as sim:
    sim.run_steps(50)
    scores = sim.data[snn.outputs[model.output]][25:].mean(axis=0)
print(f"\nthe emulator says {np.argmax(scores)}, the label is {digits.y_test[0]}")
