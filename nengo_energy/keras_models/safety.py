"""Check what a saved Keras model would have Keras make, before Keras reads it.

Keras makes whatever objects a configuration names: some versions import any module for
that, run Python bytecode, or call any function of TensorFlow. Here a configuration may
name Keras's own building blocks and what the caller passes, and nothing else.
"""

from __future__ import annotations

import math
import re
from types import FunctionType
from typing import Any, Iterator, Mapping, Pattern, Sequence

from ..common.declared_sizes import MAX_BYTES, check_size
from ..common.exceptions import InputError, UnsupportedError

NAMESPACES = (
    "layers",
    "models",
    "initializers",
    "regularizers",
    "constraints",
    "dtype_policies",
    "mixed_precision",
    "quantizers",
)
"""Parts of Keras whose classes only compute."""

HIDDEN_CLASSES = ("Functional", "DTypePolicy")
"""A class of Keras that isn't in its public namespaces."""

UNSAFE_LAYERS = (
    "DenseFeatures",
    "FlaxLayer",
    "IntegerLookup",
    "JaxLayer",
    "StringLookup",
    "TFSMLayer",
    "TextVectorization",
    "TorchModuleWrapper",
)
"""Layers that run code from the file, or read other files that it names."""

PLAIN_VALUES = (
    "TensorShape",
    "__bytes__",
    "__ellipsis__",
    "__keras_tensor__",
    "__numpy__",
    "__slice__",
    "__tensor__",
    "__tuple__",
)
"""What Keras writes for values that JSON has no form for."""

TENSORFLOW_FUNCTION_LAYERS = ("SlicingOpLambda", "TFOpLambda")
"""Layers of Keras 2 for a function of TensorFlow (``x + y``), named by ``function``."""

TENSORFLOW_FUNCTIONS = re.compile(
    r"(compat\.v1\.)?"
    r"((__operators__|linalg|math|nn)\.\w+|image\.resize|broadcast_to|cast"
    r"|clip_by_value|concat|expand_dims|gather|identity|ones_like|pad|repeat|reshape"
    r"|reverse|shape|slice|split|squeeze|stack|strided_slice|tile|transpose|unstack"
    r"|where|zeros_like)"
)
"""Functions of TensorFlow that only compute; others write files, or call Python."""

KERAS_MODULE = re.compile(r"(tf_)?keras(\.\w+)*")
OPERATION_MODULE = re.compile(r"keras(\.src)?\.ops(\.\w+)*")
FUNCTION_MODULE = re.compile(r"builtins|(tf_)?keras(\.src)?\.(activations|ops)(\.\w+)*")

NO_ACTIVATIONS = ("deserialize", "get", "serialize")
"""Functions among Keras's activations that make objects."""


def check_config(
    config: Any, keras: Any, custom_objects: Mapping[str, Any], source: str
) -> dict[str, Any]:
    """Refuse a configuration that names more than it may.

    Parameters
    ----------
    config : object
        What was read from JSON: dicts and lists.
    keras : module
        The Keras that will read it.
    custom_objects : mapping of str to object
        Classes and functions of the caller's that the configuration may name.
    source : str
        Where the configuration is from, for messages.

    Returns
    -------
    dict of str to object
        The custom objects, by every name that the configuration has for them: Keras
        puts a package before the name of a class that was registered.

    Raises
    ------
    UnsupportedError
        A layer holds code, or runs functions or reads files that the file names.
    InputError
        A class or function is neither Keras's nor one of ``custom_objects``.
    """
    parts = [getattr(keras, name, None) for name in NAMESPACES]
    classes = {*HIDDEN_CLASSES, *PLAIN_VALUES, *_public_names(parts, type)}
    parts = [keras.activations, getattr(keras, "ops", None)]
    functions = _public_names(parts, FunctionType).difference(NO_ACTIVATIONS)
    found = dict(custom_objects)
    for node, place in named_objects(config, "model"):
        where = f"{source}: {place}"
        name, registered, module = _names_of(node, where)
        custom = _custom_name(name, registered, custom_objects)
        if custom is not None:
            found.update({key: custom_objects[custom] for key in (name, registered)})
            continue
        if not _only_computes(node):
            raise UnsupportedError(
                f"{where} has {name!r}, which may run code or read other files when it "
                "is loaded, so it isn't. If you trust the file, load it with Keras, "
                "keras.models.load_model(path, safe_mode=False), and pass the model; "
                f"or pass a class of your own: custom_objects={{{name!r}: ...}}"
            )
        if node["class_name"] == "function":
            is_known = name in functions and _fits(FUNCTION_MODULE, module)
        elif name in TENSORFLOW_FUNCTION_LAYERS or _fits(OPERATION_MODULE, module):
            is_known = _fits(KERAS_MODULE, module or "keras")
        else:
            is_known = name in classes and _fits(KERAS_MODULE, module or "keras")
        if not is_known or registered != name:
            raise InputError(
                f"{where} needs {registered!r}"
                + (f" of module {module!r}" if module else "")
                + f", which isn't a part of {keras.__name__} {keras.__version__}; pass "
                f"what it stands for: custom_objects={{{registered!r}: ...}}"
            )
    return found


