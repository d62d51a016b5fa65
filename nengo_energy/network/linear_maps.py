"""Linear maps between vectors of units: exact fan-out without building dense matrices.

A projection from neurons to neurons may run through slices, convolutions, pooling and
concatenation. Each stage is a `LinearMap`; stages are composed and summed lazily, and
only blocks of columns (one column per presynaptic unit) are ever made explicit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Iterator, Sequence

import numpy as np
import scipy.sparse as sp

from ..common.exceptions import InputError

MAX_BLOCK_ENTRIES = 4_000_000
"""Most non-zeros that a block of explicit columns is planned to hold (about 64 MB)."""

MAX_ARRAY_ENTRIES = 1_000_000
"""Most entries of a sparse matrix that is written out as an array (8 MB)."""

MAX_PRODUCTS = 10_000_000
"""Most multiplications of a composition for which arrays are quicker in any case."""


class LinearMap(ABC):
    """A matrix of shape (size_out, size_in) that need not exist.

    Attributes
    ----------
    size_in, size_out : int
        Number of presynaptic and postsynaptic units.
    """

    size_in: int
    size_out: int

    @property
    def stages(self) -> tuple[LinearMap, ...]:
        """The maps that this one is composed of, the first one first."""
        return (self,)

    @property
    def array(self) -> np.ndarray | None:
        """The whole matrix, (size_out, size_in) ndarray, if it is at hand and small."""
        return None

    @abstractmethod
    def columns(self, indices: np.ndarray) -> sp.csc_matrix:
        """Return the columns of some presynaptic units.

        Parameters
        ----------
        indices : (n,) int ndarray
            Presynaptic units.

        Returns
        -------
        (size_out, n) csc_matrix
            Weights, without explicit zeros.
        """

    @property
    @abstractmethod
    def fan_out_bound(self) -> int:
        """Upper bound of the fan-out of any presynaptic unit."""

    @cached_property
    def fan_out(self) -> np.ndarray:
        """Non-zero weights of each presynaptic unit, (size_in,) int64 ndarray."""
        return np.concatenate(
            [np.zeros(0, np.int64)]
            + [np.diff(block.indptr).astype(np.int64) for block in self.blocks()]
        )

    @cached_property
    def single_targets(self) -> np.ndarray | None:
        """Target of each presynaptic unit if no unit has more than one, else None.

        A (size_in,) int ndarray with -1 for units that have none.
        """
        if self.fan_out.size and self.fan_out.max() > 1:
            return None
        matrix = self.to_sparse()
        targets = np.full(self.size_in, -1, dtype=np.int64)
        targets[np.diff(matrix.indptr) > 0] = matrix.indices
        return targets

    @property
    def is_injective(self) -> bool:
        """Whether every unit has exactly one target, and no two share it."""
        targets = self.single_targets
        if targets is None:
            return False
        return bool(np.all(targets >= 0)) and np.unique(targets).size == targets.size

    def blocks(self) -> Iterator[sp.csc_matrix]:
        """Yield the whole matrix as blocks of columns of bounded size."""
        step = max(1, MAX_BLOCK_ENTRIES // max(1, self.fan_out_bound))
        for start in range(0, self.size_in, step):
            yield self.columns(np.arange(start, min(start + step, self.size_in)))

    def to_sparse(self) -> sp.csc_matrix:
        """Return the whole matrix, (size_out, size_in) csc_matrix."""
        blocks = list(self.blocks())
        if not blocks:
            return sp.csc_matrix((self.size_out, self.size_in))
        return sp.hstack(blocks, format="csc")

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Multiply a vector, (size_in,) ndarray -> (size_out,) ndarray."""
        support = np.flatnonzero(x)
        return self.columns(support) @ np.asarray(x, dtype=float)[support]

    def __matmul__(self, first: LinearMap) -> LinearMap:
        """Compose: ``second @ first`` applies ``first``, then ``second``."""
        return ComposedMap(first, self)


class DenseMap(LinearMap):
    """A matrix held as an array, (size_out, size_in) ndarray."""

    def __init__(self, matrix: np.ndarray):
        self.matrix = matrix
        self.size_out, self.size_in = matrix.shape

    @property
    def array(self) -> np.ndarray:
        return self.matrix

    def columns(self, indices: np.ndarray) -> sp.csc_matrix:
        return sp.csc_matrix(self.matrix[:, indices])

    @property
    def fan_out_bound(self) -> int:
        return self.size_out

    @cached_property
    def fan_out(self) -> np.ndarray:
        return np.count_nonzero(self.matrix, axis=0).astype(np.int64)


