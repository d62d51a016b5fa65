"""What the outputs of a Keras model decide, as their last activations say."""

from __future__ import annotations

from typing import Any, Sequence

from ..common.decisions import Decision
from .graph import KerasGraph, is_model, read_graph, tensor_key

PROBABILITIES = {"sigmoid": "sigmoid", "hard_sigmoid": "hardsigmoid"}
"""Activations of single values between 0 and 1, and the operations of that name."""

PASSED_ON = (
    "Activation Flatten Identity InputLayer Permute RepeatVector Reshape "
    "ActivityRegularization Dropout Cropping1D Cropping2D Cropping3D"
).split()
"""Classes that put out the values of the layer before."""

NUMBER = "a single value without a sigmoid may be any number"
PICTURE = "a map of single values may be a picture"
RECONSTRUCTION = "it has the shape of an input, as a reconstruction has"


def output_decisions(
    model: Any, converted: Any, temporal: bool = False
) -> tuple[Decision, ...]:
    """Return how each output of a model is read as decisions, in their order.

    Parameters
    ----------
    model : keras.Model
        The user's model, of either Keras, for its activations.
    converted : keras.Model
        What was converted, for its shapes.
    temporal : bool
        Whether the first axis of inputs and outputs is time; decisions are of one
        timestep then.
    """
    first = 2 if temporal else 1
    inputs = [tuple(tensor.shape)[first:] for tensor in converted.inputs]
    graph = read_graph(model)
    return tuple(
        _decision(tuple(tensor.shape)[first:], inputs, _activation(graph, source))
        for tensor, source in zip(converted.outputs, graph.outputs)
    )


def _decision(
    shape: tuple[int, ...], inputs: Sequence[tuple[int, ...]], activation: str
) -> Decision:
    is_probability = activation in (*PROBABILITIES, *PROBABILITIES.values())
    undecided = ""
    if shape in inputs and activation != "softmax":
        undecided = RECONSTRUCTION
    elif len(shape) > 1 and shape[-1] == 1:
        undecided = PICTURE
    elif shape in ((), (1,)) and not is_probability:
        undecided = NUMBER
    return Decision(shape or (1,), 0.5 if is_probability else 0.0, undecided)


def _activation(graph: KerasGraph, tensor: Any) -> str:
    """Return the name of the activation that a tensor comes from, "linear" if none."""
    key = tensor_key(tensor)
    for call in graph.calls:
        keys = [tensor_key(output) for output in call.outputs]
        if key not in keys:
            continue
        layer = call.layer
        while hasattr(layer, "layer"):  # TimeDistributed and other wrappers
            layer = layer.layer
        if is_model(layer):
            inner = read_graph(layer)
            return _activation(inner, inner.outputs[keys.index(key)])
        name = _own_activation(layer)
        if name == "linear" and type(layer).__name__ in PASSED_ON and call.tensors:
            return _activation(graph, call.tensors[0])
        return name
    return "linear"


def _own_activation(layer: Any) -> str:
    """Return the name of a layer's activation, or of what it is, in small letters."""
    if hasattr(layer, "activation"):
        activation = layer.activation
        return str(getattr(activation, "__name__", type(activation).__name__)).lower()
    # a function of TensorFlow in a model of Keras 2, or a layer or operation by itself
    symbol = str(getattr(layer, "symbol", type(layer).__name__))
    name = symbol.rpartition(".")[2].lower()
    known = (*PROBABILITIES, *PROBABILITIES.values(), "softmax")
    return name if name in known else "linear"
