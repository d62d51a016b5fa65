"""Make a tf_keras layer that computes what a given layer of either Keras does."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any, Callable

from ..common.exceptions import UnsupportedError
from ..compat import import_tf_keras
from .activations import translate_activation
from .graph import Call, is_from_keras, is_model, is_tensor, leaves

RENAMED_ARGUMENTS = {"LeakyReLU": {"negative_slope": "alpha"}}
"""Arguments that tf_keras calls differently, by class."""

TRAINING_ARGUMENTS = ("lora_alpha", "lora_rank", "seed", "synchronized")
"""Arguments of Keras 3 that tf_keras lacks and that take no part in inference."""

FIXED_ARGUMENTS = {"data_format": "channels_last"}
"""Values that layers of tf_keras without the argument are made for."""

INNER_LAYERS = {
    "layer": ("layer", "forward_layer"),
    "backward_layer": ("backward_layer",),
    "cell": ("cell",),
    "cells": ("cells",),
}
"""Arguments that are layers, or lists of layers, and the attributes that hold them."""

BASE_ARGUMENTS = ("name", "trainable", "dtype")
"""Arguments that every layer of tf_keras takes through its base class."""

MERGING_OPERATIONS = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
"""Operations of Keras 3 (``x + y``) that are layers in tf_keras."""

ACTIVATION_OPERATIONS = {
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
}
"""Operations of Keras 3 that are activations, and the functions that make them."""

CONFIG_ERRORS = (AttributeError, KeyError, NotImplementedError, TypeError, ValueError)
"""What a class's constructor may raise when it can't take a configuration."""

CALL_ERRORS = (AttributeError, LookupError, TypeError, ValueError)
"""What a layer may raise when it can't take what it is called on."""


def rebuild_layer(layer: Any, rebuild_model: Callable[[Any], Any]) -> Any:
    """Return a new tf_keras layer, not yet built, equal to a layer of either Keras.

    Initializers are left out, as weights will be set; of a Keras 3 layer, regularizers
    and constraints of the user's own are left out too, as they take no part in
    inference. Weights are kept in the type that the layer stores them in.

    Parameters
    ----------
    layer : Layer
        Of either Keras.
    rebuild_model : callable
        Rebuilds a model that the layer wraps, with its weights.

    Raises
    ------
    UnsupportedError
        There is no such layer in tf_keras, or it can't be made from its configuration.
    """
    if is_model(layer):
        return rebuild_model(layer)
    try:
        if isinstance(layer, import_tf_keras().layers.Layer):
            return _from_own_class(layer, rebuild_model)
        return _from_foreign_class(layer, rebuild_model)
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


def _from_own_class(layer: Any, rebuild_model: Callable[[Any], Any]) -> Any:
    """Rebuild a tf_keras layer, also of a user's class, with its own class."""
    config = layer.get_config()
    kind = type(layer)
    if not is_from_keras(layer):
        return kind.from_config(config)
    config = _without_initializers(config)
    functions = _activations(layer, config, rebuild_model)
    inner = _inner_layers(layer, config, rebuild_model)
    config.update({**dict.fromkeys(functions), **inner})
    if "dtype" in config:
        config["dtype"] = full_precision(layer.variable_dtype)
    rebuilt = kind(**config) if inner else kind.from_config(config)
    for key, function in functions.items():
        setattr(rebuilt, key, function)
    return rebuilt


def _from_foreign_class(layer: Any, rebuild_model: Callable[[Any], Any]) -> Any:
    """Rebuild a layer of another Keras with the tf_keras class of the same name."""
    name = type(layer).__name__
    tf_keras = import_tf_keras()
    kind = getattr(tf_keras.layers, name, None) if is_from_keras(layer) else None
    if kind is None:
        reason = (
            "which NengoDL's converter needs"
            if is_from_keras(layer)
            else "as it isn't one of Keras's own; build the model of those"
        )
        raise UnsupportedError(
            f"{describe(layer)} has no equivalent in tf_keras, {reason}"
        )
    config = _without_initializers(layer.get_config())
    named = {
        key: sys.modules["keras"].activations.get(value)
        for key, value in config.items()
        if key.endswith("activation") and isinstance(value, str)
    }
    functions = _activations(layer, {**config, **named}, rebuild_model)
    inner = _inner_layers(layer, config, rebuild_model)
    config = {
        key: _plain_config(value)
        for key, value in config.items()
        if key not in functions
    }
    dtype = full_precision(layer.variable_dtype)
    config.update(
        {**functions, **inner, "dtype": dtype, "name": scope_name(layer.name)}
    )
    return kind(**_known_arguments(layer, kind, config))


