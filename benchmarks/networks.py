"""Count the networks of benchmarks/data with the package's own counters.

python benchmarks/networks.py --write    # write benchmarks/data/networks.csv

They are built as Keras models of random weights. Language models aren't among them:
their tokens are taken as one multiply-accumulate for each active weight.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from typing import Any, Callable

import measured

COLUMNS = (
    "network",
    "dense",
    "convolution",
    "depthwise",
    "batch_norm",
    "kernels",
    "weights",
    "values",
)


def keyword_spotter(keras: Any, n_stacks: int = 0) -> Any:
    """Return 390-256-[n stacks of ten layers of 256]-256-29 of Blouw et al. 2019."""
    inputs = keras.Input((390,))
    x = keras.layers.Dense(256, "relu")(inputs)
    ends = []
    for _ in range(n_stacks):
        y = x
        for _ in range(10):
            y = keras.layers.Dense(256, "relu")(y)
        ends.append(y)
    if len(ends) > 1:
        x = keras.layers.Concatenate()(ends)
    elif ends:
        x = ends[0]
    x = keras.layers.Dense(256, "relu")(x)
    return keras.Model(inputs, keras.layers.Dense(29)(x))


def mlp(keras: Any) -> Any:
    """Return 784-4096-4096-4096-10."""
    layers = [keras.layers.Dense(4096, "relu") for _ in range(3)]
    return keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10)])


def cifar_vgg6(keras: Any) -> Any:
    """Return six convolutions in three blocks, and two dense layers."""
    layers = [keras.Input((32, 32, 3))]
    for filters in (64, 128, 256):
        for _ in range(2):
            layers.append(keras.layers.Conv2D(filters, 3, 1, "same", activation="relu"))
        layers.append(keras.layers.MaxPooling2D())
    layers += [keras.layers.Flatten(), keras.layers.Dense(512, "relu")]
    return keras.Sequential([*layers, keras.layers.Dense(10)])


def resnet50(keras: Any) -> Any:
    """Return ResNet-50 v1.5: the convolutions of 3 x 3 have the strides, as in "
    "PyTorch."""
    inputs = keras.Input((224, 224, 3))
    x = _normalized(keras, inputs, 64, 7, 2, True)
    x = keras.layers.MaxPooling2D(3, 2, "same")(x)
    for filters, n_blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for i in range(n_blocks):
            stride = 2 if i == 0 and filters > 64 else 1
            y = _normalized(keras, x, filters, 1, 1, True)
            y = _normalized(keras, y, filters, 3, stride, True)
            y = _normalized(keras, y, 4 * filters, 1, 1, False)
            if i == 0:
                x = _normalized(keras, x, 4 * filters, 1, stride, False)
            x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(1000)(x))


def _normalized(
    keras: Any, x: Any, filters: int, kernel: int, stride: int, activated: bool
) -> Any:
    x = keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU()(x) if activated else x


def anomaly_detection(keras: Any) -> Any:
    """Return the autoencoder of MLPerf Tiny, its normalizations folded."""
    sizes = [128] * 4 + [8] + [128] * 4
    layers = [keras.layers.Dense(size, "relu") for size in sizes]
    return keras.Sequential([keras.Input((640,)), *layers, keras.layers.Dense(640)])


def image_classification(keras: Any) -> Any:
    """Return the ResNet of MLPerf Tiny, its normalizations folded."""

    def conv(x: Any, filters: int, kernel: int, stride: int, activation: Any) -> Any:
        layer = keras.layers.Conv2D(
            filters, kernel, stride, "same", activation=activation
        )
        return layer(x)

    inputs = keras.Input((32, 32, 3))
    x = conv(inputs, 16, 3, 1, "relu")
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        y = conv(conv(x, filters, 3, stride, "relu"), filters, 3, 1, None)
        if stride > 1:
            x = conv(x, filters, 1, stride, None)
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(x))
    return keras.Model(inputs, keras.layers.Dense(10, "softmax")(x))


def keyword_spotting(keras: Any) -> Any:
    """Return the DS-CNN of MLPerf Tiny, its normalizations folded."""
    layers = [
        keras.Input((49, 10, 1)),
        keras.layers.Conv2D(64, (10, 4), 2, "same", activation="relu"),
    ]
    for _ in range(4):
        layers.append(keras.layers.DepthwiseConv2D(3, 1, "same", activation="relu"))
        layers.append(keras.layers.Conv2D(64, 1, activation="relu"))
    layers += [keras.layers.AveragePooling2D((25, 5)), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(12, "softmax")])


def visual_wake_words(keras: Any) -> Any:
    """Return MobileNet v1 x 0.25 of MLPerf Tiny, its normalizations folded."""
    layers = [
        keras.Input((96, 96, 3)),
        keras.layers.Conv2D(8, 3, 2, "same", activation="relu"),
    ]
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    filters = (16, 32, 32, 64, 64, *[128] * 6, 256, 256)
    for stride, n_filters in zip(strides, filters):
        layers.append(
            keras.layers.DepthwiseConv2D(3, stride, "same", activation="relu")
        )
        layers.append(keras.layers.Conv2D(n_filters, 1, activation="relu"))
    layers += [keras.layers.AveragePooling2D(3), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(2, "softmax")])


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "kws": keyword_spotter,
    **{
        f"kws +{n} stacks": lambda keras, n=n: keyword_spotter(keras, n)
        for n in (1, 2, 4, 6, 8, 10)
    },
    "mlp-784-4096x3-10": mlp,
    "cifar-vgg6": cifar_vgg6,
    "resnet50": resnet50,
    "AD": anomaly_detection,
    "IC": image_classification,
    "KWS": keyword_spotting,
    "VWW": visual_wake_words,
}
"""How each network is built, from a Keras."""


def row(name: str, keras: Any) -> dict[str, Any]:
    """Return what a network takes for one inference."""
    from nengo_energy.layer_ops import count_layer_ops

    ops = count_layer_ops(NETWORKS[name](keras))
    forms: dict[str, int] = {}
    for layer in ops.layers:
        for form, n in layer.forms.items():
            forms[form] = forms.get(form, 0) + n
    return {
        "network": name,
        **{form: forms.get(form, 0) for form in COLUMNS[1:5]},
        "kernels": ops.kernels,
        "weights": sum(layer.weights for layer in ops.layers),
        "values": sum(layer.values for layer in ops.layers),
    }


def main() -> None:
    """Print the file, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the file")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    path = measured.DATA / "networks.csv"
    write = parser.parse_args().write
    with open(path, "w", encoding="utf-8") if write else sys.stdout as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name in NETWORKS:
            writer.writerow(row(name, tf.keras))


if __name__ == "__main__":
    main()
