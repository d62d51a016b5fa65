"""How many operations one call of a Keras layer takes: one counter per layer class."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from .assumptions import Assumption
from .exceptions import InputError, UnsupportedError
from .layer_calls import LayerCall, size

MAX_POOLING_FREE = Assumption(
    "max-pooling-free",
    "The comparisons of max pooling are not counted.",
)
BATCH_NORM_UNFOLDED = Assumption(
    "batch-norm-unfolded",
    "Batch normalization is counted as one multiply-accumulate per element; folded "
    "into the layer before, as is usual for deployment, it would cost nothing.",
)


class Operations(NamedTuple):
    """Operations of one call of a layer, for one sample and one timestep.

    Attributes
    ----------
    connections : int
        Pairs of an input and an output with a weight between: multiply-accumulates.
    activations : int
        Outputs of a nonlinearity.
    additions : int
        Additions without a weight; the division of an average counts as one more.
    assumptions : tuple of Assumption
        What the counts take for granted.
    spiking : bool, optional
        Whether a spiking device runs the layer as it is. By default it does unless
        there are activations.
    """

    connections: int = 0
    activations: int = 0
    additions: int = 0
    assumptions: Tuple[Assumption, ...] = ()
    spiking: Optional[bool] = None

    @property
    def is_spiking(self) -> bool:
        """Whether a spiking device runs the layer as it is."""
        return not self.activations if self.spiking is None else self.spiking


LayerCounter = Callable[[LayerCall], Operations]

_COUNTERS: Dict[str, LayerCounter] = {}


def register_layer(
    layer_class: str | type, counter: LayerCounter, replace: bool = False
) -> None:
    """Say how to count the operations of a layer class.

    Parameters
    ----------
    layer_class : str or type
        The class or its name. Classes are matched by name, so one counter serves
        Keras 2 and Keras 3. It serves subclasses too, unless they define ``call``.
    counter : callable
        Takes a `LayerCall`, returns `Operations`.
    replace : bool
        Allow a class that already has a counter.

    Raises
    ------
    InputError
        The class has a counter and ``replace`` is false, or an argument has the wrong
        type.

    Examples
    --------
    >>> def count_rescaling(call):
    ...     return Operations(connections=call.output_size)
    >>> register_layer("Rescaling", count_rescaling)
    """
    name = layer_class.__name__ if isinstance(layer_class, type) else layer_class
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"expected a layer class or the name of one, got {name!r}")
    if not callable(counter):
        raise InputError(f"the counter of {name!r} must be callable, got {counter!r}")
    if name in _COUNTERS and not replace:
        raise InputError(f"layer class {name!r} has a counter; pass replace=True")
    _COUNTERS[name] = counter


def find_counter(layer: Any) -> Optional[LayerCounter]:
    """Return the counter of a layer's class or of a class it inherits ``call`` from.

    None if there is none. A subclass that defines ``call`` may compute anything, so it
    isn't taken for the class it derives from.
    """
    classes = type(layer).__mro__
    if not any(cls.__name__ == "Layer" for cls in classes):
        return None  # an operation of Keras 3, such as Add, that only shares the name
    for cls in classes:
        if cls.__name__ in _COUNTERS:
            return _COUNTERS[cls.__name__]
        if "call" in vars(cls):
            return None
    return None


def is_linear(activation: Any) -> bool:
    """Whether an ``activation`` argument of a layer leaves its input as it is."""
    return activation is None or (
        getattr(activation, "__name__", None) in ("linear", "identity")
    )


def _fused_activations(call: LayerCall) -> int:
    """Outputs of the activation inside a layer such as Dense."""
    return 0 if is_linear(getattr(call.layer, "activation", None)) else call.output_size


def _split_channels(
    call: LayerCall, shape: tuple[int, ...], n_spatial: int
) -> tuple[int, int]:
    """Return (number of positions, number of channels) of the image in a shape."""
    if len(shape) != n_spatial + 1:
        where = f"{call.layer.name!r} ({type(call.layer).__name__})"
        raise InputError(
            f"layer {where} needs {n_spatial} axes of known size and one of channels, "
            f"but has {shape} in one timestep; give the model's Input a fixed shape, "
            "or wrap the layer in TimeDistributed"
        )
    if call.layer.data_format == "channels_first":
        return size(shape[1:]), shape[0]
    return size(shape[:-1]), shape[-1]


def count_nothing(call: LayerCall) -> Operations:
    """Layers that only move, copy or pass on values."""
    return Operations()


def count_nonlinearity(call: LayerCall) -> Operations:
    """Activation layers: one activation per output."""
    return Operations(activations=call.output_size)


def count_spiking_activation(call: LayerCall) -> Operations:
    """KerasSpiking's ``SpikingActivation``: one spiking neuron per element."""
    return Operations(activations=size(call.input_shapes[0]), spiking=True)


def count_activation(call: LayerCall) -> Operations:
    """``Activation``, which may be linear."""
    return Operations(activations=_fused_activations(call))


def count_dense(call: LayerCall) -> Operations:
    """``Dense``: every output of a position is connected to every input of it."""
    return Operations(
        connections=call.input_shapes[0][-1] * call.output_size,
        activations=_fused_activations(call),
    )