class SparseMap(LinearMap):
    """A matrix held in a sparse format; entries that are given twice add up."""

    def __init__(self, matrix: sp.spmatrix):
        self.matrix = sp.csc_matrix(matrix)
        self.matrix.sum_duplicates()
        self.matrix.eliminate_zeros()
        self.size_out, self.size_in = self.matrix.shape

    @classmethod
    def diagonal(cls, values: np.ndarray) -> SparseMap:
        """Return a map that scales each unit by its own value."""
        return cls(sp.diags(np.asarray(values, dtype=float), format="csc"))

    @classmethod
    def gather(cls, indices: np.ndarray, size_in: int) -> SparseMap:
        """Return the map ``y[k] = x[indices[k]]``."""
        n = len(indices)
        ones = np.ones(n)
        return cls(sp.csc_matrix((ones, (np.arange(n), indices)), shape=(n, size_in)))

    @classmethod
    def scatter(cls, indices: np.ndarray, size_out: int) -> SparseMap:
        """Return the map ``y[indices[k]] += x[k]``."""
        n = len(indices)
        ones = np.ones(n)
        return cls(sp.csc_matrix((ones, (indices, np.arange(n))), shape=(size_out, n)))

    @cached_property
    def array(self) -> np.ndarray | None:
        if self.size_in * self.size_out > MAX_ARRAY_ENTRIES:
            return None
        return self.matrix.toarray()

    def columns(self, indices: np.ndarray) -> sp.csc_matrix:
        return self.matrix[:, indices]

    @cached_property
    def fan_out(self) -> np.ndarray:
        return np.diff(self.matrix.indptr).astype(np.int64)

    @property
    def fan_out_bound(self) -> int:
        return int(self.fan_out.max(initial=0))


class ComposedMap(LinearMap):
    """``second`` after ``first``: products of weights, summed over the middle."""

    def __init__(self, first: LinearMap, second: LinearMap):
        if first.size_out != second.size_in:
            raise InputError(
                f"can't compose maps: the first has {first.size_out} outputs, "
                f"the second {second.size_in} inputs"
            )
        self.first, self.second = first, second
        self.size_in, self.size_out = first.size_in, second.size_out

    @cached_property
    def stages(self) -> tuple[LinearMap, ...]:
        return self.first.stages + self.second.stages

    def columns(self, indices: np.ndarray) -> sp.csc_matrix:
        inner = self.first.columns(indices)
        used = np.unique(inner.indices)
        product = sp.csc_matrix(self.second.columns(used) @ inner[used, :])
        product.eliminate_zeros()
        return product

    @property
    def fan_out_bound(self) -> int:
        bound = self.first.fan_out_bound * self.second.fan_out_bound
        return min(bound, self.size_out)

    @cached_property
    def fan_out(self) -> np.ndarray:
        for k, stage in enumerate(self.stages[1:], start=1):
            if stage.size_in == 1:  # a column times a row
                reached, driving = map(compose, (self.stages[k:], self.stages[:k]))
                return (driving.fan_out > 0) * reached.fan_out
        by_arrays = _fan_out_by_arrays(self.stages)
        if by_arrays is not None:
            return by_arrays
        targets = self.first.single_targets
        if targets is not None:
            reached_by = self.second.fan_out[targets] if targets.size else targets
            return np.where(targets >= 0, reached_by, 0).astype(np.int64)
        if self.second.is_injective:
            return self.first.fan_out
        return super().fan_out


class SummedMap(LinearMap):
    """The sum of maps between the same units: one weight for each pair."""

    def __init__(self, maps: Sequence[LinearMap]):
        sizes = {(m.size_out, m.size_in) for m in maps}
        if len(sizes) != 1:
            raise InputError(f"can't add maps of the shapes {sorted(sizes)}")
        self.maps = tuple(maps)
        self.size_out, self.size_in = sizes.pop()

    def columns(self, indices: np.ndarray) -> sp.csc_matrix:
        total = self.maps[0].columns(indices)
        for other in self.maps[1:]:
            total = total + other.columns(indices)
        total = sp.csc_matrix(total)
        total.eliminate_zeros()
        return total

    @property
    def fan_out_bound(self) -> int:
        return min(sum(m.fan_out_bound for m in self.maps), self.size_out)


def compose(stages: Sequence[LinearMap]) -> LinearMap:
    """Return the map that applies some maps one after the other."""
    composed = stages[0]
    for stage in stages[1:]:
        composed = stage @ composed
    return composed


def _fan_out_by_arrays(stages: Sequence[LinearMap]) -> np.ndarray | None:
    """Return the fan-out of a composition of arrays, None where sparse maps do better.

    They do where one is too large for an array, and in a long product of sparse ones.
    """
    sizes = [stages[0].size_in, *(stage.size_out for stage in stages)]
    short = sizes[0] * sizes[-1] * max(sizes[1:-1]) <= MAX_PRODUCTS
    if not short and not any(isinstance(stage, DenseMap) for stage in stages):
        return None
    arrays = [a for stage in stages if (a := stage.array) is not None]
    if len(arrays) < len(stages):
        return None
    first, *others = arrays
    step = max(1, MAX_BLOCK_ENTRIES // max(sizes))
    blocks = (first[:, k : k + step] for k in range(0, sizes[0], step))
    counts = [
        np.count_nonzero(np.linalg.multi_dot([*reversed(others), block]), axis=0)
        for block in blocks
    ]
    return np.concatenate([np.zeros(0, np.int64), *counts])


def sum_maps(maps: Sequence[LinearMap]) -> LinearMap:
    """Return the sum of maps; a single map stays what it is.

    A sum that is small enough is made explicit, so that sums of sums of the same maps
    don't multiply the work.
    """
    if len(maps) == 1:
        return maps[0]
    total = SummedMap(maps)
    if total.fan_out_bound * total.size_in <= MAX_BLOCK_ENTRIES:
        return SparseMap(total.to_sparse())
    return total
