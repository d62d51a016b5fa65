"""Layers in plain Python, number by number, with every operation tallied.

They follow the papers and Keras's documentation, in loops, and know nothing of the
counters under test. A test holds their outputs against Keras's, so that they are the
layers, and their tallies against the counters'.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Callable, Iterable, List, Sequence

import numpy as np

Vector = List[float]


class Tally:
    """Does arithmetic, and counts it as the package defines it."""

    def __init__(self) -> None:
        self.macs = 0
        self.activations = 0
        self.additions = 0

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Connections, activations, additions."""
        return self.macs, self.activations, self.additions

    def mac(self, total: float, a: float, b: float) -> float:
        """Return ``total + a b``: one product, with the addition that follows."""
        self.macs += 1
        return total + a * b

    def times(self, a: float, b: float) -> float:
        """Return ``a b``, which nothing is added to."""
        return self.mac(0.0, a, b)

    def plus(self, a: float, b: float) -> float:
        """Return ``a + b``."""
        self.additions += 1
        return a + b

    def minus(self, a: float, b: float) -> float:
        """Return ``a - b``."""
        return self.plus(a, -b)

    def apply(self, function: Callable[[float], float], value: float) -> float:
        """Return an output of a nonlinearity."""
        self.activations += 1
        return function(value)

    def mean(self, values: Sequence[float]) -> float:
        """Return an average, whose division counts as an addition."""
        total = values[0]
        for value in values[1:]:
            total = self.plus(total, value)
        self.additions += 1
        return total / len(values)

    def matrix(self, vector: Vector, weights: Any, start: Iterable[float]) -> Vector:
        """Return a vector times a matrix, each sum starting from a bias."""
        outputs = []
        for column, total in zip(np.transpose(weights), start):
            for value, weight in zip(vector, column):
                total = self.mac(total, value, weight)
            outputs.append(total)
        return outputs

    def softmax(self, values: Sequence[float]) -> Vector:
        """Return the outputs of a softmax, one activation each."""
        self.activations += len(values)
        powers = [math.exp(value - max(values)) for value in values]
        return [power / sum(powers) for power in powers]


def sigmoid(value: float) -> float:
    """Return the logistic function."""
    return 1 / (1 + math.exp(-value))


def simple_step(tally: Tally, x: Vector, h: Vector, weights: Sequence) -> Vector:
    """Return the next state of an Elman network."""
    kernel, recurrent, bias = weights
    z = tally.matrix(h, recurrent, tally.matrix(x, kernel, bias))
    return [tally.apply(math.tanh, value) for value in z]


def lstm_step(
    tally: Tally, x: Vector, state: tuple[Vector, Vector], weights: Sequence
) -> tuple[Vector, Vector]:
    """Return the next output and cell state (Hochreiter & Schmidhuber; forget gate)."""
    kernel, recurrent, bias = weights
    h, c = state
    z = tally.matrix(h, recurrent, tally.matrix(x, kernel, bias))
    n = len(h)
    new_h, new_c = [], []
    for u in range(n):  # Keras orders the gates: input, forget, candidate, output
        gate_in, forget, out = (tally.apply(sigmoid, z[k * n + u]) for k in (0, 1, 3))
        candidate = tally.apply(math.tanh, z[2 * n + u])
        cell = tally.mac(tally.times(forget, c[u]), gate_in, candidate)
        new_c.append(cell)
        new_h.append(tally.times(out, tally.apply(math.tanh, cell)))
    return new_h, new_c


def gru_step(
    tally: Tally, x: Vector, h: Vector, weights: Sequence, reset_after: bool
) -> Vector:
    """Return the next state of a gated recurrent unit (Cho et al. 2014, v1 and v3)."""
    kernel, recurrent, bias = weights
    n = len(h)
    start, inner = bias if reset_after else (bias, np.zeros(3 * n))
    z = tally.matrix(x, kernel, start)
    for k in range(2 * n):
        z[k] += inner[k]
    gates = tally.matrix(h, recurrent[:, : 2 * n], z[: 2 * n])
    gates = [tally.apply(sigmoid, value) for value in gates]
    update, reset = gates[:n], gates[n:]
    if reset_after:
        recalled = tally.matrix(h, recurrent[:, 2 * n :], inner[2 * n :])
        sums = [tally.mac(z[2 * n + u], reset[u], recalled[u]) for u in range(n)]
    else:
        kept = [tally.times(reset[u], h[u]) for u in range(n)]
        sums = tally.matrix(kept, recurrent[:, 2 * n :], z[2 * n :])
    return [
        tally.mac(
            tally.times(update[u], h[u]),
            tally.minus(1.0, update[u]),
            tally.apply(math.tanh, sums[u]),
        )
        for u in range(n)
    ]


