"""EnergyEstimate -> figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ..common.checks import check_iterable
from ..common.colours import OPERATIONS
from ..common.exceptions import InputError
from ..common.figures import PANEL_WIDTH, new_figure, style, use_si
from ..common.tables import typeset_si
from .report import energies_by_layer, known_interval, row_label

if TYPE_CHECKING:
    import matplotlib.figure

    from .estimate import DeviceLike, EnergyEstimate


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
    title = f"{name}: {typeset_si(estimate.total(name), 'J')}"
    interval = known_interval(estimate, name)
    if interval is not None:
        title += " ({} to {})".format(*(typeset_si(end, "J") for end in interval))
    axes.set_title(title)
    axes.set_yticks(range(len(labels)), labels)
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
        [devices] if isinstance(devices, str) else check_iterable("devices", devices)
    )
    if not chosen:
        raise InputError("devices must name at least one of the estimate's")
    return [estimate.name_of(device) for device in chosen]
