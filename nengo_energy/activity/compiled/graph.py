"""Nengo's operators -> the parts of a network, each after those that it needs.

A network is built by Nengo, so that weights, seeds and states are its own. Its
operators, which work timestep by timestep, become parts that work on many timesteps at
once, since nothing leads back.
"""

from __future__ import annotations

import graphlib
from dataclasses import replace
from typing import Any, Mapping, Sequence

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import (
    Copy,
    DotInc,
    ElementwiseInc,
    Operator,
    Reset,
    SparseDotInc,
)
from nengo.builder.processes import SimProcess
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.synapses import LinearFilter, Triangle

from ...common.exceptions import UnsupportedError
from ...network.fanout import convolution_map
from ...network.linear_maps import DenseMap, LinearMap, SparseMap
from .neurons import Current, neurons_part
from .parts import (
    Constant,
    Filter,
    Input,
    Linear,
    Operated,
    Part,
    Sum,
    Term,
    add_at,
)
from .weights import Weights

Index = Any
"""What selects some units: a slice, an array of indices, or None for all."""


class Graph:
    """The parts that some signals of a built model need.

    Parameters
    ----------
    model : nengo.builder.Model
        Built from a network.
    inputs : mapping of {Signal: object}
        Signals that are given from outside, and what they are called.
    wanted : sequence of Signal
        Signals whose values are wanted.
    like : nengo.Simulator, optional
        A simulator of the model, not optimized, that all is computed like to the last
        bit; without, only rounding may differ from Nengo.

    Attributes
    ----------
    parts : list of Part
        In an order in which each follows those that it needs.
    wanted : list of Part
        Those that compute the wanted signals.

    Raises
    ------
    UnsupportedError
        If something leads back, or an operator isn't among those that are known.
    """

    def __init__(
        self,
        model: Model,
        inputs: Mapping[Signal, Any],
        wanted: Sequence[Signal],
        like: nengo.Simulator | None = None,
    ):
        self.dt, self.inputs, self.like = model.dt, inputs, like
        operators = model.operators
        if like is not None:  # in the order in which it adds up
            own = set(operators)
            operators = [op for op in like.step_order if op in own]
        self.dtype = np.dtype(wanted[0].dtype if wanted else float)
        self.writers: dict[Signal, list[Operator]] = {}
        for op in operators:
            for signal in dict.fromkeys(s.base for s in _written(op)):
                self.writers.setdefault(signal, []).append(op)
        self.made: dict[Signal, Part] = {}
        self.parts: list[Part] = []
        for signal in self._in_order([s.base for s in wanted]):
            self.made[signal] = self._make(signal)
        self.wanted = [self.part_of(signal) for signal in wanted]
        needed = set(self.wanted)
        for part in reversed(self.parts):
            if part in needed:
                needed.update(part.sources)
        self.parts = [part for part in self.parts if part in needed]

    def part_of(self, signal: Signal) -> Part:
        """Return the part that computes a signal, or some units of one."""
        part, index = self.made[signal.base], _units(signal)
        if index is None:
            return part
        zeros = np.zeros(signal.size, self.dtype)
        return self._add(Sum(zeros, [Term(part, source_index=index)]))

    def _add(self, part: Part) -> Part:
        self.parts.append(part)
        return part

    def _in_order(self, wanted: Sequence[Signal]) -> list[Signal]:
        """Return all signals that are needed, each after those that it needs."""
        needs: dict[Signal, set[Signal]] = {}
        todo = list(wanted)
        while todo:
            signal = todo.pop()
            if signal in needs:
                continue
            needs[signal] = set()
            if signal not in self.inputs:
                for op in self.writers.get(signal, ()):
                    _check(op, signal)
                    needs[signal].update(s.base for s in self._values_read(op))
            todo.extend(needs[signal])
        try:
            return list(graphlib.TopologicalSorter(needs).static_order())
        except graphlib.CycleError as error:
            names = ", ".join(dict.fromkeys(s.name for s in error.args[1]))
            raise UnsupportedError(f"it has a loop: {names}") from error

    def _values_read(self, op: Operator) -> list[Signal]:
        """Return the signals that an operator reads, but for time and for weights."""
        reads: list[Signal] = op.reads
        if isinstance(op, SimProcess):
            return reads[1:]
        if isinstance(op, (DotInc, ConvInc, ConvTransposeInc)):
            if self._varies(reads[0]):
                raise UnsupportedError(f"{reads[0].name} change")
            return reads[1:]
        return reads

    def _varies(self, signal: Signal) -> bool:
        return signal.base in self.inputs or signal.base in self.writers

    def _make(self, signal: Signal) -> Part:
        if signal in self.inputs:
            return self._add(Input(signal.size))
        ops = self.writers.get(signal)
        if not ops:
            return self._add(Constant(self._constant(signal)))
        first = ops[0]
        if isinstance(first, SimNeurons):
            return self._neurons(first)
        if isinstance(first, SimProcess):
            return self._filter(first)
        return self._sum(signal, ops)

    def _neurons(self, op: SimNeurons) -> Part:
        state = {name: s.initial_value for name, s in op.state.items()}
        current = self._current(self.part_of(op.J))
        exact = self.like is not None
        return self._add(neurons_part(op.neurons, current, state, self.dt, exact))

    def _current(self, part: Part) -> Current:
        """Return a current, taken apart where it is a bias and one thing more."""
        if isinstance(part, Sum) and len(part.terms) == 1:
            (term,) = part.terms
            scale = np.ones(1) if term.scale is None else term.scale
            if replace(term, scale=None).is_whole(part.size) and np.ptp(scale) == 0:
                return Current(part.base, term.source, float(scale[0]))
        return Current(np.zeros(part.size, self.dtype), part)

    def _filter(self, op: SimProcess) -> Part:
        state = {name: s.initial_value for name, s in op.state.items()}
        return self._add(
            Filter(op.process, self.part_of(op.input), state, self.dt, self.dtype)
        )

    def _sum(self, signal: Signal, ops: Sequence[Operator]) -> Part:
        """Return a constant, and what is added to it."""
        base = np.zeros(signal.size, self.dtype)
        terms: list[Term] = []
        for op in sorted(ops, key=lambda op: len(op.incs) > 0):  # what sets comes first
            index = _units((op.sets + op.incs)[0])
            if isinstance(op, Copy) and op.dst_slice is not None:
                units = np.arange(signal.size)
                units = units if index is None else units[index]
                index = units[_as_index(op.dst_slice)]
            if isinstance(op, Reset):
                base[slice(None) if index is None else index] = op.value
                continue
            term = self._term(op, index)
            constant = _constant_of(term)
            if constant is None or (terms and self.like is not None):
                terms.append(term)
            else:
                add_at(base, index, constant)
        if not terms:
            return self._add(Constant(base))
        alone = terms[0]
        if len(terms) == 1 and alone.is_whole(signal.size) and not np.any(base):
            return alone.source
        return self._add(Sum(base, terms))

    def _term(self, op: Operator, index: Index) -> Term:
        if isinstance(op, Copy):
            source = self.made[op.src.base]
            units = _units(op.src)
            if op.src_slice is not None:
                all_units = np.arange(source.size)
                chosen = all_units if units is None else all_units[units]
                units = chosen[_as_index(op.src_slice)]
            return Term(source, units, index)
        factor, x = op.reads
        if isinstance(op, ElementwiseInc):
            if self._varies(factor):
                factor, x = x, factor
            source, scale = self.part_of(x), self._constant(factor)
            size = op.incs[0].size
            if scale.size not in (1, size) or source.size not in (1, size):
                raise UnsupportedError(f"{op} multiplies arrays of other shapes")
            if self._varies(factor):
                raise UnsupportedError(f"{op} multiplies two values that change")
            return Term(source, None, index, None if np.all(scale == 1) else scale)
        source = self.part_of(x)
        if isinstance(source, Constant) and not np.any(source.value):
            return Term(Constant(np.zeros(1, self.dtype)), None, index)
        if self.like is not None:
            weights = self.like.signals[factor]
            return Term(self._add(Operated(op, source, weights)), None, index)
        weights = Weights(_linear_map(op, factor), self.dtype)
        return Term(self._add(Linear(source, weights)), None, index)

    def _constant(self, signal: Signal) -> np.ndarray:
        return np.asarray(signal.initial_value, self.dtype).ravel()


