"""Keras model -> SpikingModel, through NengoDL's converter."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from typing import Any, Iterable, Mapping, NamedTuple

import nengo
import numpy as np
from nengo.neurons import NeuronType

from ..common.checks import (
    check_choice,
    check_count,
    check_flag,
    check_instance,
    check_positive,
    shown,
)
from ..common.exceptions import InputError
from ..common.random_state import kept_random_state
from ..compat import import_nengo_loihi, import_tensorflow
from ..compat.neurons import IntegrateAndFire
from ..keras_models.clone import KerasClone, to_tf_keras
from ..keras_models.files import as_model
from ..keras_models.graph import read_graph
from ..keras_models.rebuild import translate_activation
from ..keras_models.sizes import given_shapes, has_open_sizes, shapes_of_data
from ..network.biases import fold_biases
from ..network.firing_rates import (
    INTEGRATING_TARGET_RATE,
    TARGET_RATE,
    is_rectifier,
    scales_for_target,
)
from ..network.topology import Topology
from ..network.tracing import trace_topology
from .assumptions import said_of_depth, said_of_layers
from .datasets import input_arrays
from .keras_map import layer_of_label
from .layers.activations import name_of
from .layers.adapter import Obstacle, refuse, run_converter
from .layers.building import ConversionOptions
from .spiking_model import SpikingModel
from .verifying import verify_conversion

logger = logging.getLogger(__name__)

CONVERTER_OPTIONS = ("max_to_avg_pool", "temporal_model", "split_shared_weights")
"""Arguments of NengoDL's converter that are taken as well."""

NEURONS = ("loihi", "integrate-and-fire")
"""What rectified linear functions may become."""

MAX_POOLING = ("neurons", "average")
"""What max pooling may become."""


