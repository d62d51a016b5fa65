"""Saved Keras model of either version -> the model, without running code from the file.

A file is read by the Keras that wrote it. What it would have Keras make is checked
first (`safety`); only that and the weights reach Keras: no compile state, no
functions of a SavedModel, no other files.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any, Iterator, Mapping

from ..common.declared_sizes import MAX_BYTES
from ..common.exceptions import (
    InputError,
    MissingDependencyError,
    NengoEnergyError,
    UnsupportedError,
)
from ..common.optional_imports import import_or_explain
from ..compat import import_tf_keras
from .formats import Loader, SavedModel, find_format, version_of
from .memory import load_limited
from .safety import check_config
from .trial import read_in_time
from .wiring import check_wiring

LOADING_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Keras, h5py and zipfile raise on files that they can't make a model of."""


def as_model(
    model: Any, custom_objects: Mapping[str, Any] | None = None, **limits: Any
) -> Any:
    """Return a model that was given as such, or as the path of a file that holds it.

    ``limits`` are those of `load_model`.

    Raises
    ------
    InputError
        ``custom_objects`` are given with a model, which needs none.
    """
    if isinstance(model, (str, os.PathLike)):
        return load_model(model, custom_objects, **limits)
    if custom_objects is not None:
        raise InputError(
            "custom_objects say what names in a file stand for, but the model is no "
            f"path; it is a {type(model).__module__}.{type(model).__qualname__}"
        )
    return model


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    *,
    max_bytes: float | None = MAX_BYTES,
    max_seconds: float | None = None,
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
    max_bytes : int, optional
        How much memory the file may unpack to, and the weights take; by default 2 GiB,
        None for any. It is checked before anything is allocated.
    max_seconds : float, optional
        Read the file once in a process of its own first, which is ended after this
        time: some damaged HDF5 files are never read to their end. By default the file
        is trusted not to be such a one; the command line does not.

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
        The file isn't a saved model, is damaged, holds weights only, names a class or
        function that is neither Keras's nor among ``custom_objects``, or takes more
        memory or time than it may.
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
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"path must be a str or os.PathLike; got {path!r}")
    path = Path(path)
    saved, load = read_model_file(path, max_bytes, max_seconds)
    keras = _import_keras(saved)
    objects = check_config(saved.config, keras, custom_objects, str(path))
    with _explained(path, f"can't be loaded by {keras.__name__} {keras.__version__}"):
        return load_limited(load, saved, keras, objects, max_bytes)


def read_model_file(
    path: str | os.PathLike[str],
    max_bytes: float | None = MAX_BYTES,
    max_seconds: float | None = None,
) -> tuple[SavedModel, Loader]:
    """Read what a file says of its model, and return what loads it; without any Keras.

    Raises
    ------
    NengoEnergyError
        See `load_model`.
    """
    path = Path(path)
    with _explained(path, "can't be read as a saved model"):
        read, load = find_format(path)
        if max_seconds is not None and path.is_file():
            read_in_time(path, max_bytes, max_seconds)
        saved = read(path, max_bytes)
        check_wiring(saved.config, str(path))
        return saved, load


@contextlib.contextmanager
def _explained(path: Path, problem: str) -> Iterator[None]:
    """Put the complaints of others about a file in our words."""
    try:
        yield
    except NengoEnergyError:
        raise
    except _loading_errors() as error:
        reason = str(error).strip() or type(error).__name__
        raise InputError(f"{path} {problem}: {reason}") from error


def _loading_errors() -> tuple[type[Exception], ...]:
    """Return what may be raised, by TensorFlow as well if it is there."""
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    return LOADING_ERRORS if errors is None else (*LOADING_ERRORS, errors.OpError)


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