def check_hdf5(file: Any, source: str, max_bytes: float | None = MAX_BYTES) -> int:
    """Refuse an HDF5 file that leads to other files, or whose values are too much.

    Parameters
    ----------
    file : h5py.File
        Open for reading.
    source : str
        Where it is from, for messages.
    max_bytes : int or None
        How much memory its values may take; None for any.

    Returns
    -------
    int
        Number of values that it says it holds.

    Raises
    ------
    UnsupportedError
        A link leads elsewhere, or the values of a dataset lie in another file.
    InputError
        The values, or the chunks that they are packed in, are too much.
    """
    import h5py

    elsewhere = []
    n_values = n_bytes = 0

    def look_at_link(name: bytes, info: Any) -> None:
        if info.type != h5py.h5l.TYPE_HARD:
            elsewhere.append(name.decode(errors="replace"))

    def look_at_object(name: str, value: Any) -> None:
        nonlocal n_values, n_bytes
        if not isinstance(value, h5py.Dataset):
            return
        if value.external or value.is_virtual:
            elsewhere.append(name)
        size = math.prod(value.shape or ())
        n_values += size
        n_bytes += max(size, math.prod(value.chunks or ())) * value.dtype.itemsize

    file.id.links.visit(look_at_link, info=True)
    file.visititems(look_at_object)
    if elsewhere:
        raise UnsupportedError(
            f"{source} holds links or values that lie in other files, which aren't "
            f"read: {', '.join(elsewhere)}"
        )
    check_size(f"{source}: the weights", n_bytes, max_bytes)
    return n_values


def _public_names(parts: Sequence[Any], kind: type) -> set[str]:
    return {
        name
        for part in parts
        for name in dir(part)
        if not name.startswith("_") and isinstance(getattr(part, name), kind)
    }


def named_objects(value: Any, place: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield all that Keras would make of a configuration, and the layer it is in."""
    if isinstance(value, dict):
        if "class_name" in value:
            inner = value.get("config")
            name = inner.get("name") if isinstance(inner, dict) else None
            place = place if name is None else f"layer {name!r}"
            yield value, place
        for item in value.values():
            yield from named_objects(item, place)
    elif isinstance(value, list):
        for item in value:
            yield from named_objects(item, place)


def _names_of(node: dict[str, Any], where: str) -> tuple[str, str, str | None]:
    """Return the name of an object, the one that it was registered by, its module."""
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name")
    if name == "function":
        name = node.get("config")
        # Keras 2 writes the name of the class of all functions here
        registered = None if registered == "function" else registered
    registered = name if registered is None else registered
    for text in (name, registered, "" if module is None else module):
        if not isinstance(text, str):
            raise InputError(f"{where} names an object by {text!r}, which isn't text")
    return name, registered, module


def _custom_name(
    name: str, registered: str, custom_objects: Mapping[str, Any]
) -> str | None:
    """Return the caller's name for an object; None if it isn't the caller's."""
    # what was registered has its package before its name, ``"package>name"``
    short = registered.rpartition(">")[2]
    if registered in custom_objects:
        return registered
    return short if short in custom_objects and name in (short, registered) else None


def _only_computes(node: dict[str, Any]) -> bool:
    """Tell whether what Keras would make, if it's its own, does nothing but compute."""
    name, config = node["class_name"], node.get("config")
    config = config if isinstance(config, dict) else {}
    if name == "Lambda":
        # one that holds the name of a function is as safe as that; others hold bytecode
        function = config.get("function")
        is_name = (
            isinstance(function, dict) and function.get("class_name") == "function"
        )
        return is_name and "function_type" not in config
    if name in TENSORFLOW_FUNCTION_LAYERS:
        return _fits(TENSORFLOW_FUNCTIONS, config.get("function"))
    return name != "__lambda__" and name not in UNSAFE_LAYERS


def _fits(pattern: Pattern[str], text: Any) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
