"""Results -> one page of HTML that needs nothing else."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Sequence

from ..common.checks import check_instance
from ..common.colours import LINES, OPERATIONS
from ..common.exceptions import InputError
from ..common.file_output import PathLike, check_writable, write_text
from ..common.html_tables import frame_table
from ..common.plain_text import plain_line, plain_text
from ..common.version import __version__
from ..estimates.columns import energy_devices
from ..estimates.estimate import EnergyEstimate
from ..estimates.ranking import conclusion
from ..estimates.report import estimate_title
from . import sections
from .mesh import mesh_section
from .over_time import over_time_section
from .parts import Section, linked
from .vega import report_package

if TYPE_CHECKING:
    import pandas

LINES_DARK = (
    "#56b4e9",
    "#ee7d2b",
    "#23b58b",
    "#dd94bd",
    "#f0b638",
    "#9fd4f5",
    "#c2588e",
)
"""`colours.LINES` on a dark page."""


PRICED = "Energy, leakage and time by the ledger"
"""Heading of the costs of a ledger."""


def write_report(
    path: PathLike,
    estimate: EnergyEstimate,
    *,
    activity: Any = None,
    comparison: Any = None,
    sweep: Any = None,
    ledger: Any = None,
    model_energy: Any = None,
    over_time: Sequence[EnergyEstimate] | None = None,
    title: str | None = None,
) -> None:
    """Write a report as one HTML file that loads nothing from anywhere.

    Whatever is given beside the estimate becomes a section of its own. Each takes an
    object of the package, or a frame with the columns named here.

    Parameters
    ----------
    path : str or path
        File to write; it is checked before any work is done, and replaced whole.
    estimate : EnergyEstimate
        Energies by device, layer and operation.
    activity : Activity or pandas.DataFrame, optional
        Firing rates: columns ``population``, ``n_neurons``, ``spikes``,
        ``firing_rate``, ``firing_rate_max``, ``silent``.
    comparison : Comparison or pandas.DataFrame, optional
        Keras model beside converted network: a row per layer with ``layer``,
        ``correlation``, ``relative_error``. An object may also have
        ``outputs_frame()`` (``output``, ``accuracy``, ``keras_accuracy``) and
        ``curve_frame()`` (``output``, ``timesteps``, ``accuracy`` or ``agreement``);
        ``_low`` and ``_high`` after a name are the ends of its interval.
    sweep : Sweep or pandas.DataFrame, optional
        A row per setting: ``accuracy``, and ``energy <device>`` [J/inference]; with
        ``keras_accuracy`` dense devices are shown at that.
    ledger : Ledger or pandas.DataFrame, optional
        Load of Loihi's cores: ``chip``, ``core``, ``layer``, ``synops``,
        ``column (greedy)``, ``row (greedy)``.
    model_energy : ModelEnergy or pandas.DataFrame, optional
        What `ModelEnergy` says of the Keras model, shown as a table.
    over_time : sequence of EnergyEstimate, optional
        Estimates at several numbers of timesteps, such as those of the activities that
        `SpikingModel.measure_at` returns; a slider chooses one. By default those of the
        comparison.
    title : str, optional
        Heading; by default the name of the model.

    Raises
    ------
    InputError
        When the file can't be written, or a frame lacks a column.
    MissingDependencyError
        When Jinja, Altair or vl-convert isn't installed; the message says how to
        get it.

    Examples
    --------
    >>> activities = snn.measure_at(x, [10, 50])  # doctest: +SKIP
    >>> estimates = [snn.estimate(a) for a in activities]  # doctest: +SKIP
    >>> write_report("page.html", estimates[-1], over_time=estimates)  # doctest: +SKIP
    """
    check_writable(path)
    if title is not None:
        check_instance("title", title, str)
    page = format_report(
        estimate,
        activity=activity,
        comparison=comparison,
        sweep=sweep,
        ledger=ledger,
        model_energy=model_energy,
        over_time=over_time,
        title=title,
    )
    write_text(path, page)


def format_report(
    estimate: EnergyEstimate,
    *,
    activity: Any = None,
    comparison: Any = None,
    sweep: Any = None,
    ledger: Any = None,
    model_energy: Any = None,
    over_time: Sequence[EnergyEstimate] | None = None,
    title: str | None = None,
) -> str:
    """Return the text of the page that `write_report` writes; see there."""
    if not isinstance(estimate, EnergyEstimate):
        raise InputError(
            f"estimate must be an EnergyEstimate; got {type(estimate).__name__}"
        )
    for package in ("jinja2", "altair", "vl_convert"):  # Altair itself needs Jinja
        report_package(package)  # before any work is done
    outputs = _frame_of(comparison, "outputs_frame")
    rates = None if activity is None else _frame("activity", activity)
    made = [
        sections.energy_section(estimate),
        sections.ranking_section(estimate),
        sections.layers_section(estimate),
    ]
    devices = list(estimate.devices)
    if rates is not None:
        made.append(sections.activity_section(rates))
    if comparison is not None:
        curve = _frame_of(comparison, "curve_frame")
        layers = _frame("comparison", comparison)
        made.append(sections.comparison_section(layers, outputs, curve))
    if over_time is None:
        over_time = list(getattr(comparison, "estimates", {}).values())
    if over_time:
        curve = _frame_of(comparison, "curve_frame")
        made.append(over_time_section(over_time, curve))
        names = dict.fromkeys(name for found in over_time for name in found.devices)
        devices += [name for name in names if name not in devices]
    if sweep is not None:
        frame = _frame("sweep", sweep)
        dense = [model.name for model in estimate.models if model.kind == "dense"]
        made.append(sections.tradeoff_section(frame, dense))
        devices += [name for name in energy_devices(frame) if name not in devices]
    if ledger is not None:
        n_inferences = getattr(ledger, "n_inferences", 1)
        section = mesh_section(_frame("ledger", ledger), n_inferences)
        if hasattr(ledger, "costs"):
            costs = frame_table(ledger.costs().to_frame())
            section = replace(section, tables={**section.tables, PRICED: costs})
        made.append(section)
    if model_energy is not None:
        frame = _model_energy_frame(model_energy, estimate)
        made.append(sections.model_energy_section(frame))
    made += [sections.remarks_section(estimate), sections.provenance_section(estimate)]
    return _page(
        title=title or str(estimate.settings.get("model") or "Energy report"),
        subtitle=estimate_title(estimate),
        devices=devices,
        conclusion=[*(a.text for a in estimate.alerts), *conclusion(estimate)],
        device_cards=sections.device_cards(estimate),
        network_cards=sections.network_cards(rates, outputs),
        sections=made,
    )


def _frame(name: str, value: Any) -> pandas.DataFrame:
    import pandas as pd

    frame = value if isinstance(value, pd.DataFrame) else _frame_of(value, "to_frame")
    if frame is None:
        raise InputError(
            f"{name} must be a DataFrame or have to_frame(); got {type(value).__name__}"
        )
    if not len(frame):
        raise InputError(f"{name} holds no rows")
    return frame


def _frame_of(value: Any, method: str) -> pandas.DataFrame | None:
    made: pandas.DataFrame | None = None
    if hasattr(value, method):
        made = getattr(value, method)()
    return made


def _model_energy_frame(value: Any, estimate: EnergyEstimate) -> pandas.DataFrame:
    """Return the table of `ModelEnergy` for the estimate's devices and timesteps."""
    if hasattr(value, "frame_beside"):
        made: pandas.DataFrame = value.frame_beside(estimate)
        return made
    return _frame("model_energy", value)


