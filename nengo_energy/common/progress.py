"""Progress bars for long work."""

from __future__ import annotations

import contextlib
import sys
from typing import Callable, Iterator

from tqdm import tqdm

from .tables import plural


@contextlib.contextmanager
def progress_bar(
    total: int, label: str, show: bool | None = None, unit: str = "step"
) -> Iterator[Callable[[int], None]]:
    """Show a bar on the error stream while some work goes on.

    Parameters
    ----------
    total : int
        How much there is to do.
    label : str
        What is being done.
    show : bool, optional
        Always or never; by default in a terminal, once the work has taken two seconds.
        What is no terminal gets a line at the beginning.
    unit : str
        What is counted.

    Yields
    ------
    callable
        To be told how much was done since the last call.
    """
    if show and not sys.stderr.isatty():
        # a log: no line is written over
        tqdm.write(f"{label}: {plural(total, unit)}", file=sys.stderr)
        yield lambda done: None
        return
    bar = tqdm(
        total=total,
        desc=label,
        unit=unit,
        unit_scale=True,
        leave=bool(show),
        delay=0 if show else 2,
        disable=None if show is None else not show,
    )
    with bar:
        yield lambda done: (bar.update(done), None)[1]
