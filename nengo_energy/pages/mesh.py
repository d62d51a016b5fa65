"""The section of a Loihi chip's cores: their mesh with loads, and tables of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from ..common.html_tables import Cell, count, frame_table, html_table, share
from ..common.tables import plural
from ..estimates.columns import check_columns
from . import network_charts
from .parts import Chart, Section

if TYPE_CHECKING:
    import pandas

TILES = (8, 4)
"""Tiles across and down on a Loihi chip, each of four cores."""


def mesh_section(frame: pandas.DataFrame, n_inferences: int = 1) -> Section:
    """Return the load of each core on the chip's mesh of tiles.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per core: ``chip``, ``core``, ``layer``, ``synops``, and its tile,
        ``column (<placement>)`` and ``row (<placement>)``.
    n_inferences : int
        Inferences that ``synops`` covers.
    """
    placements = [
        str(c)[len("column (") : -1] for c in frame if str(c).startswith("column (")
    ]
    placement = "greedy" if "greedy" in placements or not placements else placements[0]
    place = (f"column ({placement})", f"row ({placement})")
    check_columns("ledger", frame, ("chip", "core", "layer", "synops", *place))
    layers = [str(name) for name in frame["layer"].unique()]
    top = max(float(frame["synops"].max()) / n_inferences, 1e-12)
    shown = []
    for chip, cores in frame.groupby("chip", sort=True):
        taken: dict[tuple[int, int], int] = {}
        marks = []
        for _, core in cores.iterrows():
            tile = (int(core[place[0]]) % TILES[0], int(core[place[1]]))
            k = taken[tile] = taken.get(tile, -1) + 1
            synops = float(core["synops"]) / n_inferences
            marks.append(
                {
                    "x": tile[0] + 0.07 + 0.45 * (k % 2),
                    "y": tile[1] + 0.07 + 0.45 * (k // 2),
                    "side": 0.41,
                    "load": synops / top,
                    "value": synops,
                    "layer": str(core["layer"]),
                    "core": f"{chip}, {core['core']}",
                    "synops": count(synops).text,
                    **_core_words(core),
                }
            )
        chart = network_charts.mesh_chart(marks, layers, TILES)
        title = f"Chip {chip}"
        note = f"{plural(len(cores), 'core')}, placed {placement}"
        shown.append(Chart(f"mesh-{chip}", chart, title, note=note))
    return Section(
        "mesh",
        "Load of the Loihi mesh",
        f"Tiles of four cores. The stronger the colour, the more synops per inference: "
        f"up to {count(top).text} on a core.",
        shown,
        {"By layer": _mesh_table(frame, layers, n_inferences)},
        folded={"Every core": frame_table(frame, {"synapse_share": share})},
    )


def _core_words(core: Any) -> dict[str, str]:
    words = {}
    if "compartments" in core:
        words["neurons"] = f"{int(core['compartments']):,}"
    if "synapse_share" in core:
        words["synapse memory"] = f"{100 * core['synapse_share']:.1f} %"
    return words


def _mesh_table(
    frame: pandas.DataFrame, layers: Sequence[str], n_inferences: int
) -> str:
    counted = [c for c in ("synops", "spikes", "messages_out") if c in frame]
    header = ["layer", "cores", *(f"{c} [1/inf]".replace("_", " ") for c in counted)]
    body: list[list[str | Cell]] = []
    for name in layers:
        cores = frame[frame["layer"] == name]
        cells = [count(float(cores[c].sum()) / n_inferences) for c in counted]
        body.append([name, count(len(cores)), *cells])
    total = [count(float(frame[c].sum()) / n_inferences) for c in counted]
    return html_table(header, body, [["total", count(len(frame)), *total]])
