"""The parts of a network, each of which works on many timesteps at once.

A value of a part is an array of (n_images or 1, n_steps or 1, size): one along the
first axis is the same in every inference, one along the second stays over time. What
spiking neurons put out is a list of `Spikes`, as most of it is zero.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Mapping, Union

import numpy as np
from nengo.synapses import LinearFilter

from . import kernels
from .weights import Weights


class Room:
    """Arrays that are used again and again, so that memory needn't be found anew."""

    def __init__(self) -> None:
        self.arrays: dict[Any, np.ndarray] = {}

    def array(self, key: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return an array that holds anything, the same for the same key."""
        size = math.prod(shape)
        flat = self.arrays.get(key)
        if flat is None or flat.size < size:
            flat = self.arrays[key] = np.empty(size, dtype)
        return flat[:size].reshape(shape)


@dataclass
class Spikes:
    """What neurons put out in a stretch of timesteps, spike after spike.

    Attributes
    ----------
    shape : tuple of int
        Inferences, timesteps and neurons.
    first : (n_images x n_steps + 1,) int64 ndarray
        Where the spikes of each timestep of each inference begin.
    source : (n_spikes,) int32 ndarray
        Neurons that spiked.
    value : (n_spikes,) ndarray
        What they put out.
    """

    shape: tuple[int, int, int]
    first: np.ndarray
    source: np.ndarray
    value: np.ndarray

    def dense(self) -> np.ndarray:
        """Return what all neurons put out, zeros included."""
        values = np.zeros(self.shape, self.value.dtype)
        n_rows = len(self.first) - 1
        n_spikes = self.first[-1]
        row = np.repeat(np.arange(n_rows), np.diff(self.first))
        values.reshape(n_rows, -1)[row, self.source[:n_spikes]] = self.value[:n_spikes]
        return values


Value = Union[np.ndarray, Spikes]


def dense(value: Value) -> np.ndarray:
    """Return a value as an array."""
    return value.dense() if isinstance(value, Spikes) else value


@dataclass
class Stretch:
    """Some timesteps of some inferences.

    Attributes
    ----------
    n_images, n_steps : int
        Inferences and timesteps.
    values : dict of {Part: Value}
        What the parts have computed so far.
    states : dict of {Part: mapping}
        What the parts carry from one stretch to the next.
    counts : dict of {Part: dict}
        What neurons have put out so far.
    room : Room
        Arrays to write to.
    """

    n_images: int
    n_steps: int
    values: dict[Part, Value]
    states: dict[Part, dict[str, np.ndarray]]
    counts: dict[Part, dict[str, np.ndarray]]
    room: Room


class Part(ABC):
    """Something that a network is made of.

    Attributes
    ----------
    size : int
        Number of units.
    sources : tuple of Part
        The parts whose values it needs.
    state : mapping of {str: ndarray}
        State of one inference before the first timestep.
    keeps_time : bool
        Whether its value stays over time if those of its sources do.
    """

    size: int
    sources: tuple[Part, ...] = ()
    state: Mapping[str, np.ndarray] = {}
    keeps_time = True

    def start(self, n_images: int) -> dict[str, np.ndarray]:
        """Return the state before the first timestep, (n_images, ...) each."""
        return {
            name: np.repeat(np.asarray(array)[None], n_images, axis=0)
            for name, array in self.state.items()
        }

    @abstractmethod
    def run(self, stretch: Stretch) -> Value:
        """Return the values in a stretch of timesteps, and advance the state."""


class Constant(Part):
    """Values that never change, (size,) ndarray."""

    def __init__(self, value: np.ndarray):
        self.value, self.size = value, len(value)

    def run(self, stretch: Stretch) -> Value:
        return self.value[None, None]


class Input(Part):
    """Values that are given from outside."""

    def __init__(self, size: int):
        self.size = size

    def run(self, stretch: Stretch) -> Value:
        return stretch.values[self]


def add_at(total: np.ndarray, index: Any, x: np.ndarray) -> None:
    """Add to some units of the last axis: all, a slice, or an array of them."""
    if index is None:
        total += x
    elif isinstance(index, slice):
        total[..., index] += x
    else:  # a unit may be there twice
        np.add.at(np.moveaxis(total, -1, 0), index, np.moveaxis(x, -1, 0))


@dataclass(frozen=True)
class Term:
    """What a part adds to a sum.

    Attributes
    ----------
    source : Part
        The part.
    source_index, index : slice, (n,) int ndarray or None
        Units of the part, and of the sum; None for all.
    scale : ndarray or None
        What values are multiplied by.
    """

    source: Part
    source_index: Any = None
    index: Any = None
    scale: np.ndarray | None = None

    def is_whole(self, size: int) -> bool:
        """Tell whether each unit is added to one of a number of units as it is."""
        plain = self.source_index is None and self.index is None and self.scale is None
        return plain and self.source.size == size


class Sum(Part):
    """Constants, and what other parts add to them."""

    def __init__(self, base: np.ndarray, terms: list[Term]):
        self.base, self.terms, self.size = base, terms, len(base)
        self.sources = tuple(term.source for term in terms)

    def run(self, stretch: Stretch) -> Value:
        added = [dense(stretch.values[term.source]) for term in self.terms]
        shape = np.broadcast_shapes(*(x.shape[:2] for x in added))
        total = stretch.room.array(self, (*shape, self.size), self.base.dtype)
        total[...] = self.base
        for term, x in zip(self.terms, added):
            if term.source_index is not None:
                x = x[..., term.source_index]
            if term.scale is not None:
                x = x * term.scale
            add_at(total, term.index, x)
        return total


class Linear(Part):
    """Weights."""

    def __init__(self, source: Part, weights: Weights):
        self.sources, self.weights, self.size = (source,), weights, weights.size_out

    def run(self, stretch: Stretch) -> Value:
        x = stretch.values[self.sources[0]]
        out = stretch.room.array(self, (*x.shape[:2], self.size), self.weights.dtype)
        rows = out.reshape(-1, self.size)
        if isinstance(x, Spikes):
            self.weights.apply_spikes(x.first, x.source, x.value, rows)
        else:
            self.weights.apply(x.reshape(-1, x.shape[2]), rows)
        return out


class Operated(Part):
    """Weights that one of Nengo's operators applies, inference after inference.

    Parameters
    ----------
    operator : nengo.builder.operator.Operator
        Adds what it makes of weights and values.
    source : Part
        The values.
    weights : ndarray or scipy.sparse matrix
        As the operator wants them.
    """

    def __init__(self, operator: Any, source: Part, weights: Any):
        self.operator, self.weights = operator, weights
        self.sources, self.size = (source,), operator.incs[0].size

    def run(self, stretch: Stretch) -> Value:
        values = dense(stretch.values[self.sources[0]])
        factor, read = self.operator.reads
        (added,) = self.operator.incs
        x, y = np.zeros(read.shape, read.dtype), np.zeros(added.shape, added.dtype)
        step = self.operator.make_step({factor: self.weights, read: x, added: y}, 0, 0)
        out = stretch.room.array(self, (*values.shape[:2], self.size), y.dtype)
        for position in np.ndindex(*values.shape[:2]):
            x[...], y[...] = values[position].reshape(x.shape), 0
            step()
            out[position] = y.ravel()
        return out


class Filter(Part):
    """A synapse, which delays by a timestep as well.

    Parameters
    ----------
    synapse : nengo.synapses.Synapse
        The filter.
    source : Part
        What is filtered.
    state : mapping of {str: ndarray}
        Its state before the first timestep.
    dt : float
        Length of a timestep [s].
    dtype : numpy.dtype
        Precision.
    """

    keeps_time = False

    def __init__(
        self,
        synapse: Any,
        source: Part,
        state: Mapping[str, np.ndarray],
        dt: float,
        dtype: np.dtype,
    ):
        self.synapse, self.sources, self.size = synapse, (source,), source.size
        self.state, self.dt, self.dtype = state, dt, dtype
        shape = (self.size,)
        copies = {name: array.copy() for name, array in state.items()}
        step = synapse.make_step(shape, shape, dt, None, copies)
        self.factors = None
        if isinstance(step, LinearFilter.OneX):
            self.factors = np.array([step.a, step.b], dtype)

    def start(self, n_images: int) -> dict[str, np.ndarray]:
        output = np.zeros((n_images, self.size), self.dtype)
        return {**super().start(n_images), "output": output}

    def run(self, stretch: Stretch) -> Value:
        x = dense(stretch.values[self.sources[0]])
        state = stretch.states[self]
        shape = (stretch.n_images, stretch.n_steps, self.size)
        out = stretch.room.array(self, shape, self.dtype)
        if self.factors is not None:
            kernels.lowpass(x, state["X"].reshape(shape[0], -1), self.factors, out)
            return out
        size = (self.size,)
        x = np.broadcast_to(x, shape)
        for image in range(stretch.n_images):
            output = state["output"][image]
            here = {name: array[image] for name, array in state.items()}
            step = self.synapse.make_step(size, size, self.dt, None, here)
            for k in range(stretch.n_steps):
                out[image, k] = output
                output[...] = step(0.0, x[image, k].copy())
        return out