def _linear_map(op: Operator, weights: Signal) -> LinearMap:
    if isinstance(op, (ConvInc, ConvTransposeInc)):
        return convolution_map(op.conv, np.asarray(weights.initial_value))
    if isinstance(op, SparseDotInc):
        value = weights.initial_value
        return SparseMap(getattr(value, "allocate", lambda: value)())
    return DenseMap(np.asarray(weights.initial_value))


def _constant_of(term: Term) -> np.ndarray | None:
    """Return what a term adds, if that never changes."""
    if not isinstance(term.source, Constant):
        return None
    value = term.source.value
    if term.source_index is not None:
        value = value[term.source_index]
    return value if term.scale is None else value * term.scale


def _written(op: Operator) -> list[Signal]:
    signals: list[Signal] = op.sets + op.incs + op.updates
    return signals


def _check(op: Operator, signal: Signal) -> None:
    """Refuse an operator that isn't known."""
    if isinstance(op, SimNeurons):
        if signal is not op.output:
            raise UnsupportedError(f"{signal.name}, the state of neurons, is used")
        if op.state_extra:
            raise UnsupportedError(f"{op.neurons} draws random numbers")
    elif isinstance(op, SimProcess):
        if op.mode != "update" or op.input is None:
            raise UnsupportedError(
                f"the process {type(op.process).__name__} makes {signal.name}"
            )
        if not isinstance(op.process, (LinearFilter, Triangle)):
            raise UnsupportedError(f"the synapse {op.process} isn't known")
    elif (
        not isinstance(
            op,
            (Reset, Copy, ElementwiseInc, ConvInc, ConvTransposeInc, SparseDotInc),
        )
        and type(op) is not DotInc
    ):
        raise UnsupportedError(f"{type(op).__name__} makes {signal.name}")


def _units(signal: Signal) -> Index:
    """Return which units of its base a signal is; None for all of them, in order."""
    if signal is signal.base:
        return None
    units = np.arange(signal.base.size)
    view = np.lib.stride_tricks.as_strided(
        units[signal.elemoffset :],
        signal.shape,
        [stride * units.itemsize for stride in signal.elemstrides],
    ).ravel()
    if len(view) == len(units) and np.array_equal(view, units):
        return None
    if np.array_equal(view, np.arange(view[0], view[0] + len(view))):
        return slice(int(view[0]), int(view[0]) + len(view))
    return view


def _as_index(chosen: Any) -> np.ndarray:
    return np.asarray(chosen)
