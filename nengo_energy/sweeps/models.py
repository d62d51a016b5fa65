"""The model of a sweep, in a form that reaches other processes and computers."""

from __future__ import annotations

import hashlib
import inspect
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np

from ..common.exceptions import InputError
from ..keras_models.files import as_model, load_model
from ..keras_models.graph import read_graph

KERAS2 = ".h5"
"""Suffix of the files that models of Keras 2 are sent as."""


@dataclass(frozen=True)
class ModelSource:
    """Where workers get the model from.

    Attributes
    ----------
    digest : str
        Tells the model from others.
    builder : callable or None
        The user's function.
    content, suffix : bytes, str
        A saved model; empty where there is a function, or the model itself.
    custom_objects : mapping or None
        For `nengo_energy.load_model`.
    model : keras.Model or None
        The model itself, which isn't sent.
    """

    digest: str
    builder: Callable[..., Any] | None = None
    content: bytes = field(default=b"", repr=False)
    suffix: str = ""
    custom_objects: Mapping[str, Any] | None = None
    model: Any = None

    def load(self, parameters: Mapping[str, Any]) -> Any:
        """Return the model for some parameters of the user's function."""
        if self.builder is not None:
            return as_model(self.builder(**parameters))
        if self.model is not None:
            return self.model
        with tempfile.TemporaryDirectory(prefix="nengo-energy-") as folder:
            path = Path(folder) / f"model{self.suffix}"
            path.write_bytes(self.content)
            # what was written here may be as large as it is
            return load_model(path, self.custom_objects, max_bytes=None)

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which processes that load it start faster.

        For a model of Keras 2 alone TensorFlow needn't import Keras 3, which is a
        quarter of the start.
        """
        alone = self.suffix == KERAS2 and not self.custom_objects
        return {"TF_USE_LEGACY_KERAS": "1"} if alone else {}

    def packed(self) -> ModelSource:
        """Return a source that can be sent to other processes.

        Raises
        ------
        InputError
            If the model can't be saved, or not loaded again.
        """
        if self.model is None:
            return self
        suffix = ".keras" if _is_keras3(self.model) else KERAS2
        with tempfile.TemporaryDirectory(prefix="nengo-energy-") as folder:
            path = Path(folder) / f"model{suffix}"
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that HDF5 is an old format
                    _save(self.model, path)
                load_model(path, self.custom_objects, max_bytes=None)
            except (NotImplementedError, OSError, TypeError, ValueError) as error:
                raise InputError(
                    f"model {self.model.name!r} can't be sent to other processes: "
                    f"{error}; pass custom_objects, or a function that builds the "
                    'model, or scheduler="synchronous"'
                ) from error
            content = path.read_bytes()
        return ModelSource(
            self.digest,
            content=content,
            suffix=suffix,
            custom_objects=self.custom_objects,
        )


def _save(model: Any, path: Path) -> None:
    """Save a model; how it was trained is of no use, and would be complained about."""
    if path.suffix == KERAS2:
        model.save(path, include_optimizer=False)
    else:
        model.save(path)


def model_source(
    model: Any, custom_objects: Mapping[str, Any] | None = None
) -> ModelSource:
    """Return the source of a model that was given as such, as a path or as a function.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if is_builder(model):
        if custom_objects is not None:
            raise InputError("custom_objects are for models and paths, not functions")
        return ModelSource(_digest_of_function(model), builder=model)
    loaded = as_model(model, custom_objects)
    read_graph(loaded)  # complains about what is no model
    return ModelSource(
        _digest_of_model(loaded), custom_objects=custom_objects, model=loaded
    )


def is_builder(model: Any) -> bool:
    """Tell whether a model is a function that builds one; models can be called too."""
    return callable(model) and not hasattr(model, "layers")


def _is_keras3(model: Any) -> bool:
    keras = sys.modules.get("keras")
    bases = getattr(keras, "Model", None), getattr(keras, "__version__", "")
    return (
        isinstance(bases[0], type)
        and isinstance(model, bases[0])
        and not bases[1].startswith("2.")
    )


def _digest_of_model(model: Any) -> str:
    """Return a digest of a model's architecture and weights."""
    digest = hashlib.sha256(model.to_json().encode())
    for array in model.get_weights():
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _digest_of_function(function: Callable[..., Any]) -> str:
    """Return a digest of a function's name and source; what it reads isn't in it."""
    name = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):  # typed into an interpreter, or a partial
        text = ""
    return hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()[:16]
