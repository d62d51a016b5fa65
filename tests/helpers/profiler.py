"""TensorFlow's own count of what the graph of a Keras model computes."""

from __future__ import annotations

from typing import Any

from nengo_energy.compat import import_tensorflow

#: Nodes of a graph whose operations are products, two to a multiply-accumulate.
PRODUCTS = (
    "BatchMatMulV2",
    "Conv2D",
    "Conv2DBackpropInput",
    "Conv3D",
    "DepthwiseConv2dNative",
    "MatMul",
)


def profile(model: Any) -> dict[str, int]:
    """Return the floating-point operations of one sample, by the kind of node.

    A convolution and a matrix product have two for each multiply-accumulate, adding a
    bias has one for each output.
    """
    tensorflow = import_tensorflow()
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    def call(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs))

    specs = [tensorflow.TensorSpec((1, *x.shape[1:])) for x in model.inputs]
    function = tensorflow.function(call).get_concrete_function(*specs)
    graph = convert_variables_to_constants_v2(function).graph
    profiler = tensorflow.compat.v1.profiler
    builder = profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    node = profiler.profile(graph, cmd="op", options=options)
    found = {}
    while node.children:  # each kind of node is the child of the one before
        (node,) = node.children
        found[node.name] = node.float_ops
    return found


def profiled_macs(model: Any) -> int:
    """Return the multiply-accumulates of convolutions and matrix products."""
    operations = profile(model)
    total = sum(operations.get(kind, 0) for kind in PRODUCTS)
    assert total % 2 == 0
    return total // 2