@kept_random_state()
def convert(
    model: Any,
    *,
    scale_firing_rates: float | Mapping[Any, float] | str | None = None,
    example_data: Any = None,
    target_rate: float | None = None,
    input_shape: Any = None,
    synapse: float | nengo.synapses.Synapse | None = None,
    neurons: str = "loihi",
    host_synapse: float = 0.05,
    max_pooling: str = "neurons",
    piecewise: int | None = None,
    swap_activations: Mapping[Any, Any] | None = None,
    inference_only: bool = True,
    allow_fallback: bool = False,
    verify: bool = True,
    custom_objects: Mapping[str, Any] | None = None,
    **converter_options: Any,
) -> SpikingModel:
    """Convert a Keras model to a network of spiking neurons.

    The model itself isn't touched: a private copy is converted. ReLU becomes
    NengoLoihi's spiking rectified linear neuron, so that simulation, emulator and chip
    agree.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        A trained model, functional or sequential, of Keras 2 (``tf_keras``,
        ``tf.keras``) or Keras 3, or the path of a file that holds one; see
        `nengo_energy.load_model`.
    scale_firing_rates : float, mapping of layer to float, or "auto", optional
        How many times faster neurons fire than their activation says [Hz]; outputs are
        scaled back. Layers are given as such or by name. ``"auto"`` chooses a scale for
        each layer, by which its fastest neurons reach ``target_rate`` on example data.
    example_data : ndarray, or list or mapping of ndarray, optional
        Inputs as the model takes them. For ``"auto"``, some hundred are enough; sizes
        that the model leaves open are taken from them too.
    target_rate : float, optional
        For ``"auto"``: the rate [Hz], by default
        ``nengo_energy.network.firing_rates.TARGET_RATE``.
    input_shape : tuple of int, or list or mapping of tuples, optional
        Shape of the input without the axis of examples, of several inputs a list, or a
        mapping by name: sizes for axes that the model leaves open.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a low-pass time constant [s].
    neurons : {"loihi", "integrate-and-fire"}
        What computes rectified linear functions: the chip's neurons, so that simulation
        and deployment agree, or `nengo_energy.IntegrateAndFire`, which keep the
        accuracy of deep networks.
    host_synapse : float
        Time constant of the mean of decoded values that layers on the host work on [s].
    max_pooling : {"neurons", "average"}
        What max pooling becomes: rectified linear neurons that compute it, or average
        pooling, which is something else and smaller.
    piecewise : int, optional
        Have up to so many rectified linear neurons, at least 2, stand in for each unit
        of a smooth function such as tanh, by straight lines near to it; an assumption
        says how near. Loihi has neurons for those, and none for curves.
    swap_activations : mapping, optional
        Activation functions or Nengo neuron types to replace, and what by.
    inference_only, allow_fallback : bool
        Arguments of NengoDL's converter without an effect: what is only there for
        training is left out always, and a layer without a native equivalent is the
        host's, which is counted.
    verify : bool
        Compare the converted network with the Keras model, on random input, with rate
        neurons in place of spiking ones.
    custom_objects : mapping of str to object, optional
        For a path: the classes and functions that the file names and that aren't
        Keras's own.
    **converter_options
        As of ``nengo_dl.Converter``: ``temporal_model``; ``max_to_avg_pool``, which is
        ``max_pooling="average"``; ``split_shared_weights``, which is always so.

    Returns
    -------
    SpikingModel
        The network, and the way from the model's layers to its parts.

    Raises
    ------
    InputError
        If the model isn't one, was never built, or an argument isn't allowed.
    NotFoundError
        If there is nothing at the path.
    UnsupportedError
        If a layer has no native equivalent, or the converted network computes something
        else than the model.

    Examples
    --------
    >>> chosen = {"scale_firing_rates": "auto", "example_data": x}  # doctest: +SKIP
    >>> snn = convert(model, **chosen)  # doctest: +SKIP
    >>> activity = snn.measure(x, timesteps=50)  # doctest: +SKIP
    >>> print(snn.estimate(activity))  # doctest: +SKIP
    """
    check_flag("verify", verify)
    model = as_model(model, custom_objects)
    example_data = input_arrays(example_data, model)
    temporal = bool(converter_options.get("temporal_model"))
    is_open = has_open_sizes(model, temporal)
    if input_shape is None and example_data is not None and is_open:
        input_shape = shapes_of_data(read_graph(model), example_data, temporal)
    chosen = {
        "input_shape": input_shape,
        "neurons": neurons,
        "synapse": synapse,
        "host_synapse": host_synapse,
        "max_pooling": max_pooling,
        "piecewise": piecewise,
        "swap_activations": swap_activations,
        **converter_options,
    }
    if isinstance(scale_firing_rates, str) and scale_firing_rates == "auto":
        if example_data is None:
            raise InputError('scale_firing_rates="auto" needs example_data')
        target = target_rate
        if target is None:
            target = TARGET_RATE if neurons == "loihi" else INTEGRATING_TARGET_RATE
        unscaled = convert(model, verify=False, **chosen)
        chosen["clone"] = unscaled.clone
        scale_firing_rates = scales_for_target(
            unscaled.wanted_rates(example_data), unscaled.topology, target
        )
    elif target_rate is not None or not (example_data is None or is_open):
        raise InputError(
            'example_data and target_rate are for scale_firing_rates="auto"; got '
            f"{scale_firing_rates!r}"
        )
    found = convert_layers(model, scale_firing_rates, **chosen)
    refuse(found.obstacles, model.name)
    said = said_of_depth(found.snn.topology)
    if verify:
        logger.info("comparing the network with %s", model.name)
        said += verify_conversion(
            found.snn, approximate=bool(swap_activations or piecewise)
        )
    return replace(found.snn, assumptions=found.snn.assumptions + said)


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
        logger.info("copying %s", getattr(model, "name", "the model"))
        clone = to_tf_keras(model, shapes)
    logger.info("converting %d layers of %s", len(clone.model.layers), model.name)
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
    folded = fold_biases(converter.net, _trace(converter))
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
            "allow_fallback, verify, custom_objects, " + ", ".join(CONVERTER_OPTIONS)
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
    for key in (nengo.RectifiedLinear(), translate_activation(_relu())):
        chosen = swaps.get(key)
        if isinstance(chosen, NeuronType) and is_rectifier(chosen):
            return swaps.get(chosen, chosen)
    if neurons == "integrate-and-fire":
        return IntegrateAndFire()
    return import_nengo_loihi().neurons.LoihiSpikingRectifiedLinear()


def _relu() -> Any:
    return import_tensorflow().nn.relu


def _trace(converter: Any) -> Topology:
    return trace_topology(
        converter.net,
        inputs=list(converter.inputs.values()),
        on_unsupported="omit",
        layer_name=layer_of_label,
    )


def _printable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(getattr(key, "name", key)): item for key, item in value.items()}
    return value if value is None or isinstance(value, (int, float)) else repr(value)
