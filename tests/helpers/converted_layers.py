"""A small model around each layer class of Keras, and what becomes of the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

SYNAPSES, NEURONS, HOST, NOTHING, REFUSED = (
    "synapses",
    "neurons",
    "host",
    "nothing",
    "refused",
)

IMAGE, SERIES, VECTOR, VOLUME = (6, 5, 4), (7, 4), (6,), (4, 3, 4, 2)


@dataclass(frozen=True)
class Example:
    """A layer, and what it is called on.

    Attributes
    ----------
    becomes : str
        What it becomes.
    make : callable
        From ``keras.layers`` to the layer.
    shapes : tuple of tuple of int
        Shapes of its inputs.
    as_list : bool
        Whether it takes its inputs as a list.
    dtype : str or None
        Of its input. Whole numbers are from 0 to 4.
    """

    becomes: str
    make: Callable[[Any], Any]
    shapes: tuple[tuple[int, ...], ...]
    as_list: bool = False
    dtype: str | None = None

    def model(self, keras: Any, seed: int = 0) -> Any:
        """Return a model of it, called ``"layer"``, with random weights.

        Neurons feed it where they can.
        """
        inputs = [keras.Input(shape, dtype=self.dtype) for shape in self.shapes]
        layer = self.make(keras.layers)
        setattr(layer, "name" if hasattr(keras, "ops") else "_name", "layer")
        arguments = inputs
        if self.dtype is None:
            arguments = [
                keras.layers.Dense(shape[-1], activation="relu", name=f"before{k}")(x)
                for k, (shape, x) in enumerate(zip(self.shapes, inputs))
            ]
        x = layer(arguments) if self.as_list else layer(*arguments)
        if self.becomes != REFUSED:  # so that the layer isn't the output
            x = keras.layers.Dense(3, name="after")(keras.layers.Flatten()(x))
        model = keras.Model(inputs, x)
        rng = np.random.RandomState(seed)
        model.set_weights([random_weight(rng, w) for w in model.weights])
        return model

    def inputs(self, seed: int = 1) -> list[np.ndarray]:
        """Return two random samples of each input."""
        rng = np.random.RandomState(seed)
        if self.dtype is not None and self.dtype.startswith("int"):
            return [rng.randint(5, size=(2, *shape)) for shape in self.shapes]
        return [rng.uniform(-1, 1, size=(2, *shape)) for shape in self.shapes]


def random_weight(rng: np.random.RandomState, weight: Any) -> np.ndarray:
    """Return random values for a weight: variances above zero, integers as they are."""
    shape, name = tuple(weight.shape), weight.name
    value = np.asarray(weight)
    if value.dtype.kind not in "f":
        return value
    if "variance" in name:
        return rng.uniform(0.5, 1.5, shape)
    return rng.uniform(-0.6, 0.6, shape)


def one(becomes: str, shape: tuple[int, ...], name: str, *args: Any, **kwargs: Any):
    """Return an example of a layer with one input, named and configured."""
    return Example(becomes, lambda k: getattr(k, name)(*args, **kwargs), (shape,))


def two(becomes: str, shape: Any, name: str, *args: Any, **kwargs: Any) -> Example:
    """Return an example of a layer that takes a list of two inputs."""
    shapes = (shape, shape) if isinstance(shape[0], int) else shape
    return Example(
        becomes, lambda k: getattr(k, name)(*args, **kwargs), shapes, as_list=True
    )


def numbers(becomes: str, name: str, *args: Any, **kwargs: Any) -> Example:
    """Return an example of a layer that takes whole numbers."""
    return Example(
        becomes,
        lambda k: getattr(k, name)(*args, **kwargs),
        ((5,),),
        dtype="int32",
    )


def words(name: str, *args: Any, **kwargs: Any) -> Example:
    """Return an example of a layer that takes words, which no network can."""
    return Example(
        REFUSED, lambda k: getattr(k, name)(*args, **kwargs), ((1,),), dtype="string"
    )


EXAMPLES: dict[str, Example] = {
    # weighted
    "Dense": one(NEURONS, VECTOR, "Dense", 4, activation="relu"),
    "EinsumDense": one(
        NEURONS, SERIES, "EinsumDense", "abc,cd->abd", (7, 3), "relu", bias_axes="d"
    ),
    "Conv1D": one(NEURONS, SERIES, "Conv1D", 3, 2, strides=2, activation="relu"),
    "Conv2D": one(NEURONS, IMAGE, "Conv2D", 4, 3, groups=2, activation="relu"),
    "Conv3D": one(NEURONS, VOLUME, "Conv3D", 3, 2, activation="relu"),
    "Conv1DTranspose": one(SYNAPSES, SERIES, "Conv1DTranspose", 3, 3, strides=2),
    "Conv2DTranspose": one(SYNAPSES, IMAGE, "Conv2DTranspose", 3, 3, padding="same"),
    "Conv3DTranspose": one(SYNAPSES, VOLUME, "Conv3DTranspose", 2, 2, strides=2),
    "DepthwiseConv1D": one(SYNAPSES, SERIES, "DepthwiseConv1D", 3),
    "DepthwiseConv2D": one(SYNAPSES, IMAGE, "DepthwiseConv2D", 3, depth_multiplier=2),
    "SeparableConv1D": one(SYNAPSES, SERIES, "SeparableConv1D", 3, 3),
    "SeparableConv2D": one(SYNAPSES, IMAGE, "SeparableConv2D", 3, 3, padding="same"),
    "LocallyConnected1D": one(
        NEURONS, SERIES, "LocallyConnected1D", 3, 2, activation="relu"
    ),
    "LocallyConnected2D": one(SYNAPSES, IMAGE, "LocallyConnected2D", 2, 3),
    "Embedding": numbers(HOST, "Embedding", 5, 3),
    "ReversibleEmbedding": numbers(HOST, "ReversibleEmbedding", 5, 3),
    # activations
    "Activation": one(NEURONS, VECTOR, "Activation", "relu"),
    "ReLU": one(NEURONS, VECTOR, "ReLU", 1.5, 0.125, 0.25),
    "LeakyReLU": one(NEURONS, VECTOR, "LeakyReLU"),
    "PReLU": one(NEURONS, IMAGE, "PReLU", shared_axes=[1, 2]),
    "ELU": one(NEURONS, VECTOR, "ELU"),
    "ThresholdedReLU": one(NEURONS, VECTOR, "ThresholdedReLU", 0.5),
    "Softmax": one(HOST, VECTOR, "Softmax"),
    # merging
    "Add": two(SYNAPSES, IMAGE, "Add"),
    "Average": two(SYNAPSES, (IMAGE, (1, 5, 1)), "Average"),
    "Subtract": two(SYNAPSES, IMAGE, "Subtract"),
    "Multiply": two(HOST, VECTOR, "Multiply"),
    "Maximum": two(NEURONS, VECTOR, "Maximum"),
    "Minimum": two(NEURONS, VECTOR, "Minimum"),
    "Concatenate": two(SYNAPSES, IMAGE, "Concatenate", 1),
    "Dot": two(HOST, VECTOR, "Dot", -1),
    # pooling
    "MaxPooling1D": one(NEURONS, SERIES, "MaxPooling1D", 2),
    "MaxPooling2D": one(NEURONS, IMAGE, "MaxPooling2D", 3, strides=2, padding="same"),
    "MaxPooling3D": one(NEURONS, VOLUME, "MaxPooling3D", 2),
    "AveragePooling1D": one(SYNAPSES, SERIES, "AveragePooling1D", 2),
    "AveragePooling2D": one(SYNAPSES, IMAGE, "AveragePooling2D", 2, padding="same"),
    "AveragePooling3D": one(SYNAPSES, VOLUME, "AveragePooling3D", 2),
    "GlobalMaxPooling1D": one(NEURONS, SERIES, "GlobalMaxPooling1D"),
    "GlobalMaxPooling2D": one(NEURONS, IMAGE, "GlobalMaxPooling2D"),
    "GlobalMaxPooling3D": one(NEURONS, VOLUME, "GlobalMaxPooling3D"),
    "GlobalAveragePooling1D": one(SYNAPSES, SERIES, "GlobalAveragePooling1D"),
    "GlobalAveragePooling2D": one(SYNAPSES, IMAGE, "GlobalAveragePooling2D"),
    "GlobalAveragePooling3D": one(SYNAPSES, VOLUME, "GlobalAveragePooling3D"),
    "AdaptiveAveragePooling1D": one(SYNAPSES, SERIES, "AdaptiveAveragePooling1D", 3),
    "AdaptiveAveragePooling2D": one(SYNAPSES, IMAGE, "AdaptiveAveragePooling2D", 3),
    "AdaptiveAveragePooling3D": one(SYNAPSES, VOLUME, "AdaptiveAveragePooling3D", 2),
    "AdaptiveMaxPooling1D": one(HOST, SERIES, "AdaptiveMaxPooling1D", 3),
    "AdaptiveMaxPooling2D": one(HOST, IMAGE, "AdaptiveMaxPooling2D", 3),
    "AdaptiveMaxPooling3D": one(HOST, VOLUME, "AdaptiveMaxPooling3D", 2),
    # shapes
    "Flatten": one(NOTHING, IMAGE, "Flatten"),
    "Reshape": one(NOTHING, IMAGE, "Reshape", (10, 12)),
    "Permute": one(SYNAPSES, IMAGE, "Permute", (3, 1, 2)),
    "RepeatVector": one(SYNAPSES, VECTOR, "RepeatVector", 3),
    "Cropping1D": one(SYNAPSES, SERIES, "Cropping1D", (1, 2)),
    "Cropping2D": one(SYNAPSES, IMAGE, "Cropping2D", ((1, 2), (0, 3))),
    "Cropping3D": one(SYNAPSES, VOLUME, "Cropping3D", 1),
    "ZeroPadding1D": one(SYNAPSES, SERIES, "ZeroPadding1D", 2),
    "ZeroPadding2D": one(SYNAPSES, IMAGE, "ZeroPadding2D", ((1, 2), (0, 3))),
    "ZeroPadding3D": one(SYNAPSES, VOLUME, "ZeroPadding3D", 1),
    "UpSampling1D": one(SYNAPSES, SERIES, "UpSampling1D", 3),
    "UpSampling2D": one(SYNAPSES, IMAGE, "UpSampling2D", 2, interpolation="bilinear"),
    "UpSampling3D": one(SYNAPSES, VOLUME, "UpSampling3D", (2, 1, 2)),
    # normalisation
    "BatchNormalization": one(SYNAPSES, IMAGE, "BatchNormalization", axis=2),
    "LayerNormalization": one(HOST, IMAGE, "LayerNormalization"),
    "GroupNormalization": one(HOST, IMAGE, "GroupNormalization", 2),
    "RMSNormalization": one(HOST, IMAGE, "RMSNormalization"),
    "UnitNormalization": one(HOST, VECTOR, "UnitNormalization"),
    "SpectralNormalization": Example(
        HOST,
        lambda k: k.SpectralNormalization(k.Dense(3, activation="relu")),
        (VECTOR,),
    ),
    # nothing at inference
    "ActivityRegularization": one(NOTHING, VECTOR, "ActivityRegularization", 0.1),
    "AlphaDropout": one(NOTHING, VECTOR, "AlphaDropout", 0.2),
    "Dropout": one(NOTHING, VECTOR, "Dropout", 0.2),
    "GaussianDropout": one(NOTHING, VECTOR, "GaussianDropout", 0.2),
    "GaussianNoise": one(NOTHING, VECTOR, "GaussianNoise", 0.2),
    "Identity": one(NOTHING, VECTOR, "Identity"),
    "SpatialDropout1D": one(NOTHING, SERIES, "SpatialDropout1D", 0.2),
    "SpatialDropout2D": one(NOTHING, IMAGE, "SpatialDropout2D", 0.2),
    "SpatialDropout3D": one(NOTHING, VOLUME, "SpatialDropout3D", 0.2),
    "Masking": one(NOTHING, SERIES, "Masking"),
    # sequences
    "SimpleRNN": one(HOST, SERIES, "SimpleRNN", 3),
    "GRU": one(HOST, SERIES, "GRU", 3, return_sequences=True),
    "LSTM": one(HOST, SERIES, "LSTM", 3),
    "RNN": Example(HOST, lambda k: k.RNN(k.GRUCell(3)), (SERIES,)),
    "StackedRNNCells": Example(
        HOST,
        lambda k: k.RNN(k.StackedRNNCells([k.LSTMCell(3), k.LSTMCell(2)])),
        (SERIES,),
    ),
    "SimpleRNNCell": Example(HOST, lambda k: k.RNN(k.SimpleRNNCell(3)), (SERIES,)),
    "GRUCell": Example(HOST, lambda k: k.RNN(k.GRUCell(3)), (SERIES,)),
    "LSTMCell": Example(HOST, lambda k: k.RNN(k.LSTMCell(3)), (SERIES,)),
    "Bidirectional": Example(HOST, lambda k: k.Bidirectional(k.GRU(3)), (SERIES,)),
    "ConvLSTM1D": one(HOST, (3, 6, 2), "ConvLSTM1D", 2, 3),
    "ConvLSTM2D": one(HOST, (3, 5, 4, 2), "ConvLSTM2D", 2, 3),
    "ConvLSTM3D": one(HOST, (2, 4, 3, 4, 1), "ConvLSTM3D", 2, 2),
    "TimeDistributed": Example(
        NEURONS,
        lambda k: k.TimeDistributed(k.Conv2D(3, 2, activation="relu")),
        ((2, 4, 5, 3),),
    ),
    # attention
    "Attention": two(HOST, SERIES, "Attention", use_scale=True),
    "AdditiveAttention": two(HOST, SERIES, "AdditiveAttention"),
    "MultiHeadAttention": Example(
        HOST, lambda k: k.MultiHeadAttention(2, 3), (SERIES, SERIES)
    ),
    "GroupedQueryAttention": Example(
        HOST, lambda k: k.GroupedQueryAttention(3, 4, 2), (SERIES, SERIES)
    ),
    # functions
    "Lambda": Example(SYNAPSES, lambda k: k.Lambda(twice_plus_one), (VECTOR,)),
    # what comes before a network
    "Rescaling": one(SYNAPSES, IMAGE, "Rescaling", 1 / 255, -0.5),
    "Normalization": one(
        SYNAPSES, IMAGE, "Normalization", mean=[1, 2, 3, 4], variance=[1, 4, 9, 16]
    ),
    "Resizing": one(SYNAPSES, IMAGE, "Resizing", 4, 7),
    "CenterCrop": one(SYNAPSES, IMAGE, "CenterCrop", 4, 3),
    "Discretization": one(HOST, VECTOR, "Discretization", [-0.5, 0.1, 0.4]),
    "CategoryEncoding": numbers(HOST, "CategoryEncoding", 5),
    "IntegerLookup": numbers(HOST, "IntegerLookup", vocabulary=[0, 1, 2, 4]),
    "Hashing": numbers(HOST, "Hashing", 3),
    "HashedCrossing": Example(
        HOST,
        lambda k: k.HashedCrossing(5),
        ((1,), (1,)),
        as_list=True,
        dtype="int32",
    ),
    "StringLookup": words("StringLookup", vocabulary=["a", "b"]),
    "TextVectorization": words("TextVectorization", vocabulary=["a", "b"]),
    "STFTSpectrogram": one(HOST, (64, 1), "STFTSpectrogram", frame_length=16),
    "MelSpectrogram": one(HOST, (64,), "MelSpectrogram", fft_length=16),
    # augmentation, which does nothing at inference
    "AugMix": one(NOTHING, (6, 5, 3), "AugMix"),
    "AutoContrast": one(HOST, (6, 5, 3), "AutoContrast"),
    "ContrastLimitedAdaptiveHistogramEqualization": one(
        HOST, (6, 5, 3), "ContrastLimitedAdaptiveHistogramEqualization"
    ),
    "CutMix": one(NOTHING, (6, 5, 3), "CutMix"),
    "Equalization": one(HOST, (6, 5, 3), "Equalization"),
    "MixUp": one(NOTHING, (6, 5, 3), "MixUp"),
    "Pipeline": Example(NOTHING, lambda k: k.Pipeline([k.RandomFlip()]), ((6, 5, 3),)),
    "RandAugment": one(NOTHING, (6, 5, 3), "RandAugment"),
    "RandomBrightness": one(NOTHING, (6, 5, 3), "RandomBrightness", 0.2),
    "RandomColorDegeneration": one(NOTHING, (6, 5, 3), "RandomColorDegeneration", 0.2),
    "RandomColorJitter": one(NOTHING, (6, 5, 3), "RandomColorJitter"),
    "RandomContrast": one(NOTHING, (6, 5, 3), "RandomContrast", 0.2),
    "RandomCrop": one(SYNAPSES, (6, 5, 3), "RandomCrop", 4, 3),
    "RandomElasticTransform": one(NOTHING, (6, 5, 3), "RandomElasticTransform"),
    "RandomErasing": one(NOTHING, (6, 5, 3), "RandomErasing"),
    "RandomFlip": one(NOTHING, (6, 5, 3), "RandomFlip"),
    "RandomGaussianBlur": one(NOTHING, (6, 5, 3), "RandomGaussianBlur"),
    "RandomGrayscale": one(NOTHING, (6, 5, 3), "RandomGrayscale"),
    "RandomHeight": one(REFUSED, (6, 5, 3), "RandomHeight", 0.2),
    "RandomHue": one(NOTHING, (6, 5, 3), "RandomHue", 0.2),
    "RandomInvert": one(NOTHING, (6, 5, 3), "RandomInvert"),
    "RandomPerspective": one(NOTHING, (6, 5, 3), "RandomPerspective"),
    "RandomPosterization": one(NOTHING, (6, 5, 3), "RandomPosterization", 4),
    "RandomRotation": one(NOTHING, (6, 5, 3), "RandomRotation", 0.2),
    "RandomSaturation": one(NOTHING, (6, 5, 3), "RandomSaturation", 0.2),
    "RandomSharpness": one(NOTHING, (6, 5, 3), "RandomSharpness", 0.2),
    "RandomShear": one(NOTHING, (6, 5, 3), "RandomShear", 0.2),
    "RandomTranslation": one(NOTHING, (6, 5, 3), "RandomTranslation", 0.2, 0.2),
    "RandomWidth": one(REFUSED, (6, 5, 3), "RandomWidth", 0.2),
    "RandomZoom": one(NOTHING, (6, 5, 3), "RandomZoom", 0.2),
    "Solarization": one(NOTHING, (6, 5, 3), "Solarization"),
}
"""By name of the class."""

NOT_LAYERS = {
    "AbstractRNNCell": "a base class",
    "InputSpec": "not a layer",
    "InputLayer": "feeds the network",
    "Layer": "a base class",
    "Wrapper": "a base class",
    "DenseFeatures": "takes columns of features by name, not arrays",
    "FlaxLayer": "runs code of another framework",
    "JaxLayer": "runs code of another framework",
    "MaxNumBoundingBoxes": "works on bounding boxes",
    "TFSMLayer": "runs a SavedModel",
    "TorchModuleWrapper": "runs code of another framework",
}
"""Classes without an example, and what they are."""


def twice_plus_one(x: Any) -> Any:
    """Return ``2 x + 1``."""
    return 2 * x + 1
