"""What a layer of somebody's own does: the layers and operations that it calls."""

from __future__ import annotations

import inspect
import sys
from contextlib import contextmanager
from typing import Any, Iterator

from ..compat import import_tf_keras
from ..keras_models.graph import is_tensor, leaves, map_leaves
from .calls import LayerCall, walk_layers


def calls_within(call: LayerCall) -> list[LayerCall] | None:
    """Return the calls that a layer makes in a call of it.

    Its ``call`` is run on symbolic inputs, as Keras does when a model is put together.

    Returns
    -------
    list of LayerCall, or None
        None where Keras can't follow it: the layer isn't one of TensorFlow's Keras, or
        runs code that takes no symbolic tensors.
    """
    keras = _keras_of(call.layer)
    # inside TimeDistributed, a layer sees the tensors without their time axis
    n_hidden = len(call.time_lengths) if set(call.input_offsets) <= {1} else 0
    inputs: list[Any] = []

    def as_input(value: Any) -> Any:
        if not is_tensor(value):
            return value
        shape = tuple(value.shape)
        shape = shape[:1] + shape[1 + n_hidden :]
        inputs.append(keras.Input(batch_shape=shape, dtype=value.dtype))
        return inputs[-1]

    # TimeDistributed may be called with a mask that the layer inside doesn't take
    taken = inspect.signature(call.layer.call).parameters
    kwargs = {key: value for key, value in call.kwargs.items() if key in taken}
    args, kwargs = map_leaves(as_input, (call.args, kwargs))
    with _no_trace_in(call.layer):
        try:
            outputs = leaves(call.layer.call(*args, **kwargs))
            model = keras.Model(inputs, outputs)
        except Exception:  # whatever a stranger's code raises
            return None
        return [inner for use in walk_layers(model) for inner in use.calls]


def _keras_of(layer: Any) -> Any:
    """Return the Keras that a layer is of."""
    tf_keras = import_tf_keras()
    is_keras2 = isinstance(layer, tf_keras.layers.Layer)
    return tf_keras if is_keras2 else sys.modules["keras"]


@contextmanager
def _no_trace_in(layer: Any) -> Iterator[None]:
    """Have the layers inside a layer forget, on leaving, what they were called on."""
    before = [
        (nodes, len(nodes))
        for inner in layer._flatten_layers()
        for nodes in (inner._inbound_nodes, inner._outbound_nodes)
    ]
    try:
        yield
    finally:
        for nodes, n in before:
            del nodes[n:]
