"""Convert a model layer by layer, as far as its layers can be converted."""

from __future__ import annotations

import logging
import warnings
from typing import Any, Iterable, Mapping, NamedTuple

import nengo
import numpy as np
from nengo.neurons import NeuronType

from ..common.checks import (
    check_choice,
    check_count,
    check_instance,
    check_positive,
    shown,
)
from ..common.exceptions import InputError
from ..common.plain_text import plain_line
from ..compat import import_nengo_loihi, import_tensorflow
from ..compat.neurons import IntegrateAndFire
from ..keras_models.activations import translate_activation
from ..keras_models.clone import KerasClone, to_tf_keras
from ..keras_models.graph import read_graph
from ..keras_models.sizes import given_shapes
from ..network.biases import fold_biases
from ..network.firing_rates import is_rectifier
from ..network.tracing import trace_topology
from .assumptions import said_of_layers
from .keras_map import layer_of_label
from .layers.activations import name_of
from .layers.adapter import Obstacle, run_converter
from .layers.building import ConversionOptions
from .spiking_model import SpikingModel

logger = logging.getLogger(__name__)

CONVERTER_OPTIONS = ("max_to_avg_pool", "temporal_model", "split_shared_weights")
"""Arguments of NengoDL's converter that are taken as well."""

NEURONS = ("loihi", "integrate-and-fire")
"""What rectified linear functions may become."""

MAX_POOLING = ("neurons", "average")
"""What max pooling may become."""


class Converted(NamedTuple):
    """A converted model, and what became of its layers.

    Attributes
    ----------
    snn : SpikingModel
        It is whole if there are no obstacles.
    obstacles : list of Obstacle
        Layers that can't be converted.
    passed_on : mapping of {str: str}
        Names and classes of layers that do nothing.
    """

    snn: SpikingModel
    obstacles: list[Obstacle]
    passed_on: Mapping[str, str]


def convert_layers(
    model: Any,
    scale_firing_rates: float | Mapping[Any, float] | str | None = None,
    input_shape: Any = None,
    synapse: float | nengo.synapses.Synapse | None = None,
    neurons: str = "loihi",
    host_synapse: float = 0.05,
    max_pooling: str = "neurons",
    piecewise: int | None = None,
    swap_activations: Mapping[Any, Any] | None = None,
    clone: KerasClone | None = None,
    **converter_options: Any,
) -> Converted:
    """Convert what can be of a model, without a look at what the network computes.

    Parameters
    ----------
    model : keras.Model
        The user's.
    scale_firing_rates, input_shape, synapse, neurons, host_synapse, max_pooling, \
    piecewise, swap_activations
        See `convert`.
    clone : KerasClone, optional
        The private copy of the model, if it is at hand.
    **converter_options
        See `convert`.
    """
    _check_options(scale_firing_rates, converter_options)
    if converter_options.get("max_to_avg_pool"):
        max_pooling = "average"
    check_choice("max_pooling", max_pooling, MAX_POOLING)
    check_choice("neurons", neurons, NEURONS)
    if piecewise is not None:
        piecewise = check_count("piecewise", piecewise, minimum=2)
    if swap_activations is not None:
        check_instance("swap_activations", swap_activations, Mapping)
    shapes = None
    if input_shape is not None:
        shapes = given_shapes(read_graph(model), input_shape)
    if clone is None:
        logger.info("copying %s", plain_line(getattr(model, "name", "the model")))
        clone = to_tf_keras(model, shapes)
    name = plain_line(model.name)
    logger.info("converting %d layers of %s", len(clone.model.layers), name)
    _check_sizes(clone)
    swaps = {
        translate_activation(key): translate_activation(value)
        for key, value in (swap_activations or {}).items()
    }
    converter = run_converter(
        clone.model,
        ConversionOptions(
            swaps=swaps,
            rectifier=_rectifier(swaps, neurons),
            scale_firing_rates=_by_private_layer(clone, scale_firing_rates),
            synapse=synapse,
            host_synapse=check_positive("host_synapse", host_synapse, "s"),
            max_pooling=max_pooling,
            piecewise=piecewise,
        ),
        bool(converter_options.get("temporal_model")),
    )
    _warn_of_idle(swaps.keys() - converter.swapped)
    traced = trace_topology(
        converter.net,
        inputs=list(converter.inputs.values()),
        on_unsupported="omit",
        layer_name=layer_of_label,
    )
    folded = fold_biases(converter.net, traced)
    logger.info("folded the biases of %s into their neurons", folded)
    finals = {
        converter.outputs[tensor]: converter.finals[tensor.ref()]
        for tensor in converter.model.outputs
        if tensor.ref() in converter.finals
    }
    snn = SpikingModel(
        model=model,
        net=converter.net,
        clone=clone,
        probes=converter.outputs,
        nodes=converter.inputs,
        parts=converter.layers,
        finals=finals,
        host_layers=tuple(converter.host_layers),
        options={
            "scale_firing_rates": _printable(scale_firing_rates),
            "synapse": _printable(synapse),
            **({"neurons": neurons} if neurons != "loihi" else {}),
            **({"max_pooling": max_pooling} if max_pooling != "neurons" else {}),
            **({} if piecewise is None else {"piecewise": piecewise}),
            **converter_options,
        },
        assumptions=said_of_layers(converter),
        folded=tuple(folded),
    )
    return Converted(snn, converter.obstacles, converter.passed_on)


