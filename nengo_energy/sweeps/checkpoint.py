"""Results of a sweep on disk: one Parquet file for each finished simulation of a chunk.

A file is there as a whole or not at all, whenever the sweep is killed. It holds
operation counts and not energies: devices can be others when the sweep goes on.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import os
import warnings
from pathlib import Path
from typing import Any, Mapping

from ..common.assumptions import Assumption
from ..common.declared_sizes import MAX_BYTES, size_text
from ..common.exceptions import InputError
from ..common.file_output import replaced
from ..common.optional_imports import import_or_explain
from ..common.proportions import Share
from ..common.text_files import read_text
from ..counts import Deployment, OpCount, OpCounts
from .work import ChunkResult

VERSION = 1
"""Version of the files' layout; others are refused."""

IDENTITY = "_sweep.json"
"""File that says which sweep it is; readers of Parquet pass over such names."""


READING_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What pyarrow, pandas and JSON raise on files that are damaged, or others."""

RESULTS = "[!.]*.parquet"
"""The files of results, without parts of some that a killed sweep has left."""


class Checkpoint:
    """A folder with the results of one sweep, which no other sweep uses meanwhile.

    Parameters
    ----------
    folder : str or os.PathLike
        Where; it is made if it isn't there.
    identity : Mapping
        What tells the sweep from others, by what it is.

    Raises
    ------
    InputError
        If the folder can't be made or written to, is in use, or holds another sweep, or
        something that can't be read.
    """

    def __init__(self, folder: Any, identity: Mapping[str, Any]):
        import_or_explain("pyarrow", '"nengo-energy[sweep]"', "a checkpoint")
        self.folder = Path(folder)
        self._unsaved: list[tuple[Path, bytes]] = []
        wanted = {"version": VERSION, **identity}
        path = self.folder / IDENTITY
        self._lock: int | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.folder)
            for held in (path, *self.folder.glob(RESULTS)):
                if held.is_symlink() or (held.exists() and not held.is_file()):
                    raise InputError(
                        f"checkpoint file {held} is a link, or no file; delete it, and "
                        "what it held is simulated again"
                    )
            if path.exists():
                self._check_identity(path, wanted)
            elif any(self.folder.glob(RESULTS)):
                raise InputError(
                    f"checkpoint {self.folder} holds results of something else; give "
                    "another folder"
                )
            # written in any case: a folder that can't be written to shows here
            _write(path, json.dumps(wanted, indent=1, sort_keys=True).encode())
        except OSError as error:
            self.close()
            raise InputError(
                f"checkpoint {self.folder} can't be written: {error.strerror or error}"
            ) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Let other sweeps use the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _check_identity(self, path: Path, wanted: Mapping[str, Any]) -> None:
        text = read_text(f"checkpoint file {path}", path)
        try:
            found = json.loads(text)
            if not isinstance(found, dict):
                raise ValueError("no object")
        except (RecursionError, ValueError) as error:
            raise InputError(
                f"checkpoint {self.folder} can't be read: {path.name} isn't JSON"
            ) from error
        plain = json.loads(json.dumps(wanted))
        differing = [key for key in plain if found.get(key) != plain[key]]
        if differing:
            words = "; ".join(
                f"{key} was {json.dumps(found.get(key))}, is {json.dumps(plain[key])}"
                for key in differing
            )
            raise InputError(
                f"checkpoint {self.folder} is of another sweep: {words}. Give another "
                "folder, or delete this one"
            )

    def load(self) -> dict[tuple[str, int, int], tuple[ChunkResult, ...]]:
        """Return finished results, by simulation and first and last inference."""
        results = {}
        for path in sorted(self.folder.glob(RESULTS)):
            try:
                rows = _rows(path)
                key = (rows[0]["simulation"], rows[0]["start"], rows[0]["end"])
                results[key] = tuple(_from_row(row) for row in rows)
            except READING_ERRORS as error:
                raise InputError(
                    f"checkpoint file {path} can't be read: {error}; delete it, and "
                    "what it held is simulated again"
                ) from error
        return results

    def save(self, key: tuple[str, int, int], results: tuple[ChunkResult, ...]) -> None:
        """Write the results of one chunk, or keep them until that works."""
        import pandas as pd

        simulation, start, end = key
        rows = [_to_row(key, result) for result in results]
        file = io.BytesIO()
        pd.DataFrame(rows).to_parquet(file, index=False)
        path = self.folder / f"{simulation}-{start}-{end}.parquet"
        self._unsaved.append((path, file.getvalue()))
        self._flush()

    def _flush(self) -> None:
        while self._unsaved:
            try:
                _write(*self._unsaved[0])
            except InputError as error:
                if len(self._unsaved) == 1:  # told once, not with every result
                    warnings.warn(
                        f"checkpoint file {error}. The sweep goes on, and tries again "
                        "with the next result",
                        stacklevel=2,
                    )
                return
            self._unsaved.pop(0)


def _rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, in which few bytes may stand for many."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    pyarrow: Any = importlib.import_module("pyarrow")
    batches, n_bytes = [], 0
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=16):
            n_bytes += batch.nbytes
            if n_bytes > MAX_BYTES:
                raise ValueError(f"it unpacks to more than {size_text(MAX_BYTES)}")
            batches.append(batch)
        table = pyarrow.Table.from_batches(batches, file.schema_arrow)
    rows: list[dict[str, Any]] = table.to_pandas().to_dict("records")
    return rows


def _write(path: Path, content: bytes) -> None:
    with replaced(path) as part:
        part.write_bytes(content)


def _locked(folder: Path) -> int | None:
    """Return what holds a folder for this sweep until it is closed, where that works.

    The system lets go of it when the process ends, in whatever way.
    """
    try:
        fcntl: Any = importlib.import_module("fcntl")
    except ImportError:  # Windows
        return None
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except BlockingIOError:
        os.close(lock)
        raise InputError(
            f"checkpoint {folder} is in use by another sweep; wait for its end, or "
            "give another folder"
        ) from None
    except OSError:  # a file system without locks
        os.close(lock)
        return None


def _to_row(key: tuple[str, int, int], result: ChunkResult) -> dict[str, Any]:
    simulation, start, end = key
    return {
        "simulation": simulation,
        "start": start,
        "end": end,
        "timesteps": result.timesteps,
        "correct": result.accuracy.count,
        "keras_correct": result.keras_accuracy.count,
        "agreeing": result.agreement.count,
        "positions": result.agreement.per_inference,
        "classes": result.n_classes,
        "spikes": result.spikes,
        "counts": _counts_to_json(result.counts),
    }


def _from_row(row: Mapping[str, Any]) -> ChunkResult:
    # what was saved before outputs had positions has one for each inference
    positions = int(row.get("positions", 1))
    n = (int(row["end"]) - int(row["start"])) * positions
    shares = [int(row[name]) for name in ("correct", "keras_correct", "agreeing")]
    timesteps, spikes = int(row["timesteps"]), float(row["spikes"])
    n_classes = int(row.get("classes", 0))
    if min(n, positions, timesteps) < 1 or min(*shares, n_classes) < 0:
        raise ValueError("it holds numbers that are too small")
    if max(shares) > n or not 0 <= spikes < math.inf:
        raise ValueError("it holds numbers that are too large, or none")
    accuracy, keras_accuracy, agreement = (Share(k, n, positions) for k in shares)
    return ChunkResult(
        timesteps=timesteps,
        counts=_counts_from_json(row["counts"]),
        spikes=spikes,
        accuracy=accuracy,
        keras_accuracy=keras_accuracy,
        agreement=agreement,
        n_classes=n_classes,
    )


def _counts_to_json(counts: OpCounts) -> str:
    return json.dumps(
        {
            "rows": [vars(row) for row in counts.rows],
            "timesteps": counts.timesteps,
            "dt": counts.dt,
            "assumptions": [[a.code, a.text] for a in counts.assumptions],
            "settings": counts.settings,
            "deployment": _deployment_to_plain(counts.deployment),
            "saturated": counts.saturated,
        }
    )


def _counts_from_json(text: str) -> OpCounts:
    content = json.loads(text)
    return OpCounts(
        tuple(OpCount(**row) for row in content["rows"]),
        content["timesteps"],
        content["dt"],
        tuple(Assumption(code, text) for code, text in content["assumptions"]),
        content["settings"],
        deployment=_deployment_from_plain(content.get("deployment")),
        saturated=tuple(content.get("saturated", ())),
    )


def _deployment_to_plain(deployment: Deployment | None) -> dict[str, Any] | None:
    if deployment is None:
        return None
    return {
        "rows": [vars(row) for row in deployment.rows],
        "on_host": sorted(deployment.on_host),
        "encoded": deployment.encoded,
        "synop_range": {k: [*v] for k, v in deployment.synop_range.items()},
    }


def _deployment_from_plain(content: Mapping[str, Any] | None) -> Deployment | None:
    if content is None:
        return None
    return Deployment(
        tuple(OpCount(**row) for row in content["rows"]),
        frozenset(content["on_host"]),
        tuple(content["encoded"]),
        {k: (*v,) for k, v in content.get("synop_range", {}).items()},
    )
