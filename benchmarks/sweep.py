"""Time of a sweep by two workers over that by one, each with one thread.

96 points of the digits network on 300 images, from 32 simulations, in turn by one
worker and by two. The time that workers take to start and to import TensorFlow is in
it, as users wait for it: some 5 s, so that shorter sweeps gain less.
Needs scikit-learn and Dask (``pip install "nengo-energy[demo,sweep]"``).

    python benchmarks/sweep.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pandas.testing import assert_frame_equal

import nengo_energy as ne
from nengo_energy.cli.demo import load_digits, train_digits_model

GOAL = 1.6
GRID = {
    "scale_firing_rates": [25, 50, 75, 100, 150, 200, 300, 500],
    "synapse": [None, 0.002, 0.005, 0.01],
    "devices": ["loihi"],
}


def main() -> None:
    """Print the times of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument(
        "--timesteps", type=int, nargs="+", default=[100, 200, 400], help="of the grid"
    )
    options = parser.parse_args()
    digits = load_digits()
    model = train_digits_model(digits, progress=False)
    grid = {**GRID, "timesteps": options.timesteps}

    def run(n_workers: int) -> tuple[float, ne.Sweep]:
        start = time.perf_counter()
        found = ne.sweep(
            model,
            digits.x_test[:300],
            digits.y_test[:300],
            grid,
            n_workers=n_workers,
            progress=False,
        )
        return time.perf_counter() - start, found

    ratios = []
    for pair in range(options.pairs):
        one, alone = run(1)
        two, together = run(2)
        assert_frame_equal(alone.to_frame(), together.to_frame(), check_exact=True)
        ratios.append(one / two)
        print(
            f"pair {pair + 1}: one worker {one:.1f} s, two {two:.1f} s, "
            f"{ratios[-1]:.2f} times as fast; load {os.getloadavg()[0]:.1f}"
        )
    print(
        f"{len(together.points)} points, the same frames; median "
        f"{statistics.median(ratios):.2f} times as fast; goal {GOAL:g} on two idle "
        "processors"
    )


if __name__ == "__main__":
    main()
