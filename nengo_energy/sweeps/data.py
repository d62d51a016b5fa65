"""Inputs and labels of a sweep, checked, and cut into chunks for the workers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from ..common.checks import as_array, check_count
from ..common.decisions import Decision
from ..common.exceptions import InputError
from ..keras_models.graph import KerasGraph

CHUNK_SIZE = 512
"""Most inferences of a chunk, unless the user says how many."""

CHUNK_BYTES = 8 * 2**20
"""Most memory of a chunk, unless the user says how large; each task carries one."""


@dataclass(frozen=True)
class Chunk:
    """Some of the inferences.

    Attributes
    ----------
    start, end : int
        Which.
    x : ndarray, or list or mapping of ndarray
        Their inputs.
    labels : (end - start, ...) ndarray
        Their labels.
    """

    start: int
    end: int
    x: Any
    labels: np.ndarray


@dataclass(frozen=True)
class Data:
    """All inferences.

    Attributes
    ----------
    x : ndarray, or list or mapping by name of ndarray
        Inputs; a memory map stays on disk.
    labels : (n_inferences, ...) ndarray
        Labels.
    chunk_size : int
        Inferences of a chunk.
    """

    x: Any
    labels: np.ndarray
    chunk_size: int

    @property
    def n_inferences(self) -> int:
        """Number of inferences."""
        return len(self.labels)

    def spans(self) -> list[tuple[int, int]]:
        """Return the first inference of each chunk, and the one behind its last."""
        n = self.n_inferences
        starts = range(0, n, self.chunk_size)
        return [(start, min(start + self.chunk_size, n)) for start in starts]

    def chunk(self, start: int, end: int) -> Chunk:
        """Return one chunk, read from disk where the inputs are there."""

        def cut(array: np.ndarray) -> np.ndarray:
            return np.array(array[start:end])

        if isinstance(self.x, Mapping):
            x: Any = {name: cut(array) for name, array in self.x.items()}
        else:
            x = [cut(a) for a in self.x] if isinstance(self.x, list) else cut(self.x)
        return Chunk(start, end, x, self.labels[start:end])

    def digest(self) -> str:
        """Return what tells these inputs and labels from others."""
        digest = hashlib.sha256()
        for start, end in self.spans():
            chunk = self.chunk(start, end)
            for name, array in _named(chunk.x):
                digest.update(f"{name} {array.dtype} {array.shape}".encode())
                digest.update(array.tobytes())
            digest.update(chunk.labels.tobytes())
        return digest.hexdigest()[:16]


def check_fits(data: Data, graph: KerasGraph, output: Any) -> None:
    """Check that a model takes the inputs, and has an output for the labels.

    Raises
    ------
    InputError
        If not, which would otherwise fail at every point.
    """
    names = [str(tensor._keras_history[0].name) for tensor in graph.inputs]
    x = data.x
    if isinstance(x, Mapping):
        missing = [name for name in names if name not in x]
        arrays = [] if missing else [x[name] for name in names]
    else:
        arrays = list(x) if isinstance(x, list) else [x]
    if len(arrays) != len(names):
        found = ", ".join(x) if isinstance(x, Mapping) else str(len(arrays))
        raise InputError(
            f"model {graph.name!r} has the inputs {', '.join(names)}; got {found}"
        )
    for name, array, tensor in zip(names, arrays, graph.inputs):
        shape = tuple(tensor.shape)[1:]
        n_axes = array.ndim - len(shape)  # of inferences, and perhaps of timesteps
        if n_axes not in (1, 2) or not _matches(array.shape[n_axes:], shape):
            wanted = ", ".join(["n", *("any" if n is None else str(n) for n in shape)])
            raise InputError(
                f"input {name!r} must have the shape ({wanted}); got {array.shape}"
            )
    if output is None and len(graph.outputs) > 1:
        outputs = [str(tensor._keras_history[0].name) for tensor in graph.outputs]
        raise InputError(
            f"model {graph.name!r} has {len(outputs)} outputs; say which to judge with "
            f"output=, of {', '.join(outputs)}"
        )
    shape = tuple(graph.outputs[0].shape)[1:] or (1,)
    if output is None and None not in shape:
        Decision(shape).check_labels(data.labels, data.n_inferences)


def _matches(found: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return all(n is None or n == length for n, length in zip(wanted, found))


def check_data(x: Any, labels: Any, chunk_size: int | None = None) -> Data:
    """Check inputs and labels as far as that can be done without the model.

    Raises
    ------
    InputError
        If inputs and labels differ in their number, or there are none.
    """
    if isinstance(x, Mapping):
        x = {name_of(key): _as_array(name_of(key), value) for key, value in x.items()}
    elif isinstance(x, (list, tuple)) and all(hasattr(a, "shape") for a in x):
        x = [_as_array(f"number {i}", value) for i, value in enumerate(x)]
    else:
        x = _as_array("x", x)
    arrays = list(_named(x))
    lengths = {name: len(array) for name, array in arrays}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise InputError(
            "inputs must hold the same number of inferences, at least one; got "
            f"{lengths or 'none'}"
        )
    n_inferences = next(iter(lengths.values()))
    wanted = np.asarray(labels)
    if wanted.shape[:1] != (n_inferences,):
        raise InputError(
            f"labels must have the shape ({n_inferences},), one for each inference, or "
            f"further axes behind; got {wanted.shape}"
        )
    if chunk_size is None:
        row = sum(array.nbytes for _, array in arrays) // n_inferences
        chunk_size = max(1, min(CHUNK_SIZE, CHUNK_BYTES // max(1, row)))
    return Data(x, wanted, check_count("chunk_size", chunk_size))


def _as_array(name: str, value: Any) -> np.ndarray:
    array = as_array(f"input {name}", value)
    if array.ndim < 1 or array.dtype.kind not in "biuf":
        raise InputError(
            f"input {name} must be an array of numbers with one row per inference; got "
            f"shape {array.shape}, {array.dtype}"
        )
    return array


def name_of(key: Any) -> str:
    """Return the name of an input or output that is given by tensor, layer or name."""
    if hasattr(key, "_keras_history"):
        key = key._keras_history[0]
    return str(getattr(key, "name", key))


def _named(x: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(x, Mapping):
        yield from x.items()
    elif isinstance(x, list):
        yield from ((str(i), array) for i, array in enumerate(x))
    else:
        yield "x", x
