"""A .nir file -> a graph as plain dictionaries, within bounds of memory.

A file may come from a stranger. What it holds is looked at before any of it is read:
no links to other files, no more values than ``max_bytes``, and no compression that
unpacks to more than it says. There is nothing in it that could be run.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path
from typing import Any, Iterator

import h5py
import numpy as np

from ..common.exceptions import InputError, NengoEnergyError, NotFoundError
from ..keras_models.safety import check_hdf5

MAX_DEPTH = 20
"""Graphs within graphs, and groups within groups, that are read."""

MAX_ITEMS = 200_000
"""Groups and arrays that a file may hold."""

MAX_TEXT = 4096
"""Longest name or text [bytes]."""

READING_ERRORS = (KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)
"""What h5py raises on files that are damaged, or no HDF5 at all."""


def read_graph(path: str | os.PathLike[str], max_bytes: int) -> dict[str, Any]:
    """Read a file that ``nir.write`` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    max_bytes : int
        Most bytes that its arrays may take in memory.

    Returns
    -------
    dict
        What ``nir.NIRGraph.to_dict()`` gives: ``type``, ``nodes`` and ``edges``.

    Raises
    ------
    NotFoundError
        There is no such file.
    InputError
        It isn't a NIR file, is damaged, or holds more than it may.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path} isn't a file; give the path of a .nir file")
    with _explained(path):
        with h5py.File(path, "r") as file:
            check_hdf5(file, str(path))
            if not isinstance(file.get("node"), h5py.Group):
                raise InputError(f"{path} has no group 'node', so it isn't a NIR file")
            return _Reader(str(path), max_bytes).group(file["node"], "node", 0)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Put the complaints of h5py about a file in our words."""
    try:
        yield
    except NengoEnergyError:
        raise
    except READING_ERRORS as error:
        raise InputError(f"{path} can't be read as a NIR file: {error}") from error


class _Reader:
    """Reads groups, and keeps account of what was read."""

    def __init__(self, source: str, max_bytes: int):
        self.source, self.max_bytes = source, max_bytes
        self.left, self.items = max_bytes, 0

    def group(self, group: Any, place: str, depth: int) -> dict[str, Any]:
        """Return a group as a dictionary."""
        if depth > 2 * MAX_DEPTH:
            raise self._refused(place, f"lies deeper than {MAX_DEPTH} graphs")
        found = {}
        for name in group:
            self.items += 1
            if self.items > MAX_ITEMS:
                raise self._refused(place, f"is one of more than {MAX_ITEMS} items")
            inner = f"{place}/{name}"
            if name == "metadata":
                continue  # whatever a framework likes to note; nothing hangs on it
            item = group[name]
            if isinstance(item, h5py.Group):
                found[name] = self.group(item, inner, depth + 1)
            elif isinstance(item, h5py.Dataset):
                found[name] = self._value(item, inner)
            else:
                raise self._refused(inner, "is neither a group nor an array")
        return found

    def _value(self, dataset: Any, place: str) -> Any:
        """Return a number, a text, or an array of either."""
        if dataset.shape is None:
            return None
        text = h5py.check_string_dtype(dataset.dtype)
        if text is not None and text.length is None:
            self._take(dataset.size * MAX_TEXT, place)
            return self._texts(dataset, place)
        if dataset.dtype.kind not in "biufS":
            raise self._refused(place, f"has the type {dataset.dtype}")
        self._take(dataset.size * dataset.dtype.itemsize, place)
        self._check_storage(dataset, place)
        value = dataset[()]
        return value.astype(str) if dataset.dtype.kind == "S" else value

    def _texts(self, dataset: Any, place: str) -> Any:
        """Return texts, one by one, as each may be as long as the file."""
        self._check_storage(dataset, place)
        found = []
        for index in np.ndindex(dataset.shape):
            value = dataset[index]
            if len(value) > MAX_TEXT:
                raise self._refused(place, f"has a text of more than {MAX_TEXT} bytes")
            found.append(value.decode() if isinstance(value, bytes) else str(value))
        return found[0] if dataset.shape == () else _reshaped(found, dataset.shape)

    def _take(self, n_bytes: int, place: str) -> None:
        """Take memory, if there is some left."""
        if n_bytes > self.left:
            raise self._refused(
                place,
                f"brings the values to more than max_bytes={self.max_bytes}; "
                "raise it if you trust the file",
            )
        self.left -= n_bytes

    def _check_storage(self, dataset: Any, place: str) -> None:
        """Refuse chunks that take more memory than the array they are of."""
        if dataset.chunks is None:
            return
        size = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize
        if size > self.max_bytes:
            raise self._refused(place, f"is stored in chunks of {size} bytes")
        created = dataset.id.get_create_plist()
        filters = [created.get_filter(k)[0] for k in range(created.get_nfilters())]
        known = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE)
        if tuple(filters) not in ((), known[:1], known[1:], known):
            raise self._refused(
                place, "is compressed by another method than gzip, which nir.write uses"
            )
        if known[1] not in filters:
            return
        for k in range(dataset.id.get_num_chunks()):
            chunk = dataset.id.get_chunk_info(k)
            if chunk.size > size + 1024:
                raise self._refused(place, "has a chunk that is larger than it says")
            _, packed = dataset.id.read_direct_chunk(chunk.chunk_offset)
            if chunk.filter_mask == 0 and _unpacks_to_more(packed, size):
                raise self._refused(place, "unpacks to more than it says")

    def _refused(self, place: str, reason: str) -> InputError:
        return InputError(f"{self.source}: {place} {reason}")


def _unpacks_to_more(packed: bytes, size: int) -> bool:
    return len(zlib.decompressobj().decompress(packed, size + 1)) > size


def _reshaped(texts: list[str], shape: tuple[int, ...]) -> list[Any]:
    """Return texts in lists of lists."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array.reshape(shape).tolist()
