"""Layers that compute nothing at inference, and classes that can't be counted."""

from __future__ import annotations

from ..calls import LayerCall
from .registry import Operations, counts, leave_uncounted


@counts("InputLayer", "Identity", "Masking")
@counts("Concatenate", "Flatten", "Permute", "RepeatVector", "Reshape")
@counts("Cropping{}D", "ZeroPadding{}D")
def count_nothing(call: LayerCall) -> Operations:
    """Nothing: the layer only moves, copies or marks values."""
    return Operations()


@counts("ActivityRegularization", "AlphaDropout", "Dropout", "SpatialDropout{}D")
@counts("GaussianDropout", "GaussianNoise", "StochasticDepth")
def count_training_only(call: LayerCall) -> Operations:
    """Nothing: the layer passes values on, unless the model is being trained."""
    return Operations()


leave_uncounted(
    {
        # bases that others derive from
        "AbstractRNNCell": "a base class without a computation",
        "InputSpec": "it isn't a layer",
        "Layer": "a base class without a computation",
        "Wrapper": "a base class without a computation",
        # layers around code that isn't Keras's
        "FlaxLayer": "it runs any function",
        "JaxLayer": "it runs any function",
        "Lambda": "it runs any function",
        "TFSMLayer": "it runs any function",
        "TorchModuleWrapper": "it runs any function",
        # layers whose work depends on what isn't in their shapes
        "DenseFeatures": "its work depends on its feature columns",
        "Pipeline": "its layers have no shapes of their own; use them one by one",
        # layers whose work depends on how it is implemented, or on the data
        "ContrastLimitedAdaptiveHistogramEqualization": "it works on histograms",
        "MaxNumBoundingBoxes": "it works on bounding boxes",
        "MelSpectrogram": "fast Fourier transforms differ in their operations",
    }
)
