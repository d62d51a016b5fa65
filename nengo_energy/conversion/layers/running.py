"""A layer as a function of flat arrays: what one call of it computes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ...common.exceptions import UnsupportedError
from ...compat import import_tensorflow
from ...keras_models.check import INDEXING_LAYERS
from ...keras_models.graph import is_tensor, leaves, map_leaves
from ...keras_models.held import held_by

if TYPE_CHECKING:
    from .building import LayerBuild


class LayerFunction:
    """A layer as a function of flat rows: what one call of it computes.

    It takes rows for the layer's inputs, then rows for what its masks hang on; it
    returns a value in the type that the layer computes in. Several outputs follow each
    other.

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
        self.dtypes = [tensor.dtype for tensor in [*tensors, *sources]]
        # tensors stand at their places in the call as numbers
        ids = [id(tensor) for tensor in tensors]
        self.arguments = map_leaves(
            lambda leaf: _Place(ids.index(id(leaf))) if is_tensor(leaf) else leaf,
            (build.call.args, build.call.kwargs),
        )

    def __call__(self, *values: np.ndarray) -> np.ndarray:
        """Return the output, (n, size) ndarray, of inputs of that form or (n, ...)."""
        tf = import_tensorflow()
        rows = [tf.constant(value, tf.float32) for value in values]
        return np.asarray(self.tensors(*rows))

    def tensors(self, *values: Any) -> Any:
        """Return the output, (n, size) tensor, of inputs of that form or (n, ...)."""
        tf = import_tensorflow()
        leading = [-1] + [1] * (self.n_leading - 1)
        tensors = [
            self._typed(tf.reshape(value, [*leading, *shape]), dtype)
            for value, shape, dtype in zip(values, self.shapes, self.dtypes)
        ]
        start = self.n_inputs
        for index, mask in self.masks.items():
            stop = start + len(mask.sources)
            if stop <= len(tensors):  # without them, nothing is masked
                tensors[index]._keras_mask = mask(tensors[start:stop])
            start = stop
        n = tf.shape(values[0])[0]
        outputs = [
            tf.convert_to_tensor(output) for output in leaves(self.call(tensors))
        ]
        self._check_examples(values[0].shape[0], outputs)
        if len({output.dtype for output in outputs}) > 1:
            outputs = [tf.cast(output, tf.float32) for output in outputs]
        rows = [tf.reshape(output, [n, -1]) for output in outputs]
        return rows[0] if len(rows) == 1 else tf.concat(rows, axis=1)

    def _check_examples(self, n: int | None, outputs: Sequence[Any]) -> None:
        """Refuse a layer that joins or mixes up the examples of a batch."""
        for output in outputs:
            if n is not None and output.shape[:1] not in ([n], [None]):
                raise UnsupportedError(
                    f"its output has the shape {tuple(output.shape)} for {n} examples, "
                    "and a spiking network runs them one by one. Leave the first axis "
                    "as it is"
                )

    def on_steps(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the first output on values with all their axes, time among them."""
        tf = import_tensorflow()
        tensors = [
            self._typed(tf.constant(value, tf.float32), dtype)
            for value, dtype in zip(values, self.dtypes)
        ]
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

    def _typed(self, tensor: Any, dtype: Any) -> Any:
        """Return values in the layer's type; numbers of rows or classes are rounded."""
        tf = import_tensorflow()
        if (
            not dtype.is_floating
            or type(held_by(self.layer)).__name__ in INDEXING_LAYERS
        ):
            tensor = tf.round(tensor)  # what was decoded of 3 may be 2.9999999
        return tf.cast(tensor, dtype)


@dataclass(frozen=True)
class _Place:
    """Where a tensor stands among the arguments of a call."""

    index: int
