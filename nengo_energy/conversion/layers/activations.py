"""Activation functions and layers: rectifiers, rate curves, or the host's work."""

from __future__ import annotations

from typing import Any, Callable

import nengo
import numpy as np

from ...compat import import_tensorflow
from ...compat.neurons import IntegrateAndFire, LoihiRectifiedLinear
from ...keras_models.graph import is_tensor, map_leaves
from ...network.objects import base
from .building import LayerBuild
from .curves import (
    Line,
    Rectifiers,
    fit_rectifiers,
    is_elementwise,
    largest_error,
    read_curve,
)
from .host import on_host
from .rate_curves import rate_curve
from .registry import converts

SMOOTHING = nengo.Lowpass(0.01)
"""Filter on the input of smooth functions where spikes aren't filtered.

A function that bends takes the mean of single spikes to something else than it takes
their mean to. On three layers of twenty units, tanh and swish, 250 Hz at a value of one
and 100 timesteps, the error of the output is 0.8 and 2.7 standard deviations without a
filter, 0.1 and 0.2 with 5 ms as with 10 ms, and 0.2 and 0.5 with 20 ms.
"""

OF_DIFFERENCES = nengo.Lowpass(1e-3)
"""The same for differences of activations, as of maxima, unless neurons lose nothing.

A single spike of one side moves the voltage by about a whole threshold, so that neurons
that reset to zero and stop at zero lose up to half of the one side and all of the
other. Of keras.io's convolutional network for MNIST, 100 images, 250 Hz, Keras has
99 %, and spikes after 25, 50, 100, 200 timesteps 91, 93, 93, 92 % without a filter,
91, 96, 97, 97 % with 1 ms and 84, 96, 97, 99 % with 5 ms; of LeNet with max pooling,
200 images (Keras 94.5 %), 94.5, 96.5, 96.5, 96.5, then 91.5, 94, 96, 95.5, then 41,
93.5, 96, 97.5 %: longer filters need longer runs.
"""

LOWEST = -4.0
"""How far voltages of Loihi's neurons may fall where they compute differences.

Of a classifier of beats with max pooling (benchmarks/trained_models.py), 1,000 beats of
the training data, 250 Hz and a filter of 2 ms, 98.8 % by Keras, spikes after 100, 200
and 400 timesteps have 95.5, 97.5, 97.5 % right if voltages stop at zero, 96.7, 96.6,
96.9 % at -1, 97.8, 97.8, 98.4 % at -2, and 98.4, 98.4, 98.7 % at -4: a maximum of two
was half as much again too large where what lowers the voltage was lost.
"""


