"""How the cost of measuring grows: with neurons, layers, timesteps, images and synops.

CPU seconds and peak memory of ``snn.measure`` on a model that was measured before, one
thread, of strided convolutional networks like the CIFAR-sized one of ``peers.py``, a
small one for images, and chains of 2,048 neurons a layer; median of repeats. One of the
five grows at a time. Then where it ends, with which message.

    python benchmarks/growth.py --write
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pages
from peers import TAU

import nengo_energy as ne
from nengo_energy.common.available_memory import VARIABLE
from nengo_energy.compat import import_tf_keras

SIZES = (5, 8, 16, 32, 64, 107)  # 44 neurons a pixel: 1,100 to 503,756
SCALES = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0)
TIMESTEPS = (10, 20, 50, 100, 200, 500, 1000, 2000)
IMAGES = (10, 30, 100, 300, 1000, 3000, 10_000)
LAYERS = (5, 10, 20, 50, 100)
DEEP = {"synapse": None, "neurons": "integrate-and-fire"}
"""Else each layer has its delay, and spikes get lost from layer to layer."""


@dataclass(frozen=True)
class Point:
    """What was run, how much it did, the CPU seconds and the memory that it took, and
    the CPU seconds of converting the model."""

    x: float
    updates: int
    synops: int
    seconds: float
    peak: float
    convert: float


def build(size: int) -> Any:
    """Return a model of 44 neurons a pixel."""
    keras = import_tf_keras()
    layers = keras.layers
    image = keras.Input((size, size, 3))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    x = layers.Conv2D(32, 3, 2, padding="same", activation="relu")(x)
    x = layers.Conv2D(64, 3, 2, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10)(x))


def chain(depth: int) -> Any:
    """Return a model of some layers of 2,048 neurons."""
    keras = import_tf_keras()
    image = x = keras.Input((8, 8, 32))
    for _ in range(depth):
        x = keras.layers.Conv2D(32, 1, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(10)(x))


def network(
    model: Any, scale: float = 200.0, **options: Any
) -> tuple[ne.SpikingModel, float]:
    """Return a network whose activations are around one half, and its CPU seconds."""
    rng = np.random.RandomState(0)
    weights = []
    for w in model.get_weights():
        kernel = rng.uniform(-0.5, 1.5, size=w.shape)
        sums = kernel.sum(axis=tuple(range(w.ndim - 1)))  # made one, for any depth
        weights.append(kernel / sums if w.ndim > 1 else np.zeros(w.shape))
    model.set_weights(weights)
    start = time.process_time()
    options = {"synapse": TAU, "verify": False, **options}
    snn = ne.convert(model, scale_firing_rates=scale, **options)
    return snn, time.process_time() - start


def measure(
    made: tuple[ne.SpikingModel, float], x: float, n_images: int, timesteps: int, n: int
) -> Point:
    """Return the cost of measuring some images."""
    snn, convert = made
    shape = snn.clone.model.input_shape[1:]
    images = np.random.RandomState(1).uniform(size=(n_images, *shape)).astype("f4")
    seconds = []
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from now on
    for _ in range(n + 1):  # the first builds
        start = time.process_time()
        activity = snn.measure(images, timesteps, progress=False)
        seconds.append(time.process_time() - start)
    peak = memory("VmHWM") - before
    synops = sum(
        int(n.sum())
        for p in activity.populations.values()
        for n in p.synops_per_inference.values()
    )
    updates = snn.topology.n_neurons * n_images * timesteps
    median = statistics.median(seconds[1:])
    return Point(x or snn.topology.n_neurons, updates, synops, median, peak, convert)


def memory(what: str) -> float:
    """Return what Linux says of this process's memory [MB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith(what)) * 1024 / 1e6


