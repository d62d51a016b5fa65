"""Accuracy of trained models as Keras computes them and as spikes, over timesteps.

Six kinds of network that people bring, trained here on data that comes with packages or
is made by arithmetic; each is converted with ``scale_firing_rates="auto"``, measured,
and where the chip has its neurons also run on the Loihi emulator.

    python benchmarks/trained_models.py [--models lenet ...] [--images 500] [--keep DIR]
    python benchmarks/trained_models.py --page       # writes the page's table

Each line is kept in benchmarks/data/trained_models.csv.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras as keras
from loihi_mnist import load_mnist

import nengo_energy as ne

layers = keras.layers
TIMESTEPS = (10, 25, 50, 100, 200, 400)

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "benchmarks" / "data" / "trained_models.csv"
PAGE = ROOT / "docs" / "supported-layers.md"
PART = re.compile(r"(<!-- accuracy -->\n)(.*?)(<!-- end -->)", re.DOTALL)
COLUMNS = ("model", "neurons", "simulator", "images", "host", "Keras")


class Case(NamedTuple):
    """A model, how it is trained, and data."""

    build: Callable[[], Any]
    data: Callable[[], tuple[np.ndarray, ...]]
    epochs: int = 8
    neurons: str = "loihi"
    loss: str = "sparse_categorical_crossentropy"


def lenet() -> Any:
    """LeNet-5 with max pooling, dropout and softmax."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="lenet",
    )


def mobilenet() -> Any:
    """Depthwise separable blocks with BatchNormalization and ReLU6."""
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for n_filters, stride in ((16, 1), (32, 2), (32, 1), (48, 2)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(n_filters, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, "softmax")(x), name="mobilenet")


