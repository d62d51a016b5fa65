"""Time of a sweep by two workers over that by one, each with one thread.

96 points of the digits network on 300 images, from 32 simulations, in turn by one
worker and by two. The time that workers take to start and to import TensorFlow is in
it, as users wait for it: some 5 s, so that shorter sweeps gain less. Before that, CPU
seconds per point in one process, on NengoDL as sweeps used to run, and as they do now.
Needs scikit-learn and Dask (``pip install "nengo-energy[demo,sweep]"``).

    python benchmarks/sweep.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pages
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
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
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

    seconds = {}
    for simulator in ("nengo-dl", "compiled"):
        start = time.process_time()
        found = ne.sweep(
            model,
            digits.x_test[:300],
            digits.y_test[:300],
            {**grid, "simulator": [simulator], "timesteps": options.timesteps[:1]},
            scheduler="synchronous",
            progress=False,
        )
        seconds[simulator] = (time.process_time() - start) / len(found.points)
        print(f"{simulator}: {seconds[simulator]:.3f} CPU s per point, one process")
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
    text = (
        f"CPU seconds per point of {options.timesteps[0]} timesteps, 300 images: "
        f"{seconds['nengo-dl']:.3f} on NengoDL, {seconds['compiled']:.3f} compiled, "
        f"{seconds['nengo-dl'] / seconds['compiled']:.1f} times less. Of "
        f"{len(together.points)} points two workers are "
        f"{statistics.median(ratios):.2f} times as fast as one (median of "
        f"{options.pairs}; goal {GOAL:g} on two idle processors), with the same frames."
    )
    print(text)
    if options.write:
        pages.write("sweep", text)


if __name__ == "__main__":
    main()
