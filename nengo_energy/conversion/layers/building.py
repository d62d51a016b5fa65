"""One call of a Keras layer while it becomes Nengo objects."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Mapping, NamedTuple

import nengo
import numpy as np

from ...common.exceptions import UnsupportedError
from ...compat import import_tensorflow
from ...keras_models.graph import Call, is_tensor, leaves, map_leaves
from ...network.objects import base

Shape = tuple[int, ...]

Rows = Callable[[np.ndarray], np.ndarray]
"""Takes and returns rows of values, (n, size) ndarray."""


class Final(NamedTuple):
    """What makes an output of the model: a function of what an object puts out."""

    obj: Any
    function: Rows


@dataclass(frozen=True, eq=False)
class LayerBuild:
    """One call of a layer, and what makes Nengo objects of it.

    Attributes
    ----------
    layer : tf_keras.layers.Layer
        The layer of the private model.
    call : Call
        What it is called on.
    inputs : tuple of NengoObject
        The objects that feed it, one for each tensor of the call.
    label : str
        Begins the label of every object of the call.
    options : ConversionOptions
        Neurons, scales and filters.
    n_leading : int
        Axes in front of what a timestep holds: 1, or 2 where time is one of them.
    is_output : bool
        Whether the result leaves the model.
    feeds_layers : bool
        Whether other layers take the result.
    finals : dict of {tensor reference: Final}
        What is applied to outputs; `final` adds to it.
    host_layers : list of str
        Labels of the calls that the host computes; `on_host` adds to it.
    """

    layer: Any
    call: Call
    inputs: tuple[Any, ...]
    label: str
    options: ConversionOptions
    n_leading: int = 1
    is_output: bool = False
    feeds_layers: bool = True
    finals: dict[Any, Final] = field(default_factory=dict)
    host_layers: list[str] = field(default_factory=list)

    # --- shapes ---------------------------------------------------------------------

    @cached_property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the inputs in one timestep, without the batch axis."""
        return tuple(self._shape(tensor) for tensor in self.call.tensors)

    @cached_property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the outputs in one timestep, without the batch axis."""
        return tuple(self._shape(tensor) for tensor in self.call.outputs)

    @property
    def input_shape(self) -> Shape:
        """Shape of the only input."""
        (shape,) = self.input_shapes
        return shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the only output."""
        (shape,) = self.output_shapes
        return shape

    @property
    def size(self) -> int:
        """Number of elements of all outputs."""
        return sum(int(np.prod(shape, dtype=int)) for shape in self.output_shapes)

    def _shape(self, tensor: Any) -> Shape:
        shape = tuple(tensor.shape)[self.n_leading :]
        if None in shape:
            raise UnsupportedError(
                f"layer {self.layer.name!r} works on a shape that isn't known, "
                f"{shape}; give the model's inputs a size"
            )
        return shape

    # --- objects --------------------------------------------------------------------

    def node(self, size: int | None = None, part: str = "") -> nengo.Node:
        """Return a new passthrough node.

        Parameters
        ----------
        size : int, optional
            Number of elements; by default that of the layer's output.
        part : str
            What the object is within the layer, for its label.
        """
        n = self.size if size is None else size
        return nengo.Node(size_in=n, label=self._label(part))

    def connect(self, pre: Any, post: Any, transform: Any = None) -> nengo.Connection:
        """Connect two objects; what neurons put out passes the model's filter."""
        spikes = isinstance(base(pre), nengo.Ensemble)
        options = {} if transform is None else {"transform": transform}
        return nengo.Connection(
            pre, post, synapse=self.options.synapse if spikes else None, **options
        )

    def bias(self, values: np.ndarray, post: Any, part: str = "") -> None:
        """Add constants to what an object receives."""
        if np.any(values):
            label = self._label(f"{part} bias".strip())
            node = nengo.Node(np.asarray(values, dtype=float), label=label)
            nengo.Connection(node, post, synapse=None)

    def neurons(
        self,
        neuron_type: nengo.neurons.NeuronType,
        size: int | None = None,
        part: str = "",
        bias: Any = None,
        fixed_curve: bool = False,
    ) -> nengo.ensemble.Neurons:
        """Return new neurons, which fire faster by the scale of the layer.

        Parameters
        ----------
        neuron_type : nengo.neurons.NeuronType
            Their type, whose amplitude is divided by the scale.
        size : int, optional
            Their number; by default that of the layer's outputs.
        part : str
            What they are within the layer, for their label.
        bias : ndarray or float, optional
            Constant input of each neuron, before the gain.
        fixed_curve : bool
            Whether the type has the scale in its rates already, so that neither gain
            nor amplitude are to be changed.
        """
        n = self.size if size is None else size
        scale = self.scale
        gain = 1.0 if scale is None or fixed_curve else scale
        if gain != 1.0 and hasattr(neuron_type, "amplitude"):
            neuron_type = copy.copy(neuron_type)
            amplitude = neuron_type.amplitude / gain
            type(neuron_type).amplitude.data[neuron_type] = amplitude
        ens = nengo.Ensemble(
            n,
            1,
            neuron_type=neuron_type,
            gain=nengo.dists.Choice([gain]),
            bias=nengo.dists.Choice([0]) if bias is None else gain * np.asarray(bias),
            label=self._label(part),
        )
        return ens.neurons

    @property
    def scale(self) -> float | None:
        """How many times faster the layer's neurons fire than its activation says."""
        scales = self.options.scale_firing_rates
        if not isinstance(scales, Mapping):
            return scales
        inner = getattr(self.layer, "layer", None)
        found: float | None = scales.get(self.layer, scales.get(inner))
        return found

    def _label(self, part: str) -> str:
        return f"{self.label} {part}".strip()

    def final(self, obj: Any, function: Rows) -> None:
        """Have a function applied to what an object puts out, as the model's output."""
        self.finals[self.call.outputs[0].ref()] = Final(obj, function)

    # --- the layer itself -----------------------------------------------------------

    @cached_property
    def run(self) -> LayerFunction:
        """What the layer computes, as a function of flat arrays."""
        return LayerFunction(self)


