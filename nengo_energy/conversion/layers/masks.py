"""Masks: which steps of a sequence count, as Masking and Embedding layers say it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Sequence

from ...compat import import_tf_keras
from ...keras_models.graph import Call, leaves
from ...keras_models.held import held_by

UNMASKED = ("BatchNormalization", "Lambda")
"""Layers that take a mask, and don't use it at inference."""


@dataclass(frozen=True, eq=False)
class Mask:
    """The mask of a tensor, as a function of the tensors that it hangs on.

    Attributes
    ----------
    sources : tuple of KerasTensor
        What the layers are called on that make the mask.
    model : tf_keras.Model
        From those to the masked tensor.
    """

    sources: tuple[Any, ...]
    model: Any

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return the mask for values of the sources, all of them tensors."""
        masked = self.model(list(values) if len(values) > 1 else values[0])
        return getattr(masked, "_keras_mask", None)


def masks_of(call: Call) -> dict[int, Mask]:
    """Return the masks that a layer uses, by the number of the tensor."""
    if not _uses_masks(held_by(call.layer)):
        return {}
    return {
        index: Mask(sources, import_tf_keras().Model(list(sources), tensor))
        for index, tensor in enumerate(call.tensors)
        if _is_masked(tensor) and (sources := tuple(_sources(tensor)))
    }


def _uses_masks(layer: Any) -> bool:
    """Tell whether what a layer computes hangs on the masks of its inputs."""
    if type(layer).__name__ == "TimeDistributed":
        return _uses_masks(layer.layer)
    names = inspect.signature(layer.call).parameters
    return type(layer).__name__ not in UNMASKED and any("mask" in n for n in names)


def _is_masked(tensor: Any) -> bool:
    return getattr(tensor, "_keras_mask", None) is not None


def _sources(tensor: Any) -> list[Any]:
    """Return the tensors without a mask behind which a mask is made."""
    layer, node_index, _ = tensor._keras_history
    found: dict[int, Any] = {}
    for before in leaves(layer.inbound_nodes[node_index].keras_inputs):
        for source in _sources(before) if _is_masked(before) else [before]:
            found[id(source)] = source
    return list(found.values())
