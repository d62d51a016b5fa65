"""The table of `ModelEnergy`, as text in KerasSpiking's layout and as a frame."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from ..common.checks import check_count
from ..common.exceptions import InputError
from ..common.tables import NOTHING, format_si, plural
from ..devices import Device
from ..layer_ops.counting import ONE_TIMESTEP
from .devices import resolve
from .energies import sum_energies
from .layers import Layer

if TYPE_CHECKING:
    import pandas

    from ..estimates.estimate import EnergyEstimate
    from .estimator import ModelEnergy

PLAIN_COLUMNS: Mapping[str, str] = {
    "name": "Layer (type)",
    "output_shape": "Output shape",
    "params": "Param #",
    "connections": "Conn #",
    "neurons": "Neuron #",
    "rate": "Rate [Hz]",
}
"""Headings of columns without a device."""

ENERGY_COLUMNS: Mapping[str, str] = {
    "energy": "J/inf ({})",
    "synop_energy": "Synop J/inf ({})",
    "neuron_energy": "Neuron J/inf ({})",
}
"""Headings of columns that name a device, e.g. ``"energy loihi"``."""

UNITS: Mapping[str, str] = {"rate": "Hz", **dict.fromkeys(ENERGY_COLUMNS, "J/inf")}

ESTIMATES_ONLY = (
    "Rough estimates of operations alone: no data transfer, idling, overhead "
    "(see .assumptions)."
)
READ_AS_RATES = (
    "Activations aren't spikes: those of {} are read as Hz. Measure: "
    "to_spiking().measure(x)."
)


@dataclass(frozen=True)
class Column:
    """A column of the table; ``device`` and its energies where it names a device."""

    title: str
    kind: str
    device: Device | None = None
    energies: Mapping[str, tuple[float, float]] | None = None

    def value(self, layer: Layer) -> Any:
        """Return the unrounded value of a layer, None where it isn't known."""
        if self.energies is not None:
            return _energy(self.kind, layer, self.energies)
        if self.kind in ("connections", "neurons"):
            return layer.stats[self.kind]
        if self.kind == "rate":
            return layer.rates.arriving
        return getattr(layer, self.kind)

    def text(self, layer: Layer) -> str:
        """Return the value as it is printed."""
        if self.kind == "name":
            return f"{layer.name} ({layer.class_name})"
        value = self.value(layer)
        if value is None:
            return NOTHING
        is_rounded = self.kind == "rate" or self.energies is not None
        return f"{value:.2g}" if is_rounded else str(value)


def format_summary(
    energy: ModelEnergy,
    columns: Sequence[str],
    timesteps: int,
    dt: float | None,
    line_length: int,
    print_warnings: bool,
    expand_nested: bool,
) -> str:
    """Return the table, the totals, and what they take for granted."""
    chosen = _columns(energy, columns, timesteps, dt)
    layers = energy.inner_layers if expand_nested else energy.layers
    cells = [[column.title for column in chosen]]
    cells += [[column.text(layer) for column in chosen] for layer in layers]
    check_count("line_length", line_length, minimum=2 * len(chosen))
    lines = _layout(cells, [column.kind == "name" for column in chosen], line_length)

    totals = [column for column in chosen if column.kind == "energy"]
    if totals:
        lines.append("=" * len(lines[0]))
    for column in totals:
        total = sum(_energy("energy", x, column.energies or {}) or 0 for x in layers)
        name = "" if column.device is None else column.device.name
        lines.append(f"Total energy per inference [Joules/inf] ({name}): {total:.2e}")
    if print_warnings and totals:
        devices = [column.device for column in totals if column.device is not None]
        for warning in _warnings(energy, devices, timesteps, dt):
            lines.append(
                textwrap.fill(f"* {warning}", line_length, subsequent_indent="  ")
            )
    return "\n".join(lines)


def summary_frame(
    energy: ModelEnergy,
    columns: Sequence[str],
    timesteps: int,
    dt: float | None,
    expand_nested: bool,
) -> pandas.DataFrame:
    """Return the table as a frame, one row per layer."""
    import pandas as pd

    chosen = _columns(energy, columns, timesteps, dt)
    layers = energy.inner_layers if expand_nested else energy.layers
    data: dict[str, list[Any]] = {}
    units: dict[str, str] = {}
    for column in chosen:
        name = column.kind
        if column.device is not None:
            name = f"{column.kind} {column.device.name}"
        data[name] = [column.value(layer) for layer in layers]
        if name == "name":
            data["class_name"] = [layer.class_name for layer in layers]
        if column.kind in UNITS:
            units[name] = UNITS[column.kind]
    frame = pd.DataFrame(data)
    frame.attrs["units"] = units
    return frame


def frame_beside(energy: ModelEnergy, estimate: EnergyEstimate) -> pandas.DataFrame:
    """Return the table beside an estimate; see `ModelEnergy.frame_beside`."""
    measured = energy.example_data is not None
    columns = ["name", "connections", "neurons", *["rate"] * measured]
    columns += [
        f"energy {model.name}"
        for model in estimate.models
        if model.name in energy.devices and (measured or model.kind == "dense")
    ]
    given = estimate.settings.get("timesteps")
    timesteps = given if isinstance(given, int) else 1
    shown = energy
    codes = {assumption.code for assumption in estimate.assumptions}
    if "whole-sequence" in codes and ONE_TIMESTEP in energy.assumptions:
        shown = energy.along(timesteps)
    return shown.to_frame(columns, timesteps)