def _page(sections: Sequence[Section], **names: Any) -> str:
    jinja2 = report_package("jinja2")
    converter = report_package("vl_convert")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nengo_energy.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["linked"] = linked
    charts = [chart for section in sections for chart in section.charts]
    specs = {chart.id: _plain_values(chart.spec) for chart in charts}
    text: str = environment.get_template("report.html").render(
        **names,
        sections=sections,
        version=__version__,
        colours=_colours(),
        style=_resource("report.css"),
        # within a script nothing but its end tag would be markup
        specs=json.dumps(specs, allow_nan=False).replace("<", "\\u003c"),
        library=converter.javascript_bundle().replace("</script", "<\\/script"),
        script=_resource("report.js"),
    )
    return plain_text(text) + "\n"


def _plain_values(value: Any) -> Any:
    """Return a value of JSON with all its texts as they are shown."""
    if isinstance(value, str):
        return plain_line(value)
    if isinstance(value, list):
        return [_plain_values(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain_values(item) for key, item in value.items()}
    return value


def _colours() -> dict[str, dict[str, str]]:
    """Return the style sheet's variables, on a light and on a dark page."""
    found: dict[str, dict[str, str]] = {"light": {}, "dark": {}}
    for operation, look in OPERATIONS.items():
        name = f"--{operation.replace('_', '-')}"
        found["light"][name], found["dark"][name] = look.light, look.dark
    for i, pair in enumerate(zip(LINES, LINES_DARK)):
        found["light"][f"--series-{i}"], found["dark"][f"--series-{i}"] = pair
    return found


def _resource(name: str) -> str:
    folder = importlib.resources.files("nengo_energy.pages") / "templates"
    return (folder / name).read_text(encoding="utf-8")