def resnet() -> Any:
    """A residual network of 20 layers with BatchNormalization."""
    image = keras.Input((28, 28, 1))

    def normalized(x: Any, n_filters: int, stride: int = 1, size: int = 3) -> Any:
        x = layers.Conv2D(n_filters, size, stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    x = layers.ReLU()(normalized(image, 8, 2))
    for n_filters, stride in ((8, 1), (16, 2), (32, 2)):
        for k in range(3):
            first = stride if k == 0 else 1
            path = layers.ReLU()(normalized(x, n_filters, first))
            path = normalized(path, n_filters)
            changes = first > 1 or x.shape[-1] != n_filters
            short = normalized(x, n_filters, first, 1) if changes else x
            x = layers.ReLU()(layers.Add()([path, short]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, "softmax")(x), name="resnet20")


def unet() -> Any:
    """A small U-Net that finds which pixels belong to a digit."""
    image = keras.Input((28, 28, 1))
    a = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    b = layers.MaxPooling2D()(a)
    b = layers.Conv2D(16, 3, padding="same", activation="relu")(b)
    c = layers.Conv2DTranspose(8, 3, 2, padding="same", activation="relu")(b)
    c = layers.Concatenate()([a, c])
    c = layers.Conv2D(8, 3, padding="same", activation="relu")(c)
    return keras.Model(image, layers.Conv2D(2, 1, activation="softmax")(c), name="unet")


def ecg() -> Any:
    """A 1-D convolutional classifier of beats."""
    signal = keras.Input((128, 1))
    x = layers.Conv1D(8, 7, strides=2, padding="same", activation="relu")(signal)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(16, 5, padding="causal", activation="relu")(x)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Dense(32, activation="relu")(layers.Flatten()(x))
    return keras.Model(signal, layers.Dense(4, "softmax")(x), name="ecg")


def text() -> Any:
    """An embedding and a GRU, which the host computes, and dense layers of spikes."""
    words = keras.Input((24,), dtype="int32")
    x = layers.Embedding(50, 12)(words)
    x = layers.GRU(16)(x)
    x = layers.Dense(32, activation="relu")(x)
    return keras.Model(words, layers.Dense(3, "softmax")(x), name="text")


def small_net() -> Any:
    """A convolutional network without pooling, small enough for the chip."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="strided",
    )


def digit_masks() -> tuple[np.ndarray, ...]:
    """Return noisy digits, and which of their pixels are ink."""
    x_train, _, x_test, _ = load_mnist()
    rng = np.random.RandomState(0)

    def noisy(x: np.ndarray) -> np.ndarray:
        return np.clip(x + rng.normal(0, 0.3, x.shape), 0, 1).astype("f4")

    masks = [(x[..., 0] > 0.5).astype(int) for x in (x_train, x_test)]
    return noisy(x_train), masks[0], noisy(x_test), masks[1]


def beats() -> tuple[np.ndarray, ...]:
    """Return four kinds of beats: bumps of random place, width and sign, with noise."""
    rng = np.random.RandomState(0)
    n = 3000
    labels = rng.randint(0, 4, n)
    time_axis = np.arange(128)[None]
    centre = rng.uniform(40, 88, (n, 1))
    width = rng.uniform(3, 6, (n, 1)) * np.where(labels[:, None] % 2, 2.5, 1)
    second = np.where(labels[:, None] >= 2, -0.6, 0.6)
    signal = np.exp(-(((time_axis - centre) / width) ** 2))
    signal += second * np.exp(-(((time_axis - centre - 25) / 5) ** 2))
    signal += rng.normal(0, 0.25, signal.shape)
    x = signal[..., None].astype("f4")
    return x[1000:], labels[1000:], x[:1000], labels[:1000]


def sentences() -> tuple[np.ndarray, ...]:
    """Return sequences of words; the label says which kind of word comes last."""
    rng = np.random.RandomState(0)
    words = rng.randint(3, 50, (4000, 24))
    labels = rng.randint(0, 3, 4000)
    for k in range(3):
        # marker words 0, 1, 2: the last of them gives the class
        other = rng.randint(0, 3, 4000)
        words[np.arange(4000), rng.randint(0, 12, 4000)] = other
    words[np.arange(4000), rng.randint(12, 24, 4000)] = labels
    return words[1000:], labels[1000:], words[:1000], labels[:1000]


CASES = {
    "strided": Case(small_net, load_mnist),
    "lenet": Case(lenet, load_mnist),
    "mobilenet": Case(mobilenet, load_mnist, 12, neurons="integrate-and-fire"),
    "resnet20": Case(resnet, load_mnist, 10, neurons="integrate-and-fire"),
    "unet": Case(unet, digit_masks, 3),
    "ecg": Case(ecg, beats, 8),
    "text": Case(text, sentences, 20),
}


def trained(name: str, keep: Path | None) -> Any:
    """Return a trained model, from the folder where it was kept if it was."""
    case = CASES[name]
    path = None if keep is None else keep / f"{name}.keras"
    if path is not None and path.exists():
        return keras.models.load_model(path)
    keras.utils.set_random_seed(0)
    model = case.build()
    x, y, _, _ = case.data()
    model.compile(keras.optimizers.Adam(2e-3), case.loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=case.epochs, verbose=0)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(path)
    return model


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of right decisions along the last axis."""
    found = np.argmax(outputs.reshape(*labels.shape, -1), axis=-1)
    return float(np.mean(found == labels))


def run(name: str, options: argparse.Namespace) -> None:
    """Keep one line per simulator: Keras's accuracy, and that at each timestep."""
    case = CASES[name]
    model = trained(name, options.keep)
    x_train, _, x_test, y_test = case.data()
    neurons = options.neurons or case.neurons
    filtered = {} if options.synapse is None else {"synapse": options.synapse}
    start = time.perf_counter()
    snn = ne.convert(
        model,
        scale_firing_rates="auto",
        example_data=x_train[:256],
        target_rate=options.rate,
        neurons=neurons,
        **filtered,
    )
    print(f"{name}: converted in {time.perf_counter() - start:.1f} s", flush=True)
    images = {"compiled": options.images}
    if neurons == "loihi" and options.images_on_chip and fits(snn):
        images["loihi"] = options.images_on_chip
    images = {name: n for name, n in images.items() if n}
    for simulator, n in images.items():
        x, y = x_test[:n], y_test[:n]
        start = time.perf_counter()
        marks = snn.measure_at(x, options.timesteps, simulator=simulator)
        row = {
            "model": name,
            "neurons": neurons
            + "".join(f", {1e3 * v:g} ms" for v in filtered.values()),
            "simulator": simulator,
            "images": len(x),
            "host": ", ".join(snn.host_layers),
            "Keras": accuracy(np.asarray(model.predict(x, verbose=0)), y),
        }
        for steps, activity in zip(options.timesteps, marks):
            (outputs,) = activity.outputs.values()
            row[str(steps)] = accuracy(outputs, y)
        print(row, f"{time.perf_counter() - start:.0f} s", flush=True)
        if tuple(options.timesteps) == TIMESTEPS and options.rate is None:
            keep_row(row)


def fits(snn: ne.SpikingModel) -> bool:
    """Tell whether the chip can have a network, and say why if it can't."""
    try:
        snn.loihi_network()
    except ne.NengoEnergyError as error:
        print(error)
        return False
    return True


def read_rows() -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the lines that are there, by model, neurons and simulator."""
    if not DATA.exists():
        return {}
    with DATA.open(encoding="utf-8", newline="") as file:
        return {key_of(row): row for row in csv.DictReader(file)}


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Return what a line is about."""
    return row["model"], row["neurons"], row["simulator"]


def keep_row(row: dict[str, Any]) -> None:
    """Put a line into the file, in place of the one that was there."""
    cells = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
    rows = {**read_rows(), key_of(row): cells}
    with DATA.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, [*COLUMNS, *map(str, TIMESTEPS)], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))


def table() -> str:
    """Return the page's table."""
    names = {"compiled": "`compiled`", "loihi": "emulator"}
    shares = ["Keras", *map(str, TIMESTEPS)]
    lines = [["network", "neurons", "simulator", "inferences", *shares]]
    lines.append(["---"] * len(lines[0]))
    for row in read_rows().values():
        head = [row["model"], row["neurons"], names[row["simulator"]], row["images"]]
        lines.append(
            head + [f"{float(row[k]):.1%}" if row.get(k) else "" for k in shares]
        )
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main() -> None:
    """Run the models that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--images", type=int, default=500, help="0: not compiled")
    parser.add_argument("--images-on-chip", type=int, default=64, help="0: none")
    parser.add_argument("--timesteps", type=int, nargs="+", default=TIMESTEPS)
    parser.add_argument("--rate", type=float, default=None)
    parser.add_argument("--neurons", choices=("loihi", "integrate-and-fire"))
    parser.add_argument("--synapse", type=float, help="filter of all spikes [s]")
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("--page", action="store_true", help="write the page's table")
    options = parser.parse_args()
    if options.page:
        text = PAGE.read_text(encoding="utf-8")
        text = PART.sub(lambda part: f"{part[1]}{table()}{part[3]}", text)
        PAGE.write_text(text, encoding="utf-8")
        return
    for name in options.models:
        run(name, options)


if __name__ == "__main__":
    main()
