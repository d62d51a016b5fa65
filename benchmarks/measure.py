"""Memory and time of measuring on NengoDL.

Prints, for a CIFAR-sized network of 45,056 neurons, the peak memory of ``snn.measure``
for several numbers of timesteps, each in a process of its own, and the time of
``snn.measure`` over that of the same simulation with nothing counted, in turn and in
one process; then the same times for circular convolutions of many ensembles.

    python benchmarks/measure.py
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo
import numpy as np

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tensorflow

N_IMAGES = 16
MEMORY_LIMIT = 50  # MB more from 50 to 500 timesteps
TIME_GOAL = 1.15
DIMENSIONS = (16, 32, 64, 128)  # of circular convolutions: 72 to 520 ensembles
ENSEMBLES_GOAL = 2.0


def convert_model() -> ne.SpikingModel:
    """Return a strided convolutional network for images of 32 x 32 x 3, untrained."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    x = layers.Conv2D(32, 3, 2, padding="same", activation="relu")(x)
    x = layers.Conv2D(64, 3, 2, padding="same", activation="relu")(x)
    model = keras.Model(image, layers.Dense(10)(layers.Flatten()(x)))
    return ne.convert(model, scale_firing_rates=200, synapse=0.005, verify=False)


def peak_memory() -> float:
    """Return the most memory that this process has held so far [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_once(timesteps: int) -> None:
    """Measure, and print the peak memory."""
    snn = convert_model()
    images = np.random.RandomState(0).uniform(size=(N_IMAGES, 32, 32, 3))
    activity = snn.measure(images, timesteps, progress=False)
    spikes = sum(int(p.spikes.sum()) for p in activity.populations.values())
    print(f"{peak_memory():.1f} {spikes}")


def compare_memory(steps: list[int]) -> None:
    """Print the peak memory for each number of timesteps."""
    peaks = []
    for timesteps in steps:
        command = [sys.executable, __file__, "--once", str(timesteps)]
        result = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        peak, spikes = result.stdout.split()[-2:]
        peaks.append(float(peak))
        print(f"{timesteps:5d} timesteps: {peaks[-1]:8.1f} MB, {int(spikes):,} spikes")
    growth = peaks[-1] - peaks[0]
    print(
        f"growth from {steps[0]} to {steps[-1]}: {growth:.1f} MB, limit {MEMORY_LIMIT}"
    )


def compare_time(timesteps: int, repeats: int) -> None:
    """Print the time of measuring over that of plain simulation."""
    snn = convert_model()
    images = np.random.RandomState(0).uniform(size=(N_IMAGES, 32, 32, 3))
    tiled = np.tile(images.reshape(N_IMAGES, 1, -1), (1, timesteps, 1))
    snn.topology.n_synapses  # traced once for any number of measurements

    def simulate() -> None:
        with import_nengo_dl().Simulator(
            snn.net, minibatch_size=N_IMAGES, progress_bar=False
        ) as sim:
            sim.run_steps(timesteps, data={snn.input_nodes[0]: tiled})

    def measure() -> None:
        snn.measure(images, timesteps, minibatch_size=N_IMAGES, progress=False)

    compare(f"{timesteps} timesteps", simulate, measure, repeats, TIME_GOAL)


def compare_ensembles(timesteps: int, repeats: int) -> None:
    """Print the same for networks of many ensembles."""
    for dimensions in DIMENSIONS:
        with nengo.Network(seed=0) as net:
            circle = nengo.networks.CircularConvolution(50, dimensions)
            for end in (circle.input_a, circle.input_b):
                nengo.Connection(nengo.Node(np.full(dimensions, 0.1)), end)
        topology = ne.trace_topology(net)

        def simulate(net: nengo.Network = net) -> None:
            with import_nengo_dl().Simulator(net, progress_bar=False) as sim:
                sim.run_steps(timesteps, progress_bar=False)

        def measure(net: nengo.Network = net, topology: ne.Topology = topology) -> None:
            ne.measure_activity(
                net, None, timesteps, simulator="nengo-dl", topology=topology
            )

        name = f"{len(net.all_ensembles)} ensembles"
        compare(name, simulate, measure, repeats, ENSEMBLES_GOAL)


def compare(
    name: str,
    simulate: Callable[[], None],
    measure: Callable[[], None],
    repeats: int,
    goal: float,
) -> None:
    """Time two functions in turn, and print the second's time over the first's."""
    times: dict[str, list[float]] = {"simulate": [], "measure": []}
    for repeat in range(repeats + 1):
        for kind, work in (("simulate", simulate), ("measure", measure)):
            start = time.process_time()
            work()
            if repeat > 0:  # the first round warms up
                times[kind].append(time.process_time() - start)
    ratios = [b / a for a, b in zip(times["simulate"], times["measure"])]
    for kind, values in times.items():
        print(
            f"{kind:>9s}: median {statistics.median(values):6.2f} CPU s of {repeats} "
            "runs"
        )
    print(
        f"measure / simulate, {name}, both with building: median "
        f"{statistics.median(ratios):.3f}, from {min(ratios):.3f} to "
        f"{max(ratios):.3f}; goal {goal}"
    )


def main() -> None:
    """Run all, or one measurement for the comparison of memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if options.once:
        measure_once(options.once)
        return
    compare_memory([50, 150, 500])
    compare_time(100, options.repeats)
    compare_ensembles(200, options.repeats)


if __name__ == "__main__":
    main()
