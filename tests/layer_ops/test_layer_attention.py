"""Attention, against loops over queries, keys and features."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import brute_force
import numpy as np
import pytest
from brute_force import Tally
from counted_layers import (
    count_one,
    layer_class,
    newest_keras,
    numbers,
    random_input,
    random_weights,
)

from nengo_energy.common.exceptions import InputError
from nengo_energy.layer_ops.counting import count_layer_ops

pytestmark = pytest.mark.tensorflow

N_QUERIES, N_KEYS, N_FEATURES = 3, 4, 5


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("Attention", {}),
        ("Attention", dict(use_scale=True)),
        ("Attention", dict(score_mode="concat")),
        ("Attention", dict(score_mode="concat", use_scale=True)),
        ("AdditiveAttention", dict(use_scale=True)),
        ("AdditiveAttention", dict(use_scale=False)),
    ],
)
@pytest.mark.parametrize("with_key", [True, False])
def test_attention_by_loops(
    keras: ModuleType, name: str, arguments: dict, with_key: bool
) -> None:
    layer = getattr(keras.layers, name)(**arguments)
    # Keras 2 gives the scale of additive attention the size of a value
    n_values = 2 if with_key and name == "Attention" else N_FEATURES
    shapes = [(N_QUERIES, N_FEATURES), (N_KEYS, n_values), (N_KEYS, N_FEATURES)]
    shapes = shapes[: 3 if with_key else 2]
    row = count_one(keras, layer, *shapes, as_list=True)
    weights = random_weights(layer)
    inputs = [random_input(*shape, seed=i) for i, shape in enumerate(shapes)]
    query, value, key = (*inputs, inputs[1])[:3]
    query, value, key = query[0], value[0], key[0]

    tally = Tally()
    if name == "AdditiveAttention":
        outer = list(weights[0]) if weights else None
        scores = brute_force.sum_scores(tally, query, key, outer=outer)
    elif arguments.get("score_mode") == "concat":
        inner = float(weights[0]) if len(weights) > 1 else None
        factor = float(weights[-1])
        scores = brute_force.sum_scores(tally, query, key, inner=inner, factor=factor)
    else:
        scores = brute_force.dot_scores(tally, query, key)
        if weights:
            scale = float(weights[0])
            scores = [[tally.times(scale, score) for score in row] for row in scores]
    outputs = brute_force.attend(tally, scores, value)

    expected = np.asarray(layer(inputs))[0]
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-6)
    assert numbers(row) == tally.numbers


def heads_by_loops(
    tally: Tally, inputs: list[np.ndarray], weights: list, gates: Any = None
) -> list:
    """Return the outputs of attention with several heads (Vaswani et al. 2017).

    ``inputs`` are query, value and key. ``weights`` are kernel and bias of the
    projections of query, key, value and output, per head. Heads of keys and values
    may be fewer than those of queries.
    """
    query, value, key = inputs
    (q_w, q_b), (k_w, k_b), (v_w, v_b), (o_w, o_b) = weights

    def project(sequence: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> list:
        return [
            [tally.matrix(list(x), kernel[:, h], bias[h]) for x in sequence]
            for h in range(kernel.shape[1])
        ]

    queries = project(query, q_w, q_b)
    keys, values = project(key, k_w, k_b), project(value, v_w, v_b)
    n_heads, key_dim = len(queries), len(queries[0][0])
    scale = 1 / math.sqrt(key_dim)
    queries = [
        [[tally.times(scale, x) for x in vector] for vector in head] for head in queries
    ]
    n_shared = n_heads // len(keys)
    heads = []
    for h, head in enumerate(queries):
        scores = brute_force.dot_scores(tally, head, keys[h // n_shared])
        heads.append(brute_force.attend(tally, scores, np.array(values[h // n_shared])))
    if gates is not None:
        gate_w, gate_b = gates
        for h, opened in enumerate(project(query, gate_w, gate_b)):
            heads[h] = [
                [tally.times(tally.apply(brute_force.sigmoid, g), x) for g, x in pair]
                for pair in (zip(gs, xs) for gs, xs in zip(opened, heads[h]))
            ]
    outputs = []
    for i in range(len(query)):
        joined = [x for head in heads for x in head[i]]
        outputs.append(tally.matrix(joined, o_w.reshape(len(joined), -1), o_b))
    return outputs


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("arguments", [{}, dict(value_dim=3), dict(output_shape=7)])
def test_multi_head_attention_by_loops(
    keras: ModuleType, arguments: dict, with_key: bool
) -> None:
    layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4, **arguments)
    shapes = [(N_QUERIES, N_FEATURES), (N_KEYS, 6), (N_KEYS, 3)]
    shapes = shapes[: 3 if with_key else 2]
    row = count_one(keras, layer, *shapes)
    weights = random_weights(layer)
    inputs = [random_input(*shape, seed=i) for i, shape in enumerate(shapes)]
    tensors = [x[0] for x in (*inputs, inputs[1])[:3]]

    pairs = list(zip(weights[::2], weights[1::2]))
    tally = Tally()
    outputs = heads_by_loops(tally, tensors, pairs)
    expected = np.asarray(layer(*inputs))[0]
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    assert numbers(row) == tally.numbers


def test_gate() -> None:
    keras = newest_keras()
    try:
        layer = keras.layers.MultiHeadAttention(2, 4, value_dim=3, use_gate=True)
    except (TypeError, ValueError):
        pytest.skip("this Keras has no gates")
    row = count_one(keras, layer, (N_QUERIES, 5), (N_KEYS, 5))
    random_weights(layer)
    named = {w.path.split("/")[-2:][0] + w.name: np.asarray(w) for w in layer.weights}
    pairs = [
        (named[f"{part}kernel"], named[f"{part}bias"])
        for part in ("query", "key", "value", "attention_output", "gate")
    ]
    inputs = [random_input(N_QUERIES, 5), random_input(N_KEYS, 5, seed=2)]
    tensors = [inputs[0][0], inputs[1][0], inputs[1][0]]
    tally = Tally()
    outputs = heads_by_loops(tally, tensors, pairs[:4], gates=pairs[4])
    expected = np.asarray(layer(*inputs))[0]
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    assert numbers(row) == tally.numbers


def test_grouped_query_attention_by_loops() -> None:
    keras = newest_keras()
    layer = layer_class(keras, "GroupQueryAttention")(
        head_dim=3, num_query_heads=4, num_key_value_heads=2
    )
    row = count_one(keras, layer, (N_QUERIES, N_FEATURES), (N_KEYS, N_FEATURES))
    weights = random_weights(layer)
    inputs = [random_input(n, N_FEATURES, seed=n) for n in (N_QUERIES, N_KEYS)]
    tally = Tally()
    tensors = [inputs[0][0], inputs[1][0], inputs[1][0]]
    outputs = heads_by_loops(tally, tensors, list(zip(weights[::2], weights[1::2])))
    expected = np.asarray(layer(*inputs))[0]
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    assert numbers(row) == tally.numbers


def test_attention_over_one_of_two_axes(keras: ModuleType) -> None:
    # along the second of the axes (4, 3), once for each place of the first
    layer = keras.layers.MultiHeadAttention(2, 5, attention_axes=(2,))
    row = count_one(keras, layer, (4, 3, 6), (4, 7, 6))
    alone = count_one(keras, keras.layers.MultiHeadAttention(2, 5), (3, 6), (7, 6))
    assert numbers(row) == tuple(4 * n for n in numbers(alone))

    # along both: 12 queries and 28 keys
    layer = keras.layers.MultiHeadAttention(2, 5)
    row = count_one(keras, layer, (4, 3, 6), (4, 7, 6))
    alone = count_one(keras, keras.layers.MultiHeadAttention(2, 5), (12, 6), (28, 6))
    assert numbers(row) == numbers(alone)


@pytest.mark.parametrize("masked", [True, False])
def test_arguments_by_keyword(keras: ModuleType, masked: bool) -> None:
    layers = keras.layers
    shapes = dict(query=(N_QUERIES, 5), value=(N_KEYS, 6), key=(N_KEYS, 3))
    given = {name: keras.Input(shape) for name, shape in shapes.items()}
    mask = keras.Input((N_QUERIES, N_KEYS))
    extra = dict(attention_mask=mask) if masked else {}
    expected = count_one(keras, layers.MultiHeadAttention(2, 4), *shapes.values())

    for names in (("key", "value", "query"), ("value", "query", "key")):
        attention = layers.MultiHeadAttention(2, 4, name="heads")
        output = attention(**extra, **{name: given[name] for name in names})
        model = keras.Model([*given.values(), mask], [output, mask])
        (row,) = [r for r in count_layer_ops(model).layers if r.layer == "heads"]
        assert numbers(row) == numbers(expected)

    # a mask in the place of the key isn't one
    attention = layers.MultiHeadAttention(2, 4, name="heads")
    output = attention(given["query"], given["value"], None, attention_mask=mask)
    model = keras.Model([*given.values(), mask], [output, given["key"]])
    (row,) = [r for r in count_layer_ops(model).layers if r.layer == "heads"]
    alone = count_one(keras, layers.MultiHeadAttention(2, 4), *[*shapes.values()][:2])
    assert numbers(row) == numbers(alone)


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_open_length(keras: ModuleType, name: str) -> None:
    layer = getattr(keras.layers, name)(name="focus")
    x, y = keras.Input((None, 4)), keras.Input((None, 4))
    with pytest.raises(InputError, match=r"'focus' .*give the model's Input a fixed"):
        count_layer_ops(keras.Model([x, y], layer([x, y])))


def test_open_number_of_keys(keras: ModuleType) -> None:
    layer = keras.layers.MultiHeadAttention(2, 4, name="focus")
    x, y = keras.Input((3, 4)), keras.Input((None, 4))
    with pytest.raises(InputError, match=r"'focus' .*give the model's Input a fixed"):
        count_layer_ops(keras.Model([x, y], layer(x, y)))


def test_transformer_block_adds_up(keras: ModuleType) -> None:
    # a block of T = 6 positions of d = 8 features, 2 heads of 4, 16 hidden units
    layers = keras.layers
    x = keras.Input((6, 8))
    attended = layers.MultiHeadAttention(2, 4)(x, x)
    y = layers.LayerNormalization()(layers.Add()([x, attended]))
    hidden = layers.Dense(16, activation="relu")(y)
    y = layers.LayerNormalization()(layers.Add()([y, layers.Dense(8)(hidden)]))
    ops = count_layer_ops(keras.Model(x, y))
    t, d = 6, 8
    heads = 4 * t * d * d + t * d + 2 * t * t * d  # projections, scaling, attention
    dense = 2 * t * d * 16
    norm = 2 * 3 * t * d
    assert ops.connections == heads + dense + norm
    # softmax of 2 heads, relu, a root per position
    assert ops.activations == 2 * t * t + t * 16 + 2 * t
    # residuals; mean and difference per element, one division per position
    assert ops.additions == 2 * t * d + 2 * (2 * t * d + t)
