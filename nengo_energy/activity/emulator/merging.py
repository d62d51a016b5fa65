"""Compiled loops that merge all that a source leads to into one row of weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...common.compiled import compiled

MIN_FILLED = 3
"""Mean number of targets in a block from which on a row is stored by blocks."""


class Synapses(NamedTuple):
    """Weights and targets as NengoLoihi has them, and who uses them.

    Attributes
    ----------
    first : (n_sources + 1,) int64 ndarray
        Where the routes of each source begin.
    row, base : (n_routes,) int64 ndarray
        Row of weights that a route applies, and compartment that its targets count
        from.
    start, size : (n_rows,) int64 ndarray
        Where the weights of each row begin, and their number.
    target, weight : (n_weights,) int32 ndarray
        Targets and weights.
    """

    first: np.ndarray
    row: np.ndarray
    base: np.ndarray
    start: np.ndarray
    size: np.ndarray
    target: np.ndarray
    weight: np.ndarray


class Merged(NamedTuple):
    """Rows that are made of pieces of others; sources that need the same share one.

    Attributes
    ----------
    row : (n_sources,) int64 ndarray
        The row of each source.
    base : (n_sources,) uint32 ndarray
        Sum that its targets count from.
    first : (n_rows + 1,) int64 ndarray
        Where the pieces of each row begin.
    pieces : (n_pieces, 3) uint32 or uint64 ndarray
        First target, number of targets, first weight in `Synapses`.
    """

    row: np.ndarray
    base: np.ndarray
    first: np.ndarray
    pieces: np.ndarray


@compiled
def names_twice(target: np.ndarray, size: np.ndarray, marks: np.ndarray) -> bool:
    """Tell whether a row names a target twice.

    Parameters
    ----------
    target : (n_weights,) int32 ndarray
        Targets, row after row.
    size : (n_rows,) int64 ndarray
        Number of targets in each row.
    marks : (n_targets,) int64 ndarray
        Zeros, as many as the largest target allows; overwritten.
    """
    at = 0
    for row in range(len(size)):
        for k in range(at, at + size[row]):
            if marks[target[k]] == row + 1:
                return True
            marks[target[k]] = row + 1
        at += size[row]
    return False


@compiled
def group_routes(
    source: np.ndarray, row: np.ndarray, base: np.ndarray, n_sources: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort routes by source, and return them as `Synapses` has them."""
    first = np.zeros(n_sources + 1, np.int64)
    for k in range(len(source)):
        first[source[k] + 1] += 1
    for k in range(n_sources):
        first[k + 1] += first[k]
    free = first[:-1].copy()
    rows, bases = np.empty_like(row), np.empty_like(base)
    for k in range(len(source)):
        place = free[source[k]]
        rows[place], bases[place] = row[k], base[k]
        free[source[k]] += 1
    return first, rows, bases


@compiled
def find_pieces(
    synapses: Synapses, place: np.ndarray, source: int, pieces: np.ndarray
) -> int:
    """List the pieces of neighbours that a source leads to; return their number."""
    found = -1
    for route in range(synapses.first[source], synapses.first[source + 1]):
        row, base = synapses.row[route], synapses.base[route]
        start, expected = synapses.start[row], -1
        for k in range(start, start + synapses.size[row]):
            at = np.int64(place[base + synapses.target[k]])
            if at != expected:
                found += 1
                pieces[found, 0], pieces[found, 1], pieces[found, 2] = at, 0, k
            pieces[found, 1] += 1
            expected = at + 1
    return found + 1


@compiled
def sort_pieces(pieces: np.ndarray) -> None:
    """Sort pieces by their targets, where they aren't yet."""
    for k in range(1, len(pieces)):
        if pieces[k, 0] < pieces[k - 1, 0]:
            pieces[:] = pieces[np.argsort(pieces[:, 0], kind="mergesort")]
            return


