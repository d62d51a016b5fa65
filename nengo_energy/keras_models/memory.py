"""Have Keras make a saved model only if its weights are those that the file holds.

A configuration is a few words and can ask for any size. What its layers would need is
known before anything is allocated: Keras 2 tells of each variable that it is about to
make, and Keras 3 makes models without values.
"""

from __future__ import annotations

import contextlib
import importlib
import math
from typing import Any, Iterator

from ..common.declared_sizes import check_size
from ..common.exceptions import InputError
from ..compat import import_tensorflow
from .formats import Loader, SavedModel, version_of

UNSAVED = 2**16
"""Values that a model may have beside those in its file, such as random states."""


def load_limited(
    load: Loader,
    saved: SavedModel,
    keras: Any,
    objects: dict[str, Any],
    max_bytes: float | None,
) -> Any:
    """Return a model that is loaded, unless its weights are too much.

    Parameters
    ----------
    load : callable
        Has Keras load what was read; takes the next three.
    saved : SavedModel
        What was read of the file.
    keras : module
        The Keras that loads it.
    objects : dict of str to object
        Custom objects.
    max_bytes : int or None
        How much memory the weights may take; None for any.

    Raises
    ------
    InputError
        The layers need more values than the file holds, or more memory than they may.
    """
    tensorflow = import_tensorflow()
    needed = _Needed(saved, max_bytes)
    if version_of(keras) >= (3, 0):
        with _without_values(keras):
            for weight in load(saved, keras, objects).weights:
                size = tensorflow.as_dtype(weight.dtype).size
                needed.add(weight.path, weight.shape, size)
        return load(saved, keras, objects)

    def create(create_next: Any, **options: Any) -> Any:
        shape = options.get("shape")
        if shape is not None:
            size = tensorflow.as_dtype(options.get("dtype") or "float32").size
            needed.add(options.get("name"), tensorflow.TensorShape(shape), size)
        return create_next(**options)

    with tensorflow.variable_creator_scope(create):
        return load(saved, keras, objects)


@contextlib.contextmanager
def _without_values(keras: Any) -> Iterator[None]:
    """Have Keras 3 make variables without values here, which never get any."""
    state = importlib.import_module("keras.src.backend.common.global_state")
    waiting = [*(state.get_global_attribute("uninitialized_variables") or [])]
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        state.set_global_attribute("uninitialized_variables", waiting)


class _Needed:
    """Adds up what the weights of a model take."""

    def __init__(self, saved: SavedModel, max_bytes: float | None) -> None:
        self._saved, self._max_bytes = saved, max_bytes
        self._n_values, self._n_bytes = 0, 0

    def add(self, name: Any, shape: Any, itemsize: int) -> None:
        """Add a weight, or refuse it."""
        shape = tuple(int(size) for size in shape)
        n_values = math.prod(shape)
        self._n_values += n_values
        self._n_bytes += n_values * itemsize
        path, held = self._saved.path, self._saved.n_values
        if self._n_values > held + UNSAVED:
            raise InputError(
                f"{path} is damaged: its weights hold {held:,} values, but its layers "
                f"need more: {name!r} alone {n_values:,}, for the shape {shape}"
            )
        check_size(f"{path}: the weights", self._n_bytes, self._max_bytes)