@dataclass(frozen=True)
class ConversionOptions:
    """What conversion takes for all layers.

    Attributes
    ----------
    swaps : mapping
        Neuron types or functions to take in place of functions and neuron types.
    rectifier : nengo.neurons.NeuronType
        What computes ``max(x, 0)``.
    scale_firing_rates : float or mapping of layer to float, optional
        See `nengo_energy.convert`.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons.
    host_synapse : float
        Time constant of the mean of what the host's layers work on [s].
    max_pooling : str
        What max pooling becomes.
    """

    swaps: Mapping[Any, Any]
    rectifier: nengo.neurons.NeuronType
    scale_firing_rates: Any = None
    synapse: Any = None
    host_synapse: float = 0.05
    max_pooling: str = "neurons"


class LayerFunction:
    """A layer as a function of flat rows: what one call of it computes.

    It takes an (n, size) or (n, ...) ndarray for each input, and returns an (n, size)
    ndarray in the type that the layer computes in; several outputs follow each other.

    Parameters
    ----------
    build : LayerBuild
        The call.
    """

    def __init__(self, build: LayerBuild):
        self.layer = build.layer
        self.n_leading = build.n_leading
        self.shapes = build.input_shapes
        self.dtypes = [tensor.dtype for tensor in build.call.tensors]
        # tensors stand at their places in the call as numbers
        tensors = [id(tensor) for tensor in build.call.tensors]
        self.arguments = map_leaves(
            lambda leaf: (_Place(tensors.index(id(leaf))) if is_tensor(leaf) else leaf),
            (build.call.args, build.call.kwargs),
        )

    def __deepcopy__(self, memo: Any) -> LayerFunction:
        """Return the same: copies of a network share the layers of the model."""
        return self

    def __call__(self, *values: np.ndarray) -> np.ndarray:
        tf = import_tensorflow()
        return np.asarray(self.tensors(*[tf.constant(x, tf.float32) for x in values]))

    def tensors(self, *values: Any) -> Any:
        """Return what the function does, of tensors."""
        tf = import_tensorflow()
        arrays = [
            _typed(
                tf.reshape(value, [-1] + [1] * (self.n_leading - 1) + [*shape]), dtype
            )
            for value, shape, dtype in zip(values, self.shapes, self.dtypes)
        ]
        args, kwargs = map_leaves(
            lambda leaf: arrays[leaf.index] if isinstance(leaf, _Place) else leaf,
            self.arguments,
        )
        if "training" in inspect.signature(self.layer.call).parameters:
            kwargs = {**kwargs, "training": False}
        outputs = [tf.convert_to_tensor(x) for x in leaves(self.layer(*args, **kwargs))]
        if len({output.dtype for output in outputs}) > 1:
            outputs = [tf.cast(output, tf.float32) for output in outputs]
        n_known = values[0].shape[0]
        for output in outputs:
            if n_known is not None and output.shape[:1] not in ([n_known], [None]):
                raise UnsupportedError(
                    f"layer {self.layer.name!r} doesn't keep examples apart: its output "
                    f"has the shape {tuple(output.shape)} for {n_known} of them; a "
                    "spiking network runs them one by one, so leave the first axis as "
                    "it is"
                )
        n = tf.shape(values[0])[0]
        return tf.concat([tf.reshape(output, [n, -1]) for output in outputs], axis=1)


def _typed(tensor: Any, dtype: Any) -> Any:
    """Return values in a layer's type; numbers of rows or classes are rounded."""
    tf = import_tensorflow()
    return tf.cast(tensor if dtype.is_floating else tf.round(tensor), dtype)


@dataclass(frozen=True)
class _Place:
    """Where a tensor stands among the arguments of a call."""

    index: int
