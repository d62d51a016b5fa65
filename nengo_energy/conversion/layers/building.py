"""One call of a Keras layer while it becomes Nengo objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Mapping, NamedTuple

import nengo
import numpy as np

from ...common.defaults import N_EVAL_POINTS
from ...common.exceptions import UnsupportedError
from ...keras_models.graph import Call
from ...network.firing_rates import with_amplitude
from ...network.objects import base
from ..keras_map import layer_of_label
from .masks import Mask
from .running import LayerFunction

Shape = tuple[int, ...]

Rows = Callable[[np.ndarray], np.ndarray]
"""Takes and returns rows of values, (n, size) ndarray."""


class Use(NamedTuple):
    """What becomes of a tensor.

    Attributes
    ----------
    outputs : tuple of tensor reference
        Outputs of the whole model that it is, by itself or behind layers that pass it
        on as it is.
    feeds_layers : bool
        Whether layers work on it.
    """

    outputs: tuple[Any, ...] = ()
    feeds_layers: bool = False


class Final(NamedTuple):
    """What makes an output of the model: a function of what an object puts out.

    Attributes
    ----------
    obj : NengoObject
        The object.
    function : Rows
        The function.
    layer : str
        The layer that it is of.
    """

    obj: Any
    function: Rows
    layer: str


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
    use : Use
        Where the result goes.
    masks : dict of {int: Mask}
        Masks that the layer uses, by the number of the input.
    mask_inputs : tuple of NengoObject
        The objects that put out what the masks hang on.
    prefix : str
        Labels of the models that the layer is within.
    converter : EnergyConverter
        Keeps what is said of the whole model, and converts layers within layers.
    """

    layer: Any
    call: Call
    inputs: tuple[Any, ...]
    label: str
    options: ConversionOptions
    n_leading: int = 1
    use: Use = Use(feeds_layers=True)
    masks: Mapping[int, Mask] = field(default_factory=dict)
    mask_inputs: tuple[Any, ...] = ()
    prefix: str = ""
    converter: Any = None

    # --- shapes --------------------------------------------------------------------

    @cached_property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the inputs in one timestep, without the batch axis."""
        return tuple(self.shape_of(tensor) for tensor in self.call.tensors)

    @cached_property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the outputs in one timestep, without the batch axis."""
        return tuple(self.shape_of(tensor) for tensor in self.call.outputs)

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

    def shape_of(self, tensor: Any) -> Shape:
        """Return the shape of a tensor in one timestep, without the batch axis.

        Raises
        ------
        UnsupportedError
            If it isn't fixed.
        """
        shape = tuple(tensor.shape)[self.n_leading :]
        if None in shape:
            raise UnsupportedError(
                f"it works on values of the shape {shape}, and a network has a fixed "
                "number of neurons; give the model's inputs a size, or have the layer "
                "put out as many values whatever they are"
            )
        return shape

    # --- objects -------------------------------------------------------------------

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
        if isinstance(transform, nengo.Convolution) and transform.dimensions == 3:
            if not transform.channels_last:
                return self._connect_channels_last(pre, post, transform)
        spikes = isinstance(base(pre), nengo.Ensemble)
        options = {} if transform is None else {"transform": transform}
        return nengo.Connection(
            pre, post, synapse=self.options.synapse if spikes else None, **options
        )

    def _connect_channels_last(
        self, pre: Any, post: Any, transform: nengo.Convolution
    ) -> nengo.Connection:
        """Connect by a convolution along three axes whose channels come first.

        NengoDL can't compute those on a CPU, so channels are moved to the end for it.
        """
        shapes = transform.input_shape.shape, transform.output_shape.shape
        orders = [
            np.ravel(np.moveaxis(np.arange(np.prod(shape)).reshape(shape), 0, -1))
            for shape in shapes
        ]
        entry, result = (self.node(len(o), "channels last") for o in orders)
        self.connect(pre[orders[0].tolist()], entry)
        channels, *sizes = shapes[0]
        moved = nengo.Convolution(
            n_filters=transform.n_filters,
            input_shape=(*sizes, channels),
            kernel_size=transform.kernel_size,
            strides=transform.strides,
            padding=transform.padding,
            init=transform.init,
        )
        self.connect(entry, result, moved)
        return self.connect(result[np.argsort(orders[1]).tolist()], post)

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
            neuron_type = with_amplitude(neuron_type, 1 / gain)
        ens = nengo.Ensemble(
            n,
            1,
            neuron_type=neuron_type,
            gain=nengo.dists.Choice([gain]),
            bias=nengo.dists.Choice([0]) if bias is None else gain * np.asarray(bias),
            label=self._label(part),
            n_eval_points=N_EVAL_POINTS,
        )
        return ens.neurons

    def swapped(self, function: Any) -> Any:
        """Return what the user wants in place of a function or of a neuron type."""
        if function not in self.options.swaps:
            return function
        self.converter.swapped.add(function)
        return self.options.swaps[function]

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
        for ref in self.use.outputs:
            self.converter.finals[ref] = Final(obj, function, self.layer_name)

    @property
    def layer_name(self) -> str:
        """Name of the layer, behind those of the models that it is within."""
        return layer_of_label(self.prefix + self.label)

    def on_host(self) -> None:
        """Note that the host computes the layer in every timestep."""
        self.converter.host_layers.append(self.layer_name)

    def inside(self, layer: Any, obj: Any, shape: Shape, part: str = "") -> Any:
        """Return the object for a layer within the layer, on what an object puts out.

        Parameters
        ----------
        layer : tf_keras.layers.Layer
            What a wrapper holds.
        obj : NengoObject
            Its input.
        shape : tuple of int
            The input's shape, without the batch axis.
        part : str
            Which application of the layer this is, for its label; without one it makes
            the whole result.
        """
        use = Use(feeds_layers=True) if part else self.use
        return self.converter.convert_inside(layer, obj, shape, self._label(part), use)

    @cached_property
    def run(self) -> LayerFunction:
        """What the layer computes, as a function of flat rows."""
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
    piecewise : int, optional
        Most rectified linear neurons that stand in for a unit's smooth function.
    """

    swaps: Mapping[Any, Any]
    rectifier: nengo.neurons.NeuronType
    scale_firing_rates: Any = None
    synapse: Any = None
    host_synapse: float = 0.05
    max_pooling: str = "neurons"
    piecewise: int | None = None
