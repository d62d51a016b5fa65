"""Keras model -> SpikingModel, through NengoDL's converter."""

from __future__ import annotations

import logging
import warnings
from typing import Any, Mapping

import nengo
import numpy as np

from ..common.assumptions import Assumption
from ..common.defaults import DT
from ..common.exceptions import InputError, UnsupportedError
from ..compat import import_nengo_dl, import_nengo_loihi
from ..compat.nengo_dl import open_nengo_dl
from ..keras_models.clone import KerasClone, to_tf_keras
from ..keras_models.files import as_model
from ..keras_models.rebuild import translate_activation
from ..network.biases import fold_biases
from ..network.firing_rates import TARGET_RATE, scales_for_target
from ..network.topology import Topology
from ..network.tracing import trace_topology
from .keras_map import layer_of_label
from .spiking_model import SpikingModel

logger = logging.getLogger(__name__)

VERIFY_TOLERANCE = 1e-4
"""Largest difference between Keras and the converted network in rate mode, relative to
the largest output. Single precision leaves about 1e-6."""

CONVERTER_OPTIONS = ("max_to_avg_pool", "temporal_model", "split_shared_weights")
"""Arguments that are passed on to NengoDL's converter as they are."""

UNVERIFIED_POOLING = Assumption(
    "max-pooling-replaced",
    "Max pooling was replaced by average pooling, which computes something else; the "
    "converted network wasn't compared with the Keras model.",
)
UNVERIFIED_ACTIVATIONS = Assumption(
    "activations-replaced",
    "Activations without a rate equivalent were replaced; the converted network wasn't "
    "compared with the Keras model in rate mode.",
)
UNVERIFIED_SPIKES = Assumption(
    "spiking-layers-unverified",
    "KerasSpiking's neurons start from random states, so the converted network wasn't "
    "compared with the Keras model.",
)


