"""Progress bars for long work."""

from __future__ import annotations

import contextlib
import sys
import warnings
from typing import Any, Callable, Iterator

from tqdm import tqdm

from .plain_text import plain_line
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
        Always or never; by default in a terminal or notebook, once the work has taken
        two seconds. What is neither gets a line at the beginning.
    unit : str
        What is counted.

    Yields
    ------
    callable
        To be told how much was done since the last call.
    """
    label, notebook = plain_line(label), _notebook_bar()
    if show and notebook is None and not sys.stderr.isatty():
        # a log: no line is written over
        tqdm.write(f"{label}: {plural(total, unit)}", file=sys.stderr)
        yield lambda done: None
        return
    # by itself a bar in a notebook would take its stream for a log
    default = None if notebook is None else False
    bar = (notebook or tqdm)(
        total=total,
        desc=label,
        unit=unit,
        unit_scale=True,
        leave=bool(show),
        delay=0 if show else 2,
        disable=default if show is None else not show,
    )
    with bar:
        yield lambda done: (bar.update(done), None)[1]


def _notebook_bar() -> Any:
    """Return the bar of a notebook, or None where this is no kernel of one."""
    ipython = sys.modules.get("IPython")
    if getattr(ipython and ipython.get_ipython(), "kernel", None) is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets the bar is text
        from tqdm.auto import tqdm as bar
    return bar
