"""Draw the mesh of tiles with each core's load."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from ..common.checks import check_choice
from ..common.figures import PANEL_WIDTH, import_matplotlib, new_figure, style
from ..common.plain_text import plain_label
from ..common.tables import plural
from .chip import CORES_PER_TILE, TILES_HIGH, TILES_WIDE
from .core_load import CoreLoad
from .ledger import Ledger

QUANTITIES = tuple(
    f.name for f in fields(CoreLoad) if f.name not in ("chip", "core", "layer")
) + ("synapse_share",)
"""What can be drawn."""

OF_THE_BUILD = {
    "compartments",
    "in_axons",
    "out_axons",
    "synapse_bits",
    "synapse_share",
    "lost_bits",
}
"""Those that don't depend on what was run."""

_SIDE = int(np.sqrt(CORES_PER_TILE))
_MAX_NAMED = 10


def plot_ledger(
    ledger: Ledger, quantity: str = "synops", placement: str = "greedy"
) -> Any:
    """Draw the mesh of each chip: tiles of four cores, coloured by their load.

    The frame of a core has the colour of its layer.

    Parameters
    ----------
    ledger : Ledger
        What to draw.
    quantity : str
        A number of `nengo_energy.loihi.CoreLoad`, or ``"synapse_share"``.
    placement : {"greedy", "row-major"}
        Where the cores lie.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each chip.

    Raises
    ------
    MissingDependencyError
        If matplotlib isn't installed.
    """
    check_choice("quantity", quantity, QUANTITIES)
    check_choice("placement", placement, tuple(ledger.placements))
    with style():
        return _draw_chips(ledger, quantity, placement)


def _draw_chips(ledger: Ledger, quantity: str, placement: str) -> Any:
    """Draw a panel for each chip."""
    matplotlib = import_matplotlib()
    from matplotlib import patches

    placed = ledger.placements[placement]
    per = 1 if quantity in OF_THE_BUILD else ledger.n_inferences
    values = np.array([getattr(core, quantity) / per for core in ledger.cores])
    top = max(values.max(initial=0), 1e-12)
    shades = matplotlib.colormaps["viridis"]
    layers = list(dict.fromkeys(core.layer for core in ledger.cores))
    palette = matplotlib.colormaps["tab10" if len(layers) <= _MAX_NAMED else "tab20"]
    colours = {layer: palette(k % palette.N) for k, layer in enumerate(layers)}

    def box(axes: Any, x: float, y: float, side: float, **style: Any) -> None:
        axes.add_patch(patches.Rectangle((x, y), side, side, **style))

    chips = sorted(set(placed.chips.tolist()))
    height = 0.6 * TILES_HIGH + 0.6
    figure = new_figure(2 * PANEL_WIDTH, height * len(chips) + 0.5)
    all_axes = figure.subplots(len(chips), 1, squeeze=False)[:, 0]
    for chip, axes in zip(chips, all_axes):
        for y, x in np.ndindex(TILES_HIGH, TILES_WIDE):
            box(axes, x, y, 1, facecolor="#eeeeee", edgecolor="white", lw=2)
        for k in np.flatnonzero(placed.chips == chip):
            y, x = divmod(placed.slots[k] % CORES_PER_TILE, _SIDE)
            box(
                axes,
                placed.columns[k] - chip * TILES_WIDE + 0.07 + 0.45 * x,
                placed.rows[k] + 0.07 + 0.45 * y,
                0.41,
                facecolor=shades(values[k] / top),
                edgecolor=colours[ledger.cores[k].layer],
                lw=1.5,
            )
        axes.set(xlim=(0, TILES_WIDE), ylim=(TILES_HIGH, 0), aspect="equal")
        axes.set_xticks(np.arange(TILES_WIDE) + 0.5, range(TILES_WIDE))
        axes.set_yticks(np.arange(TILES_HIGH) + 0.5, range(TILES_HIGH))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        n_cores = int(np.sum(placed.chips == chip))
        axes.set_title(f"Chip {chip}: {plural(n_cores, 'core')}, placed {placement}")
        axes.set_ylabel("row of tiles")
    all_axes[-1].set_xlabel("column of tiles, each of four cores")
    frames = [
        patches.Patch(
            facecolor="none", edgecolor=colours[layer], lw=1.5, label=plain_label(layer)
        )
        for layer in layers
    ]
    figure.legend(handles=frames, loc="outside lower center", ncols=4)
    scale = matplotlib.colors.Normalize(0, top)
    label = quantity.replace("_", " ")
    figure.colorbar(
        matplotlib.cm.ScalarMappable(scale, shades),
        ax=list(all_axes),
        label=label if quantity in OF_THE_BUILD else f"{label} per inference",
        shrink=0.8,
        format="{x:,.0f}" if top >= 1000 else None,
    )
    return figure
