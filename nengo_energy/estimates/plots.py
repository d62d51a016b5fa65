"""Figures for papers: energies, comparisons and sweeps drawn by matplotlib.

Nothing here touches matplotlib's global state: every function returns a Figure of its
own, to be saved as ``figure.savefig("energy.pdf")``.
"""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any, Callable, Sequence

import numpy as np

from nengo_energy.common.colours import LINES, OPERATIONS
from nengo_energy.common.exceptions import InputError
from nengo_energy.common.optional_imports import import_or_explain
from nengo_energy.common.pareto import pareto_front
from nengo_energy.common.tables import typeset_si
from nengo_energy.estimates.columns import (
    best_quantity,
    check_columns,
    energy_devices,
    keras_accuracy,
    tradeoff_columns,
)
from nengo_energy.estimates.estimate import DeviceLike, EnergyEstimate
from nengo_energy.estimates.report import energies_by_layer, known_interval, row_label

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas

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


def plot_estimate(
    estimate: EnergyEstimate, devices: Sequence[DeviceLike] | None = None
) -> matplotlib.figure.Figure:
    """Draw the energy of each layer and operation, one panel per device.

    Each panel has its own scale, as devices differ by orders of magnitude; its title
    holds the total and, where known, its interval.

    Parameters
    ----------
    estimate : EnergyEstimate
        What to draw.
    devices : sequence of str or Device, optional
        Which of its devices; all by default.

    Returns
    -------
    matplotlib.figure.Figure
        With one axes per device.

    Raises
    ------
    NotFoundError
        When a device isn't in the estimate.
    MissingDependencyError
        If matplotlib isn't installed.
    """
    names = _device_names(estimate, devices)
    labels, cells = energies_by_layer(estimate)
    labels = [label for label in labels if any(label in cells[name] for name in names)]
    n_columns = min(2, len(names))
    n_rows = math.ceil(len(names) / n_columns)
    height = 0.75 + 0.19 * len(labels)
    with _style():
        figure = _figure(n_columns * PANEL_WIDTH, n_rows * height + 0.5)
        axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True).ravel()
        for name, panel in zip(names, axes):
            _draw_device(panel, estimate, name, labels)
        for panel in axes[len(names) :]:
            panel.remove()
        handles = {
            words: bars
            for panel in axes[: len(names)]
            for bars, words in zip(*panel.get_legend_handles_labels())
        }
        order = [look.words for look in OPERATIONS.values() if look.words in handles]
        figure.legend(
            [handles[words] for words in order],
            order,
            loc="outside lower center",
            ncols=min(4, max(1, len(order))),
        )
    return figure


def _draw_device(
    axes: Any, estimate: EnergyEstimate, name: str, labels: Sequence[str]
) -> None:
    """Draw stacked bars, one per layer."""
    rows = [row for row in estimate.rows if row.device == name]
    left = np.zeros(len(labels))
    for operation, look in OPERATIONS.items():
        widths = np.zeros(len(labels))
        for row in rows:
            if row.operation == operation:
                widths[labels.index(row_label(row))] += row.energy
        if widths.any():
            axes.barh(
                range(len(labels)),
                widths,
                left=left,
                height=0.7,
                color=look.light,
                label=look.words,
            )
            left += widths
    title = f"{name}: {typeset_si(estimate.total(name), 'J')}"
    interval = known_interval(estimate, name)
    if interval is not None:
        title += " ({} to {})".format(*(typeset_si(end, "J") for end in interval))
    axes.set_title(title)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    _use_si(axes.xaxis, "J", "energy per inference")


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
    with _style():
        figure = _figure((1 + has_curve) * PANEL_WIDTH, max(2.4, 0.25 * len(layers)))
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
    axes.set_yticks(places, layers["layer"])
    axes.set_ylim(len(layers) - 0.5, -0.5)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]), right=max(1.02, axes.get_xlim()[1]))
    axes.grid(axis="y", color="#dddddd", lw=0.5)
    axes.set_title("Decoded spikes against activations")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)


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
    axes.set_title(f"{quantity.capitalize()} over time")
    _use_percent(axes.yaxis)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(loc="lower right")


def plot_pareto(
    frame: pandas.DataFrame,
    devices: str | Sequence[str] | None = None,
    *,
    dense: Sequence[str] = (),
    label: Callable[[pandas.Series], str] | None = None,
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
    with _style():
        figure = _figure(1.4 * PANEL_WIDTH, 2.8)
        axes = figure.subplots()
        drawn = [
            _draw_front(axes, frame, name, colour, dense, label)
            for name, colour in zip(names, cycle(LINES))
        ]
        if not any(drawn):
            raise InputError("frame holds no row with accuracy and an energy")
        axes.set_xscale("log")
        _use_si(axes.xaxis, "J", "energy per inference")
        axes.set_ylabel("accuracy")
        _use_percent(axes.yaxis)
        axes.grid(color="#e5e5e5", lw=0.5)
        axes.set_axisbelow(True)
        axes.legend(title="Pareto front", loc="lower right")
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
    front = points[pareto_front(x, y)]
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


def _device_names(
    estimate: EnergyEstimate, devices: Sequence[DeviceLike] | None
) -> list[str]:
    if devices is None:
        return list(estimate.devices)
    chosen = [devices] if isinstance(devices, str) else list(devices)
    if not chosen:
        raise InputError("devices must name at least one of the estimate's")
    return [estimate.name_of(device) for device in chosen]


def import_matplotlib() -> Any:
    """Return matplotlib, or say how to get it."""
    return import_or_explain("matplotlib", '"nengo-energy[plots]"', "drawing")


def _style() -> Any:
    return import_matplotlib().rc_context(_STYLE)  # put back when the figure is made


def _figure(width: float, height: float) -> matplotlib.figure.Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _use_si(axis: Any, unit: str, words: str) -> None:
    from matplotlib.ticker import EngFormatter, NullFormatter

    axis.set_major_formatter(EngFormatter(unit=unit, sep="\u202f"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_label_text(words)


def _use_percent(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))
