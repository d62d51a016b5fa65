"""Onto Loihi's emulator: prepare, place, account for every core, and price it.

python examples/deploy_to_loihi.py
"""

from __future__ import annotations

import numpy as np

import nengo_energy as ne
from nengo_energy.cli.demo import load_digits, train_digits_model

digits = load_digits()
model = train_digits_model(digits)

# rates for the chip, from data: the fastest neurons at about 250 Hz
snn = ne.convert(
    model, scale_firing_rates="auto", example_data=digits.x_train, synapse=0.005
)

# what was changed for the chip, how layers lie on cores, and what to look at
print(snn.loihi_network(example_data=digits.x_train))

# the same network on the emulator, many digits side by side
activity = snn.measure(digits.x_test[:100], timesteps=100, simulator="loihi")
print(f"\naccuracy on the emulator {activity.accuracy(digits.y_test[:100]):.1%}\n")

# what each core did: updates, synops, messages, hops; and what that costs
ledger = snn.ledger(activity)
print(ledger)
print(f"\n{ledger.costs()}\n")
print(ledger.estimate(["loihi-davies2018", "loihi-fitted2025"]))

# beside the estimate from a simulation that knows no cores
simulated = snn.measure(digits.x_test[:100], timesteps=100)
print(f"\n{ledger.compare(snn.count(simulated))}")

# digits shown one after the other to a running nengo_loihi.Simulator
with snn.simulator("loihi", digits.x_test[:5], presentation_time=0.1) as sim:
    sim.run_steps(5 * 100)
    scores = sim.data[snn.outputs[model.output]].reshape(5, 100, -1)[:, 50:]
guesses = np.argmax(scores.mean(axis=1), axis=-1)
print(f"\nshown one by one: {guesses}, labels {digits.y_test[:5]}")