def count_conv(call: LayerCall) -> Operations:
    """Convolution: kernel size x input channels of a group x output size.

    Links to padding are included.
    """
    kernel = tuple(call.layer.kernel_size)
    _, n_channels = _split_channels(call, call.input_shapes[0], len(kernel))
    return Operations(
        connections=size(kernel) * n_channels // call.layer.groups * call.output_size,
        activations=_fused_activations(call),
    )


def count_transposed_conv(call: LayerCall) -> Operations:
    """Transposed convolution: kernel size x output channels x input size.

    Links that ``same`` padding or cropping cuts off are included.
    """
    kernel = tuple(call.layer.kernel_size)
    _split_channels(call, call.input_shapes[0], len(kernel))
    return Operations(
        connections=size(kernel) * call.layer.filters * call.input_size,
        activations=_fused_activations(call),
    )


def count_depthwise_conv(call: LayerCall) -> Operations:
    """Depthwise convolution: every output channel reads one input channel."""
    kernel = tuple(call.layer.kernel_size)
    _split_channels(call, call.input_shapes[0], len(kernel))
    return Operations(
        connections=size(kernel) * call.output_size,
        activations=_fused_activations(call),
    )


def count_separable_conv(call: LayerCall) -> Operations:
    """Depthwise convolution, and a convolution with a kernel of one position after."""
    kernel = tuple(call.layer.kernel_size)
    _, n_channels = _split_channels(call, call.input_shapes[0], len(kernel))
    n_positions, n_filters = _split_channels(call, call.output_shapes[0], len(kernel))
    n_between = n_channels * call.layer.depth_multiplier
    return Operations(
        connections=n_positions * n_between * (size(kernel) + n_filters),
        activations=_fused_activations(call),
    )


def count_average_pooling(call: LayerCall) -> Operations:
    """Average pooling: pool size x output size, the division as one more addition."""
    pool = call.layer.pool_size
    pool = (pool,) if isinstance(pool, int) else tuple(pool)
    _split_channels(call, call.input_shapes[0], len(pool))
    return Operations(additions=size(pool) * call.output_size)


def count_global_average_pooling(call: LayerCall) -> Operations:
    """Average of all positions: every input is added once, with the division."""
    return Operations(additions=call.input_size)


def count_max_pooling(call: LayerCall) -> Operations:
    """Max pooling only compares, which isn't counted; the result says so."""
    return Operations(assumptions=(MAX_POOLING_FREE,))


def count_sum(call: LayerCall) -> Operations:
    """Sum or difference of n inputs: n - 1 additions per output."""
    return Operations(additions=(len(call.input_shapes) - 1) * call.output_size)


def count_average(call: LayerCall) -> Operations:
    """Average of n inputs: n - 1 additions per output, and the division."""
    return Operations(additions=len(call.input_shapes) * call.output_size)


def count_batch_normalization(call: LayerCall) -> Operations:
    """Batch normalization at inference: scale and shift, one connection per element."""
    return Operations(connections=call.output_size, assumptions=(BATCH_NORM_UNFOLDED,))


def count_upsampling(call: LayerCall) -> Operations:
    """Upsampling by copying; interpolation isn't supported."""
    interpolation = getattr(call.layer, "interpolation", "nearest")
    if interpolation != "nearest":
        raise UnsupportedError(f"interpolation {interpolation!r}; allowed: 'nearest'")
    return Operations()


def count_lowpass(call: LayerCall) -> Operations:
    """KerasSpiking's ``Lowpass``: ``y = a y + b x``, two connections per element."""
    return Operations(connections=2 * call.output_size)


def count_alpha(call: LayerCall) -> Operations:
    """KerasSpiking's ``Alpha``: two equal low-pass filters in series."""
    return Operations(connections=4 * call.output_size)


def _register_all(counter: LayerCounter, *names: str) -> None:
    """Register a counter for classes; ``{}`` in a name stands for 1, 2 and 3."""
    for name in names:
        for class_name in dict.fromkeys(name.format(n) for n in (1, 2, 3)):
            register_layer(class_name, counter)


_register_all(count_dense, "Dense")
_register_all(count_conv, "Conv{}D")
_register_all(count_transposed_conv, "Conv{}DTranspose")
_register_all(count_depthwise_conv, "DepthwiseConv1D", "DepthwiseConv2D")
_register_all(count_separable_conv, "SeparableConv1D", "SeparableConv2D")
_register_all(count_activation, "Activation")
_register_all(count_nonlinearity, "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")
_register_all(count_spiking_activation, "SpikingActivation")
_register_all(count_lowpass, "Lowpass")
_register_all(count_alpha, "Alpha")
_register_all(count_average_pooling, "AveragePooling{}D")
_register_all(count_global_average_pooling, "GlobalAveragePooling{}D")
_register_all(count_max_pooling, "MaxPooling{}D", "GlobalMaxPooling{}D")
_register_all(count_batch_normalization, "BatchNormalization")
_register_all(count_sum, "Add", "Subtract")
_register_all(count_average, "Average")
_register_all(count_upsampling, "UpSampling{}D")
_register_all(count_nothing, "ZeroPadding{}D", "Cropping{}D", "Concatenate")
_register_all(count_nothing, "InputLayer", "Flatten", "Reshape", "Permute")
_register_all(count_nothing, "RepeatVector", "ActivityRegularization")
_register_all(count_nothing, "Dropout", "SpatialDropout{}D", "AlphaDropout")
_register_all(count_nothing, "GaussianDropout", "GaussianNoise")
