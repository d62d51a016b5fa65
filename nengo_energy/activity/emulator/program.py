"""A network that NengoLoihi placed on cores -> flat arrays that compiled loops run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, NamedTuple

import numpy as np

from ...common.exceptions import UnsupportedError
from . import kernels, merging
from .delivery import LANES, Routes
from .kernels import Compartments, State
from .merging import Merged, Synapses


class AxonRoutes(NamedTuple):
    """The routes of a group of axons: from each source that uses it.

    Attributes
    ----------
    source : (n_routes,) int64 ndarray
        Compartment, or number of compartments + neuron of the host's.
    row : (n_routes,) int64 ndarray
        Row of weights.
    base : (n_routes,) int64 ndarray
        Compartment that the row's targets count from.
    """

    source: np.ndarray
    row: np.ndarray
    base: np.ndarray


@dataclass(frozen=True, eq=False)
class ChipProgram:
    """A placed network, flattened.

    Attributes
    ----------
    routes : Routes
        Where each spike goes.
    compartments : Compartments
        What the compartments are set to.
    sources : Mapping of {LoihiBlock or SpikeInput: slice}
        Which sources of spikes are whose: the compartments of blocks come first, the
        neurons of the host's after them.
    n_synapses : int
        Number of synapses that spikes are delivered over; shared ones count each.
    """

    routes: Routes
    compartments: Compartments
    sources: Mapping[Any, slice]
    n_synapses: int

    @property
    def n_compartments(self) -> int:
        """Number of compartments, over all cores."""
        return len(self.compartments.bias)

    @property
    def n_host_sources(self) -> int:
        """Number of neurons of the host's that send spikes to the chip."""
        return len(self.routes.rows) - self.n_compartments

    @property
    def nbytes(self) -> int:
        """Memory of the synapses [bytes]."""
        return sum(array.nbytes for array in self.routes)


def build_program(
    blocks: Mapping[Any, slice],
    inputs: Any,
    state: Any,
    neurons: Mapping[Any, Any] | None = None,
) -> ChipProgram:
    """Flatten a network that NengoLoihi has built.

    Parameters
    ----------
    blocks : mapping of {nengo_loihi.block.LoihiBlock: slice}
        Which compartments are whose.
    inputs : iterable of nengo_loihi.inputs.SpikeInput
        What sends spikes of the host's.
    state : nengo_loihi.emulator.interface.CompartmentState
        Settings of all compartments.
    neurons : mapping of {nengo_loihi.block.LoihiBlock: sequence of int}, optional
        Which compartments each block had before it was split.

    Returns
    -------
    ChipProgram
        Synapses as they are now: weights that are changed later don't count.

    Raises
    ------
    UnsupportedError
        If the network does what only NengoLoihi's own emulator can; the message is the
        reason.
    """
    if state.dtype != np.int32:
        raise UnsupportedError("the model is simulated in real numbers (simreal)")
    compartments = _compartments(state)
    sources, end = dict(blocks), state.n_compartments
    for spike_input in inputs:
        sources[spike_input] = slice(end, end + spike_input.n_neurons)
        end += spike_input.n_neurons
    table = RowTable(blocks)
    each = [table.axon_routes(axon, part) for axon, part in _axons(sources)]
    source, row, base = (
        np.concatenate([np.zeros(0, np.int64), *parts])
        for parts in (zip(*each) if each else [()] * 3)
    )
    first, row, base = merging.group_routes(source, row, base, end)
    synapses = Synapses(
        first, row, base, table.start, table.size, table.target, table.weight
    )
    place = _places(blocks, neurons or {}, state.n_compartments)
    merged = merging.merge(synapses, place)
    routes = _routes(synapses, merged, place)
    return ChipProgram(routes, compartments, sources, int(table.size[row].sum()))


def _places(
    blocks: Mapping[Any, slice], neurons: Mapping[Any, Any], n_compartments: int
) -> np.ndarray:
    """Return where compartments are if those of what was split lie as before."""
    whole, number = np.zeros((2, n_compartments), np.int64)
    n_wholes = 0
    for block, part in blocks.items():
        own = np.asarray(list(neurons.get(block, range(part.stop - part.start))))
        n_wholes += 0 in own
        whole[part], number[part] = n_wholes, own
    place = np.empty(n_compartments, np.uint32)
    place[np.lexsort((number, whole))] = np.arange(n_compartments)
    return place


