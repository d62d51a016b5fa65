"""Keras models x meter -> energy and time per inference."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from ..common.exceptions import InputError
from ..common.progress import progress_bar
from ..compat import import_tensorflow
from ..layer_ops.counting import count_layer_ops
from .meters import Meter, Window

IDLE_WINDOWS = 3
"""Windows of idling before the models, and again after them."""

WARM_UP = 0.3
"""Share of the measured time that a model runs before it is measured."""


@dataclass(frozen=True)
class Reading:
    """One model, measured.

    Attributes
    ----------
    name : str
        The model.
    macs : int
        Multiply-accumulates per inference.
    n_inferences : int
        How often it ran in the measured time.
    energy : float
        Energy, idle power included [J per inference].
    time : float
        Time [s per inference].
    """

    name: str
    macs: int
    n_inferences: int
    energy: float
    time: float


@dataclass(frozen=True)
class Readings:
    """All that was measured on a machine.

    Attributes
    ----------
    models : tuple of Reading
        One for each model.
    idle : tuple of float
        Power while idling, window by window [W].
    meter : str
        Kind of the meter, a key of `meters.METERS`.
    batch_size : int
        Inferences that ran together.
    """

    models: tuple[Reading, ...]
    idle: tuple[float, ...]
    meter: str
    batch_size: int


def reference_models() -> dict[str, Any]:
    """Return untrained Keras models from 172,800 to 37 million multiply-accumulates.

    The energy of a network hardly depends on the values of its weights.
    """
    keras = import_tensorflow().keras

    def dense(*widths: int) -> Any:
        inputs = keras.Input((widths[0],))
        x = inputs
        for width in widths[1:-1]:
            x = keras.layers.Dense(width, activation="relu")(x)
        return keras.Model(inputs, keras.layers.Dense(widths[-1])(x))

    image = keras.Input((32, 32, 3))
    x = image
    for filters, strides in ((32, 1), (64, 2), (128, 2)):
        x = keras.layers.Conv2D(filters, 3, strides, padding="same", activation="relu")(
            x
        )
    x = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x))
    return {
        "dense-390-256-256-29": dense(390, 256, 256, 29),
        "dense-784-1024x3-10": dense(784, 1024, 1024, 1024, 10),
        "dense-784-2048x3-10": dense(784, 2048, 2048, 2048, 10),
        "dense-784-4096x3-10": dense(784, 4096, 4096, 4096, 10),
        "conv-32-64-128": keras.Model(image, x),
    }


def measure_models(
    models: Mapping[str, Any],
    meter: Meter,
    batch_size: int,
    seconds: float,
    progress: bool | None = None,
) -> Readings:
    """Measure what an inference of each model takes.

    Parameters
    ----------
    models : mapping of str to keras.Model
        What to run, by name.
    meter : Meter
        What to read.
    batch_size : int
        Inferences that run together.
    seconds : float
        Time that each model runs while it is measured, and that each window of idling
        lasts [s].
    progress : bool, optional
        Show a progress bar; by default in a terminal.

    Raises
    ------
    InputError
        When a model's operations can't be counted, or two have the same number.
    UnsupportedError
        When the meter doesn't count, or a layer isn't known.
    """
    macs = {name: count_layer_ops(model).connections for name, model in models.items()}
    if len(set(macs.values())) < 2:
        sizes = ", ".join(f"{name} {n:,}" for name, n in macs.items())
        raise InputError(
            "models must be of at least two sizes, so that what is fixed can be told "
            f"from what each multiply-accumulate costs; got {sizes or 'none'}"
        )
    n_windows = 2 * IDLE_WINDOWS + len(models)
    with progress_bar(n_windows, "measuring", progress, unit="window") as tick:

        def idle() -> list[float]:
            powers = []
            for _ in range(IDLE_WINDOWS):
                window = meter.measure(lambda: time.sleep(seconds))
                powers.append(window.energy / window.time)
                tick(1)
            return powers

        powers = idle()
        readings = []
        for name, model in models.items():
            window, n_inferences = _run(model, meter, batch_size, seconds)
            readings.append(
                Reading(
                    name,
                    macs[name],
                    n_inferences,
                    window.energy / n_inferences,
                    window.time / n_inferences,
                )
            )
            tick(1)
        powers += idle()
    return Readings(tuple(readings), tuple(powers), meter.kind, batch_size)


def _run(
    model: Any, meter: Meter, batch_size: int, seconds: float
) -> tuple[Window, int]:
    """Run a model on noise for some seconds; return the reading, and the runs."""
    rng = np.random.default_rng(0)
    batch = [
        rng.uniform(size=(batch_size, *tensor.shape[1:])).astype(np.float32)
        for tensor in model.inputs
    ]
    inputs = batch if len(batch) > 1 else batch[0]
    n_batches = 0

    def work(duration: float) -> None:
        nonlocal n_batches
        n_batches = 0
        end = time.perf_counter() + duration
        while not n_batches or time.perf_counter() < end:
            model.predict_on_batch(inputs)  # an array: it has waited for the device
            n_batches += 1

    work(0.0)  # builds and compiles
    work(WARM_UP * seconds)
    window = meter.measure(lambda: work(seconds))
    return window, n_batches * batch_size
