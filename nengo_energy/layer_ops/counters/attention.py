"""Attention: scores of queries and keys, softmax, and the weighted sum of values.

Masks only choose between numbers, so they are free; all pairs of a query and a key are
counted, as they are computed, whether masked or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..calls import LayerCall, size
from .axes import require_whole_sequences
from .registry import Operations, counts


@dataclass(frozen=True)
class _Sequences:
    """Numbers of queries and keys, and their features."""

    n_groups: int  # attentions side by side, on axes that aren't attended to
    n_queries: int  # positions that attend, in each group
    n_keys: int  # positions that are attended to
    query_size: int
    key_size: int
    value_size: int

    @property
    def n_pairs(self) -> int:
        """Number of pairs of a query and a key, in all groups."""
        return self.n_groups * self.n_queries * self.n_keys


@counts("Attention")
def count_attention(call: LayerCall) -> Operations:
    """Dot products of queries and keys, softmax, and the weighted sum of values.

    Connections: pairs of a query and a key x (features of a key, for the score, +
    features of a value, for the sum). Activations: one softmax output per pair.

    ``use_scale`` takes one more product per pair. With ``score_mode="concat"`` a score
    is ``w sum(tanh(scale (query + key)))``: per pair and feature one addition before
    tanh, the product with the scale if there is one, one activation, and one addition
    after it but for the first feature; per pair the product with w.
    """
    sequences = _sequences(call)
    n_pairs, n_features = sequences.n_pairs, sequences.key_size
    scaled = bool(call.layer.use_scale)
    if getattr(call.layer, "score_mode", "dot") == "dot":
        return _attend(n_pairs * (n_features + scaled), sequences)
    return _attend(
        n_pairs * (1 + scaled * n_features),
        sequences,
        activations=n_pairs * n_features,
        additions=n_pairs * (2 * n_features - 1),
    )


@counts("AdditiveAttention")
def count_additive_attention(call: LayerCall) -> Operations:
    """As `count_attention`, with the score ``sum(scale tanh(query + key))``.

    Per pair and feature, a score takes one addition, one activation, and one product
    with the scale; without a scale, one addition but for the first feature instead.
    """
    sequences = _sequences(call)
    n_pairs, n_features = sequences.n_pairs, sequences.key_size
    scaled = bool(call.layer.use_scale)
    return _attend(
        n_pairs * n_features * scaled,
        sequences,
        activations=n_pairs * n_features,
        additions=n_pairs * (n_features + (0 if scaled else n_features - 1)),
    )


def _attend(
    connections: int, sequences: _Sequences, activations: int = 0, additions: int = 0
) -> Operations:
    """Return the operations of the scores, with softmax and the sum of values.

    A kernel for each of the three.
    """
    n_pairs = sequences.n_pairs
    return Operations(
        connections=connections + n_pairs * sequences.value_size,
        activations=activations + n_pairs,
        additions=additions,
        kernels=3,
    )


@counts("MultiHeadAttention")
def count_multi_head_attention(call: LayerCall) -> Operations:
    """Projections of query, key and value, attention in each head, output projection.

    Connections, with H heads of K features for keys and V for values: each position's
    features x H K, or x H V for values; H K per query to scale it; H (K + V) per pair
    of a query and a key; H V per output. Activations: H softmax outputs per pair.
    A gate takes a further projection of the query to H V sigmoids, and H V products.
    """
    layer = call.layer
    return _multi_head(
        call,
        _sequences(call, layer._attention_axes),
        n_heads=layer._num_heads,
        n_key_heads=layer._num_heads,
        key_dim=layer._key_dim,
        value_dim=layer._value_dim,
        has_gate=getattr(layer, "_use_gate", False),
    )


@counts("GroupedQueryAttention", "GroupQueryAttention")
def count_grouped_query_attention(call: LayerCall) -> Operations:
    """As multi-head attention, with fewer heads for keys and values than for queries.

    Only the projections of keys and values are smaller; each query head attends to one
    of theirs.
    """
    layer = call.layer
    return _multi_head(
        call,
        _sequences(call),
        n_heads=layer.num_query_heads,
        n_key_heads=layer.num_key_value_heads,
        key_dim=layer.head_dim,
        value_dim=layer.head_dim,
        has_gate=getattr(layer, "use_gate", False),
    )


def _multi_head(
    call: LayerCall,
    sequences: _Sequences,
    n_heads: int,
    n_key_heads: int,
    key_dim: int,
    value_dim: int,
    has_gate: bool,
) -> Operations:
    """Return the operations of `count_multi_head_attention`."""
    queries = sequences.n_groups * sequences.n_queries
    keys = sequences.n_groups * sequences.n_keys
    projections = (
        queries * sequences.query_size * n_heads * key_dim
        + keys * sequences.key_size * n_key_heads * key_dim
        + keys * sequences.value_size * n_key_heads * value_dim
        + n_heads * value_dim * call.output_size
    )
    scaling = queries * n_heads * key_dim
    attention = sequences.n_pairs * n_heads * (key_dim + value_dim)
    gates = queries * n_heads * value_dim if has_gate else 0
    return Operations(
        connections=projections
        + scaling
        + attention
        + gates * (sequences.query_size + 1),
        activations=n_heads * sequences.n_pairs + gates,
        # three projections, scores, softmax, sum, output; the gate's projection and
        # product
        kernels=7 + 2 * has_gate,
    )


def _sequences(call: LayerCall, attention_axes: Any = None) -> _Sequences:
    """Return the sizes of query, value and key; the key is the value if not given.

    Attention runs over all axes but the batch and the last, unless axes are given.
    """
    require_whole_sequences(call)
    query, value, *keys = call.input_shapes
    key = keys[0] if keys else value
    n_axes = len(query)
    # numbered with the batch axis, from the end without the axis of features
    axes = [
        (axis if axis >= 0 else axis + n_axes) - 1 for axis in attention_axes or ()
    ] or range(n_axes - 1)
    attended = tuple(query[axis] for axis in axes)
    return _Sequences(
        n_groups=size(query[:-1]) // size(attended),
        n_queries=size(attended),
        n_keys=size(tuple(key[axis] for axis in axes)),
        query_size=query[-1],
        key_size=key[-1],
        value_size=value[-1],
    )
