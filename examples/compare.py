"""A trained Keras model beside the spiking network that it becomes.

python examples/compare.py
"""

from __future__ import annotations

import nengo_energy as ne
from nengo_energy.cli.demo import load_digits, train_digits_model

digits = load_digits()
model = train_digits_model(digits)
snn = ne.convert(model, scale_firing_rates=200, synapse=0.005)

compared = snn.compare(
    digits.x_test, timesteps=50, labels=digits.y_test, devices=["cpu", "h100", "loihi"]
)
print(compared)

# how many timesteps are enough: accuracy and energy, all from the one run
curve = compared.curve_frame()
enough = curve[curve["agreement"] >= 0.97]["timesteps"].min()
print(f"\nAfter {enough} timesteps both decide alike on 97 % of the digits.\n")
print(compared.estimates[int(enough)])
