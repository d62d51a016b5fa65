"""Where the tensors of a model go: to its layers, and out of it."""

from __future__ import annotations

from typing import Any, Callable

from ...keras_models.graph import is_model, leaves
from .building import Use
from .passing import convert_flatten, convert_nothing, moves_channels
from .registry import find_conversion


class Scope:
    """A model while its layers become Nengo objects.

    Parameters
    ----------
    model : tf_keras.Model
        The whole model, or one within it.
    outside : callable, optional
        For a model within another: from the number of an output to its use there.
    """

    def __init__(self, model: Any, outside: Callable[[int], Use] | None = None):
        self._outside = outside
        self._nodes = {
            id(node) for nodes in model._nodes_by_depth.values() for node in nodes
        }
        self._ends = [tensor.ref() for tensor in model.outputs]

    def use_of(self, tensor: Any) -> Use:
        """Return what becomes of a tensor of the model."""
        outputs: list[Any] = []
        feeds = False
        for number, ref in enumerate(self._ends):
            if ref == tensor.ref():
                use = Use((ref,)) if self._outside is None else self._outside(number)
                outputs += use.outputs
                feeds |= use.feeds_layers
        for node in tensor._keras_history[0].outbound_nodes:
            taken = {t.ref() for t in leaves(node.keras_inputs)}
            if id(node) not in self._nodes or tensor.ref() not in taken:
                continue
            passes_on = not is_model(node.layer) and _passes_on(node.layer)
            for result in leaves(node.outputs) if passes_on else ():
                use = self.use_of(result)
                outputs += use.outputs
                feeds |= use.feeds_layers
            feeds |= not passes_on
        return Use(tuple(dict.fromkeys(outputs)), feeds)


def _passes_on(layer: Any) -> bool:
    """Tell whether a layer leaves each element what it is, and where it is."""
    conversion = find_conversion(layer)
    if conversion is convert_flatten:
        return not moves_channels(layer)
    return conversion is convert_nothing
