"""Counters of preprocessing and augmentation, against loops and Keras itself."""

from __future__ import annotations

import math
from types import ModuleType

import brute_force
import numpy as np
import pytest
from brute_force import Tally
from counted_layers import count_one, layer_class, newest_keras, numbers, random_input

from nengo_energy.layer_ops.calls import LayerCall
from nengo_energy.layer_ops.counters import Operations, count_call
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow


def test_category_encoding(keras: ModuleType) -> None:
    layer = keras.layers.CategoryEncoding(num_tokens=5, output_mode="multi_hot")
    x = keras.Input((3,), dtype="int64")
    assert numbers(count_layer_ops(keras.Model(x, layer(x))).layers[-1]) == (0, 0, 0)


def test_weights_of_terms(keras: ModuleType) -> None:
    layer = keras.layers.IntegerLookup(
        vocabulary=[3, 4, 5], idf_weights=[1.0, 2.0, 3.0], output_mode="tf_idf"
    )
    x = keras.Input((4,), dtype="int64")
    # a weight for each of the 3 words and for those that aren't known
    row = count_layer_ops(keras.Model(x, layer(x))).layers[-1]
    assert numbers(row) == (4, 0, 0)


#: Arguments that layers of augmentation ask for.
AUGMENTATION = {
    **dict.fromkeys(["RandomBrightness", "RandomContrast"], dict(factor=0.3)),
    **dict.fromkeys(["RandomRotation", "RandomColorDegeneration"], dict(factor=0.3)),
    **dict.fromkeys(["RandomHue", "RandomSaturation"], dict(factor=0.3)),
    "RandomSharpness": dict(factor=0.3),
    "RandomPosterization": dict(factor=3),
    "RandomTranslation": dict(height_factor=0.3, width_factor=0.3),
    "RandomShear": dict(x_factor=0.3, y_factor=0.3),
    "RandomZoom": dict(height_factor=0.3),
    **dict.fromkeys(["RandomFlip", "RandomColorJitter", "RandomGaussianBlur"], {}),
    **dict.fromkeys(["RandomGrayscale", "RandomInvert", "RandomPerspective"], {}),
    **dict.fromkeys(["RandomErasing", "RandomElasticTransform", "Solarization"], {}),
    **dict.fromkeys(["AugMix", "CutMix", "MixUp", "RandAugment", "Equalization"], {}),
}


@pytest.mark.parametrize("name", AUGMENTATION)
def test_augmentation_does_nothing_at_inference(keras: ModuleType, name: str) -> None:
    layer = layer_class(keras, name)(**AUGMENTATION[name])
    images = np.random.RandomState(0).uniform(0, 255, (2, 8, 6, 3)).astype("float32")
    np.testing.assert_array_equal(np.asarray(layer(images, training=False)), images)
    call = LayerCall(layer, ((8, 6, 3),), ((8, 6, 3),))
    assert count_call(call) == Operations()


def test_auto_contrast_by_loops() -> None:
    keras = newest_keras()
    layer = layer_class(keras, "AutoContrast")(value_range=(0, 255))
    row = count_one(keras, layer, (3, 2, 2))
    image = np.random.RandomState(0).uniform(50, 200, (1, 3, 2, 2)).astype("float32")
    tally, outputs = Tally(), np.zeros((3, 2, 2))
    for channel in range(2):
        values = image[0, :, :, channel]
        low, high = float(values.min()), float(values.max())
        span = tally.apply(lambda v: 1 / v, tally.minus(high, low))
        scale = tally.times(255.0, span)
        offset = tally.times(-low, scale)
        for i, j in brute_force.positions((3, 2)):
            stretched = tally.mac(offset, float(values[i, j]), scale)
            clip = tally.apply(lambda v: min(max(v, 0.0), 255.0), stretched)
            outputs[i, j, channel] = clip
    np.testing.assert_allclose(outputs, np.asarray(layer(image))[0], rtol=1e-3)
    assert numbers(row) == tally.numbers
    wider = layer_class(keras, "AutoContrast")(value_range=(0, 1))
    assert count_one(keras, wider, (3, 2, 2)).connections == tally.macs + 2 * 12


@pytest.mark.parametrize(
    "mode", ["real", "imag", "stft", "angle", "psd", "magnitude", "log"]
)
def test_spectrogram_by_loops(mode: str) -> None:
    keras = newest_keras()
    layer = layer_class(keras, "STFTSpectrogram")(
        mode=mode, frame_length=4, frame_step=2
    )
    row = count_one(keras, layer, (8, 1))
    signal = random_input(8, 1)
    kernels = [np.asarray(weight)[:, 0] for weight in layer.get_weights()]
    tally, frames = Tally(), []
    for start in range(0, 8 - 4 + 1, 2):
        frame = list(signal[0, start : start + 4, 0])
        parts = [tally.matrix(frame, k, np.zeros(3)) for k in kernels]
        frames.append(combine(tally, mode, parts))
    np.testing.assert_allclose(frames, np.asarray(layer(signal))[0], 1e-3, 1e-5)
    assert numbers(row) == tally.numbers


def combine(tally: Tally, mode: str, parts: list) -> list:
    """Return what a spectrogram holds of the real and imaginary parts of a frame."""
    if mode in ("real", "imag", "stft"):
        return [value for part in parts for value in part]
    real, imaginary = parts
    if mode == "angle":
        pairs = zip(imaginary, real)
        return [tally.apply(lambda i, r=r: math.atan2(i, r), i) for i, r in pairs]
    power = [tally.mac(tally.times(i, i), r, r) for r, i in zip(real, imaginary)]
    if mode == "psd":  # frequencies that have a negative twin count twice
        middle = [tally.plus(value, value) for value in power[1:-1]]
        return [power[0], *middle, power[-1]]
    roots = [tally.apply(math.sqrt, max(value, 1e-7)) for value in power]
    if mode == "magnitude":
        return roots
    return [tally.apply(math.log, max(value, 1e-7)) for value in roots]
