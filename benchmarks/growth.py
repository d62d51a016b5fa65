"""How the cost of measuring grows: with neurons, synops, timesteps and images.

CPU seconds of ``snn.measure`` on a model that was measured before, one thread, of
strided convolutional networks like the CIFAR-sized one of ``peers.py``; median of
repeats. One of the four grows at a time.

    python benchmarks/growth.py --write
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import time
from dataclasses import dataclass

import numpy as np
import pages
from peers import TAU

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras

SIZES = (5, 8, 16, 32, 64, 107)  # 44 neurons a pixel: 1,100 to 503,756
SCALES = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0)
TIMESTEPS = (12, 25, 50, 100, 200, 400, 800)
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Point:
    """What was run, how much it did, and the CPU seconds it took."""

    x: float
    updates: int
    synops: int
    seconds: float


def network(size: int, scale: float) -> ne.SpikingModel:
    """Return a network of 44 neurons a pixel, whose activations are around one half."""
    keras = import_tf_keras()
    layers = keras.layers
    image = keras.Input((size, size, 3))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    x = layers.Conv2D(32, 3, 2, padding="same", activation="relu")(x)
    x = layers.Conv2D(64, 3, 2, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(10)(x))
    rng = np.random.RandomState(0)
    weights = []
    for w in model.get_weights():
        limit = 2.0 / max(1, np.prod(w.shape[:-1]))
        kernel = rng.uniform(-0.5 * limit, 1.5 * limit, size=w.shape)
        weights.append(kernel if w.ndim > 1 else np.zeros(w.shape))
    model.set_weights(weights)
    return ne.convert(model, scale_firing_rates=scale, synapse=TAU, verify=False)


def measure(
    snn: ne.SpikingModel, x: float, n_images: int, timesteps: int, repeats: int
) -> Point:
    """Return the cost of measuring some images."""
    shape = snn.clone.model.input_shape[1:]
    images = np.random.RandomState(1).uniform(size=(n_images, *shape)).astype("f4")
    seconds = []
    for _ in range(repeats + 1):  # the first builds
        start = time.process_time()
        activity = snn.measure(images, timesteps, progress=False)
        seconds.append(time.process_time() - start)
    synops = sum(
        int(n.sum())
        for p in activity.populations.values()
        for n in p.synops_per_inference.values()
    )
    updates = snn.topology.n_neurons * n_images * timesteps
    return Point(x, updates, synops, statistics.median(seconds[1:]))


def all_series(repeats: int) -> dict[str, list[Point]]:
    """Return the points of each of the four, by what grows."""
    cifar = network(32, 200.0)
    measured = {
        "neurons": [
            measure(snn, snn.topology.n_neurons, 4, 50, repeats)
            for snn in (network(size, 200.0) for size in SIZES)
        ],
        "timesteps": [measure(cifar, n, 4, n, repeats) for n in TIMESTEPS],
        "images": [measure(cifar, n, n, 50, repeats) for n in IMAGES],
    }
    rates = [measure(network(32, scale), 0, 4, 50, repeats) for scale in SCALES]
    measured["synops"] = [
        Point(p.synops, p.updates, p.synops, p.seconds) for p in rates
    ]
    return measured


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
        ]
        for name, points in series.items()
        for p in points
    ]
    head = ["what grows", "M updates", "M synops", "CPU s", "ns per update or synop"]
    powers = ", ".join(f"{name} {slope(p):.2f}" for name, p in series.items())
    return (
        f"{pages.table(head, rows)}\n\nTime over the upper half grows with the power: "
        f"{powers}. Linear is 1. It is less where the milliseconds of a call, whatever "
        "is measured, still count; with synops alone also because the updates stay, "
        "and a convolution of many spikes is a product of matrices of fixed size."
    )


def draw(series: dict[str, list[Point]], path: str) -> None:
    """Draw all four, with the line along which time is proportional."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    for axes, (name, points) in zip(figure.subplots(1, 4, sharey=True), series.items()):
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
        picture = "![CPU time over neurons, timesteps, images and synops](growth.svg)"
        pages.write("growth", f"{text}\n\n{picture}")


if __name__ == "__main__":
    main()
