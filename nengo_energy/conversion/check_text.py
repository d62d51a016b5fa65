"""ModelCheck -> frame and text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ..common.tables import format_bullets, format_table, plural

if TYPE_CHECKING:
    import pandas

    from .checking import LayerCheck, ModelCheck

COLUMNS = (
    "layer",
    "class_name",
    "becomes",
    "n_neurons",
    "n_added",
    "neuron_type",
    "off_chip",
    "note",
)
"""Columns of the frame."""


def check_frame(check: ModelCheck) -> pandas.DataFrame:
    """Return a row for each layer; see `LayerCheck`."""
    import pandas as pd

    rows = [{**asdict(layer), "n_added": layer.n_added} for layer in check.layers]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def format_check(check: ModelCheck) -> str:
    """Return a table of the layers, and below it what there is to say of them."""
    verdict = "converts" if check.converts else "can't be converted"
    blocks = [f"Model {check.model!r} {verdict}"]
    if check.layers:
        header = ["layer", "class", "becomes", "neurons", "added", "on Loihi"]
        body = [
            [
                layer.layer,
                layer.class_name,
                layer.becomes,
                f"{layer.n_neurons:,}" if layer.n_neurons else "",
                f"{layer.n_added:,}" if layer.n_added else "",
                _place(layer),
            ]
            for layer in check.layers
        ]
        total = ["total", "", "", f"{check.n_neurons:,}", f"{check.n_added:,}", ""]
        blocks.append(format_table([header], body, [total]))
    notes = [
        f"{x.layer}: {x.note}."
        for x in check.layers
        if x.note and x.becomes != "refused"
    ]
    if notes:
        blocks.append(format_bullets("Notes", notes))
    blocks.append(format_bullets("Loihi", _loihi(check)))
    if check.refusals:
        blocks.append(format_bullets("Refused", check.refusals))
    return "\n\n".join(blocks)


def _place(layer: LayerCheck) -> str:
    if layer.becomes == "host":
        return "host"
    if not layer.n_neurons:
        return ""
    return "no" if layer.off_chip else "yes"


def _loihi(check: ModelCheck) -> list[str]:
    """Return what of the model a chip holds, in sentences."""
    said = [f"{layer.off_chip}." for layer in check.layers if layer.off_chip]
    cores, chips = plural(check.min_cores, "core"), plural(check.min_chips, "chip")
    said.append(
        f"The neurons that can be on the chip take {cores} at least, on {chips}; "
        "convert(model).loihi_network() says how many with their synapses."
    )
    return said
