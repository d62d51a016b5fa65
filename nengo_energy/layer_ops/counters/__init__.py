"""How many operations one call of a Keras layer takes: one counter per layer class.

A counter takes a `LayerCall` and returns `Operations`; its docstring is its formula.
The modules hold the counters of related classes, and `registry` finds them.

Throughout, a product of two numbers is one connection (a multiply-accumulate), with
the addition that follows it if there is one; an output of a nonlinearity is one
activation, an exponential, root or reciprocal among them; an addition is one where
there is no product before it. The division of an average counts as one more addition,
division by a constant as a product. Biases are where a sum starts, so they are free.
"""

from __future__ import annotations

# importing these modules registers their counters
from . import (
    activations,
    attention,
    convolution,
    dense,
    elementwise,
    merging,
    normalization,
    passive,
    pooling,
    preprocessing,
    recurrent,
    resizing,
    spiking,
    tensors,
)
from .activations import is_linear
from .registry import (
    Operations,
    UncountedClassError,
    count_call,
    find_counter,
    isolated,
    register_layer,
    register_operation,
    uncounted_classes,
)

__all__ = [
    "Operations",
    "UncountedClassError",
    "count_call",
    "find_counter",
    "is_linear",
    "isolated",
    "register_layer",
    "register_operation",
    "uncounted_classes",
]
