"""ModelEnergy as users of KerasSpiking know it, and what it leads on to.

python examples/from_kerasspiking.py
"""

from __future__ import annotations

import numpy as np

import nengo_energy as ne
from nengo_energy.cli.demo import load_digits, train_digits_model

digits = load_digits()
model = train_digits_model(digits)

# the tables, columns and methods of keras_spiking.ModelEnergy
energy = ne.ModelEnergy(model, example_data=digits.x_test)
energy.summary()
print()
energy.summary(
    columns=("name", "rate", "energy cpu", "synop_energy loihi", "neuron_energy loihi"),
    timesteps_per_inference=50,
    print_warnings=False,
)

# the same numbers, unrounded, and with their ranges and sources
frame = energy.to_frame(("name", "energy loihi"), timesteps_per_inference=50)
print(f"\n{frame.to_string()}\n")
print(energy.estimate(["cpu", "loihi-davies2018"], timesteps_per_inference=50))

# activations were read as Hz; what the converted network really spikes is measured
snn = energy.to_spiking(scale_firing_rates=200, synapse=0.005)
activity = snn.measure(digits.x_test, timesteps=50)
print(f"\n{energy.compare_measured(activity, ['loihi', 'spinnaker2'])}\n")
print(f"accuracy of the spiking network {activity.accuracy(digits.y_test):.1%}")

# ... and deployed
with snn.simulator("loihi", digits.x_test[0]) as sim:
    sim.run_steps(50)
    scores = sim.data[snn.outputs[model.output]][25:].mean(axis=0)
print(f"the emulator says {np.argmax(scores)}, the label is {digits.y_test[0]}")