def _routes(synapses: Synapses, merged: Merged, place: np.ndarray) -> Routes:
    """Write routes in as few bytes as hold them."""
    nothing = np.zeros(0, np.int16)
    begin, start, n_shapes, n_weights, reach = merging.write(
        synapses, merged, LANES, nothing, nothing
    )
    shapes = np.zeros(n_shapes, np.uint16 if reach < 2**16 else np.uint32)
    # an int32 may have no absolute value there
    largest = np.abs(synapses.weight.astype(np.int64)).max(initial=0)
    weights = np.zeros(n_weights, np.int16 if largest < 2**15 else np.int32)
    merging.write(synapses, merged, LANES, shapes, weights)
    rows = np.stack([begin[merged.row], start[merged.row], merged.base], axis=1)
    narrow = max(n_shapes, n_weights) < 2**32
    rows = rows.astype(np.uint32 if narrow else np.uint64)
    return Routes(rows, shapes, weights, place)


def new_state(program: ChipProgram) -> State:
    """Return the state of a network before its first timestep."""
    n = program.n_compartments
    return State(
        input=np.zeros(n, np.int32),
        current=np.zeros(n, np.int32),
        voltage=np.zeros(n, np.int32),
        refractory=np.zeros(n, np.int32),
        spiked=np.zeros(n, bool),
        spike_count=np.zeros(n, np.int32),
        spikes=np.zeros(n + 9, np.int32),
        sent_count=np.zeros(program.n_host_sources, np.int32),
        repeat_count=np.zeros(n, np.int32),
        overflow_count=np.zeros(0, np.int32),
    )


class RowTable:
    """The weights and targets of all synapses, row by row.

    A row holds what one spike of one axon with one atom applies. NengoLoihi's synapses
    have a list of weights, (atoms, targets) each, whose elements axons share.

    Parameters
    ----------
    blocks : mapping of {nengo_loihi.block.LoihiBlock: slice}
        Which compartments are whose.

    Attributes
    ----------
    start, size : (n_rows,) int64 ndarray
        Where the weights of each row begin, and their number.
    target, weight : (n_weights,) int32 ndarray
        Targets and weights, row after row.
    """

    def __init__(self, blocks: Mapping[Any, slice]):
        synapses = [(s, part) for block, part in blocks.items() for s in block.synapses]
        for synapse, _ in synapses:
            _check_synapse(synapse)
        self._block = dict(synapses)
        self._first_row: dict[Any, np.ndarray] = {}
        sizes, reaches = [], []
        n_rows = 0
        for synapse, _ in synapses:
            atoms = [len(w) for w in synapse.weights]
            # the row of each element's first atom; the last entry is the end
            self._first_row[synapse] = n_rows + np.cumsum([0, *atoms])
            n_rows += sum(atoms)
            target = _flat(synapse.indices)
            size = np.repeat([w.shape[1] for w in synapse.weights], atoms)
            sizes.append(size.astype(np.int64))
            _check_targets(synapse, target, sizes[-1])
            reaches.append(_reach(target, sizes[-1]))
        self.size, self._reach = _join(sizes), _join(reaches)
        self.start = np.cumsum(self.size) - self.size
        self.target = _flat([array for s, _ in synapses for array in s.indices])
        self.weight = _flat([array for s, _ in synapses for array in s.weights])

    def axon_routes(self, axon: Any, sources: slice) -> AxonRoutes:
        """Return the routes of a group of axons.

        Parameters
        ----------
        axon : nengo_loihi.block.Axon
            Of a block or a spike input.
        sources : slice
            The sources of that block or spike input.
        """
        synapse = axon.target
        if synapse not in self._block:
            raise UnsupportedError(f"{axon} leads to synapses of no block")
        n_sources = sources.stop - sources.start
        axons = _by_source(axon, axon.compartment_map, np.arange(n_sources))
        atoms = _by_source(axon, axon.compartment_atoms, np.zeros(n_sources, int))
        base = np.zeros(synapse.n_axons, np.int64)
        if synapse.axon_compartment_bases is not None:
            base = np.asarray(synapse.axon_compartment_bases, np.int64)
        element = np.arange(synapse.n_axons)
        if synapse.axon_to_weight_map is not None:
            element = _lookup(synapse.axon_to_weight_map, synapse.n_axons)
        if np.any(axons >= min(len(base), len(element))):
            raise UnsupportedError(f"{axon} leads to axons that {synapse} doesn't have")
        # neither sources without an axon nor axons without a base do anything
        (used,) = np.nonzero((axons >= 0) & (base[axons] >= 0))
        base, element, atoms = base[axons[used]], element[axons[used]], atoms[used]
        first_row = self._first_row[synapse]
        if np.any((element < 0) | (element >= len(first_row) - 1)):
            raise UnsupportedError(f"{synapse} has axons without weights")
        row = first_row[element] + atoms
        if np.any((atoms < 0) | (row >= first_row[element + 1])):
            raise UnsupportedError(f"{axon} has atoms that {synapse} doesn't know")
        part = self._block[synapse]
        if np.any(base + self._reach[row] > part.stop - part.start):
            raise UnsupportedError(f"{synapse} has targets outside its block")
        filled = self.size[row] > 0
        return AxonRoutes(
            sources.start + used[filled], row[filled], part.start + base[filled]
        )


