"""Energy against accuracy over a grid of 24 settings, run by all processors.

python examples/sweep.py

With ``client=dask.distributed.Client(...)`` the same sweep runs on a cluster; with
``checkpoint="folder"`` it goes on where it was stopped.
"""

from __future__ import annotations

import nengo_energy as ne
from nengo_energy.cli.demo import load_digits, train_digits_model

digits = load_digits()
model = train_digits_model(digits)

sweep = ne.sweep(
    model,
    digits.x_test[:300],
    digits.y_test[:300],
    {
        "scale_firing_rates": [50, 100, 200, 500],
        "synapse": [0.002, 0.005],
        "timesteps": [10, 25, 50],  # from the same simulations
        "devices": ["loihi", "loihi-davies2018"],  # and so are devices
    },
)
print(sweep)

front = sweep.pareto("loihi")
print("\nWorth having on Loihi:")
columns = ["scale_firing_rates", "synapse", "timesteps", "accuracy", "energy loihi"]
print(front[columns].to_string(index=False))

best = sweep.recommend("loihi", max_accuracy_drop=0.01)
print(f"\nCheapest within 1 % of the Keras model's accuracy:\n  {best}\n")
print(best.estimate)