def convert(
    model: Any,
    *,
    scale_firing_rates: float | Mapping[Any, float] | str | None = None,
    example_data: Any = None,
    target_rate: float | None = None,
    synapse: float | nengo.synapses.Synapse | None = None,
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
        For ``"auto"``: inputs as the model takes them; some hundred are enough.
    target_rate : float, optional
        For ``"auto"``: the rate [Hz], by default
        `nengo_energy.network.firing_rates.TARGET_RATE`.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a low-pass time constant [s].
    swap_activations : mapping, optional
        Activation functions or Nengo neuron types to replace, and what by.
    inference_only : bool
        Convert what needs to run, not what needs to be trained.
    allow_fallback : bool
        Let a layer without a native equivalent become a ``TensorNode``, which runs in
        NengoDL alone and can't be counted.
    verify : bool
        Compare the converted network with the Keras model, on random input, with rate
        neurons in place of spiking ones.
    custom_objects : mapping of str to object, optional
        For a path: the classes and functions that the file names and that aren't
        Keras's own.
    **converter_options
        Passed on to ``nengo_dl.Converter``: ``max_to_avg_pool``, ``temporal_model``,
        ``split_shared_weights``.

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
    """
    model = as_model(model, custom_objects)
    if scale_firing_rates == "auto":
        if example_data is None:
            raise InputError('scale_firing_rates="auto" needs example_data')
        target = TARGET_RATE if target_rate is None else target_rate
        unscaled = convert(
            model,
            synapse=synapse,
            swap_activations=swap_activations,
            allow_fallback=allow_fallback,
            verify=False,
            **converter_options,
        )
        scale_firing_rates = scales_for_target(
            unscaled.wanted_rates(example_data), unscaled.topology, target
        )
    elif example_data is not None or target_rate is not None:
        raise InputError(
            'example_data and target_rate are for scale_firing_rates="auto"; got '
            f"{scale_firing_rates!r}"
        )
    _check_options(scale_firing_rates, converter_options)
    clone = to_tf_keras(model)
    _check_sizes(clone)
    options = {
        "scale_firing_rates": _by_private_layer(clone, scale_firing_rates),
        "synapse": synapse,
        "inference_only": inference_only,
        "allow_fallback": allow_fallback,
        **converter_options,
    }
    swaps = {
        translate_activation(key): translate_activation(value)
        for key, value in (swap_activations or {}).items()
    }
    converter = _run_converter(clone, {**_default_swaps(swaps), **swaps}, options)
    folded = _fold(converter)
    logger.info("folded the biases of %s into their neurons", folded)
    assumptions = _verify(clone, swaps, options) if verify else ()
    return SpikingModel(
        model=model,
        net=converter.net,
        clone=clone,
        probes=converter.outputs,
        nodes=converter.inputs,
        parts=converter.layers,
        options={
            "scale_firing_rates": _printable(scale_firing_rates),
            "synapse": _printable(synapse),
            **converter_options,
        },
        assumptions=assumptions,
        folded=tuple(folded),
    )


def _check_options(scale: Any, options: Mapping[str, Any]) -> None:
    unknown = sorted(set(options) - set(CONVERTER_OPTIONS))
    if unknown:
        raise InputError(
            f"unknown options {', '.join(unknown)}; known: scale_firing_rates, "
            "example_data, target_rate, synapse, swap_activations, inference_only, "
            "allow_fallback, verify, custom_objects, " + ", ".join(CONVERTER_OPTIONS)
        )
    values = scale.values() if isinstance(scale, Mapping) else [scale]
    for value in values:
        is_number = isinstance(value, (int, float, np.number))
        if value is not None and not (is_number and 0 < value < np.inf):
            raise InputError(
                f"scale_firing_rates must be numbers above 0; got {value!r}"
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


def _default_swaps(swaps: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the swap to Loihi's neurons, unless the user says what ReLU becomes."""
    relu = translate_activation(_relu())
    if relu in swaps or nengo.RectifiedLinear() in swaps:
        return {}
    neurons = import_nengo_loihi().neurons
    return {nengo.RectifiedLinear(): neurons.LoihiSpikingRectifiedLinear()}


def _relu() -> Any:
    from ..compat import import_tensorflow

    return import_tensorflow().nn.relu


def _run_converter(
    clone: KerasClone, swaps: Mapping[Any, Any], options: Mapping[str, Any]
) -> Any:
    """Run NengoDL's converter, and put its complaints in our words."""
    nengo_dl = import_nengo_dl()
    name = clone.source.name
    try:
        with warnings.catch_warnings():
            # a swap for an activation that the model doesn't have is no news here
            warnings.filterwarnings("ignore", message="swap_activations contained")
            return nengo_dl.Converter(
                clone.model, swap_activations=dict(swaps), **options
            )
    except (TypeError, ValueError, NotImplementedError) as error:
        message = str(error)
        for layer in clone.model.layers:
            message = message.replace(str(layer), repr(layer.name))
        raise UnsupportedError(f"can't convert model {name!r}: {message}") from error


def _fold(converter: Any) -> list[str]:
    topology = _trace(converter)
    return fold_biases(converter.net, topology)


def _trace(converter: Any) -> Topology:
    return trace_topology(
        converter.net,
        inputs=list(converter.inputs.values()),
        on_unsupported="omit",
        layer_name=layer_of_label,
    )


def _verify(
    clone: KerasClone, swaps: Mapping[Any, Any], options: Mapping[str, Any]
) -> tuple[Assumption, ...]:
    """Compare the network, converted to rate neurons, with the model.

    The same steps are taken as for the spiking network; only the neurons are those that
    NengoDL takes for the model's activations, and there is no filter, so that one
    timestep gives the output.
    """
    classes = {type(layer).__name__ for layer in clone.model.layers}
    if options.get("max_to_avg_pool") and any("Max" in name for name in classes):
        return (UNVERIFIED_POOLING,)
    if "SpikingActivation" in classes:
        return (UNVERIFIED_SPIKES,)
    # a swap from one function to another changes the model, one to neurons the spikes
    functions = {k: v for k, v in swaps.items() if not _is_neurons(v)}
    if functions:
        return (UNVERIFIED_ACTIVATIONS,)
    try:
        converter = _run_converter(clone, {}, {**options, "synapse": None})
    except UnsupportedError:
        # an activation that only the user's swaps have an equivalent for
        return (UNVERIFIED_ACTIVATIONS,)
    _fold(converter)
    rng = np.random.RandomState(0)
    shapes = [tuple(x.shape)[1:] for x in clone.model.inputs]
    # the time axis of a temporal model may be open; one timestep is enough
    data = [rng.uniform(size=(2, *(n or 1 for n in shape))) for shape in shapes]
    if options.get("temporal_model"):
        data = [x[:, :1] for x in data]
    expected = clone.model(data if len(data) > 1 else data[0], training=False)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    found = _run_one_step(converter, data)
    for tensor, wanted in zip(clone.model.outputs, expected):
        want = np.asarray(wanted).reshape(2, -1)
        have = found[converter.outputs[tensor]].reshape(2, -1)
        error = np.max(np.abs(want - have), initial=0.0)
        if error > VERIFY_TOLERANCE * max(1.0, np.max(np.abs(want), initial=0.0)):
            name = tensor._keras_history[0].name
            raise UnsupportedError(
                f"the converted network doesn't compute what the model does: with rate "
                f"neurons, output {name!r} differs by up to {error:.3g} (allowed: "
                f"{VERIFY_TOLERANCE:g} of the largest output). If that is intended, "
                "pass verify=False"
            )
    return ()


def _run_one_step(converter: Any, data: list[np.ndarray]) -> Mapping[Any, np.ndarray]:
    nodes = [converter.inputs[tensor] for tensor in converter.model.inputs]
    inputs = {n: x.reshape(2, 1, -1) for n, x in zip(nodes, data)}
    sim, _ = open_nengo_dl(converter.net, dt=DT, minibatch_size=2)
    with sim:
        result: Mapping[Any, np.ndarray] = sim.predict_on_batch(inputs)
    return result


def _is_neurons(value: Any) -> bool:
    return isinstance(value, nengo.neurons.NeuronType)


def _printable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(getattr(key, "name", key)): item for key, item in value.items()}
    return value if value is None or isinstance(value, (int, float)) else repr(value)
