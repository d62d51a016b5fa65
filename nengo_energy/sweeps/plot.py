"""Sweep -> figure."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from ..common.colours import LINES
from ..common.exceptions import InputError
from ..common.figures import PANEL_WIDTH, new_figure, style, use_percent, use_si
from ..common.pareto import pareto_front
from ..estimates.columns import (
    check_columns,
    energy_devices,
    is_alive,
    tradeoff_columns,
)

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas


def plot_pareto(
    frame: pandas.DataFrame,
    devices: str | Sequence[str] | None = None,
    *,
    dense: Sequence[str] = (),
    label: Callable[[pandas.Series], str] | None = None,
    recommended: Mapping[str, int] | None = None,
) -> matplotlib.figure.Figure:
    """Draw accuracy against energy, with the Pareto front of each device.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per setting, with ``accuracy`` and ``energy <device>`` [J/inference].
        Rows without either, such as points that failed, are left out.
    devices : str or sequence of str, optional
        Devices to draw; by default all that the frame has energies of.
    dense : sequence of str
        Those that run the Keras model; they are drawn at its ``keras_accuracy``.
    label : callable, optional
        Returns the text beside a point of the front, from its row.
    recommended : mapping of {str: int}, optional
        Place among the rows, by device, of the point with a ring around it.

    Returns
    -------
    matplotlib.figure.Figure
        One axes with a logarithmic scale of energy.

    Raises
    ------
    NotFoundError
        When the frame has no energy of a device.
    InputError
        When the frame lacks a column, or holds no point to draw.
    """
    names = energy_devices(frame, devices)
    check_columns("frame", frame, ("accuracy",))
    with style():
        figure = new_figure(1.8 * PANEL_WIDTH, 2.8)
        axes = figure.subplots()
        drawn = [
            _draw_front(axes, frame, name, colour, dense, label)
            for name, colour in zip(names, cycle(LINES))
        ]
        if not any(drawn):
            raise InputError("frame holds no row with accuracy and an energy")
        if "keras_accuracy" in frame and frame["keras_accuracy"].notna().any():
            best = frame["keras_accuracy"].max()
            axes.axhline(best, color="#5a5a5a", ls="--", lw=1, label="Keras model")
        rings = [
            frame[list(tradeoff_columns(frame, name, dense))].iloc[place]
            for name, place in (recommended or {}).items()
        ]
        if rings:
            x, y = zip(*rings)
            axes.plot(x, y, "o", ms=9, mfc="none", color="#16191d", label="recommended")
        axes.set_xscale("log")
        use_si(axes.xaxis, "J", "energy per inference")
        axes.set_ylabel("accuracy")
        use_percent(axes.yaxis)
        axes.grid(color="#e5e5e5", lw=0.5)
        axes.set_axisbelow(True)
        figure.legend(title="Pareto front", loc="outside right upper")
    return figure


def _draw_front(
    axes: Any,
    frame: pandas.DataFrame,
    device: str,
    colour: str,
    dense: Sequence[str],
    label: Callable[[pandas.Series], str] | None,
) -> int:
    """Draw all settings pale, and the front as a line; return how many there are."""
    columns = tradeoff_columns(frame, device, dense)
    points = frame.dropna(subset=list(columns)).sort_values(columns[0])
    x, y = (points[column] for column in columns)
    front = points[pareto_front(x.where(is_alive(points)), y)]
    axes.plot(x, y, "o", ms=3.5, color=colour, alpha=0.35, mew=0)
    places = [front[column] for column in columns]
    # in steps, as nothing between two settings was tried
    look = {"ms": 4, "lw": 1, "color": colour, "drawstyle": "steps-post"}
    axes.plot(*places, "o-", label=device, **look)
    if label is not None:
        for _, row in front.iterrows():
            axes.annotate(
                label(row),
                [row[column] for column in columns],
                xytext=(3, -8),
                textcoords="offset points",
                fontsize=6,
            )
    return len(points)
