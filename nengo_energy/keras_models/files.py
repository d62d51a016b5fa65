"""Saved Keras model of either version -> the model, without running code from the file.

A file is read by the Keras that wrote it. What it would have Keras make is checked
first (`safety`); only that and the weights reach Keras: no compile state, no
functions of a SavedModel, no other files.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Iterator, Mapping

from ..common.exceptions import (
    InputError,
    MissingDependencyError,
    NengoEnergyError,
    UnsupportedError,
)
from ..common.optional_imports import import_or_explain
from ..compat import import_tf_keras
from .formats import Loader, SavedModel, find_format, version_of
from .safety import check_config

LOADING_ERRORS = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Keras, h5py and zipfile raise on files that they can't make a model of."""


def as_model(model: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return a model that was given as such, or as the path of a file that holds it.

    Raises
    ------
    InputError
        ``custom_objects`` are given with a model, which needs none.
    """
    if isinstance(model, (str, os.PathLike)):
        return load_model(model, custom_objects)
    if custom_objects is not None:
        raise InputError(
            "custom_objects say what names in a file stand for, but the model is no "
            f"path; it is a {type(model).__module__}.{type(model).__qualname__}"
        )
    return model


def load_model(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """Load a Keras model from a file, without running code that the file holds.

    Parameters
    ----------
    path : str or os.PathLike
        A ``.keras`` file or an ``.h5`` file of Keras 2 or Keras 3, or the folder of a
        SavedModel of Keras 2.
    custom_objects : mapping of str to object, optional
        The classes and functions that the file names and that aren't Keras's own:
        ``{"MyLayer": MyLayer}``. What was registered with Keras isn't taken.

    Returns
    -------
    keras.Model
        Of the Keras that wrote the file: ``tf_keras`` (or ``tf.keras`` where that is
        Keras 2), or ``keras`` 3. It isn't compiled.

    Raises
    ------
    NotFoundError
        There is nothing at the path.
    InputError
        The file isn't a saved model, is damaged, holds weights only, or names a class
        or function that is neither Keras's nor among ``custom_objects``.
    UnsupportedError
        The file holds code, such as a ``Lambda`` layer, or no layers, as a SavedModel
        of ``model.export``.
    MissingDependencyError
        The Keras that wrote the file isn't installed.

    Examples
    --------
    >>> model = load_model("model.keras", custom_objects={"MyLayer": MyLayer})
    """
    custom_objects = {} if custom_objects is None else custom_objects
    if not isinstance(custom_objects, Mapping):
        raise InputError(
            f"custom_objects must map names to objects; got {custom_objects!r}"
        )
    path = Path(path)
    saved, load = read_model_file(path)
    keras = _import_keras(saved)
    objects = check_config(saved.config, keras, custom_objects, str(path))
    with _explained(path, f"can't be loaded by {keras.__name__} {keras.__version__}"):
        return load(saved, keras, objects)


def read_model_file(path: str | os.PathLike[str]) -> tuple[SavedModel, Loader]:
    """Read what a file says of its model, and return what loads it; without any Keras.

    Raises
    ------
    NengoEnergyError
        See `load_model`.
    """
    path = Path(path)
    with _explained(path, "can't be read as a saved model"):
        read, load = find_format(path)
        return read(path), load


@contextlib.contextmanager
def _explained(path: Path, problem: str) -> Iterator[None]:
    """Put the complaints of others about a file in our words."""
    try:
        yield
    except NengoEnergyError:
        raise
    except LOADING_ERRORS as error:
        reason = str(error).strip() or type(error).__name__
        raise InputError(f"{path} {problem}: {reason}") from error


def _import_keras(saved: SavedModel) -> Any:
    """Return the Keras that reads what its version wrote."""
    file = f"{saved.path}, saved by Keras {saved.version},"
    major = saved.version.partition(".")[0]
    if major == "2":
        return import_tf_keras()
    if not major.isdigit() or int(major) < 3:
        raise UnsupportedError(f"{file} can't be read; Keras 2 and 3 are known")
    keras = import_or_explain("keras", "'keras>=3'", file)
    if version_of(keras) < (3, 0):
        raise MissingDependencyError(
            f"{file} needs Keras 3, but keras {keras.__version__} is installed; get it "
            "with: pip install 'keras>=3' 'tensorflow>=2.16'"
        )
    return keras
