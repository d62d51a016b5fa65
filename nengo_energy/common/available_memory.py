"""How much memory there is, and a refusal of work that can't do with it."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from pathlib import Path
from typing import Any

from .declared_sizes import size_text
from .exceptions import InputError

VARIABLE = "NENGO_ENERGY_MAX_MEMORY"
"""Environment variable that says how much there is instead [bytes]; "inf" for any."""


def check_memory(what: str, n_bytes: float, remedy: str) -> None:
    """Refuse work that needs more memory than there is, before it starts.

    In a task of a Dask worker, what the worker may take counts.

    Parameters
    ----------
    what : str
        The work, for the message.
    n_bytes : float
        What it needs at least; what it needs in truth may be a few times that.
    remedy : str
        What makes it need less.

    Raises
    ------
    InputError
        There is less.
    """
    available = available_memory()
    if n_bytes > available:
        worker = _dask_worker()
        where = "" if worker is None else f" to the worker {worker.address}"
        raise InputError(
            f"{what} needs at least {size_text(n_bytes)} of memory, and "
            f"{size_text(available)} are available{where}; {remedy}. If more can be "
            f"had, set {VARIABLE} to bytes, or to inf"
        )


def available_memory() -> float:
    """Return how much memory can be had without swapping [bytes], inf if unknown.

    What a container's cgroup or a Dask worker's limit leaves counts, where it is less
    than the computer has.
    """
    said = os.environ.get(VARIABLE)
    if said:
        with contextlib.suppress(ValueError):
            if float(said) > 0:
                return float(said)
        raise InputError(f"{VARIABLE} must be a number of bytes, or inf; got {said!r}")
    found = [math.inf]
    with contextlib.suppress(OSError, LookupError, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable"))
        found.append(1024 * int(free.split()[1]))
    for folder in _cgroups():
        for most, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            with contextlib.suppress(OSError, LookupError, ValueError):
                limit = int((folder / most).read_text())
                taken = int((folder / used).read_text())
                found.append(max(0, limit - taken + _cached(folder)))
    worker = _dask_worker()
    allowed = getattr(getattr(worker, "memory_manager", None), "memory_limit", None)
    if allowed:
        found.append(max(0, allowed - worker.monitor.proc.memory_info().rss))
    return min(found)


def _dask_worker() -> Any:
    """Return the Dask worker whose task runs here, or None."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    with contextlib.suppress(ValueError):
        return distributed.get_worker()
    return None


def _cgroups(root: Path = Path("/sys/fs/cgroup")) -> list[Path]:
    """Return the folders of this process's cgroup and those that it is in."""
    folders = [root, root / "memory"]
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            base = root / "memory" if "memory" in controllers.split(",") else root
            inside = base / path.lstrip("/")
            folders += [inside, *(p for p in inside.parents if root in p.parents)]
    return folders


def _cached(folder: Path) -> int:
    """Return what a cgroup holds of files, and lets go of when it is needed."""
    lines = (folder / "memory.stat").read_text().splitlines()
    stat = dict(line.split()[:2] for line in lines)
    return int(stat["inactive_file"])
