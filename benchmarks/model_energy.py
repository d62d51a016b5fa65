"""Time of a static estimate and its summary, over that of KerasSpiking's.

Both in turn, in one process, on VGG16. Needs KerasSpiking (``pip install
"nengo-energy[tests]"``).

    python benchmarks/model_energy.py
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import time
import warnings
from typing import Any, Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tf_keras

GOAL = 5.0


def seconds(run: Callable[[], Any], n_times: int) -> float:
    """Return the time of one of several runs [s]."""
    start = time.perf_counter()
    for _ in range(n_times):
        run()
    return (time.perf_counter() - start) / n_times


def main() -> None:
    """Print the times of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--runs", type=int, default=20, help="runs in each of a pair")
    options = parser.parse_args()

    import_nengo_dl()  # imports KerasSpiking for Keras 2
    theirs = importlib.import_module("keras_spiking").ModelEnergy
    model = import_tf_keras().applications.VGG16(weights=None)
    warnings.simplefilter("ignore")

    def run_ours() -> str:
        return ne.ModelEnergy(model).summary_string(print_warnings=False)

    def run_theirs() -> str:
        return theirs(model).summary_string(print_warnings=False)

    print(run_ours())
    run_theirs()
    ratios = []
    for pair in range(options.pairs):
        ours = seconds(run_ours, options.runs)
        peer = seconds(run_theirs, options.runs)
        ratios.append(ours / peer)
        print(
            f"pair {pair + 1}: ours {1000 * ours:.2f} ms, "
            f"KerasSpiking {1000 * peer:.2f} ms, ratio {ratios[-1]:.2f}"
        )
    print(
        f"ratio: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to "
        f"{max(ratios):.2f}; goal at most {GOAL:g}"
    )


if __name__ == "__main__":
    main()
