"""Activation functions of either Keras -> those by which converted models know them."""

from __future__ import annotations

import sys
from typing import Any, Sequence

from ..common.exceptions import UnsupportedError
from ..compat import import_tensorflow, import_tf_keras


def hard_sigmoid(x: Any) -> Any:
    """Keras 3's ``hard_sigmoid``: ``clip(x / 6 + 1 / 2, 0, 1)``.

    Keras 2's has a slope of 1 / 5.
    """
    return import_tensorflow().nn.relu6(x + 3) / 6


def hard_silu(x: Any) -> Any:
    """Keras 3's ``hard_silu``, also called ``hard_swish``."""
    return x * hard_sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """Keras 3's ``log_sigmoid``."""
    return import_tensorflow().math.log_sigmoid(x)


SYNONYMS = {"silu": "swish"}
"""Names of activation functions for which there is a better known one."""

KERAS_PARTS = ("activations", "ops")
"""Parts of a Keras that have activation functions."""

KERAS3_ACTIVATIONS = {f.__name__: f for f in (hard_sigmoid, hard_silu, log_sigmoid)}
"""Activation functions of Keras 3 that Keras 2 lacks, or knows another by the name
of."""


def translate_activation(activation: Any) -> Any:
    """Return the one function by which converted models know an activation.

    Parameters
    ----------
    activation : object
        An activation function of TensorFlow (``tf.nn.relu``), of Keras 2 or of Keras 3
        (``keras.activations.relu``, ``keras.ops.relu``).

    Returns
    -------
    object
        For relu ``tf.nn.relu``, which NengoDL uses for ``ReLU`` layers as well; for
        others ``tf_keras``'s function of that name, or else ``tf.nn``'s or our own.
        Anything else is returned as it is; Keras 3's functions compute on TensorFlow's
        tensors too, where that is its backend.

    Raises
    ------
    UnsupportedError
        The function has no equivalent.
    """
    if not callable(activation):
        return activation
    tensorflow, tf_keras = import_tensorflow(), import_tf_keras()
    ours = (tf_keras.activations, tensorflow.nn)
    name = _name_in(ours, activation)
    if name is None:
        packages = [sys.modules.get(package) for package in ("keras", "tf_keras")]
        theirs = [getattr(p, part, None) for p in packages for part in KERAS_PARTS]
        name = _name_in(theirs, activation)
        if name is None:
            return activation
        if name in KERAS3_ACTIVATIONS:
            return KERAS3_ACTIVATIONS[name]
    if name == "relu":
        return tensorflow.nn.relu
    name = SYNONYMS.get(name, name)
    found = [getattr(module, name) for module in ours if hasattr(module, name)]
    if found:
        return found[0]
    if sys.modules["keras"].backend.backend() != "tensorflow":
        raise UnsupportedError(f"activation {name!r} has no equivalent in tf_keras")
    return activation


def _name_in(modules: Sequence[Any], function: Any) -> str | None:
    """Return the name that a function has in one of some modules.

    TensorFlow's have another ``__name__``, such as ``softmax_v2``.
    """
    own = getattr(function, "__name__", "")
    for module in modules:
        for name in (own, *dir(module)):
            if getattr(module, name, None) is function:
                return name
    return None
