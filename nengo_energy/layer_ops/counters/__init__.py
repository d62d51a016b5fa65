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

import importlib
import pkgutil

from .activations import is_linear as is_linear
from .registry import (
    Operations as Operations,
    UncountedClassError as UncountedClassError,
    count_call as count_call,
    find_counter as find_counter,
    isolated as isolated,
    register_layer as register_layer,
    register_operation as register_operation,
    uncounted_classes as uncounted_classes,
)

# importing the modules of this folder registers their counters
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
