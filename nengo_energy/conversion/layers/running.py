"""A layer as a function of flat arrays: what one call of it computes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ...compat import import_tensorflow
from ...keras_models.check import INDEXING_LAYERS
from ...keras_models.graph import is_tensor, leaves, map_leaves

if TYPE_CHECKING:
    from .building import LayerBuild


class LayerFunction:
    """A layer as a function of rows of flat values.

    It takes rows for the layer's inputs, then rows for what its masks hang on.

    Parameters
    ----------
    build : LayerBuild
        The call.
    """

    def __init__(self, build: LayerBuild):
        self.layer = build.layer
        self.n_leading = build.n_leading
        tensors = build.call.tensors
        self.n_inputs = len(tensors)
        self.masks = build.masks
        sources = [tensor for mask in self.masks.values() for tensor in mask.sources]
        self.shapes = [*build.input_shapes, *map(build.shape_of, sources)]
        self.rounds = type(self.layer).__name__ in INDEXING_LAYERS
        self.dtypes = [np.dtype(t.dtype.as_numpy_dtype) for t in [*tensors, *sources]]
        # tensors stand at their places in the call as numbers
        ids = [id(tensor) for tensor in tensors]
        self.arguments = map_leaves(
            lambda leaf: _Place(ids.index(id(leaf))) if is_tensor(leaf) else leaf,
            (build.call.args, build.call.kwargs),
        )

    def __call__(self, *values: np.ndarray) -> list[np.ndarray]:
        """Return all outputs, (n, size) each, of rows, (n, size) or (n, ...) each."""
        n = len(values[0])
        leading = (n,) + (1,) * (self.n_leading - 1)
        tensors = [
            self._tensor(np.reshape(value, (*leading, *shape)), dtype)
            for value, shape, dtype in zip(values, self.shapes, self.dtypes)
        ]
        start = self.n_inputs
        for index, mask in self.masks.items():
            stop = start + len(mask.sources)
            if stop <= len(tensors):  # without them, nothing is masked
                tensors[index]._keras_mask = mask(tensors[start:stop])
            start = stop
        outputs = leaves(self.call(tensors))
        return [np.asarray(value).reshape(n, -1) for value in outputs]

    def on_steps(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the first output on values with all their axes, time among them."""
        pairs = zip(values, self.dtypes)
        tensors = [self._tensor(value, dtype) for value, dtype in pairs]
        return np.asarray(leaves(self.call(tensors))[0])

    def call(self, tensors: Sequence[Any]) -> Any:
        """Return what the layer returns, as tensors with their leading axes."""
        args, kwargs = map_leaves(
            lambda leaf: tensors[leaf.index] if isinstance(leaf, _Place) else leaf,
            self.arguments,
        )
        if "training" in inspect.signature(self.layer.call).parameters:
            kwargs = {**kwargs, "training": False}
        return self.layer(*args, **kwargs)

    def _tensor(self, array: np.ndarray, dtype: np.dtype) -> Any:
        if self.rounds or dtype.kind in "biu":  # what was decoded of 3 may be 2.9999999
            array = np.rint(array)
        return import_tensorflow().constant(array.astype(dtype))


@dataclass(frozen=True)
class _Place:
    """Where a tensor stands among the arguments of a call."""

    index: int