def _check_options(scale: Any, options: Mapping[str, Any]) -> None:
    unknown = sorted(set(options) - set(CONVERTER_OPTIONS))
    if unknown:
        raise InputError(
            f"unknown options {', '.join(unknown)}; known: scale_firing_rates, "
            "example_data, target_rate, input_shape, synapse, neurons, host_synapse, "
            "max_pooling, piecewise, swap_activations, inference_only, "
            "allow_fallback, verify, custom_objects, progress, "
            + ", ".join(CONVERTER_OPTIONS)
        )
    values = scale.values() if isinstance(scale, Mapping) else [scale]
    for value in values:
        is_number = isinstance(value, (int, float, np.number))
        if value is not None and not (is_number and 0 < value < np.inf):
            raise InputError(
                f"scale_firing_rates must be numbers above 0; got {shown(value)}"
            )


def _warn_of_idle(keys: Iterable[Any]) -> None:
    """Warn of functions to replace that no layer has."""
    names = [name_of(key) for key in keys if not isinstance(key, NeuronType)]
    if names:
        warnings.warn(
            f"swap_activations holds {', '.join(sorted(names))}, which no layer has",
            stacklevel=4,
        )


def _check_sizes(clone: KerasClone) -> None:
    """Refuse layers without a single unit, which Keras 2 lets pass."""
    for layer in clone.model.layers:
        shapes = layer.output_shape
        for shape in shapes if isinstance(shapes, list) else [shapes]:
            if 0 in shape:
                raise InputError(
                    f"layer {layer.name!r} has no units: its output's shape is {shape}"
                )


def _by_private_layer(clone: KerasClone, scale: Any) -> Any:
    """Let scales by layer be given by the user's layers or their names."""
    if not isinstance(scale, Mapping):
        return scale
    layers = {clone.layer(key): value for key, value in scale.items()}
    # the converter looks for the layer that does the work
    return {
        layer.layer if type(layer).__name__ == "TimeDistributed" else layer: value
        for layer, value in layers.items()
    }


def _rectifier(swaps: Mapping[Any, Any], neurons: str) -> NeuronType:
    """Return what computes ``max(x, 0)``, unless the user swaps it for something."""
    for key in (nengo.RectifiedLinear(), import_tensorflow().nn.relu):
        chosen = swaps.get(key)
        if isinstance(chosen, NeuronType) and is_rectifier(chosen):
            return swaps.get(chosen, chosen)
    if neurons == "integrate-and-fire":
        return IntegrateAndFire()
    return import_nengo_loihi().neurons.LoihiSpikingRectifiedLinear()


def _printable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(getattr(key, "name", key)): item for key, item in value.items()}
    return value if value is None or isinstance(value, (int, float)) else repr(value)
