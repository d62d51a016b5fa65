"""Keras's application models, against published totals and TensorFlow's profiler.

Published totals take convolutions and dense layers only, so they are compared with the
sum over those layers; normalization, merging and the rest are counted on top of them.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, Iterator, NamedTuple

import pytest
from counted_layers import newest_keras, numbers
from profiler import profiled_macs

from nengo_energy.compat import import_tf_keras
from nengo_energy.layer_ops.counting import count_layer_ops
from nengo_energy.layer_ops.layer_ops import LayerOps

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

#: The classes of layers that published totals take.
WEIGHTED = ("Conv2D", "Dense", "DepthwiseConv2D", "SeparableConv2D")

#: Fraction by which a total may differ from a published one.
TOLERANCE = 0.005


class Published(NamedTuple):
    """Multiply-accumulates of a model for one image, as somebody has published them."""

    macs: float
    source: str


#: torchvision's figures are the ``_ops`` [1e9] of its weights, which it counts by
#: running the model; they are in the file named, of torchvision 0.15 and later.
PUBLISHED = {
    "VGG16": Published(15.47e9, "torchvision, models/vgg.py, VGG16_Weights"),
    # Keras has the network of He et al. 2016, whose blocks have their stride in the
    # first convolution; torchvision's, with 4.089e9, has it in the second.
    "ResNet50": Published(
        3.858e9,
        "Li, Zhou, Yao, Omni-dimensional dynamic convolution, ICLR 2022: table of "
        "ResNet50 in the README of the authors' code",
    ),
    "MobileNetV2": Published(
        300.8e6,
        "the same, table of MobileNetV2 (1.0x); Sandler et al. 2018, table 4, have "
        "300e6, and torchvision 0.301e9",
    ),
    "EfficientNetB0": Published(
        0.386e9,
        "torchvision, models/efficientnet.py, EfficientNet_B0_Weights; Tan and Le "
        "2019, table 2, round it to 0.39e9",
    ),
    "DenseNet121": Published(
        2.834e9, "torchvision, models/densenet.py, DenseNet121_Weights"
    ),
    "InceptionV3": Published(
        5.713e9, "torchvision, models/inception.py, Inception_V3_Weights"
    ),
    "NASNetMobile": Published(
        564e6,
        "Zoph et al. 2018, table 2, NASNet-A (4 @ 1056); TensorFlow models, "
        "research/slim/nets/nasnet/README.md",
    ),
}

#: Size of images, for models that leave it open.
IMAGE = {"input_shape": (224, 224, 3)}
OPEN = ("MobileNetV3Large", "MobileNetV3Small")


def build(keras: ModuleType, name: str) -> Any:
    """Return an application model with random weights."""
    arguments = IMAGE if name in OPEN else {}
    return getattr(keras.applications, name)(weights=None, **arguments)


def weighted(ops: LayerOps) -> int:
    """Return the connections of convolutions and dense layers."""
    return sum(row.connections for row in ops.layers if row.class_name in WEIGHTED)


@pytest.fixture(scope="module")
def models() -> Iterator[dict[str, Any]]:
    """Models of Keras 2 by their names."""
    keras = import_tf_keras()
    yield {name: build(keras, name) for name in PUBLISHED}
    keras.backend.clear_session()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_total(models: dict[str, Any], name: str) -> None:
    ops = count_layer_ops(models[name])
    expected = PUBLISHED[name].macs
    assert weighted(ops) == pytest.approx(expected, rel=TOLERANCE)
    assert ops.coverage == 1
    assert ops.params == models[name].count_params()


# of VGG16, the profiler would have to copy 138 million weights
@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "VGG16"])
def test_profiler_agrees(models: dict[str, Any], name: str) -> None:
    assert weighted(count_layer_ops(models[name])) == profiled_macs(models[name])


@pytest.mark.parametrize("name", PUBLISHED)
def test_keras_3_agrees(models: dict[str, Any], name: str) -> None:
    ops = count_layer_ops(build(newest_keras(), name))
    assert numbers(ops) == numbers(count_layer_ops(models[name]))
    assert weighted(ops) > 0


def test_resnet_by_the_table_of_the_paper(models: dict[str, Any]) -> None:
    # He et al. 2016, table 1, 50 layers: a 7 x 7 convolution to 112 x 112; stages of
    # 3, 4, 6 and 3 blocks of 1 x 1, 3 x 3, 1 x 1; the last has 4 times the filters
    total = 112**2 * 7**2 * 3 * 64
    n_channels = 64
    for size, n_filters, n_blocks in [
        (56, 64, 3),
        (28, 128, 4),
        (14, 256, 6),
        (7, 512, 3),
    ]:
        for block in range(n_blocks):
            # all at the size of the stage: the first convolution has the stride
            per_position = n_channels * n_filters
            per_position += 3**2 * n_filters**2
            per_position += n_filters * 4 * n_filters
            if block == 0:  # the projection of the shortcut
                per_position += n_channels * 4 * n_filters
            total += size**2 * per_position
            n_channels = 4 * n_filters
    total += 2048 * 1000
    assert weighted(count_layer_ops(models["ResNet50"])) == total


def test_vgg_by_the_table_of_the_paper(models: dict[str, Any]) -> None:
    # Simonyan and Zisserman 2015, table 1, column D: 3 x 3 convolutions, a pooling by
    # 2 after each group, three dense layers
    total, n_channels, size = 0, 3, 224
    for n_layers, n_filters in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]:
        for _ in range(n_layers):
            total += size**2 * 3**2 * n_channels * n_filters
            n_channels = n_filters
        size //= 2
    total += 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert count_layer_ops(models["VGG16"]).connections == total


def families(keras: ModuleType) -> list[str]:
    """Return the names of application models, one of those that differ in size."""
    found = vars(keras.applications).items()
    names = [name for name, value in found if callable(value)]
    assert len(names) > 35
    size = r"(B?\d+|Tiny|Small|Base|X?Large|[SML])(?=(V2)?$)"
    return list({re.sub(size, "", name): name for name in reversed(names)}.values())


def test_every_application_is_counted(keras: ModuleType) -> None:
    names = families(keras)
    assert len(names) > 12
    for name in names:
        model = build(keras, name)
        if any(type(layer).__name__ == "Lambda" for layer in model.layers):
            continue  # InceptionResNetV2 of an old Keras; Lambda may be anything
        ops = count_layer_ops(model)
        assert weighted(ops) > 0, name
        assert ops.coverage == 1, name
        keras.backend.clear_session()
