"""What a timestep must at least touch, and what share of the machine is reached.

For the two networks of ``peers.py`` on one thread: bytes and operations that no
simulator in single precision could leave out, over the CPU seconds of ``snn.measure``
on a model that was measured before; beside what this machine copies, in its caches and
in memory, and multiplies, in the same run.

A neuron's update reads its current and reads and writes its voltage (12 bytes), and
takes 5 operations: bias, times dt, add, compare, reset. A filtered current is read and
written (8 bytes, 3 operations). A spike is written and read (8 bytes). A synop reads
and writes its target (8 bytes, 2 operations); weights are taken to stay in the caches.

    python benchmarks/roofline.py --write
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import time
from typing import Callable

import numpy as np
import pages
from peers import N_IMAGES, NETWORKS, TIMESTEPS, Case, convert

UPDATE, FILTER, SPIKE, SYNOP = (12, 5), (8, 3), (8, 0), (8, 2)
"""Bytes and operations of each."""


def fastest(run: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of a function [s]."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times[1:])


def copied(n_bytes: int) -> float:
    """Return how many bytes are read and written a second by copying so many."""
    a, b = np.ones(n_bytes // 8), np.zeros(n_bytes // 8)
    times = max(1, 2**28 // n_bytes)

    def copy() -> None:
        for _ in range(times):
            np.copyto(b, a)

    return 2 * n_bytes * times / fastest(copy, 5)


def multiplied() -> float:
    """Return the operations a second of a product of large matrices in single."""
    a = np.ones((1536, 1536), np.float32)
    return 2 * 1536**3 / fastest(lambda: a @ a, 3)


def required(name: str, repeats: int) -> tuple[float, float, float]:
    """Return bytes and operations that a network's timesteps need, and its time."""
    case = Case(name)
    snn = convert(case)

    def run() -> None:
        run.activity = snn.measure(case.images, TIMESTEPS, progress=False)

    seconds = fastest(run, repeats)
    populations = run.activity.populations.values()
    neurons = [len(p.spikes) for p in populations]
    counts = {
        UPDATE: sum(neurons) * N_IMAGES * TIMESTEPS,
        # all but the first layer's currents are filtered, and those of ten outputs
        FILTER: (sum(neurons[1:]) + 10) * N_IMAGES * TIMESTEPS,
        SPIKE: sum(int(p.spikes.sum()) for p in populations),
        SYNOP: sum(
            int(n.sum()) for p in populations for n in p.synops_per_inference.values()
        ),
    }
    n_bytes, n_operations = (
        float(sum(kind[k] * n for kind, n in counts.items())) for k in (0, 1)
    )
    return n_bytes, n_operations, seconds


def as_text(repeats: int) -> str:
    """Return the table, and what the machine does."""
    cache, memory, peak = copied(2**20), copied(2**28), multiplied()
    steps = N_IMAGES * TIMESTEPS
    rows = []
    for name in NETWORKS:
        n_bytes, n_operations, seconds = required(name, repeats)
        rows.append(
            [
                name,
                f"{n_bytes / steps / 1e3:,.0f}",
                f"{n_operations / steps / 1e3:,.0f}",
                f"{1e6 * seconds / steps:,.1f}",
                f"{n_bytes / seconds / 1e9:.1f}",
                f"{n_bytes / seconds / cache:.0%}",
                f"{n_bytes / seconds / memory:.0%}",
                f"{n_operations / seconds / 1e9:.1f}",
                f"{n_operations / seconds / peak:.1%}",
            ]
        )
    head = [
        "network",
        "kB",
        "k operations",
        "us",
        "GB/s",
        "of copying in the cache",
        "of copying in memory",
        "G operations/s",
        "of the peak",
    ]
    return (
        f"{pages.table(head, rows)}\n\nFor an image's timestep, on one core. This core "
        f"copies {cache / 1e9:.0f} GB/s within its cache (1 MiB, read and written), "
        f"{memory / 1e9:.0f} GB/s in memory (256 MiB), and multiplies matrices with "
        f"{peak / 1e9:.0f} G operations/s."
    )


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    text = as_text(options.repeats)
    print(text)
    if options.write:
        pages.write("roofline", text)


if __name__ == "__main__":
    main()
