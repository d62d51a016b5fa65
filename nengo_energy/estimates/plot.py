"""EnergyEstimate -> figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ..common.checks import check_choice, check_iterable
from ..common.colours import LINES, OPERATIONS
from ..common.exceptions import InputError
from ..common.figures import PANEL_WIDTH, new_figure, style, use_si
from ..common.plain_text import plain_label
from ..common.tables import typeset_si
from ..devices import Device
from .ranking import by_energy, included, known_interval
from .report import energies_by_layer, row_label

if TYPE_CHECKING:
    import matplotlib.figure

    from .estimate import DeviceLike, EnergyEstimate


LONGEST_TITLE = 44
"""Characters that fit above a panel."""

_INCLUDED = {
    "all-in": ("all-in, as metered", "s", LINES[0]),
    "static": ("with static power", "D", LINES[2]),
    "dynamic": ("without static power", "o", LINES[1]),
}
"""What a total holds: its words, marker and colour."""

_HOLLOW: tuple[str, dict[str, Any]] = (
    "hollow: not all of it is priced",
    {"marker": "o", "color": "#5a5a5a", "mfc": "white", "ms": 5},
)
"""The words and the look of what the legend says of hollow markers."""


def plot_estimate(
    estimate: EnergyEstimate,
    devices: Sequence[DeviceLike] | None = None,
    by: str = "device",
) -> matplotlib.figure.Figure:
    """Draw the totals of devices beside each other, or what each of them is made of.

    Parameters
    ----------
    estimate : EnergyEstimate
        What to draw.
    devices : sequence of str or Device, optional
        Which of its devices; all by default.
    by : {"device", "layer"}
        ``"device"`` draws all totals on one logarithmic axis, the least first, with
        intervals as bars; the marker says what a total holds, and is hollow where
        operations were counted that have no price. ``"layer"`` draws the energy of
        each layer and operation, one panel with its own scale per device.

    Returns
    -------
    matplotlib.figure.Figure
        With one axes, or one per device.

    Raises
    ------
    NotFoundError
        When a device isn't in the estimate.
    MissingDependencyError
        If matplotlib isn't installed.
    """
    names = _device_names(estimate, devices)
    check_choice("by", by, ("device", "layer"))
    return (_draw_totals if by == "device" else _draw_layers)(estimate, names)


def _draw_totals(
    estimate: EnergyEstimate, names: Sequence[str]
) -> matplotlib.figure.Figure:
    """Draw all totals on one axis."""
    from matplotlib.lines import Line2D

    models = [model for model in by_energy(estimate) if model.name in names]
    priced = [model for model in models if estimate.total(model) > 0]
    order = priced + [model for model in models if model not in priced]
    unpriced = {gap.device for gap in estimate.not_modelled if gap.count}
    handles: dict[str, Any] = {}
    with style():
        figure = new_figure(1.6 * PANEL_WIDTH, 0.9 + 0.24 * len(order))
        axes = figure.subplots()
        for place, model in enumerate(order):
            if model not in priced:
                words = "nothing of it is priced"
                axes.text(0.01, place, words, transform=axes.get_yaxis_transform())
                continue
            total = estimate.total(model)
            low, high = known_interval(estimate, model.name) or (total, total)
            words, look = _look(estimate, model)
            handles[words] = Line2D([], [], ls="", **look)
            if model.name in unpriced:
                look["mfc"] = "white"
                handles[_HOLLOW[0]] = Line2D([], [], ls="", **_HOLLOW[1])
            ends = [[total - low], [high - total]]
            axes.errorbar(total, place, xerr=ends, lw=1.5, **look)
        axes.set_yticks(range(len(order)), [plain_label(m.name) for m in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#e5e5e5", lw=0.5)
        axes.set_axisbelow(True)
        axes.set_xscale("log")
        use_si(axes.xaxis, "J", "energy per inference")
        if handles:
            figure.legend(
                list(handles.values()),
                list(handles),
                loc="outside lower center",
                ncols=2,
            )
    return figure


def _look(estimate: EnergyEstimate, model: Device) -> tuple[str, dict[str, Any]]:
    """Return what is said of a total by what it holds, and how its marker looks."""
    held = included(estimate, model)
    kind = held if held == "all-in" else "static" if "static" in held else "dynamic"
    words, marker, colour = _INCLUDED[kind]
    return words, {"marker": marker, "color": colour, "mfc": colour, "ms": 5}


def _draw_layers(
    estimate: EnergyEstimate, names: Sequence[str]
) -> matplotlib.figure.Figure:
    """Draw layers and operations, a panel per device."""
    labels, cells = energies_by_layer(estimate)
    labels = [label for label in labels if any(label in cells[name] for name in names)]
    n_columns = min(2, len(names))
    n_rows = math.ceil(len(names) / n_columns)
    height = 0.75 + 0.19 * len(labels)
    with style():
        figure = new_figure(n_columns * PANEL_WIDTH, n_rows * height + 0.5)
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
    title = f"{plain_label(name)}: {typeset_si(estimate.total(name), 'J')}"
    interval = known_interval(estimate, name)
    if interval is not None:
        ends = " ({} to {})".format(*(typeset_si(end, "J") for end in interval))
        title += ends if len(title + ends) < LONGEST_TITLE else f"\n{ends.strip()}"
    axes.set_title(title)
    axes.set_yticks(range(len(labels)), [*map(plain_label, labels)])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    use_si(axes.xaxis, "J", "energy per inference")


def _device_names(
    estimate: EnergyEstimate, devices: Sequence[DeviceLike] | None
) -> list[str]:
    if devices is None:
        return list(estimate.devices)
    chosen = (
        [devices]
        if isinstance(devices, (str, Device))
        else check_iterable("devices", devices)
    )
    if not chosen:
        raise InputError("devices must name at least one of the estimate's")
    return [estimate.name_of(device) for device in chosen]