@converts("Activation", "ELU", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU")
def convert_activation(build: LayerBuild) -> Any:
    """Convert a layer that is an activation function."""
    function = getattr(build.layer, "activation", build.layer)
    entry = start(build, function)
    build.connect(build.inputs[0], entry)
    return finish(build, entry, function)


def convert_function(build: LayerBuild) -> Any:
    """Convert a layer that is a function of each element; None if it isn't.

    Such are ``tf.nn.relu(x)``, ``keras.ops.clip(x, 0, 6)``, and Lambda layers.
    """
    if len(build.inputs) != 1 or build.input_shapes != build.output_shapes:
        return None
    if not build.call.outputs[0].dtype.is_floating:
        return None
    function = _LayerCall(build)
    is_function = _works_by_element(build, function) or function.__name__ == "softmax"
    if not is_function:
        return None
    entry = start(build, function)
    build.connect(build.inputs[0], entry)
    return finish(build, entry, function)


class _LayerCall:
    """A call of a layer with one tensor, as a function of tensors of any shape."""

    def __init__(self, build: LayerBuild):
        self._build = build
        self.__name__ = build.layer.name

    def __call__(self, x: Any) -> Any:
        call = self._build.call
        args, kwargs = map_leaves(
            lambda leaf: x if is_tensor(leaf) else leaf, (call.args, call.kwargs)
        )
        return self._build.layer(*args, **kwargs)


@converts("PReLU")
def convert_prelu(build: LayerBuild) -> Any:
    """Convert ``relu(x) - alpha * relu(-x)``, with a slope for each unit."""
    entry = build.node(part="input")
    build.connect(build.inputs[0], entry)
    return _two_slopes(build, entry, build.layer.alpha)


def _two_slopes(build: LayerBuild, entry: Any, below_zero: Any) -> Any:
    slopes = np.broadcast_to(np.asarray(below_zero), build.output_shape)
    output = build.node()
    for sign, part in ((1.0, "above 0"), (-1.0, "below 0")):
        neurons = build.neurons(build.options.rectifier, part=part)
        build.connect(entry, neurons, transform=sign)
        build.connect(neurons, output, transform=1.0 if sign > 0 else -np.ravel(slopes))
    return output


def start(build: LayerBuild, function: Any, bias: np.ndarray | None = None) -> Any:
    """Return the object that receives what an activation function is applied to.

    Parameters
    ----------
    build : LayerBuild
        The layer.
    function : callable, layer or None
        The activation.
    bias : (size,) ndarray, optional
        Constants that are added.
    """
    neuron_type = neurons_for(build, function)
    if neuron_type is not None:
        return build.neurons(neuron_type, bias=bias)
    entry = build.node(part="" if is_identity(function) else "input")
    if bias is not None:
        build.bias(bias, entry)
    return entry


def finish(build: LayerBuild, entry: Any, function: Any) -> Any:
    """Return the object that puts out the activation of what `start` returned."""
    function = wanted(build, function)
    if isinstance(entry, nengo.ensemble.Neurons) or is_identity(function):
        return entry
    if build.use.outputs and not _is_plain(build, function):
        # applied to what the network puts out, once an inference
        build.final(entry, lambda values: evaluate(function, values, build))
        if not build.use.feeds_layers:
            return entry
    if type(function).__name__ == "PReLU":
        return _two_slopes(build, entry, function.alpha)
    if not _works_by_element(build, function):
        return on_host(build, [entry], lambda rows: apply(function, rows, build))
    curve = read_curve(_elementwise(function))
    if isinstance(curve, Line):
        output = build.node()
        build.connect(entry, output, transform=curve.slope)
        build.bias(np.full(build.size, curve.offset), output)
        return output
    if curve is None and build.options.piecewise is not None:
        curve = _stand_in(build, function, build.options.piecewise)
    if curve is not None:
        return rectifiers(build, entry, curve)
    neurons = build.neurons(
        rate_curve(_elementwise(function), name_of(function), build.scale),
        fixed_curve=True,
    )
    build.connect(entry, neurons).synapse = smoothing(build, entry, SMOOTHING)
    return neurons


def _stand_in(build: LayerBuild, function: Any, n: int) -> Rectifiers | None:
    """Return rectifiers in place of a smooth function, and note how far off."""
    curve = fit_rectifiers(_elementwise(function), n)
    if curve is not None:
        error = largest_error(curve, _elementwise(function))
        said = f"{name_of(function)} by {len(curve.terms)} neurons a unit, off by up to"
        build.converter.pieces.setdefault(f"{said} {error:.2g}", []).append(
            build.layer_name
        )
    return curve


def difference_neurons(build: LayerBuild, n: int, part: str) -> nengo.ensemble.Neurons:
    """Return rectified linear neurons for what may well be below zero."""
    kind = build.options.rectifier
    if type(kind).__name__ == "LoihiSpikingRectifiedLinear":
        kind = LoihiRectifiedLinear(LOWEST, amplitude=kind.amplitude)
    return build.neurons(kind, n, part=part)


def connect_difference(
    build: LayerBuild, a: Any, b: Any, neurons: Any, sign: float = 1.0
) -> None:
    """Have rectified linear neurons receive ``a - b``, or the negative of that."""
    loses = not isinstance(build.options.rectifier, IntegrateAndFire)
    for obj, factor in ((a, sign), (b, -sign)):
        conn = build.connect(obj, neurons, transform=factor)
        if loses:
            conn.synapse = smoothing(build, obj, OF_DIFFERENCES) or conn.synapse


def smoothing(
    build: LayerBuild, obj: Any, synapse: nengo.synapses.Synapse
) -> nengo.synapses.Synapse | None:
    """Return a filter if spikes come out of an object, and none was asked for."""
    if build.options.synapse is not None or not hangs_on_neurons(obj):
        return None
    build.converter.smoothed.setdefault(synapse, []).append(build.layer_name)
    return synapse


def hangs_on_neurons(obj: Any) -> bool:
    """Tell whether neurons lead to an object of the network that is being made."""
    leading: dict[Any, list[Any]] = {}
    for conn in nengo.Network.context[0].all_connections:
        leading.setdefault(base(conn.post_obj), []).append(base(conn.pre_obj))
    waiting, seen = [base(obj)], set()
    while waiting:
        found = waiting.pop()
        if isinstance(found, nengo.Ensemble):
            return True
        if found not in seen:
            seen.add(found)
            waiting += leading.get(found, [])
    return False


def rectifiers(build: LayerBuild, entry: Any, curve: Rectifiers) -> Any:
    """Return a sum of rectified linear neurons that computes a curve."""
    output = build.node()
    build.bias(np.full(build.size, curve.offset), output)
    for sign, knot, weight in curve.terms:
        side = "above" if sign > 0 else "below"
        bias = np.full(build.size, -sign * knot) if knot else None
        neurons = build.neurons(
            build.options.rectifier, part=f"{side} {knot:g}", bias=bias
        )
        build.connect(entry, neurons, transform=float(sign))
        build.connect(neurons, output, transform=float(weight))
    return output


def neurons_for(build: LayerBuild, function: Any) -> nengo.neurons.NeuronType | None:
    """Return the one type of neurons that computes a function, if there is one."""
    function = wanted(build, function)
    if isinstance(function, nengo.neurons.NeuronType):
        return function
    return build.options.rectifier if is_relu(build, function) else None


def wanted(build: LayerBuild, function: Any) -> Any:
    """Return the function or the neurons that the user wants in place of a function.

    They are asked for by the function, by ``tf.nn.relu`` for all that compute the same,
    or by the neuron type that NengoDL's converter takes for it.
    """
    found = build.swapped(function)
    if found is function and build.options.swaps and is_relu(build, function):
        keys = (import_tensorflow().nn.relu, nengo.RectifiedLinear())
        swapped = [build.swapped(key) for key in keys]
        found = next((x for key, x in zip(keys, swapped) if x is not key), function)
    if isinstance(found, nengo.neurons.NeuronType):
        return build.swapped(found)
    return found


def is_relu(build: LayerBuild, function: Any) -> bool:
    """Tell whether a function is ``max(x, 0)``."""
    if is_identity(function) or not _works_by_element(build, function):
        return False
    curve = read_curve(_elementwise(function))
    return isinstance(curve, Rectifiers) and curve.is_relu


def is_identity(function: Any) -> bool:
    """Tell whether an activation leaves everything as it is."""
    return function is None or getattr(function, "__name__", "") in (
        "linear",
        "identity",
    )


def name_of(function: Any) -> str:
    """Return the name of an activation function or layer."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return str(name).removesuffix("_v2")  # TensorFlow's softmax is called softmax_v2


def evaluate(function: Any, values: np.ndarray, build: LayerBuild) -> np.ndarray:
    """Apply an activation to rows of a layer's output, (n, size) ndarray."""
    rows = import_tensorflow().constant(values, "float32")
    return np.asarray(apply(function, rows, build))


def apply(function: Any, rows: Any, build: LayerBuild) -> Any:
    """Apply an activation to rows of a layer's output, (n, size) tensor."""
    tf = import_tensorflow()
    shape = [-1] + [1] * (build.n_leading - 1) + [*build.output_shape]
    return tf.reshape(function(tf.reshape(rows, shape)), tf.shape(rows))


def _elementwise(function: Any) -> Callable[[np.ndarray], np.ndarray]:
    tf = import_tensorflow()

    def apply(x: np.ndarray) -> np.ndarray:
        tensor = tf.constant(np.asarray(x, dtype="float32")[None])
        return np.asarray(function(tensor))[0]

    return apply


def _works_by_element(build: LayerBuild, function: Any) -> bool:
    try:
        return is_elementwise(_elementwise(function))
    except Exception:  # a function of images, say, refuses a vector in its own way
        return False


def _is_plain(build: LayerBuild, function: Any) -> bool:
    """Tell whether rectifiers compute a function, also on an output."""
    return _works_by_element(build, function) and (
        read_curve(_elementwise(function)) is not None
    )
