"""Prepare, build and run the models of the tests on NengoLoihi's emulator.

Prints how long each takes, and what the ledger says: cores, synops and hops.

    python benchmarks/loihi.py [MODEL ...]
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import tensorflow as tf
from loihi_models import CASES, example_input, make

import nengo_energy as ne

COLUMNS = "neurons cores prepare run timesteps synops row-major greedy".split()


def measure(name: str) -> list[str]:
    """Return a row of the table."""
    case = CASES[name]
    snn = ne.convert(make(tf.keras, name), verify=False, **case.convert)
    start = time.perf_counter()
    prepared = snn.loihi_network()
    prepare = time.perf_counter() - start
    x = example_input(name, 1, case.n_steps)
    start = time.perf_counter()
    ledger = snn.ledger(x, case.n_steps, progress=False)
    run = time.perf_counter() - start
    hops = (sum(ledger.hops(placement)) for placement in ("row-major", "greedy"))
    return [
        f"{snn.topology.n_neurons:,}",
        str(prepared.n_cores),
        f"{prepare:.2f} s",
        f"{run:.2f} s",
        str(case.n_steps),
        f"{ledger.synops:,}",
        *(f"{n:,}" for n in hops),
    ]


def main(names: list[str]) -> None:
    """Print the table, row by row."""
    print("model".ljust(18), *(column.rjust(12) for column in COLUMNS))
    for name in names or CASES:
        print(name.ljust(18), *(cell.rjust(12) for cell in measure(name)), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
