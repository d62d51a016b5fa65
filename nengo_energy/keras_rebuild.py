"""Make a tf_keras layer that computes what a given layer of either Keras does."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Callable, Dict, Optional

from nengo_energy.compat import import_tensorflow, import_tf_keras
from nengo_energy.exceptions import UnsupportedError
from nengo_energy.keras_graph import Call, is_from_keras, is_tensor, leaves

#: Arguments that tf_keras calls differently, by class.
RENAMED_ARGUMENTS = {"LeakyReLU": {"negative_slope": "alpha"}}

#: Arguments that every layer of tf_keras takes through its base class.
BASE_ARGUMENTS = ("name", "trainable", "dtype")

#: Operations of Keras 3 (``x + y``) that are layers in tf_keras.
MERGING_OPERATIONS = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")

#: Activation functions of Keras 3 that mean something else in Keras 2.
CHANGED_ACTIVATIONS = ("hard_sigmoid",)

#: What a class's constructor may raise when it can't take a configuration.
CONFIG_ERRORS = (AttributeError, KeyError, NotImplementedError, TypeError, ValueError)


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
        others ``tf_keras``'s function of that name, or else ``tf.nn``'s. Anything that
        isn't one of those functions is returned as it is.

    Raises
    ------
    UnsupportedError
        The function means something else in Keras 2.
    """
    name = getattr(activation, "__name__", None)
    if not isinstance(name, str):
        return activation
    tensorflow, tf_keras = import_tensorflow(), import_tf_keras()
    ours = (tf_keras.activations, tensorflow.nn)
    theirs = [
        getattr(sys.modules[package], part, None)
        for package in ("keras", "tf_keras")
        if package in sys.modules
        for part in ("activations", "ops")
    ]
    if any(getattr(module, name, None) is activation for module in ours):
        pass
    elif not any(getattr(module, name, None) is activation for module in theirs):
        return activation
    elif name in CHANGED_ACTIVATIONS:
        raise UnsupportedError(f"activation {name!r} of Keras 3 differs from Keras 2's")
    if name == "relu":
        return tensorflow.nn.relu
    found = [getattr(module, name) for module in ours if hasattr(module, name)]
    if not found:
        raise UnsupportedError(f"activation {name!r} has no equivalent in tf_keras")
    return found[0]


def rebuild_layer(layer: Any) -> Any:
    """Return a new tf_keras layer, not yet built, equal to a layer of either Keras.

    Initializers are left out, as weights will be set; of a Keras 3 layer, regularizers
    and constraints of the user's own are left out too, as they take no part in
    inference. Weights are kept in the type that the layer stores them in.

    Raises
    ------
    UnsupportedError
        There is no such layer in tf_keras, or it can't be made from its configuration.
    """
    try:
        if isinstance(layer, import_tf_keras().layers.Layer):
            return _from_own_class(layer)
        return _from_foreign_class(layer)
    except CONFIG_ERRORS as error:
        if isinstance(error, UnsupportedError):
            raise
        raise UnsupportedError(
            f"{describe(layer)} can't be made again from its configuration: {error}"
        ) from error


def describe(layer: Any) -> str:
    """Return the words for a layer in messages: its name and class."""
    kind = type(layer)
    return f"layer {layer.name!r} of class {kind.__module__}.{kind.__qualname__}"


def _from_own_class(layer: Any) -> Any:
    """Rebuild a tf_keras layer, also of a user's class, with its own class."""
    config = layer.get_config()
    if not is_from_keras(layer):
        return type(layer).from_config(config)
    config = _without_initializers(config)
    function = _plain_activation(layer)
    if function is not None:
        config["activation"] = None
    if _is_wrapper(layer, config):
        rebuilt = type(layer)(**{**config, "layer": rebuild_layer(layer.layer)})
    else:
        rebuilt = type(layer).from_config(config)
    if function is not None:
        rebuilt.activation = function
    return rebuilt