def all_series(repeats: int) -> dict[str, list[Point]]:
    """Return the points of each of the five, by what grows."""
    measure(network(build(5)), 0, 4, 50, 1)  # loads what all need
    cifar, small = network(build(32)), network(build(8))
    measured = {
        "neurons": [measure(network(build(n)), 0, 4, 50, repeats) for n in SIZES],
        "layers": [
            measure(network(chain(n), 1000.0, **DEEP), n, 4, 200, repeats)
            for n in LAYERS
        ],
        "timesteps": [measure(cifar, n, 4, n, repeats) for n in TIMESTEPS],
        "images": [measure(small, n, n, 50, repeats) for n in IMAGES],
    }
    rates = [measure(network(build(32), x), 0, 4, 50, repeats) for x in SCALES]
    measured["synops"] = [replace(p, x=p.synops) for p in rates]
    return measured


def ends() -> str:
    """Return what is said where a tenth of the least memory is there."""
    snn, _ = network(build(32))
    images = np.zeros((128, 32, 32, 3))
    works = {
        "`convert`": (5e5, lambda: network(build(32))),
        "`measure`": (9.2e6, lambda: snn.measure(images, minibatch_size=128)),
        "`ledger`": (1e6, lambda: snn.ledger(images[:1])),
    }
    lines = []
    for name, (n_bytes, work) in works.items():
        os.environ[VARIABLE] = str(n_bytes)
        try:
            work()
        except ne.InputError as error:
            lines.append(f"- {name}: {error}")
        finally:
            del os.environ[VARIABLE]
    return "\n".join(lines)


def slope(points: list[Point]) -> float:
    """Return the power with which time grows over the upper half of the points."""
    upper = points[len(points) // 2 - 1 :]
    x, y = np.log([p.x for p in upper]), np.log([p.seconds for p in upper])
    return float(np.polyfit(x, y, 1)[0])


def as_text(series: dict[str, list[Point]]) -> str:
    """Return the table, and the powers."""
    rows = [
        [
            f"{name}: {p.x:,.0f}",
            f"{p.updates / 1e6:,.1f}",
            f"{p.synops / 1e6:,.1f}",
            f"{p.seconds:.3f}",
            f"{1e9 * p.seconds / (p.updates + p.synops):.2f}",
            f"{p.peak:,.0f}",
            f"{p.convert:.2f}",
        ]
        for name, points in series.items()
        for p in points
    ]
    head = ["what grows", "M updates", "M synops", "CPU s", "ns per update or synop"]
    head += ["peak MB", "convert, CPU s"]
    powers = ", ".join(f"{name} {slope(p):.2f}" for name, p in series.items())
    return (
        f"{pages.table(head, rows)}\n\nPeak MB is what the calls had beyond what the "
        "process held before. Time over the upper half grows with the power: "
        f"{powers}. Linear is 1. It is less where the milliseconds of a call, whatever "
        "is measured, still count; with synops alone also because the updates stay, "
        "and a convolution of many spikes is a product of matrices of fixed size. "
        "Memory doesn't grow with timesteps, and with images by what is kept of each, "
        "its outputs and sums by layer. It does with layers, as each has arrays of its "
        "own for a stretch of timesteps.\n\n"
        "Timesteps and images end nothing: they run in batches. Neurons and layers "
        "end where memory does, before "
        f"any work is done; with little of it, the 45,056 neurons say:\n\n{ends()}"
    )


def draw(series: dict[str, list[Point]], path: str) -> None:
    """Draw all five, with the line along which time is proportional."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.6), layout="constrained")
    for axes, (name, points) in zip(figure.subplots(1, 5, sharey=True), series.items()):
        x, y = [p.x for p in points], [p.seconds for p in points]
        axes.loglog(x, y, "o-", ms=3, lw=1)
        axes.loglog(x, [y[-1] * v / x[-1] for v in x], ":", color="gray", lw=1)
        axes.set_xlabel(name)
    seconds = [p.seconds for points in series.values() for p in points]
    figure.axes[0].set_ylim(min(seconds) / 2, max(seconds) * 2)
    figure.axes[0].set_ylabel("CPU time [s]")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Print the table, or write table and picture into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    series = all_series(options.repeats)
    text = as_text(series)
    print(text)
    if options.write:
        draw(series, str(pages.DOCS / "growth.svg"))
        picture = (
            "![CPU time over neurons, layers, timesteps, images and synops](growth.svg)"
        )
        pages.write("growth", f"{text}\n\n{picture}")


if __name__ == "__main__":
    main()