def conv_lstm_step(
    tally: Tally, x: np.ndarray, state: tuple, weights: Sequence
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next output and cell state (Shi et al. 2015), along one axis.

    ``x`` is (length, channels). The input is convolved without padding, the state with
    zeros around it, which are multiplied too.
    """
    kernel, recurrent, bias = weights
    h, c = state
    width, n = len(kernel), c.shape[1]
    around = (width - 1) // 2
    padded = np.pad(h, [(around, width - 1 - around), (0, 0)])
    new_h, new_c = np.zeros(c.shape), np.zeros(c.shape)
    for i in range(len(c)):
        z = list(bias)
        for k in range(width):
            z = tally.matrix(list(x[i + k]), kernel[k], z)
            z = tally.matrix(list(padded[i + k]), recurrent[k], z)
        for u in range(n):
            gate_in, forget, out = (
                tally.apply(sigmoid, z[k * n + u]) for k in (0, 1, 3)
            )
            candidate = tally.apply(math.tanh, z[2 * n + u])
            new_c[i, u] = tally.mac(tally.times(forget, c[i, u]), gate_in, candidate)
            new_h[i, u] = tally.times(out, tally.apply(math.tanh, new_c[i, u]))
    return new_h, new_c


def attend(tally: Tally, scores: list[Vector], values: np.ndarray) -> list[Vector]:
    """Return the sums of values, weighted by the softmax of each query's scores."""
    weights = [tally.softmax(row) for row in scores]
    return [tally.matrix(row, values, np.zeros(values.shape[1])) for row in weights]


def dot_scores(tally: Tally, queries: Any, keys: Any) -> list[Vector]:
    """Return the dot products of queries and keys."""
    return [
        tally.matrix(list(query), np.transpose(keys), np.zeros(len(keys)))
        for query in queries
    ]


def sum_scores(
    tally: Tally,
    queries: np.ndarray,
    keys: np.ndarray,
    inner: float | None = None,
    outer: Sequence[float] | None = None,
    factor: float | None = None,
) -> list[Vector]:
    """Return ``factor sum(outer tanh(inner (query + key)))`` of each pair.

    What is None isn't there.
    """
    scores = []
    for query in queries:
        row = []
        for key in keys:
            total = None
            for f, (q, k) in enumerate(zip(query, key)):
                value = tally.plus(q, k)
                value = value if inner is None else tally.times(inner, value)
                value = tally.apply(math.tanh, value)
                if outer is not None:
                    total = tally.mac(total or 0.0, outer[f], value)
                else:
                    total = value if total is None else tally.plus(total, value)
            row.append(total if factor is None else tally.times(factor, total))
        scores.append(row)
    return scores


def standardize(
    tally: Tally, values: Vector, epsilon: float, gamma: Any, beta: Any
) -> Vector:
    """Return values less their mean over their standard deviation, scaled, shifted."""
    mean = tally.mean(values)
    centred = [tally.minus(value, mean) for value in values]
    total = 0.0
    for value in centred:
        total = tally.mac(total, value, value)
    tally.additions += 1  # the division of the average
    variance = total / len(values)
    scale = tally.apply(lambda v: 1 / math.sqrt(v + epsilon), variance)
    outputs = [tally.times(value, scale) for value in centred]
    if gamma is not None:
        outputs = [tally.times(value, g) for value, g in zip(outputs, gamma)]
    return [value + b for value, b in zip(outputs, beta)]


def root_mean_square(
    tally: Tally, values: Vector, epsilon: float, gamma: Any
) -> Vector:
    """Return values over the root of their mean square, scaled (Zhang 2019)."""
    total = 0.0
    for value in values:
        total = tally.mac(total, value, value)
    tally.additions += 1  # the division of the average
    mean = total / len(values)
    scale = tally.apply(lambda v: 1 / math.sqrt(v + epsilon), mean)
    return [tally.times(tally.times(v, scale), g) for v, g in zip(values, gamma)]


def to_unit_length(tally: Tally, values: Vector) -> Vector:
    """Return a vector of length one in the same direction."""
    total = 0.0
    for value in values:
        total = tally.mac(total, value, value)
    scale = tally.apply(lambda v: 1 / math.sqrt(v), total)
    return [tally.times(value, scale) for value in values]


def positions(shape: Sequence[int]) -> Iterable[tuple[int, ...]]:
    """Return all indices of a shape."""
    return itertools.product(*map(range, shape))