def _from_foreign_class(layer: Any) -> Any:
    """Rebuild a layer of another Keras with the tf_keras class of the same name."""
    name = type(layer).__name__
    tf_keras = import_tf_keras()
    kind = getattr(tf_keras.layers, name, None) if is_from_keras(layer) else None
    if kind is None:
        raise UnsupportedError(f"{describe(layer)} has no equivalent in tf_keras")
    config = _without_initializers(layer.get_config())
    function = _plain_activation(layer)
    wraps = _is_wrapper(layer, config)
    renamed = RENAMED_ARGUMENTS.get(name, {})
    config = {
        renamed.get(key, key): _plain_config(value) for key, value in config.items()
    }
    config["dtype"] = layer.variable_dtype
    if wraps:
        config["layer"] = rebuild_layer(layer.layer)
    if function is not None:
        config["activation"] = None
    known = {*inspect.signature(kind.__init__).parameters, *BASE_ARGUMENTS}
    # what tf_keras doesn't know is new in Keras 3; where it matters, outputs differ,
    # and they are compared
    rebuilt = kind(**{key: value for key, value in config.items() if key in known})
    if function is not None:
        rebuilt.activation = function
    return rebuilt


def _without_initializers(config: Dict[str, Any]) -> Dict[str, Any]:
    """Replace the initializers of a configuration by zeros."""
    return {
        key: "zeros" if key.endswith("_initializer") else value
        for key, value in config.items()
    }


def _plain_activation(layer: Any) -> Optional[Callable[..., Any]]:
    """Return a layer's activation function, if that is an attribute of its own.

    It is set on the rebuilt layer as it is: a configuration only keeps its name.
    """
    function = vars(layer).get("activation")
    if callable(function) and hasattr(function, "__name__"):
        try:
            translated: Callable[..., Any] = translate_activation(function)
        except UnsupportedError as error:
            raise UnsupportedError(f"{describe(layer)}: {error}") from error
        return translated
    return None


def _is_wrapper(layer: Any, config: Dict[str, Any]) -> bool:
    """Tell whether a layer holds another one, such as ``TimeDistributed``."""
    return "layer" in config and hasattr(layer, "layer")


def _plain_config(value: Any) -> Any:
    """Return a serialized object of Keras 3 in the form that Keras 2 reads.

    The form of Keras 3 names modules, which may lead tf_keras to Keras 3's classes.
    """
    if isinstance(value, dict) and {"class_name", "config", "module"} <= set(value):
        if str(value["module"]).partition(".")[0] != "keras":
            return None
        return {"class_name": value["class_name"], "config": value["config"]}
    return value


def rebuild_operation(call: Call) -> Any:
    """Return the tf_keras layer for an operation of Keras 3, such as ``x + y``.

    Raises
    ------
    UnsupportedError
        The operation isn't one that merges two tensors or applies an activation.
    """
    operation = call.layer
    name = type(operation).__name__
    values = leaves([call.args, list(call.kwargs.values())])
    if is_from_keras(operation) and all(is_tensor(value) for value in values):
        layers = import_tf_keras().layers
        if name in MERGING_OPERATIONS:
            return getattr(layers, name)(name=operation.name)
        if name == "Relu":
            return layers.Activation(import_tensorflow().nn.relu, name=operation.name)
    raise UnsupportedError(
        f"operation {operation.name!r} of class {type(operation).__module__}.{name} "
        "isn't a layer and can't be rebuilt; use a layer in its place"
    )


def copy_weights(source: Any, target: Any) -> None:
    """Give a rebuilt layer the weights of its source.

    Raises
    ------
    UnsupportedError
        The two layers don't have the same number of weights of the same shapes.
    """
    weights = source.get_weights()
    found = [tuple(weight.shape) for weight in weights]
    expected = [tuple(weight.shape) for weight in target.get_weights()]
    if found != expected:
        raise UnsupportedError(
            f"{describe(source)} has weights of shapes {found}, but the same layer of "
            f"tf_keras has {expected}"
        )
    target.set_weights(weights)
