"""Comparison -> figure."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.colours import LINES
from ..common.figures import PANEL_WIDTH, new_figure, style, use_percent
from ..common.plain_text import plain_label
from ..estimates.columns import best_quantity, check_columns, keras_accuracy

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas


def plot_comparison(
    layers: pandas.DataFrame,
    curve: pandas.DataFrame | None = None,
    outputs: pandas.DataFrame | None = None,
) -> matplotlib.figure.Figure:
    """Draw a converted network beside its Keras model.

    Parameters
    ----------
    layers : pandas.DataFrame
        One row per layer, with ``layer``, ``correlation`` and ``relative_error``.
    curve : pandas.DataFrame, optional
        One row per output and number of timesteps, with ``output``, ``timesteps``, and
        ``accuracy`` or ``agreement``; ``_low`` and ``_high`` are their intervals.
    outputs : pandas.DataFrame, optional
        One row per output, with ``output`` and ``keras_accuracy``, which the curve is
        to be compared with.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for the layers and, with a curve, one for it.

    Raises
    ------
    InputError
        When a frame lacks a column.
    """
    check_columns("layers", layers, ("layer", "correlation", "relative_error"))
    has_curve = curve is not None and len(curve) > 0
    with style():
        figure = new_figure((1 + has_curve) * PANEL_WIDTH, max(2.4, 0.25 * len(layers)))
        axes = figure.subplots(1, 1 + has_curve, squeeze=False)[0]
        _draw_layers(axes[0], layers)
        if curve is not None and has_curve:
            _draw_curve(axes[1], curve, outputs)
    return figure


def _draw_layers(axes: Any, layers: pandas.DataFrame) -> None:
    places = np.arange(len(layers))
    for name, marker, colour in (
        ("correlation", "o", LINES[0]),
        ("relative_error", "s", LINES[1]),
    ):
        words = name.replace("_", " ")
        axes.plot(layers[name], places, marker, color=colour, label=words)
    axes.set_yticks(places, [*map(plain_label, layers["layer"])])
    axes.set_ylim(len(layers) - 0.5, -0.5)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]), right=max(1.02, axes.get_xlim()[1]))
    axes.grid(axis="y", color="#dddddd", lw=0.5)
    axes.set_title("Decoded spikes against activations")
    axes.set_xlabel("correlation, relative error")
    axes.figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower left", ncols=2
    )


def _draw_curve(
    axes: Any, curve: pandas.DataFrame, outputs: pandas.DataFrame | None
) -> None:
    quantity = best_quantity(curve)
    check_columns("curve", curve, ("timesteps", quantity))
    groups = curve.groupby("output", sort=False) if "output" in curve else [("", curve)]
    for (name, points), colour in zip(groups, cycle(LINES)):
        x = points["timesteps"].to_numpy()
        axes.plot(x, points[quantity], "o-", ms=3, color=colour, label=name or None)
        if f"{quantity}_low" in points:
            ends = (points[f"{quantity}_low"], points[f"{quantity}_high"])
            axes.fill_between(x, *ends, color=colour, alpha=0.2, lw=0)
        reference = keras_accuracy(outputs, name)
        if quantity == "accuracy" and reference is not None:
            axes.axhline(reference, color=colour, ls="--", lw=1, label="Keras")
    axes.set_ylim(0, 1.02)
    axes.set_xlim(left=0)
    axes.set_xlabel("timesteps per inference")
    axes.set_ylabel(quantity)
    axes.set_title(f"{quantity.capitalize()} over time")
    use_percent(axes.yaxis)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(loc="lower right")
