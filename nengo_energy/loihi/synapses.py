"""What synapses cost the cores of a chip, before anything is built.

NengoLoihi stores the weights of a connection in one of three forms, each with its own
input axons. When an ensemble is split into blocks, each block holds the axons and the
weights that lead into it; how many is worked out here for any split. The memory is
exact but where weights coincide in a part of an ensemble by chance, which NengoLoihi
would store once: there it is an upper bound.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..network.convolution_map import ConvolutionMap
from .chip import (
    BASE_LIMIT,
    DISCRETE_SLOTS,
    POPULATION_SLOTS,
    WEIGHT_BITS,
    index_width,
    synapse_bits,
)
from .partition import Partition


@dataclass(frozen=True)
class Usage:
    """What one group of synapses takes of the blocks of a split ensemble.

    Attributes
    ----------
    in_axons, bits : (n_blocks,) int64 ndarray
        Input axons, and bits of synapse memory, of each block.
    reach : (n_axons,) int64 ndarray
        Number of blocks that each axon leads to.
    """

    in_axons: np.ndarray
    bits: np.ndarray
    reach: np.ndarray


class ChipSynapses(ABC):
    """The synapses of one connection, in the form that NengoLoihi stores them.

    Attributes
    ----------
    axon_of : (n_pre,) int ndarray
        Axon of each presynaptic unit.
    n_axons : int
        Number of axons.
    slots : int
        Entries of the table of output axons that an axon takes.
    """

    axon_of: np.ndarray
    n_axons: int
    slots = DISCRETE_SLOTS

    @property
    def least_bits(self) -> int:
        """Bits of synapse memory that all blocks together take, however it is split; a
        bound that is quick to have."""
        return 0

    @property
    @abstractmethod
    def largest(self) -> np.ndarray:
        """Largest magnitude of the weights of each neuron, (n_post,) ndarray."""

    @abstractmethod
    def usage(self, partition: Partition) -> Usage:
        """Return what the blocks of the postsynaptic ensemble need."""

    def out_axons(self, partition: Partition, reach: np.ndarray) -> np.ndarray:
        """Return the output axons of the blocks of the presynaptic ensemble.

        Parameters
        ----------
        partition : Partition
            Of the presynaptic ensemble.
        reach : (n_axons,) int ndarray
            Number of postsynaptic blocks that each axon leads to.

        Returns
        -------
        (n_blocks,) int64 ndarray
            Entries taken in each block's table.
        """
        pairs = np.unique(partition.block_of * self.n_axons + self.axon_of)
        blocks, axons = np.divmod(pairs, self.n_axons)
        taken = np.bincount(blocks, reach[axons], minlength=partition.n_blocks)
        return self.slots * np.rint(taken).astype(np.int64)


class DenseSynapses(ChipSynapses):
    """A matrix: an axon for each presynaptic unit, with a weight for each neuron.

    Parameters
    ----------
    matrix : (n_post, n_pre) ndarray
        Weights, as they are stored.
    """

    def __init__(self, matrix: np.ndarray):
        self.matrix = matrix
        self.n_axons = matrix.shape[1]
        self.axon_of = np.arange(self.n_axons)

    @property
    def largest(self) -> np.ndarray:
        return np.abs(self.matrix).max(axis=1, initial=0)

    @cached_property
    def n_distinct(self) -> int:
        """Number of axons whose weights differ; a split stores equal ones once."""
        return _n_distinct(np.ascontiguousarray(self.matrix.T, dtype=np.float32))

    def usage(self, partition: Partition) -> Usage:
        n_blocks = partition.n_blocks
        n_stored = self.n_axons if n_blocks == 1 else self.n_distinct
        return Usage(
            np.full(n_blocks, self.n_axons),
            n_stored * synapse_bits(partition.sizes),
            np.full(self.n_axons, n_blocks),
        )


class SparseSynapses(ChipSynapses):
    """A sparse matrix: an axon for each presynaptic unit, with its weights.

    Parameters
    ----------
    matrix : (n_post, n_pre) sparse matrix
        Weights without zeros.
    """

    def __init__(self, matrix: sp.spmatrix):
        self.matrix = sp.csc_matrix(matrix)
        self.n_axons = matrix.shape[1]
        self.axon_of = np.arange(self.n_axons)

    @property
    def least_bits(self) -> int:
        return WEIGHT_BITS * self.matrix.nnz

    @property
    def largest(self) -> np.ndarray:
        return abs(self.matrix).max(axis=1).toarray().ravel()

    def usage(self, partition: Partition) -> Usage:
        n_blocks = partition.n_blocks
        axon = np.repeat(np.arange(self.n_axons), np.diff(self.matrix.indptr))
        into = partition.block_of[self.matrix.indices]
        n_weights = np.bincount(
            axon * n_blocks + into, minlength=self.n_axons * n_blocks
        ).reshape(self.n_axons, n_blocks)
        leads = n_weights > 0
        if n_blocks == 1:  # what isn't split keeps axons that lead nowhere
            leads = np.ones_like(leads)
        bits_of = synapse_bits(np.arange(n_weights.max(initial=0) + 1))
        bits = bits_of[n_weights].sum(axis=0)
        return Usage(leads.sum(axis=0), bits, leads.sum(axis=1))


class SharedSynapses(ChipSynapses):
    """A convolution: an axon for each pixel, whose channels are told apart by a number.

    Pixels that meet the kernel in the same way share their weights, as long as their
    targets lie at the same place relative to a base that an axon can add.

    Parameters
    ----------
    conv : ConvolutionMap
        In two dimensions, without groups.
    """

    slots = POPULATION_SLOTS

    def __init__(self, conv: ConvolutionMap):
        self.conv = conv
        rows, cols = conv.input_space
        self.n_axons = rows * cols
        units = np.arange(conv.size_in)
        row, col, _ = conv.input_grid.split(units)
        self.axon_of = row * cols + col
        # splits have many boxes in common, and boxes their sides
        self._boxes: dict[Any, tuple[np.ndarray, int]] = {}
        self._spans: dict[Any, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    @property
    def largest(self) -> np.ndarray:
        # as if every tap met every neuron, which those at a border may lack
        by_filter = np.abs(self.conv.full_kernel).max(axis=(0, 1, 2))
        *_, filters = self.conv.output_grid.split(np.arange(self.conv.size_out))
        return by_filter[filters]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the postsynaptic ensemble."""
        space, n_filters = self.conv.output_space, self.conv.n_filters
        if self.conv.channels_last:
            return (*space, n_filters)
        return (n_filters, *space)

    @property
    def covers(self) -> bool:
        """Whether every axon leads to every neuron, as a matrix does."""
        return self.conv.output_space == (1, 1)

    def usage(self, partition: Partition) -> Usage:
        if partition.shape != self.shape and not self.covers:
            raise ValueError(
                f"neurons of shape {self.shape} can't be split as {partition.shape}"
            )
        first, *others = (0, 1, 2) if self.conv.channels_last else (1, 2, 0)
        if self.covers:
            boxes = [((0, 1), (0, 1), int(n)) for n in partition.sizes]
        else:
            n_axes = [partition.intervals(axis) for axis in range(3)]
            boxes = []
            for index in np.ndindex(*partition.n_splits):
                spans = [n_axes[axis][k] for axis, k in enumerate(index)]
                start, end = spans[others[1]]
                boxes.append((spans[first], spans[others[0]], end - start))
        whole = partition.n_blocks == 1
        reach = np.zeros(self.conv.input_space, dtype=np.int64)
        in_axons, bits = [], []
        for rows, cols, n_filters in boxes:
            key = rows, cols, n_filters, whole
            if key not in self._boxes:
                self._boxes[key] = self._box(*key)
            leads, n_bits = self._boxes[key]
            if whole:  # what isn't split keeps axons that lead nowhere
                leads = np.ones_like(leads)
            reach += leads
            in_axons.append(leads.sum())
            bits.append(n_bits)
        return Usage(np.array(in_axons), np.array(bits), reach.ravel())

    def _box(
        self, rows: tuple[int, int], cols: tuple[int, int], n_filters: int, whole: bool
    ) -> tuple[np.ndarray, int]:
        """Return which pixels lead into a box of neurons, and the bits of weights."""
        first_row, n_rows, row_key = self._span(0, *rows, whole)
        first_col, n_cols, col_key = self._span(1, *cols, whole)
        leads = (n_rows > 0)[:, None] & (n_cols > 0)[None, :]
        if not leads.any():
            return leads, 0
        height, width = rows[1] - rows[0], cols[1] - cols[0]
        if self.conv.channels_last:
            row_step, col_step, filter_step = width * n_filters, n_filters, 1
        else:
            row_step, col_step, filter_step = width, 1, height * width
        base = first_row[:, None] * row_step + first_col[None, :] * col_step
        # the index that is stored goes on where the base ends
        fixed = base[leads] // BASE_LIMIT
        pairs = (row_key[:, None] * (col_key.max() + 1) + col_key[None, :])[leads]
        _, stored = np.unique(pairs * (fixed.max() + 1) + fixed, return_index=True)
        counts = np.broadcast_to(n_rows[:, None], leads.shape)[leads]
        widths = np.broadcast_to(n_cols[None, :], leads.shape)[leads]
        furthest = (
            fixed * BASE_LIMIT
            + (counts - 1) * row_step
            + (widths - 1) * col_step
            + (n_filters - 1) * filter_step
        )
        n_weights = self.conv.n_channels * n_filters * (counts * widths)[stored]
        bits = synapse_bits(n_weights, index_width(int(furthest.max())))
        return leads, int(bits.sum())

    def _span(
        self, dim: int, start: int, end: int, whole: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        key = dim, start, end, whole
        if key not in self._spans:
            self._spans[key] = self._new_span(*key)
        return self._spans[key]

    def _new_span(
        self, dim: int, start: int, end: int, whole: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return, by input position, the first target in a stretch, how many there are,
        and a number that is the same for positions that meet the kernel alike."""
        meetings = self.conv.meetings[dim]
        inside = (meetings >= start) & (meetings < end)
        targets = np.where(inside, meetings, end)
        order = np.argsort(targets, axis=1, kind="stable")
        taps = np.arange(meetings.shape[1]) if whole else self._kinds[dim]
        met = np.where(np.take_along_axis(inside, order, axis=1), taps[order], -1)
        _, keys = np.unique(met, axis=0, return_inverse=True)
        return targets.min(axis=1) - start, inside.sum(axis=1), keys.ravel()

    @cached_property
    def _kinds(self) -> list[np.ndarray]:
        """For both axes of the kernel, a number for each tap; equal taps share it."""
        kernel = self.conv.full_kernel.astype(np.float32)
        kinds = []
        for dim in range(2):
            slices = [taps.tobytes() for taps in np.moveaxis(kernel, dim, 0)]
            kinds.append(np.array([slices.index(content) for content in slices]))
        return kinds


def _n_distinct(rows: np.ndarray) -> int:
    if rows.shape[1] == 0:
        return len(rows)
    return len(np.unique(rows.view(f"V{rows.itemsize * rows.shape[1]}")))
