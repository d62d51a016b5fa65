"""Layers that connect all inputs of a position to all outputs of it; embeddings."""

from __future__ import annotations

from ...common.assumptions import Assumption
from ..calls import LayerCall
from .activations import fused_activations
from .axes import full_shape
from .einsum import count_products
from .registry import Operations, counts

EMBEDDING_FREE = Assumption(
    "embedding-free",
    "Embeddings are looked up: no multiply-accumulate is counted for them.",
)


@counts("Dense")
def count_dense(call: LayerCall) -> Operations:
    """Connections: inputs of a position x outputs of all positions."""
    connections = call.input_shapes[0][-1] * call.output_size
    return Operations(
        connections=connections,
        activations=fused_activations(call),
        forms=(("dense", connections),),
    )


@counts("EinsumDense")
def count_einsum_dense(call: LayerCall) -> Operations:
    """Connections: product of the sizes of all axes in the equation."""
    shapes = [full_shape(call), tuple(call.layer.kernel.shape)]
    connections = count_products(call, call.layer.equation, shapes)
    return Operations(
        connections=connections,
        activations=fused_activations(call),
        forms=(("dense", connections),),
    )


@counts("RandomFourierFeatures")
def count_random_features(call: LayerCall) -> Operations:
    """``cos(W x + b)``. Connections: inputs x outputs. Activations: outputs."""
    return Operations(
        connections=call.input_size * call.output_size, activations=call.output_size
    )


@counts("Embedding")
def count_embedding(call: LayerCall) -> Operations:
    """Nothing: an embedding is looked up, and the result says so."""
    return Operations(assumptions=(EMBEDDING_FREE,))


@counts("ReversibleEmbedding")
def count_reversible_embedding(call: LayerCall) -> Operations:
    """As an embedding; in reverse, as a dense layer.

    A soft cap of the logits takes a division, tanh and a product for each.
    """
    if not call.kwargs.get("reverse", call.args[1:] == (True,)):
        return count_embedding(call)
    is_capped = call.layer.logit_soft_cap is not None
    return Operations(
        connections=(call.input_shapes[0][-1] + 2 * is_capped) * call.output_size,
        activations=call.output_size if is_capped else 0,
    )
