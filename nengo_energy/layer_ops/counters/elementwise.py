"""Operations on single elements, as Keras 3 and TensorFlow name them.

``x + y`` or ``keras.ops.relu(x)`` is an operation in a model of Keras 3, and
``tf.nn.relu(x)`` one in a model of Keras 2.
"""

from __future__ import annotations

from typing import Any

from ...keras_models.graph import is_tensor
from ..calls import LayerCall, size
from .merging import COMPARISONS_FREE
from .registry import Operations, counts_operation


def argument(call: LayerCall, index: int, name: str, default: Any = None) -> Any:
    """Return an argument of an operation.

    Keras 3 keeps those that are no tensors as attributes of the operation; TensorFlow's
    are arguments of the call.
    """
    if len(call.args) > index:
        return call.args[index]
    return call.kwargs.get(name, getattr(call.layer, name, default))


@counts_operation("add", "subtract")
def count_addition(call: LayerCall) -> Operations:
    """Additions: outputs, whether the other operand is a tensor or a number."""
    return Operations(additions=call.output_size)


@counts_operation("add_n")
def count_additions(call: LayerCall) -> Operations:
    """Additions: (number of operands - 1) x outputs."""
    return Operations(additions=(len(call.input_shapes) - 1) * call.output_size)


@counts_operation("multiply", "scalar_mul", "square")
def count_multiplication(call: LayerCall) -> Operations:
    """Connections: outputs."""
    return Operations(connections=call.output_size)


@counts_operation("divide", "true_divide", "truediv", "divide_no_nan")
def count_division(call: LayerCall) -> Operations:
    """Connections: outputs. Activations: reciprocals of what isn't a constant."""
    is_divided = bool(call.args) and is_tensor(call.args[0])
    divisors = call.input_shapes[1:] if is_divided else call.input_shapes
    return Operations(
        connections=call.output_size, activations=sum(size(shape) for shape in divisors)
    )


@counts_operation("power", "pow")
def count_power(call: LayerCall) -> Operations:
    """Connections: outputs, of a square. Activations: outputs, of other powers."""
    exponent = call.args[1] if len(call.args) > 1 else None
    if not is_tensor(exponent) and exponent == 2:
        return count_multiplication(call)
    return count_nonlinear(call)


@counts_operation("squared_difference")
def count_squared_difference(call: LayerCall) -> Operations:
    """Additions: outputs. Connections: outputs."""
    return Operations(connections=call.output_size, additions=call.output_size)


@counts_operation("absolute", "abs", "clip", "clip_by_value", "reciprocal")
@counts_operation("exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "erf")
@counts_operation("sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "atan")
@counts_operation("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "crelu")
@counts_operation("sigmoid", "hard_sigmoid", "log_sigmoid", "softplus", "softsign")
@counts_operation("silu", "swish", "hard_silu", "hard_swish", "mish", "hard_tanh")
@counts_operation("softmax", "log_softmax", "soft_shrink", "tanh_shrink")
def count_nonlinear(call: LayerCall) -> Operations:
    """Activations: outputs."""
    return Operations(activations=call.output_size)


@counts_operation("maximum", "minimum")
def count_extremum(call: LayerCall) -> Operations:
    """Activations: outputs, of a tensor and a number, as in ``maximum(x, 0)``.

    Nothing where two tensors are compared, and the result says so.
    """
    if len(call.input_shapes) == 1:
        return count_nonlinear(call)
    return count_comparison(call)


@counts_operation("equal", "not_equal", "greater", "greater_equal", "less")
@counts_operation("less_equal", "logical_and", "logical_or", "logical_not")
@counts_operation("any", "all", "reduce_any", "reduce_all", "where", "sign", "negative")
@counts_operation("floor", "ceil", "round", "is_nan", "isnan", "isfinite", "is_finite")
@counts_operation("max", "amax", "reduce_max", "min", "amin", "reduce_min")
@counts_operation("argmax", "argmin", "top_k", "sort", "argsort")
def count_comparison(call: LayerCall) -> Operations:
    """Nothing: signs and sizes are compared, and the result says so."""
    return Operations(assumptions=(COMPARISONS_FREE,))