def _known_arguments(layer: Any, kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a tf_keras class, renamed, without those that it lacks.

    What it lacks is new in Keras 3, and must have its default there, unless it takes no
    part in inference.
    """
    source_kind: Any = type(layer)
    theirs = inspect.signature(source_kind.__init__).parameters
    known = {*inspect.signature(kind.__init__).parameters, *BASE_ARGUMENTS}
    renamed = RENAMED_ARGUMENTS.get(type(layer).__name__, {})
    arguments = {}
    for key, value in config.items():
        if renamed.get(key, key) in known:
            arguments[renamed.get(key, key)] = value
        elif key in theirs and key not in TRAINING_ARGUMENTS:
            if value not in (None, theirs[key].default, FIXED_ARGUMENTS.get(key)):
                raise UnsupportedError(
                    f"{describe(layer)}: tf_keras has no argument {key}={value!r}"
                )
    return arguments


def _without_initializers(config: dict[str, Any]) -> dict[str, Any]:
    """Replace the initializers of a configuration by zeros."""
    return {
        key: "zeros" if key.endswith("_initializer") else value
        for key, value in config.items()
    }


def _activations(
    layer: Any, config: dict[str, Any], rebuild_model: Callable[[Any], Any]
) -> dict[str, Callable[..., Any]]:
    """Return a layer's activation functions, which may be layers too, by argument.

    The layer's own attributes come first: its configuration only keeps names.
    """
    functions: dict[str, Callable[..., Any]] = {}
    for key in config:
        function = vars(layer).get(key, config[key])
        if not key.endswith("activation") or not callable(function):
            continue
        if hasattr(function, "get_weights"):
            functions[key] = rebuild_layer(function, rebuild_model)
        elif hasattr(function, "__name__"):
            try:
                functions[key] = translate_activation(function)
            except UnsupportedError as error:
                raise UnsupportedError(f"{describe(layer)}: {error}") from error
    return functions


def _inner_layers(
    layer: Any, config: dict[str, Any], rebuild_model: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return what a wrapper or recurrent layer holds, rebuilt, by argument."""
    inner = {}
    for key, attributes in INNER_LAYERS.items():
        values = [getattr(layer, name, None) for name in attributes if key in config]
        held = next((value for value in values if value is not None), None)
        if isinstance(held, (list, tuple)):
            inner[key] = [rebuild_layer(part, rebuild_model) for part in held]
        elif held is not None:
            inner[key] = rebuild_layer(held, rebuild_model)
    return inner


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
        layers, own_name = import_tf_keras().layers, scope_name(operation.name)
        if name in MERGING_OPERATIONS:
            return getattr(layers, name)(name=own_name)
        if name == "Concatenate":
            return layers.Concatenate(operation.axis, name=own_name)
        if name in ACTIVATION_OPERATIONS:
            function = getattr(sys.modules["keras"].ops, ACTIVATION_OPERATIONS[name])
            return layers.Activation(translate_activation(function), name=own_name)
    raise UnsupportedError(
        f"operation {operation.name!r} of class {type(operation).__module__}.{name} "
        "isn't a layer and can't be rebuilt; use a layer in its place"
    )


def full_precision(dtype: Any) -> str:
    """Return the type that a private model keeps values in: Nengo knows no half."""
    name = str(getattr(dtype, "name", dtype))
    return "float32" if name in ("bfloat16", "float16") else name


def scope_name(name: str) -> str:
    """Return a name that TensorFlow allows: Keras 3 takes spaces and the like."""
    allowed = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name)
    return allowed if re.match("[A-Za-z0-9.]", allowed) else f"layer{allowed}"