def _columns(
    energy: ModelEnergy, columns: Sequence[str], timesteps: int, dt: float | None
) -> list[Column]:
    """Return the columns that a user names, or complain."""
    if isinstance(columns, str):
        columns = [columns]
    if not columns:
        raise InputError("columns is empty; name at least one")
    found = []
    by_device: dict[str, Mapping[str, tuple[float, float]]] = {}
    for column in columns:
        kind, _, device_name = str(column).strip().partition(" ")
        if kind in ENERGY_COLUMNS and device_name.strip():
            device = resolve(device_name.strip())
            if device.name not in by_device:
                by_device[device.name] = energy.energies(device, timesteps, dt)
            title = ENERGY_COLUMNS[kind].format(device.name)
            found.append(Column(title, kind, device, by_device[device.name]))
        elif kind in PLAIN_COLUMNS and not device_name:
            found.append(Column(PLAIN_COLUMNS[kind], kind))
        else:
            allowed = [*PLAIN_COLUMNS, *(f"{name} DEVICE" for name in ENERGY_COLUMNS)]
            raise InputError(
                f"Unknown column type {column!r}; allowed: {', '.join(allowed)}"
            )
    return found


def _energy(
    kind: str, layer: Layer, energies: Mapping[str, tuple[float, float]]
) -> float | None:
    """Return one kind of energy of a layer [J per inference], None if not counted."""
    if not layer.is_counted:
        return None
    synop, neuron = sum_energies(energies, layer)
    parts = {"energy": synop + neuron, "synop_energy": synop, "neuron_energy": neuron}
    return parts[kind]


def _layout(
    cells: Sequence[Sequence[str]], left_aligned: Sequence[bool], line_length: int
) -> list[str]:
    """Return the lines of a table: heading, rule and rows, cut to their width."""
    widths = _column_widths(
        [max(map(len, column)) for column in zip(*cells)], line_length
    )

    def line(row: Sequence[str], left: Sequence[bool]) -> str:
        return "|".join(
            text[:width].ljust(width) if is_left else text[:width].rjust(width)
            for text, width, is_left in zip(row, widths, left)
        )

    heading = line(cells[0], [True] * len(widths))
    rule = "|".join("-" * width for width in widths)
    return [heading, rule, *(line(row, left_aligned) for row in cells[1:])]


def _column_widths(needed: Sequence[int], line_length: int) -> list[int]:
    """Share a line among columns with a bar between: equally, then by what is missing.

    No column is wider than it needs; the rest of the line goes, one character at a
    time, to the column that lacks most in relation to what it has.
    """
    available = line_length - (len(needed) - 1)
    widths = [min(available // len(needed), width) for width in needed]
    for _ in range(min(available, sum(needed)) - sum(widths)):
        lacking = [(need - width) / width for need, width in zip(needed, widths)]
        widths[lacking.index(max(lacking))] += 1
    return widths


def _warnings(
    energy: ModelEnergy, devices: Sequence[Device], timesteps: int, dt: float | None
) -> Iterator[str]:
    """Yield what a reader of the totals has to know, a sentence each."""
    yield ESTIMATES_ONLY
    rates = [x for x in energy.inner_layers if x.is_counted and not x.spiking]
    if rates and any(device.kind == "event" for device in devices):
        yield READ_AS_RATES.format(plural(len(rates), "layer"))
    if energy.unsupported:
        names = ", ".join(f"{x.layer} ({x.class_name})" for x in energy.unsupported)
        yield (
            f"Not counted: {names}. The totals are lower bounds; {energy.coverage:.0%} "
            "of the layers are covered."
        )
    told = {"whole-sequence"}
    if timesteps > 1 and any(device.kind == "dense" for device in devices):
        told.add("one-timestep")
    yield from (a.text for a in energy.assumptions if a.code in told)
    for device in devices:
        yield from _beyond_layers(energy, device, timesteps, dt)
    additions = energy.count(timesteps, dt).total("addition")
    unpriced = [
        device.name
        for device in devices
        if device.kind == "dense" and "addition" not in device.energies
    ]
    if additions and unpriced:
        yield (
            f"{plural(int(additions), 'addition')} of pooling and merging have no "
            f"price on {', '.join(unpriced)}."
        )


def _beyond_layers(
    energy: ModelEnergy, device: Device, timesteps: int, dt: float | None
) -> Iterator[str]:
    """Say what an inference takes on a device that is no layer's, if anything is."""
    layers = {layer.name for layer in energy.inner_layers}
    estimate = energy.estimate(device, timesteps, dt)
    others = [row for row in estimate.rows if row.layer not in layers]
    if others:
        amount = format_si(sum(row.energy for row in others), "J")
        terms = " and ".join(dict.fromkeys(row.operation for row in others))
        yield (
            f"{device.name} takes {amount} more per inference that is no layer's: "
            f"{terms}. See estimate()."
        )
