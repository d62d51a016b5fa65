"""Figures for papers: what all plots share, of matplotlib.

Nothing here touches matplotlib's global state: every plot returns a Figure of its own,
to be saved as ``figure.savefig("energy.pdf")``.
"""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .file_output import replaced
from .optional_imports import import_or_explain

if TYPE_CHECKING:
    import matplotlib.figure

PANEL_WIDTH = 3.4
"""Width of one panel [inch]; two fit beside each other on a page."""

_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "font.size": 8,
    "legend.frameon": False,
}


_SAVED = {"pdf.fonttype": 42, "ps.fonttype": 42}
"""Fonts as TrueType, as publishers ask for."""


def import_matplotlib() -> Any:
    """Return matplotlib, or say how to get it."""
    return import_or_explain("matplotlib", '"nengo-energy[plots]"', "drawing")


def style() -> Any:
    """Return a context in which figures look as papers want them."""
    return import_matplotlib().rc_context(_STYLE)  # put back when the figure is made


def new_figure(width: float, height: float) -> matplotlib.figure.Figure:
    """Return an empty figure of a size [inch]."""
    return _figure_class()(figsize=(width, height), layout="constrained")


@lru_cache(maxsize=None)
def _figure_class() -> Any:
    """Return matplotlib's Figure, which saves and shows itself as papers want it."""
    matplotlib = import_matplotlib()
    from matplotlib.figure import Figure

    class PaperFigure(Figure):
        """A figure whose fonts are kept, and that notebooks show."""

        def savefig(self, fname: Any, **kwargs: Any) -> None:
            with contextlib.ExitStack() as stack:
                stack.enter_context(matplotlib.rc_context(_SAVED))
                if isinstance(fname, (str, os.PathLike)):
                    ending = kwargs.get("format", matplotlib.rcParams["savefig.format"])
                    path = Path(fname)
                    if not path.suffix:  # as matplotlib does
                        path = path.with_name(f"{path.name}.{ending}")
                    fname = stack.enter_context(replaced(path))
                super().savefig(fname, **kwargs)

        def _repr_png_(self) -> bytes:
            file = BytesIO()
            self.savefig(file, format="png", dpi=144)
            return file.getvalue()

    return PaperFigure


def use_si(axis: Any, unit: str, words: str) -> None:
    """Write an axis in a unit with its SI prefixes, and name it."""
    from matplotlib.ticker import EngFormatter, NullFormatter

    axis.set_major_formatter(EngFormatter(unit=unit, sep="\u202f"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_label_text(words)


def use_percent(axis: Any) -> None:
    """Write an axis of shares in percent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))
