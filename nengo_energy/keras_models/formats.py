"""The formats of saved Keras models: what a file says of a model, and how it is loaded.

Each format has a function that reads a path without Keras, and one that has Keras load
what was read, once that is checked.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Optional

from ..common.declared_sizes import check_npz, check_zip, size_text
from ..common.exceptions import (
    InputError,
    MissingDependencyError,
    NotFoundError,
    UnsupportedError,
)
from ..common.optional_imports import import_or_explain
from ..compat import import_tensorflow, import_tf_keras
from .safety import check_hdf5, named_objects

ALLOWED = (
    "allowed are a .keras file, an .h5 or .hdf5 file of a whole model, and the folder "
    "of a SavedModel that Keras 2 wrote"
)
SAVE_WHOLE = 'save the whole model: model.save("model.keras")'

CONFIG, METADATA = "config.json", "metadata.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")

MAX_CONFIG = 2**24
"""Bytes of the longest configuration that is read; in Python it takes 40 times that."""

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class SavedModel:
    """What a file says of its model, before any Keras reads it.

    Attributes
    ----------
    path : Path
        Of the file or folder.
    version : str
        Of the Keras that wrote it.
    config : dict
        The architecture, as Keras serializes it, without losses and optimizers.
    n_values : int
        How many values the weights are, by what the file says of their shapes.
    """

    path: Path
    version: str
    config: dict[str, Any]
    n_values: int


Reader = Callable[[Path, Optional[float]], SavedModel]
Loader = Callable[[SavedModel, Any, dict[str, Any]], Any]


def find_format(path: Path) -> tuple[Reader, Loader]:
    """Return the functions that read and load what lies at a path.

    What a file holds decides, not its name.

    Raises
    ------
    NotFoundError
        There is nothing.
    InputError
        It is no saved model.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return read_saved_model, load_saved_model
        raise InputError(
            f"{path} is a folder without saved_model.pb, so no SavedModel; {ALLOWED}"
        )
    if not path.exists():
        raise NotFoundError(f"there is no file or folder {str(path)!r}")
    if not path.is_file():
        raise InputError(f"{path} is a pipe or a device, no file; {ALLOWED}")
    with open(path, "rb") as file:
        start = file.read(len(HDF5_SIGNATURE))
    if start == HDF5_SIGNATURE:
        return read_hdf5, load_hdf5
    if zipfile.is_zipfile(path):
        return read_archive, load_archive
    found = "is neither a zip archive nor an HDF5 file"
    if not start:
        found = "is empty"
    elif start.lstrip()[:1] in (b"{", b"["):
        found = "looks like JSON; an architecture without weights isn't enough"
    raise InputError(f"{path} {found}; {ALLOWED}")


def version_of(keras: Any) -> tuple[int, ...]:
    """Return the first two numbers of a Keras's version."""
    return tuple(int(number) for number in keras.__version__.split(".")[:2])


def read_archive(path: Path, max_bytes: float | None) -> SavedModel:
    """Read a ``.keras`` file: a zip archive."""
    with zipfile.ZipFile(path) as archive:
        check_zip(archive, str(path), max_bytes)
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if CONFIG not in names or METADATA not in names:
            raise InputError(
                f"{path} is a zip archive, but no saved model: it lacks {CONFIG} or "
                f"{METADATA}; {ALLOWED}"
            )
        others = sorted({*names}.difference({CONFIG, METADATA, *WEIGHTS}))
        if others:
            raise UnsupportedError(
                f"{path} holds files that aren't read: {', '.join(others)}. If you "
                "trust it, load it with Keras and pass the model"
            )
        texts = []
        for name in (METADATA, CONFIG):
            with archive.open(name) as member:
                texts.append(member.read(MAX_CONFIG + 1))
        metadata, config = (_parse(text, path) for text in texts)
        n_values = 0
        for name in set(WEIGHTS).intersection(names):
            n_values += _check_weights(archive, name, path, max_bytes)
    version = str(metadata.get("keras_version"))
    return SavedModel(path, version, _without_compiling(config), n_values)


