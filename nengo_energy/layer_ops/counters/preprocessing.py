"""Preprocessing layers, and the scaling layers inside Keras's application models."""

from __future__ import annotations

from ...common.assumptions import Assumption
from ..calls import LayerCall
from .axes import split_channels
from .merging import COMPARISONS_FREE
from .passive import count_training_only
from .registry import Operations, counts

LOOKUPS_FREE = Assumption(
    "lookups-free",
    "Looking up, hashing, and sorting into bins that are counted is free.",
)


@counts("Normalization", "Rescaling", "CustomScaleLayer", "LayerScale")
def count_scaling(call: LayerCall) -> Operations:
    """Connections: outputs, each an input times a constant, plus another number."""
    return Operations(connections=call.output_size)


@counts("Discretization", "HashedCrossing", "Hashing")
@counts("CategoryEncoding", "IntegerLookup", "StringLookup", "TextVectorization")
def count_lookup(call: LayerCall) -> Operations:
    """Nothing for the lookup, which the result says.

    Connections: outputs, where the output mode ``tf_idf`` gives each a weight.
    """
    is_weighted = getattr(call.layer, "output_mode", None) == "tf_idf"
    return Operations(
        connections=call.output_size if is_weighted else 0, assumptions=(LOOKUPS_FREE,)
    )


@counts("AutoContrast")
def count_auto_contrast(call: LayerCall) -> Operations:
    """``clip(255 / (high - low) (x - low))``, with the extremes of each channel.

    Connections: per element one, and two more to scale it from and to another range
    of values than 0 to 255; two per channel. Activations: one clip per element, one
    reciprocal per channel. Additions: one per channel. Comparisons are free.
    """
    _, n_channels = split_channels(call, call.input_shapes[0], 2)
    is_scaled = tuple(call.layer.value_range) != (0, 255)
    return Operations(
        connections=(1 + 2 * is_scaled) * call.output_size + 2 * n_channels,
        activations=call.output_size + n_channels,
        additions=n_channels,
        assumptions=(COMPARISONS_FREE,),
    )


@counts("STFTSpectrogram")
def count_stft_spectrogram(call: LayerCall) -> Operations:
    """Convolutions with cosines and sines, as Keras does it, and what the mode adds.

    Connections: frame length x frames x frequencies, for the real part, the imaginary
    part or both. ``angle`` takes one activation per output; the rest but ``stft`` take
    two squares. ``psd`` adds every frequency but the first and last to itself;
    ``magnitude`` takes a root, and ``log`` a root and a logarithm.
    """
    layer = call.layer
    n_bins = call.output_size // (2 if layer.mode == "stft" else 1)
    n_parts = 1 if layer.mode in ("real", "imag") else 2
    has_power = layer.mode in ("psd", "magnitude", "log")
    n_frequencies = layer._fft_length // 2 + 1
    n_roots = {"angle": 1, "magnitude": 1, "log": 2}.get(layer.mode, 0)
    inner = n_bins // n_frequencies * (n_frequencies - 2)
    return Operations(
        connections=n_bins * (n_parts * layer.frame_length + 2 * has_power),
        activations=n_bins * n_roots,
        additions=inner if layer.mode == "psd" else 0,
    )


# Augmentation: each of these passes images on, unless the model is being trained.
counts(
    "AugMix",
    "CutMix",
    "Equalization",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHeight",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "Solarization",
)(count_training_only)