@compiled
def merge(synapses: Synapses, place: np.ndarray) -> Merged:
    """Merge the routes of each source into a row, and let sources share rows.

    Parameters
    ----------
    synapses : Synapses
        All synapses.
    place : (n_compartments,) uint32 ndarray
        The sum of each compartment.
    """
    n_sources = len(synapses.first) - 1
    most = 0
    for source in range(n_sources):
        size = 0
        for route in range(synapses.first[source], synapses.first[source + 1]):
            size += synapses.size[synapses.row[route]]
        most = max(most, size)
    room = np.empty((most, 3), np.int64)
    row_of, bases = np.zeros(n_sources, np.int64), np.zeros(n_sources, np.uint32)
    first = np.zeros(n_sources + 1, np.int64)
    pieces = np.empty((1024, 3), np.uint32)
    n_slots = 2
    while n_slots < 2 * n_sources:
        n_slots *= 2
    slots = np.full(n_slots, -1, np.int64)  # rows by what they are made of
    n_rows = n_pieces = 0
    for source in range(n_sources):
        here = room[: find_pieces(synapses, place, source, room)]
        sort_pieces(here)
        if len(here) > 0:
            bases[source] = here[0, 0]
            here[:, 0] -= here[0, 0]
        mixed = np.uint64(14695981039346656037)
        for k in range(len(here)):
            for value in here[k]:
                mixed = (mixed ^ np.uint64(value)) * np.uint64(1099511628211)
        slot = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(n_slots - 1))
        while slots[slot] >= 0:
            begin = first[slots[slot]]
            end = first[slots[slot] + 1]
            if np.array_equal(pieces[begin:end], here):
                break
            slot = (slot + 1) % n_slots
        if slots[slot] < 0:
            while n_pieces + len(here) > len(pieces):
                pieces = np.concatenate((pieces, np.empty_like(pieces)))
            pieces[n_pieces : n_pieces + len(here)] = here
            n_pieces += len(here)
            slots[slot] = n_rows
            n_rows += 1
            first[n_rows] = n_pieces
        row_of[source] = slots[slot]
    return Merged(row_of, bases, first[: n_rows + 1], pieces[:n_pieces].copy())


@compiled
def starts_run(pieces: np.ndarray, k: int) -> bool:
    """Tell whether a piece isn't the neighbour of the one before."""
    return k == 0 or pieces[k, 0] != pieces[k - 1, 0] + pieces[k - 1, 1]


@compiled
def lay_out(
    pieces: np.ndarray, lanes: int, shape: np.ndarray, slot: np.ndarray
) -> tuple[int, int, int]:
    """Lay a row out as `delivery.Routes` has it.

    Parameters
    ----------
    pieces : (n_pieces, 3) ndarray
        What the row is made of.
    lanes : int
        Number of targets of a block.
    shape, slot : int64 ndarray
        The shape, and where the weight of each target is, are written to them.

    Returns
    -------
    n_shape, n_weights, n_targets : int
        Length of the shape, and of the weights with those that fill blocks up.
    """
    n_blocks = left = size = 0
    for k in range(len(pieces)):
        target = np.int64(pieces[k, 0])
        if k == 0 or target != pieces[k - 1, 0] + pieces[k - 1, 1]:
            left = 0
        for i in range(np.int64(pieces[k, 1])):
            if left == 0:
                n_blocks += 1
                shape[n_blocks] = target + i
                left = lanes
            slot[size] = n_blocks * lanes - left
            left -= 1
            size += 1
    if size >= max(1, MIN_FILLED * n_blocks):
        shape[0] = n_blocks
        return 1 + n_blocks, n_blocks * lanes, size
    at = 2
    for k in range(len(pieces)):
        for i in range(np.int64(pieces[k, 1])):
            shape[at], slot[at - 2] = np.int64(pieces[k, 0]) + i, at - 2
            at += 1
    shape[0], shape[1] = 0, size
    return at, size, size


@compiled
def write(
    synapses: Synapses,
    merged: Merged,
    lanes: int,
    shapes: np.ndarray,
    weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int, int, int]:
    """Write rows as `delivery.Routes` has them; rows share a shape with the one before.

    Parameters
    ----------
    synapses, merged
        All synapses, and what rows are made of.
    lanes : int
        Number of targets of a block.
    shapes, weights : ndarray
        Are written to, unless they are empty.

    Returns
    -------
    begin, start : (n_rows,) int64 ndarray
        Where shape and weights of each row begin.
    n_shapes, n_weights, largest : int
        How long the arrays are, and the largest number among the shapes.
    """
    n_rows = len(merged.first) - 1
    begin, start = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)
    most = n_shapes = n_weights = largest = n_before = 0
    for row in range(n_rows):
        pieces = merged.pieces[merged.first[row] : merged.first[row + 1]]
        most = max(most, np.int64(pieces[:, 1].sum()))
    shape, before = np.zeros(most + 2, np.int64), np.zeros(most + 2, np.int64)
    slot = np.zeros(most, np.int64)
    for row in range(n_rows):
        pieces = merged.pieces[merged.first[row] : merged.first[row + 1]]
        n_shape, n_here, size = lay_out(pieces, lanes, shape, slot)
        if n_shape == n_before and np.array_equal(shape[:n_shape], before[:n_shape]):
            begin[row] = begin[row - 1]
        else:
            begin[row] = n_shapes
            if len(shapes) > 0:
                shapes[n_shapes : n_shapes + n_shape] = shape[:n_shape]
            n_shapes += n_shape
            largest = max(largest, shape[:n_shape].max())
        shape, before, n_before = before, shape, n_shape
        start[row] = n_weights
        if len(weights) > 0:
            k = 0
            for piece in pieces:
                first = np.int64(piece[2])
                for i in range(first, first + np.int64(piece[1])):
                    weights[n_weights + slot[k]] = synapses.weight[i]
                    k += 1
        n_weights += n_here
    return begin, start, n_shapes, n_weights, largest
