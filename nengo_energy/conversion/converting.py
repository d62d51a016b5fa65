"""Keras model -> SpikingModel, through NengoDL's converter."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Mapping

import nengo

from ..common.available_memory import check_memory
from ..common.checks import check_flag
from ..common.exceptions import InputError
from ..common.plain_text import plain_line
from ..common.progress import progress_bar
from ..common.random_state import kept_random_state
from ..keras_models.files import as_model
from ..keras_models.graph import read_graph
from ..keras_models.sizes import has_open_sizes, least_bytes, shapes_of_data
from ..network.firing_rates import (
    DEEP_TARGET_RATE,
    INTEGRATING_TARGET_RATE,
    TARGET_RATE,
    corrections,
    scales_for_target,
    with_amplitude,
)
from .assumptions import DEPTH, depth_of_loss, said_of_depth
from .datasets import input_arrays
from .layers.adapter import refuse
from .layerwise import convert_layers
from .spiking_model import SpikingModel
from .verifying import verify_conversion

logger = logging.getLogger(__name__)

DEEP_SYNAPSE = 0.01
"""Filter on all spikes [s] that ``"auto"`` takes where many layers of Loihi's neurons
follow each other, and none was asked for."""


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
    progress: bool | None = None,
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
        For ``"auto"``: the rate [Hz]. By default 250 Hz of Loihi's neurons, 500 Hz
        where many of their layers follow each other, which are filtered and corrected
        then (``deep-filtered`` among the assumptions), and 1,000 Hz of others.
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
    progress : bool, optional
        Show a progress bar; by default in a terminal, when it takes long.
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
    if progress is not None:
        check_flag("progress", progress)
    model = as_model(model, custom_objects)
    temporal = bool(converter_options.get("temporal_model"))
    is_open = has_open_sizes(model, temporal)
    check_memory(
        f"converting {getattr(model, 'name', 'the model')!r}",
        least_bytes(model),
        "convert a part of it, a narrower one, or one of smaller inputs",
    )
    example_data = input_arrays(example_data, model)
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
    auto = isinstance(scale_firing_rates, str) and scale_firing_rates == "auto"
    if auto and example_data is None:
        raise InputError('scale_firing_rates="auto" needs example_data')
    if not auto and (target_rate is not None or not (example_data is None or is_open)):
        raise InputError(
            'example_data and target_rate are for scale_firing_rates="auto"; got '
            f"{scale_firing_rates!r}"
        )
    factors: dict[str, float] = {}
    label = f"converting {model.name}"
    with progress_bar(2 * auto + 1 + bool(verify), label, progress) as tick:
        if auto:
            unscaled = convert(model, verify=False, progress=False, **chosen)
            chosen["clone"] = unscaled.clone
            tick(1)
            deep = depth_of_loss(unscaled.topology) >= DEPTH
            target = target_rate
            if target is None and neurons == "loihi":
                target = DEEP_TARGET_RATE if deep else TARGET_RATE
            elif target is None:
                target = INTEGRATING_TARGET_RATE
            rates = unscaled.wanted_rates(example_data)
            scale_firing_rates = scales_for_target(rates, unscaled.topology, target)
            if deep:
                factors = corrections(rates, scale_firing_rates, unscaled.topology)
                chosen["synapse"] = DEEP_SYNAPSE if synapse is None else synapse
            tick(1)
        snn, obstacles, _ = convert_layers(model, scale_firing_rates, **chosen)
        refuse(obstacles, model.name)
        said = said_of_depth(snn.topology, factors)
        tick(1)
        if verify:
            logger.info("comparing the network with %s", plain_line(model.name))
            approximate = bool(swap_activations or piecewise)
            said += verify_conversion(snn, approximate=approximate)
            tick(1)
    whole = replace(snn, assumptions=snn.assumptions + said)
    if factors:
        return _corrected(whole, factors)
    vars(whole)["topology"] = snn.topology  # traced once, as nothing has changed
    return whole


def _corrected(snn: SpikingModel, factors: Mapping[str, float]) -> SpikingModel:
    """Return a network whose neurons make up for what they lose, by population."""
    ensembles = {
        pop.ensemble: factors.get(pop.name) for pop in snn.topology.populations
    }
    found = {ens: factor for ens, factor in ensembles.items() if factor is not None}
    for ens, factor in found.items():
        ens.neuron_type = with_amplitude(ens.neuron_type, factor)
    return replace(snn, corrected=found)
