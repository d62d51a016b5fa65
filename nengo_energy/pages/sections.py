"""The sections of a report: each a heading, charts, and tables of the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Sequence

from ..common.colours import OPERATIONS
from ..common.html_tables import Cell, count, frame_table, html_table, quantity, share
from ..common.tables import format_setting, typeset_si
from ..estimates import html_tables as estimate_tables
from ..estimates.columns import (
    best_quantity,
    check_columns,
    energy_devices,
    keras_accuracy,
    varied_settings,
)
from ..estimates.estimate import EnergyEstimate
from ..estimates.ranking import evidence_words, known_interval
from ..estimates.report import interval_words, moved_words, remarks
from . import energy_charts, network_charts
from .parts import Card, Chart, Section

if TYPE_CHECKING:
    import pandas


def device_cards(estimate: EnergyEstimate) -> list[Card]:
    """Return a card with the total of each device."""
    cards = []
    for model in estimate.models:
        notes = []
        interval = known_interval(estimate, model.name)
        if interval is not None:
            notes.append(" to ".join(typeset_si(end, "J") for end in interval))
        level = interval_words(estimate, model)
        if level is not None:
            notes.append(f"prediction interval {level}")
        latency = estimate.latency(model)
        if latency is not None:
            notes.append(f"latency {typeset_si(latency, 's')}")
        notes.append(f"{model.kind}, {evidence_words(model)}")
        total = quantity(estimate.total(model), "J")
        cards.append(Card(model.name, total, notes, model.name))
    return cards


def network_cards(
    activity: pandas.DataFrame | None, outputs: pandas.DataFrame | None
) -> list[Card]:
    """Return cards of the network: accuracy of both, neurons, spikes."""
    cards = []
    for _, row in outputs.iterrows() if outputs is not None else ():
        for key, title in (
            ("keras_accuracy", "Keras model"),
            ("accuracy", "converted"),
        ):
            cell = share(row.get(key))
            ends = [share(row.get(f"{key}_{end}")) for end in ("low", "high")]
            if cell.value is not None:
                known = all(end.value is not None for end in ends)
                words = " to ".join(end.text for end in ends)
                notes = [f"{words} at 95 % confidence"] if known else []
                cards.append(Card(f"accuracy, {title}", cell, notes))
    if activity is not None:
        cards.append(Card("neurons", count(activity["n_neurons"].sum())))
        spikes = count(activity["spikes"].sum())
        cards.append(Card("spikes per inference", spikes))
    return cards


def energy_section(estimate: EnergyEstimate) -> Section:
    """Return totals by device, and layers by device."""
    totals = energy_charts.totals_chart(estimate)
    return Section(
        "energy",
        "Energy per inference",
        "Totals on one logarithmic scale; the pale line spans the published ranges of "
        "prices.",
        [Chart("totals", totals)] if totals is not None else [],
        {
            "By layer": estimate_tables.layer_table(estimate),
            "By device": estimate_tables.device_table(estimate),
        },
    )


def ranking_section(estimate: EnergyEstimate) -> Section:
    """Return the devices from the least energy on, and what their totals hold."""
    frame = estimate.ranking()
    words = {True: "yes", False: "no", None: "unknown"}
    silent = [name for name in ("fits", "latency") if frame[name].isna().all()]
    frame = frame.drop(columns=silent)
    for name in {"static", "io", "fits"}.difference(silent):
        frame[name] = [words[value] for value in frame[name]]
    frame = frame.rename(
        columns={
            "includes": "total holds",
            "static": "leakage in it",
            "io": "input and output in it",
            "fits": "fits one chip",
        }
    )
    differ = frame["total holds"].nunique() > 1
    said = (
        "Totals that hold different things don't compare: look at the column "
        '"total holds".'
        if differ
        else "All totals hold the same."
    )
    return Section(
        "ranking",
        "Which device",
        said,
        tables={
            "From the least energy on": frame_table(
                frame.astype(object).where(frame.notna(), None)
            )
        },
    )


def layers_section(estimate: EnergyEstimate) -> Section:
    """Return a chart of layers and operations for each device, and all rows."""
    return Section(
        "layers",
        "Layers and operations",
        "Each device on its own scale, as they differ by orders of magnitude.",
        [
            Chart(
                f"layers-{i}",
                energy_charts.layers_chart(estimate, name),
                name,
                name,
                typeset_si(estimate.total(name), "J"),
            )
            for i, name in enumerate(estimate.devices)
        ],
        folded={"Every row of the estimate": estimate_tables.rows_table(estimate)},
        legend={
            look.words: key.replace("_", "-")
            for key, look in OPERATIONS.items()
            if any(row.operation == key for row in estimate.rows)
        },
    )


def activity_section(frame: pandas.DataFrame) -> Section:
    """Return firing rates by layer.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `nengo_energy.activity.report.activity_frame` makes it.
    """
    columns = ("population", "n_neurons", "spikes", "firing_rate", "firing_rate_max")
    check_columns("activity", frame, (*columns, "silent"))
    return Section(
        "activity",
        "Firing rates",
        "Measured in simulation, by layer.",
        [Chart("rates", network_charts.rates_chart(frame))],
        {"Activity": frame_table(frame, {"silent": share})},
    )


def comparison_section(
    layers: pandas.DataFrame,
    outputs: pandas.DataFrame | None,
    curve: pandas.DataFrame | None,
) -> Section:
    """Return the Keras model beside the converted network.

    Parameters
    ----------
    layers : pandas.DataFrame
        One row per layer: ``layer``, ``correlation``, ``relative_error``.
    outputs, curve : pandas.DataFrame, optional
        One row per output, and per output and number of timesteps.
    """
    check_columns("comparison", layers, ("layer", "correlation", "relative_error"))
    shown = [Chart("agreement", network_charts.agreement_chart(layers), "Layers")]
    tables = {"Layers": frame_table(layers, _shares(layers))}
    if outputs is not None:
        tables = {"Outputs": frame_table(outputs, _shares(outputs)), **tables}
    folded = {}
    if curve is not None and len(curve):
        quantity_shown = best_quantity(curve)
        check_columns("curve", curve, ("timesteps", quantity_shown))
        names = curve["output"].unique() if "output" in curve else [""]
        references = {
            str(name): value
            for name in names
            if (value := keras_accuracy(outputs, name)) is not None
        }
        title = f"{quantity_shown.capitalize()} over timesteps"
        note = "dashed: the Keras model" if references else ""
        chart = network_charts.curve_chart(curve, references)
        shown.append(Chart("curve", chart, title, note=note))
        folded["Accuracy and energy over timesteps"] = frame_table(
            curve, _shares(curve)
        )
    return Section(
        "comparison",
        "Keras model and converted network",
        "Activations of the Keras model beside what the spikes decode to, on the same "
        "inputs.",
        shown,
        tables,
        folded=folded,
    )


def _shares(frame: pandas.DataFrame) -> dict[str, Callable[..., Cell]]:
    """Return the columns that hold shares."""
    words = ("accuracy", "agreement", "silent", "saturated", "sparsity")
    return {
        str(column): share
        for column in frame
        if any(word in str(column) for word in words)
    }


def tradeoff_section(frame: pandas.DataFrame, dense: Sequence[str] = ()) -> Section:
    """Return accuracy against energy, with the Pareto front of each device.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per setting: ``accuracy``, ``energy <device>`` and the settings.
    dense : sequence of str
        Devices that run the Keras model, so have its accuracy.
    """
    check_columns("sweep", frame, ("accuracy",))
    names = energy_devices(frame)
    results = ("accuracy", "keras_accuracy", "spikes", "synops")
    columns = [
        *varied_settings(frame),
        *(name for name in results if name in frame),
        *(f"energy {name}" for name in names),
        *(["error"] if "error" in frame and frame["error"].any() else []),
    ]
    shown = frame[columns]
    return Section(
        "tradeoff",
        "Accuracy against energy",
        "Each point is a setting. Full points, joined by the line, are the Pareto "
        "front: no other setting is cheaper and at least as accurate.",
        [Chart("tradeoff", network_charts.tradeoff_chart(frame, names, dense))],
        folded={"Every setting": frame_table(shown, _shares(shown))},
    )


def model_energy_section(frame: pandas.DataFrame) -> Section:
    """Return what was assumed from the Keras model alone."""
    return Section(
        "model-energy",
        "Estimate from the Keras model alone",
        "By ModelEnergy: nominal connections, and activations read as firing rates.",
        tables={"Layers": frame_table(frame)},
    )


def remarks_section(estimate: EnergyEstimate) -> Section:
    """Return what the totals leave out, and what they take for granted."""
    lists = {"Kernels and bytes": moved_words(estimate), **remarks(estimate)}
    return Section("assumptions", "What the numbers hold", "", lists=lists)


def provenance_section(estimate: EnergyEstimate) -> Section:
    """Return prices with their sources, settings and versions."""
    rows = [[str(k), format_setting(v)] for k, v in estimate.settings.items()]
    return Section(
        "sources",
        "Sources and settings",
        "",
        tables={"Settings": html_table(["setting", "value"], rows)},
        lists={"Sources": estimate_tables.sources(estimate)},
        folded={"Every number of the devices": estimate_tables.prices_table(estimate)},
    )
