"""Layers that make images larger or smaller."""

from __future__ import annotations

import math

from ...common.assumptions import Assumption
from ...common.exceptions import UnsupportedError
from ..calls import LayerCall, size
from .axes import split_image
from .pooling import count_links
from .registry import Operations, counts

DIRECT_INTERPOLATION = Assumption(
    "direct-interpolation",
    "Interpolation is counted as one weighted sum over its whole window for each "
    "output; doing one axis after the other would take fewer products.",
)

REACH = {
    "bilinear": 1.0,
    "bicubic": 2.0,
    "lanczos3": 3.0,
    "lanczos5": 5.0,
    "mitchellcubic": 2.0,
    "gaussian": 1.5,
}
"""Reach of an interpolation, in pixels of the coarser image to each side. Keys 1981 for
bicubic; Mitchell and Netravali 1988; the number of Lanczos is its reach."""


@counts("UpSampling{}D")
def count_upsampling(call: LayerCall) -> Operations:
    """Nothing where elements are copied; else as in `interpolate`."""
    return interpolate(call, getattr(call.layer, "interpolation", "nearest"))


@counts("Resizing")
def count_resizing(call: LayerCall) -> Operations:
    """As in `interpolate`."""
    is_smooth = getattr(call.layer, "antialias", False)
    return interpolate(call, call.layer.interpolation, is_smooth)


@counts("CenterCrop", "RandomCrop")
def count_crop(call: LayerCall) -> Operations:
    """Nothing, or bilinear interpolation where the image is smaller than the crop.

    At inference, Keras documents ``RandomCrop`` as scaling the image to the size of
    the crop, so that one interpolates wherever the sizes differ.
    """
    sources, _ = split_image(call, call.input_shapes[0], 2)
    targets, _ = split_image(call, call.output_shapes[0], 2)
    fits = all(target <= source for source, target in zip(sources, targets))
    if sources == targets or (fits and type(call.layer).__name__ == "CenterCrop"):
        return Operations()
    return interpolate(call, "bilinear")


def interpolate(
    call: LayerCall, method: str, antialias: bool = False, data_format: str = ""
) -> Operations:
    """Connections: inputs that each output is a weighted sum of, x outputs.

    ``nearest`` copies. ``area`` weighs every input that an output overlaps. The others
    have a window of (2 x reach)^2 inputs, at the border too; with ``antialias``, an
    image that shrinks has its window grow by the same factor.

    Raises
    ------
    UnsupportedError
        The interpolation isn't known.
    """
    method = str(method).lower()
    if method == "nearest":
        return Operations()
    sources, n_channels = split_image(call, call.input_shapes[0], 2, data_format)
    targets, _ = split_image(call, call.output_shapes[0], 2, data_format)
    if method == "area":
        links = [count_links(*lengths) for lengths in zip(sources, targets)]
    elif method in REACH:
        links = [
            target * _window(REACH[method], source / target if antialias else 1.0)
            for source, target in zip(sources, targets)
        ]
    else:
        raise UnsupportedError(
            f"interpolation {method!r}; allowed: nearest, area, {', '.join(REACH)}"
        )
    return Operations(
        connections=n_channels * size(tuple(links)), assumptions=(DIRECT_INTERPOLATION,)
    )


def _window(reach: float, shrinkage: float) -> int:
    """Return the number of inputs along one axis that an output is made of."""
    return math.ceil(2 * reach * max(shrinkage, 1.0))
