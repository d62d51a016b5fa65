"""EnergyEstimate: energies per inference on devices, and what they leave out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Mapping, Sequence, Union

from ..common.assumptions import Assumption
from ..common.plain_values import plain
from ..common.shown import Shown
from ..common.vital_signs import alerts
from ..devices import Device
from ..devices.device import known_name
from .rows import EnergyRow, Interval, Moved, NotModelled

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas

    from ..common.file_output import PathLike

DeviceLike = Union[str, Device]
"""A device, or the name of one."""


@dataclass(frozen=True, repr=False)
class EnergyEstimate(Shown):
    """Energy per inference of one network on one or more devices.

    Attributes
    ----------
    rows : tuple of EnergyRow
        One row per device, layer and operation. Every total is a sum of rows.
    models : tuple of Device
        The devices, with prices and sources, in the order asked for.
    latencies : Mapping of str to float
        Latency by name of the device [s], where it is known.
    intervals : Mapping of str to Interval
        Prediction intervals by name of the device, where it was fitted to measured
        networks; low and high of the others are the ranges of their prices.
    not_modelled : tuple of NotModelled
        What the totals leave out.
    assumptions : tuple of Assumption
        What all stages took for granted, with a sentence for each omission.
    settings : Mapping
        What is needed to reproduce the estimate, as ``plain_values.plain`` writes it.
    moved : tuple of Moved
        Kernels and bytes of the conventional network where it was counted, and bytes of
        the spiking one where they were asked for.
    """

    rows: tuple[EnergyRow, ...]
    models: tuple[Device, ...]
    latencies: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    not_modelled: tuple[NotModelled, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    moved: tuple[Moved, ...] = ()

    def __post_init__(self) -> None:
        # so that an estimate equals what its file gives back
        object.__setattr__(self, "settings", plain(self.settings))

    @property
    def alerts(self) -> tuple[Assumption, ...]:
        """What makes the numbers worthless: silent layers, saturation, guessing."""
        return alerts(self.assumptions)

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices, in the order asked for."""
        return tuple(model.name for model in self.models)

    def total(self, device: DeviceLike) -> float:
        """Return fixed + dynamic + static + host, as far as modelled [J/inference]."""
        return sum(row.energy for row in self._rows_of(device))

    def dynamic(self, device: DeviceLike) -> float:
        """Return the energy of the device's own operations [J per inference].

        Where the device's price is all-in, leakage and idling are in it.
        """
        return sum(
            row.energy
            for row in self._rows_of(device)
            if row.where == "device" and row.operation not in ("fixed", "static")
        )

    def fixed(self, device: DeviceLike) -> float | None:
        """Return the energy whatever the network [J/inference], None if unknown."""
        rows = [row for row in self._rows_of(device) if row.operation == "fixed"]
        return sum(row.energy for row in rows) if rows else None

    def host(self, device: DeviceLike) -> float | None:
        """Return what the host spends [J per inference], None if none is modelled."""
        rows = [row for row in self._rows_of(device) if row.where == "host"]
        return sum(row.energy for row in rows) if rows else None

    def static(self, device: DeviceLike) -> float | None:
        """Return static power x latency [J per inference], None if not modelled."""
        rows = [r for r in self._rows_of(device) if r.operation == "static"]
        return sum(row.energy for row in rows) if rows else None

    def interval(self, device: DeviceLike) -> tuple[float, float]:
        """Return a range that the total may lie in [J per inference].

        The prediction interval of a device that was fitted to measured networks, which
        ``intervals`` says more of; of others the total with all prices low, and with
        all high. Operations whose price has no published range count at that price, and
        times count as the prices do.
        """
        rows = self._rows_of(device)
        return sum(row.low for row in rows), sum(row.high for row in rows)

    def latency(self, device: DeviceLike) -> float | None:
        """Return the time the device needs [s per inference], None if not modelled.

        On a device that runs batches it is the time of the whole batch, which each
        result waits for.
        """
        return self.latencies.get(self.name_of(device))

    def power(self, device: DeviceLike) -> float | None:
        """Return total energy / latency [W], None if the latency isn't modelled.

        On a device that runs batches it is the energy of the whole batch.
        """
        latency = self.latency(device)
        if latency is None:
            return None
        name = self.name_of(device)
        batch_size = next(m.batch_size for m in self.models if m.name == name)
        return self.total(device) * batch_size / latency

    def edp(self, device: DeviceLike) -> float | None:
        """Return energy x latency [J s], None if the latency isn't modelled."""
        latency = self.latency(device)
        return None if latency is None else self.total(device) * latency

    def ranking(self) -> pandas.DataFrame:
        """Return the devices from the least energy on, and what their totals hold.

        Returns
        -------
        pandas.DataFrame
            A row per device: ``device``; ``energy`` [J/inference] with ``low`` and
            ``high``, NaN where no price has a range; ``evidence``; ``includes``, what
            the total holds (``"dynamic"``, ``"dynamic + static"``, ``"all-in"``, ...):
            rows that differ in it don't compare; ``static`` and ``io``, whether
            leakage, and moving data in and out, are in; ``fits``, whether the network
            fits on one chip, None where that isn't known; ``latency`` [s].

        Examples
        --------
        >>> estimate.ranking()[["device", "energy", "includes"]]  # doctest: +SKIP
        """
        from .ranking import ranking_frame

        return ranking_frame(self)

    def notes(self) -> str:
        """Return what the totals leave out, and what they take for granted."""
        from .report import format_notes

        return format_notes(self)

    def to_frame(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Return a tidy frame, one row per device, layer and operation, in SI units.

        Parameters
        ----------
        columns : sequence of str, optional
            Which fields of `EnergyRow` to keep, in which order; all by default.

        Raises
        ------
        NotFoundError
            When a column doesn't exist; the message lists those that do.
        """
        from .report import estimate_frame

        return estimate_frame(self, columns)

    def to_dict(self) -> dict[str, float]:
        """Return what is known as one flat dictionary of numbers, in SI units.

        ``timesteps``, ``dt`` and ``n_inferences``; ``accuracy`` and ``keras_accuracy``;
        and for each device ``energy loihi``, ``low loihi`` and ``high loihi`` where it
        has an interval, and ``latency loihi``: as trackers of experiments take them,
        and named as the columns of a sweep.

        Examples
        --------
        >>> estimate.to_dict()["energy loihi"]  # doctest: +SKIP
        """
        from .ranking import flat_values

        return flat_values(self)

    def to_json(self, path: PathLike | None = None) -> str | None:
        """Return all of the estimate as JSON, or write it to a file.

        `nengo_energy.load_estimate` reads it back, equal to the last bit: settings,
        seeds and versions of packages, devices with every number and its source, rows,
        what is left out, and assumptions.

        Parameters
        ----------
        path : str or path, optional
            File to write; without one the text is returned.

        Raises
        ------
        InputError
            When the file can't be written.
        """
        from .serialization import estimate_to_json

        return _give(estimate_to_json(self), path)

    def to_csv(self, path: PathLike | None = None) -> str | None:
        """Return the rows as comma-separated values, or write them to a file.

        Columns are those of `to_frame`, in SI units, with all digits.

        Parameters
        ----------
        path : str or path, optional
            File to write; without one the text is returned.
        """
        from .formats import estimate_to_csv

        return _give(estimate_to_csv(self), path)

    def to_markdown(self, path: PathLike | None = None) -> str | None:
        """Return layers x devices as a table in Markdown, or write it to a file.

        Parameters
        ----------
        path : str or path, optional
            File to write; without one the text is returned.
        """
        from .formats import estimate_to_markdown

        return _give(estimate_to_markdown(self), path)

    def to_latex(
        self,
        path: PathLike | None = None,
        *,
        caption: str | None = None,
        label: str = "tab:energy",
    ) -> str | None:
        """Return layers x devices as a table in LaTeX, or write it to a file.

        Parameters
        ----------
        path : str or path, optional
            File to write; without one the text is returned.
        caption : str, optional
            By default what the estimate is of, with its settings, and what totals leave
            out. LaTeX's special characters in it are escaped.
        label : str
            What ``\\ref`` finds the table by.
        """
        from .formats import estimate_to_latex

        return _give(estimate_to_latex(self, caption=caption, label=label), path)

    def plot(
        self, devices: Sequence[DeviceLike] | None = None, by: str = "device"
    ) -> matplotlib.figure.Figure:
        """Draw the totals of devices beside each other, or what they are made of.

        Parameters
        ----------
        devices : sequence of str or Device, optional
            Which of the estimate's devices to draw; all by default.
        by : {"device", "layer"}
            All totals with their intervals on one logarithmic axis, or the energy of
            each layer and operation in one panel per device.

        Returns
        -------
        matplotlib.figure.Figure
            For ``figure.savefig("energy.pdf")``.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        from .plot import plot_estimate

        return plot_estimate(self, devices, by)

    def __str__(self) -> str:
        from .report import format_estimate

        return format_estimate(self)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from .notebook import notebook_html

        return notebook_html(self)

    def name_of(self, device: DeviceLike) -> str:
        """Return the name that a device has in this estimate, from it in any case."""
        return known_name(device, self.devices, "this estimate")

    def _rows_of(self, device: DeviceLike) -> list[EnergyRow]:
        name = self.name_of(device)
        return [row for row in self.rows if row.device == name]


def _give(text: str, path: PathLike | None) -> str | None:
    """Return a text, or write it to a file where one is named."""
    if path is None:
        return text
    from ..common.file_output import write_text

    write_text(path, text)
    return None