def _axons(sources: Mapping[Any, slice]) -> Iterator[tuple[Any, slice]]:
    for owner, part in sources.items():
        for axon in owner.axons:
            yield axon, part


def _check_synapse(synapse: Any) -> None:
    if synapse.learning:
        raise UnsupportedError(f"{synapse} learns")
    if any(w.dtype != np.int32 for w in synapse.weights):
        raise UnsupportedError(f"{synapse} has weights that aren't integers of 32 bits")


def _flat(arrays: list[np.ndarray]) -> np.ndarray:
    """Return arrays of rows as one array, row after row."""
    flat = [array.ravel() for array in arrays]
    return np.concatenate([np.zeros(0, np.int32), *flat]).astype(np.int32, copy=False)


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _check_targets(synapse: Any, target: np.ndarray, size: np.ndarray) -> None:
    if target.min(initial=0) < 0:
        raise UnsupportedError(f"{synapse} has targets below zero")
    marks = np.zeros(target.max(initial=-1) + 1, np.int64)
    if merging.names_twice(target, size, marks):
        # there NumPy applies the last weight alone
        raise UnsupportedError(f"{synapse} has an axon with a target named twice")


def _reach(target: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the number of compartments that each row reaches over from its base."""
    reach = np.zeros(len(size), np.int64)
    filled = size > 0
    if np.any(filled):
        first = (np.cumsum(size) - size)[filled]
        reach[filled] = np.maximum.reduceat(target, first) + 1
    return reach


def _by_source(axon: Any, values: Any, default: np.ndarray) -> np.ndarray:
    if values is None:
        return default
    array = np.asarray(values, dtype=np.int64)
    if array.shape != default.shape:
        raise UnsupportedError(
            f"{axon} maps {array.size} sources, and comes from {default.size}"
        )
    return array


def _lookup(mapping: Any, n: int) -> np.ndarray:
    """Return a mapping from axon to element as an array; -1 where there is none."""
    if isinstance(mapping, Mapping):
        return np.array([mapping.get(k, -1) for k in range(n)], dtype=np.int64)
    return np.asarray(mapping, dtype=np.int64)


def _compartments(state: Any) -> Compartments:
    """Return NengoLoihi's settings of compartments by segments of equal ones."""
    one = 2**kernels.DECAY_BITS
    keep_u, keep_v = one - 1 - state.decay_u, one - state.decay_v
    if min(keep_u.min(), keep_v.min()) < 0 or max(keep_u.max(), keep_v.max()) > one:
        raise UnsupportedError("a compartment's decay has more than 12 bits")
    settings = np.stack(
        [
            keep_u,
            keep_v,
            state.vth,
            state.vmin,
            state.vmax,
            state.ref,
            state.noise.target_u,
        ]
    ).astype(np.int32)
    changes = np.any(settings[:, 1:] != settings[:, :-1], axis=0)
    end = np.append(np.nonzero(changes)[0] + 1, state.n_compartments)
    return Compartments(
        state.bias.copy(), end, *np.ascontiguousarray(settings[:, end - 1])
    )
