"""Operations that stand beside layers in a model: ``x + y``, ``tf.nn.relu(x)``."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Callable

import numpy as np
import pytest
from counted_layers import count_one, newest_keras, numbers

from nengo_energy.common.exceptions import InputError, UnsupportedError
from nengo_energy.compat import import_tensorflow, import_tf_keras
from nengo_energy.layer_ops.counting import count_layer_ops
from nengo_energy.layer_ops.layer_ops import LayerOps

pytestmark = pytest.mark.tensorflow


@pytest.fixture(params=["tensorflow", "keras"])
def ops(request: pytest.FixtureRequest) -> Any:
    """Operations: TensorFlow's, for Keras 2, and those of Keras 3."""
    if request.param == "tensorflow":
        return import_tensorflow()
    return newest_keras().ops


def keras_of(ops: Any) -> ModuleType:
    """Return the Keras whose models hold some operations."""
    if ops is import_tensorflow():
        return import_tf_keras()
    return newest_keras()


def count(ops: Any, function: Callable, *shapes: tuple) -> LayerOps:
    """Return the counts of a function of inputs of some shapes."""
    keras = keras_of(ops)
    inputs = [keras.Input(shape) for shape in shapes]
    return count_layer_ops(keras.Model(inputs, function(*inputs)))


#: What is done with inputs of shape (4, 3), and the three counts.
OPERATORS = {
    "sum": (lambda x, y: x + y, (0, 0, 12)),
    "difference": (lambda x, y: x - y, (0, 0, 12)),
    "with a number": (lambda x, y: (1 - x) + (y + 2), (0, 0, 36)),
    "product": (lambda x, y: 3 * x * y, (24, 0, 0)),
    "of a number": (lambda x, y: x / 2, (12, 0, 0)),
    # a reciprocal of every element, and a product
    "quotient": (lambda x, y: x / y, (12, 12, 0)),
    "of one": (lambda x, y: 1 / x, (12, 12, 0)),
    "square": (lambda x, y: x**2, (12, 0, 0)),
    "power": (lambda x, y: x**3, (0, 12, 0)),
    "sign": (lambda x, y: -x, (0, 0, 0)),
    "part": (lambda x, y: x[:, 1:] + y[:, :3], (0, 0, 9)),
    "broadcast": (lambda x, y: x + y[:, :1], (0, 0, 12)),
    "comparison": (lambda x, y: x > y, (0, 0, 0)),
    "matrix product": (lambda x, y: x @ np.ones((3, 5), np.float32), (60, 0, 0)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(ops: Any, name: str) -> None:
    function, expected = OPERATORS[name]
    assert numbers(count(ops, function, (4, 3), (4, 3))) == expected


#: Function of one input of shape (4, 3), by its name in TensorFlow and in Keras 3.
FUNCTIONS = [
    ("nn.relu", "relu", {}, (0, 12, 0)),
    ("nn.relu6", "relu6", {}, (0, 12, 0)),
    ("nn.silu", "silu", {}, (0, 12, 0)),
    ("nn.gelu", "gelu", {}, (0, 12, 0)),
    ("nn.softmax", "softmax", {}, (0, 12, 0)),
    ("nn.leaky_relu", "leaky_relu", {}, (0, 12, 0)),
    ("sigmoid", "sigmoid", {}, (0, 12, 0)),
    ("tanh", "tanh", {}, (0, 12, 0)),
    ("exp", "exp", {}, (0, 12, 0)),
    ("abs", "abs", {}, (0, 12, 0)),
    ("math.rsqrt", "rsqrt", {}, (0, 12, 0)),
    ("math.square", "square", {}, (12, 0, 0)),
    # 3 means of 4 elements each: 3 additions and a division
    ("reduce_mean", "mean", dict(axis=1), (0, 0, 12)),
    ("reduce_sum", "sum", dict(axis=1), (0, 0, 9)),
    ("reduce_max", "max", dict(axis=1), (0, 0, 0)),
    ("expand_dims", "expand_dims", dict(axis=-1), (0, 0, 0)),
    ("argmax", "argmax", dict(axis=1), (0, 0, 0)),
]


@pytest.mark.parametrize("tf_name, keras_name, arguments, expected", FUNCTIONS)
def test_function(
    ops: Any, tf_name: str, keras_name: str, arguments: dict, expected: tuple
) -> None:
    function = ops
    name = tf_name if ops is import_tensorflow() else keras_name
    for part in name.split("."):
        function = getattr(function, part)
    assert numbers(count(ops, lambda x: function(x, **arguments), (4, 3))) == expected


def test_unit_length(keras: ModuleType, ops: Any) -> None:
    if keras is not keras_of(ops):
        pytest.skip("an operation of the other Keras")
    normalize = getattr(ops, "normalize", None) or ops.math.l2_normalize
    layer = count_one(keras, keras.layers.UnitNormalization(axis=2), (4, 3))
    assert numbers(layer) == (24, 4, 0)
    result = count(ops, lambda x: normalize(x, axis=2), (4, 3))
    assert numbers(result) == numbers(layer)


def test_length_by_another_norm() -> None:
    keras_ops = newest_keras().ops
    with pytest.raises(UnsupportedError, match="norm of order 1; allowed: 2"):
        count(keras_ops, lambda x: keras_ops.normalize(x, order=1), (4, 3))


def test_extremes(ops: Any) -> None:
    # with a number it is a nonlinearity, between two tensors a comparison
    rectified = count(ops, lambda x: ops.maximum(x, 0.0), (4, 3))
    assert numbers(rectified) == (0, 12, 0)
    larger = count(ops, ops.maximum, (4, 3), (4, 3))
    assert numbers(larger) == (0, 0, 0)
    assert [a.code for a in larger.assumptions] == ["comparisons-free"]


def test_shapes(ops: Any) -> None:
    def move(x: Any) -> Any:
        x = ops.reshape(x, (-1, 6, 2))
        x = ops.transpose(x, (0, 2, 1))
        x = ops.cast(ops.stack([x, x], axis=1), "float32")
        return ops.squeeze(ops.split(x, 2, 1)[0], 1)

    result = count(ops, move, (4, 3))
    assert numbers(result) == (0, 0, 0)
    assert result.layers[-1].output_shape == (None, 2, 6)


def test_matmul(ops: Any) -> None:
    # (4, 5) times (5, 3)
    assert numbers(count(ops, ops.matmul, (4, 5), (5, 3))) == (60, 0, 0)


def test_transposed_matmul() -> None:
    matmul = import_tensorflow().matmul

    def first(x: Any, y: Any) -> Any:
        return matmul(x, y, transpose_a=True)

    def second(x: Any, y: Any) -> Any:
        return matmul(x, y, transpose_b=True)

    tensorflow = import_tensorflow()
    assert numbers(count(tensorflow, first, (5, 4), (5, 3))) == (60, 0, 0)
    assert numbers(count(tensorflow, second, (4, 5), (3, 5))) == (60, 0, 0)


@pytest.mark.parametrize(
    "equation, shapes, expected",
    [
        ("bij,bkj->bik", [(4, 5), (3, 5)], (60, 0, 0)),
        ("bij,bij->b", [(4, 5), (4, 5)], (20, 0, 0)),
        ("b...j,bj->b...", [(4, 2, 5), (5,)], (40, 0, 0)),
        ("bij->bi", [(4, 5)], (0, 0, 16)),
    ],
)
def test_einsum(ops: Any, equation: str, shapes: list, expected: tuple) -> None:
    result = count(ops, lambda *x: ops.einsum(equation, *x), *shapes)
    assert numbers(result) == expected


def test_einsum_with_a_constant(ops: Any) -> None:
    # the axes of an ellipsis are matched from the last
    weights = np.ones((2, 5), np.float32)
    result = count(ops, lambda x: ops.einsum("...j,...j->...", x, weights), (4, 2, 5))
    assert numbers(result) == (40, 0, 0)


def test_einsum_of_three(ops: Any) -> None:
    with pytest.raises(UnsupportedError, match="3 operands can be done in several"):
        count(ops, lambda *x: ops.einsum("bi,bi,bi->bi", *x), *[(4,)] * 3)


def test_sum_over_open_time(ops: Any) -> None:
    with pytest.raises(InputError, match="sums over a time axis of open length"):
        count(ops, lambda x: ops.einsum("bti,btj->bij", x, x), (None, 4))
    with pytest.raises(InputError, match="sums over a time axis of open length"):
        count(ops, lambda x: ops.matmul(x, np.ones((7, 2), np.float32)), (None,))


def test_convolution(ops: Any) -> None:
    kernel = np.ones((3, 2, 4, 6), np.float32)
    tensorflow = import_tensorflow()

    def convolve(x: Any) -> Any:
        if ops is tensorflow:
            return ops.nn.conv2d(x, kernel, strides=1, padding="VALID")
        return ops.conv(x, kernel)

    # 5 x 4 positions, 6 filters of 3 x 2 x 4 weights
    assert numbers(count(ops, convolve, (7, 5, 4))) == (20 * 6 * 24, 0, 0)


def test_resize(ops: Any) -> None:
    def grow(x: Any) -> Any:
        return ops.image.resize(x, (6, 8))

    # bilinear: 2 x 2 weights for each output
    assert numbers(count(ops, grow, (3, 4, 2))) == (4 * 6 * 8 * 2, 0, 0)
    nearest = count(ops, lambda x: ops.image.resize(x, (6, 8), "nearest"), (3, 4, 2))
    assert numbers(nearest) == (0, 0, 0)


def test_open_time(ops: Any) -> None:
    # one timestep of 3 elements
    result = count(ops, lambda x, y: x + 2 * y, (None, 3), (None, 3))
    assert numbers(result) == (3, 0, 3)
    assert [a.code for a in result.assumptions] == ["one-timestep"]


def test_sums_of_open_time(ops: Any) -> None:
    total = ops.reduce_sum if ops is import_tensorflow() else ops.sum
    # over the features of one timestep, and of its features to those before
    assert numbers(count(ops, lambda x: total(x, axis=2), (None, 3))) == (0, 0, 2)
    assert numbers(count(ops, lambda x: total(x, axis=1), (None, 3))) == (0, 0, 3)


def test_operation_equals_layer(keras: ModuleType) -> None:
    add = count_one(keras, keras.layers.Add(), (4, 3), (4, 3), as_list=True)
    inputs = [keras.Input((4, 3)), keras.Input((4, 3))]
    plus = count_layer_ops(keras.Model(inputs, inputs[0] + inputs[1]))
    assert numbers(plus) == numbers(add) == (0, 0, 12)


def test_unknown_number_of_axes() -> None:
    tensorflow = import_tensorflow()
    with pytest.raises(InputError, match="number of axes isn't known"):
        count(tensorflow, lambda x: tensorflow.squeeze(x), (1, 3))