@contextlib.contextmanager
def unpacked(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """Unpack a member into a file: there is no going back in what is packed."""
    with tempfile.TemporaryFile() as copy:
        with archive.open(name) as member:
            shutil.copyfileobj(member, copy)
        copy.seek(0)
        yield copy


def _check_weights(
    archive: zipfile.ZipFile, name: str, path: Path, max_bytes: float | None
) -> int:
    """Refuse weights that are more than they may be, and return how many they are."""
    with unpacked(archive, name) as copy:
        if name.endswith(".npz"):
            with zipfile.ZipFile(copy) as arrays:
                return check_npz(arrays, str(path), max_bytes)
        h5py = import_or_explain("h5py", "h5py", "reading Keras models")
        with h5py.File(copy, "r") as file:
            return check_hdf5(file, str(path), max_bytes)


def load_archive(saved: SavedModel, keras: Any, objects: dict[str, Any]) -> Any:
    """Have Keras load an archive of what was checked, and the weights."""
    path = saved.path
    if version_of(keras) < (2, 12):
        raise MissingDependencyError(
            f"{path} was saved by Keras {saved.version}, but Keras {keras.__version__} "
            "is installed; get a newer one with: pip install 'tensorflow>=2.12'"
        )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        copy = os.path.join(folder, "model.keras")
        with zipfile.ZipFile(copy, "w") as target:
            target.writestr(METADATA, json.dumps({"keras_version": saved.version}))
            target.writestr(CONFIG, json.dumps(saved.config))
            for name in set(WEIGHTS).intersection(archive.namelist()):
                with archive.open(name) as weights:
                    with target.open(name, "w", force_zip64=True) as member:
                        shutil.copyfileobj(weights, member)
        return keras.models.load_model(
            copy, custom_objects=objects, compile=False, safe_mode=True
        )


def _without_compiling(config: Any) -> Any:
    """Leave out losses, optimizers and metrics, of models within as well."""
    if isinstance(config, dict):
        return {
            key: _without_compiling(value)
            for key, value in config.items()
            if key != "compile_config"
        }
    if isinstance(config, list):
        return [_without_compiling(value) for value in config]
    return config


def read_hdf5(path: Path, max_bytes: float | None) -> SavedModel:
    """Read an ``.h5`` file."""
    h5py = import_or_explain("h5py", "h5py", "reading Keras models")
    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
        version = file.attrs.get("keras_version", "1")
        if config is None:
            raise InputError(
                f"{path} holds weights without a model_config, so no architecture; "
                f"{SAVE_WHOLE}, or make the model, call model.load_weights, and pass it"
            )
        n_values = check_hdf5(file, str(path), max_bytes)
    if isinstance(version, bytes):
        version = version.decode()
    config = _without_compiling(_parse(config, path))
    return SavedModel(path, str(version), config, n_values)


def load_hdf5(saved: SavedModel, keras: Any, objects: dict[str, Any]) -> Any:
    """Have Keras load an ``.h5`` file whose configuration was checked."""
    path = str(saved.path)
    suffixes = (".h5", ".hdf5", ".keras")[: 3 if version_of(keras) < (3, 0) else 2]
    if not path.endswith(suffixes):
        raise InputError(
            f"{path} is an HDF5 file, which Keras {saved.version} reads only by a name "
            f"that ends in {' or '.join(suffixes)}; rename it"
        )
    if version_of(keras) >= (3, 0):
        _check_axes(saved)
        return keras.models.load_model(path, custom_objects=objects, compile=False)
    # load_model of Keras 2 fails for functions of the caller's
    model = keras.models.model_from_json(json.dumps(saved.config), objects)
    model.load_weights(path)
    return model


def _check_axes(saved: SavedModel) -> None:
    """Refuse what Keras 3 silently loses when it reads HDF5: lists of axes."""
    for node, place in named_objects(saved.config, "model"):
        config = node.get("config")
        axis = config.get("axis") if isinstance(config, dict) else None
        if isinstance(axis, list) and len(axis) > 1:
            raise UnsupportedError(
                f"{saved.path}: {place} has axis={axis}, which Keras 3 loses when it "
                'reads an HDF5 file; save the model as "model.keras"'
            )


def read_saved_model(path: Path, max_bytes: float | None) -> SavedModel:
    """Read what Keras 2 adds to the folder of a SavedModel."""
    file = path / "keras_metadata.pb"
    if not file.is_file():
        raise UnsupportedError(
            f"{path} is a SavedModel without keras_metadata.pb: it holds functions of "
            "TensorFlow, as model.export and tf.saved_model.save write them, and no "
            f"layers; {SAVE_WHOLE}"
        )
    package = import_tf_keras().Model.__module__.partition(".")[0]
    messages: Any = importlib.import_module(f"{package}.protobuf.saved_metadata_pb2")
    protobuf: Any = importlib.import_module("google.protobuf.message")
    content = messages.SavedMetadata()
    try:
        content.ParseFromString(file.read_bytes())
    except protobuf.DecodeError as error:
        raise InputError(f"{path} is damaged: {file.name} can't be read") from error
    roots = [node.metadata for node in content.nodes if node.node_path == "root"]
    metadata = _parse(roots[0] if roots else "{}", path)
    config = metadata.get("model_config")
    if not isinstance(config, dict) or not metadata.get("is_graph_network"):
        raise UnsupportedError(
            f"{path} holds {metadata.get('class_name', 'something')!r}, no functional "
            "or Sequential model, so its layers can't be made again; make it a "
            f"functional model, and {SAVE_WHOLE}"
        )
    version, config = str(metadata.get("keras_version")), _without_compiling(config)
    return SavedModel(path, version, config, _count_variables(path))


def _count_variables(path: Path) -> int:
    """Return how many values the variables of a SavedModel say that they are."""
    tensorflow = import_tensorflow()
    try:
        found = tensorflow.train.load_checkpoint(str(path / "variables" / "variables"))
    except tensorflow.errors.OpError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    shapes = found.get_variable_to_shape_map().values()
    return sum(math.prod(shape) for shape in shapes)


def load_saved_model(saved: SavedModel, keras: Any, objects: dict[str, Any]) -> Any:
    """Make the model from its configuration, and read the variables alone.

    Nothing of saved_model.pb is read: functions there can write files.
    """
    model = keras.models.model_from_json(json.dumps(saved.config), objects)
    try:
        status = model.load_weights(str(saved.path / "variables" / "variables"))
    except import_tensorflow().errors.OpError as error:
        raise InputError(f"{saved.path} is damaged: {error}") from error
    status.assert_existing_objects_matched()
    status.expect_partial()
    return model


def _parse(text: str | bytes, path: Path) -> dict[str, Any]:
    """Return the object that JSON describes."""
    if len(text) > MAX_CONFIG:
        raise InputError(
            f"{path} is damaged: its configuration is longer than the "
            f"{size_text(MAX_CONFIG)} that are read"
        )
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # which halves of letters fail
    except (RecursionError, ValueError) as error:
        raise InputError(f"{path} is damaged: no JSON where it must be") from error
    if not isinstance(value, dict):
        raise InputError(
            f"{path} is damaged: its JSON holds a {type(value).__name__}, not what "
            "describes a model"
        )
    return value
