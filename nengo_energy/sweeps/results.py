"""Sweep: the points that came out, the front of the best, and a recommendation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from .. import devices as registry
from ..common.checks import check_choice
from ..common.exceptions import InputError, NotFoundError
from ..common.frame_records import frame_records, to_json
from ..common.pareto import cheapest, is_on_front
from ..common.plain_text import plain_text
from ..common.proportions import Share
from ..common.shown import Shown
from ..common.vital_signs import is_dead
from ..devices.device import known_name
from ..estimates.estimate import DeviceLike, EnergyEstimate

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas

OBJECTIVES = ("energy", "accuracy", "latency")
"""What `Sweep.pareto` can weigh against each other."""


@dataclass(frozen=True, repr=False)
class SweepPoint(Shown):
    """What one point of the grid gave.

    Attributes
    ----------
    settings : Mapping
        Values by name.
    error : str or None
        Why there are no results; then all that follows is None.
    accuracy, keras_accuracy, agreement : Share or None
        Inferences on which the converted network is right, on which the Keras model
        is, and on which both decide alike.
    spikes, synops : float or None
        Mean counts [1/inference].
    estimate : EnergyEstimate or None
        Energies on all devices, with everything that belongs to them.
    """

    settings: Mapping[str, Any]
    error: str | None = None
    accuracy: Share | None = None
    keras_accuracy: Share | None = None
    agreement: Share | None = None
    spikes: float | None = None
    synops: float | None = None
    estimate: EnergyEstimate | None = field(default=None, repr=False)

    @property
    def dead(self) -> bool:
        """Whether layers are silent, or it decides no better than by guessing."""
        return self.estimate is not None and is_dead(self.estimate.assumptions)

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.settings.items())


@dataclass(frozen=True, repr=False)
class Sweep(Shown):
    """Energy and accuracy at every point of a grid.

    Attributes
    ----------
    points : tuple of SweepPoint
        In the order of the grid.
    devices : tuple of str
        Names of the devices that all points were priced on.
    axes : Mapping of {str: list}
        The grid: values by name.
    settings : Mapping
        What is needed to sweep again: seed, number of inferences, digests of model and
        data, versions.
    """

    points: tuple[SweepPoint, ...]
    devices: tuple[str, ...]
    axes: Mapping[str, Sequence[Any]] = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)

    @property
    def failed(self) -> tuple[SweepPoint, ...]:
        """The points that have an error in place of results."""
        return tuple(point for point in self.points if point.error is not None)

    @property
    def keras_accuracy(self) -> float:
        """Accuracy of the Keras model; of the best, where points have different ones.

        Raises
        ------
        InputError
            If all points failed.
        """
        known = [p.keras_accuracy.value for p in self.points if p.keras_accuracy]
        if not known:
            raise InputError(
                f"all {len(self.points)} points of the sweep failed; the first: "
                f"{self.points[0].error}"
            )
        return max(known)

    def to_frame(self) -> pandas.DataFrame:
        """Return a frame with a row per point, in the order of the grid.

        Returns
        -------
        pandas.DataFrame
            The settings; ``n_inferences``; ``accuracy``, ``keras_accuracy`` and
            ``agreement``, each with its Wilson 95 % confidence interval as
            ``accuracy_low`` and ``accuracy_high``; ``spikes`` and ``synops``
            [1/inference]; for each device ``energy loihi``, with all prices low and
            high ``low loihi`` and ``high loihi`` [J/inference], and ``latency loihi``
            [s]; ``dead``, see `SweepPoint`; ``seed``, ``versions`` and ``error``. What
            isn't known is NaN; ``attrs["units"]`` holds the units.
        """
        from .frame import sweep_frame

        return sweep_frame(self)

    def pareto(
        self, device: DeviceLike, objectives: Sequence[str] = ("energy", "accuracy")
    ) -> pandas.DataFrame:
        """Return the points that no other beats in every respect.

        Parameters
        ----------
        device : str or Device
            Device that energy and latency are of.
        objectives : sequence of {"energy", "accuracy", "latency"}
            What counts: little energy and latency, much accuracy.

        Returns
        -------
        pandas.DataFrame
            Those rows of `to_frame`, with its index, from the least energy on; of
            several that are equal the first. Dead points are on no front.

        Raises
        ------
        NotFoundError
            If the sweep doesn't hold the device.
        InputError
            If an objective isn't one, or the device's latency isn't known.
        """
        import pandas as pd

        name = self._name_of(device)
        if isinstance(objectives, str) or not objectives:
            raise InputError(
                f"objectives must be some of {', '.join(OBJECTIVES)}; got "
                f"{objectives!r}"
            )
        for objective in objectives:
            check_choice("objectives", objective, OBJECTIVES)
        frame = self.to_frame()
        columns = {
            "energy": frame[f"energy {name}"],
            "accuracy": -frame["accuracy"],
            "latency": frame[f"latency {name}"],
        }
        if "latency" in objectives and columns["latency"].isna().all():
            raise InputError(
                f"latency on device {name!r} isn't known: no source gives the time per "
                "inference"
            )
        costs = np.stack([columns[key].to_numpy(float) for key in objectives], axis=1)
        costs[frame["dead"]] = np.nan
        first = ~pd.DataFrame(costs).duplicated().to_numpy()
        front = frame[is_on_front(costs) & first]
        return front.sort_values(f"energy {name}", kind="stable")

    def recommend(
        self,
        device: DeviceLike,
        max_accuracy_drop: float = 0.01,
        *,
        reference: float | None = None,
    ) -> SweepPoint:
        """Return the point that costs least energy of those that hold accuracy.

        Parameters
        ----------
        device : str or Device
            Where energy is to be saved.
        max_accuracy_drop : float
            Accuracy that may be lost, as a share of all inferences: 0.01 is a point of
            a hundred.
        reference : float, optional
            Accuracy that it is lost from; by default `keras_accuracy`.

        Returns
        -------
        SweepPoint
            Of several with the same energy, the most accurate. Where no point is
            accurate enough, a warning says so, and it is the most accurate one. Dead
            points are never recommended.

        Raises
        ------
        NotFoundError
            If the sweep doesn't hold the device, or all points are dead.

        Notes
        -----
        Accuracies are measured on the data of the sweep, and near points differ by
        less than their confidence intervals.
        """
        point, missed = self.choose(device, max_accuracy_drop, reference)
        if missed:
            warnings.warn(f"{missed}: {point}", stacklevel=2)
        return point

    def choose(
        self,
        device: DeviceLike,
        max_accuracy_drop: float = 0.01,
        reference: float | None = None,
    ) -> tuple[SweepPoint, str]:
        """Return what `recommend` does, and in words what it misses, if anything."""
        name = self._name_of(device)
        if not 0 <= max_accuracy_drop <= 1:
            raise InputError(
                "max_accuracy_drop must be a share between 0 and 1; got "
                f"{max_accuracy_drop!r}"
            )
        wanted = self.keras_accuracy if reference is None else float(reference)
        done = [p for p in self.points if p.estimate and p.accuracy and not p.dead]
        if not done:
            raise NotFoundError(
                f"none of the {len(self.points)} points can be recommended: those that "
                "ran have silent layers or decide no better than by guessing; raise "
                "scale_firing_rates= or timesteps="
            )
        accuracies = [p.accuracy.value for p in done if p.accuracy]
        energies = [p.estimate.total(name) for p in done if p.estimate]
        # counts are whole, so a millionth tells no two accuracies apart
        index = cheapest(energies, accuracies, wanted - max_accuracy_drop - 1e-9)
        if index is None:
            best = cheapest(energies, accuracies, max(accuracies))
            assert best is not None
            return done[best], (
                f"no point is within {max_accuracy_drop:.1%} of the accuracy of "
                f"{wanted:.1%}; the nearest has {max(accuracies):.1%}"
            )
        return done[index], ""

    def plot(
        self,
        devices: DeviceLike | Sequence[DeviceLike] | None = None,
        max_accuracy_drop: float = 0.01,
    ) -> matplotlib.figure.Figure:
        """Draw accuracy against energy, with each device's front.

        Dense devices run the Keras model, so they stand at its accuracy.

        Parameters
        ----------
        devices : str, Device or sequence of them, optional
            Which of the sweep's devices to draw; all by default.
        max_accuracy_drop : float
            Of the point with a ring around it, which `recommend` returns.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        from .plot import plot_pareto

        if devices is None:
            devices = self.devices
        elif isinstance(devices, (str, registry.Device)):
            devices = [devices]
        names = [self._name_of(device) for device in devices]
        dense = [name for name in names if registry.get(name).kind == "dense"]
        chosen = {
            name: self.points.index(self.choose(name, max_accuracy_drop)[0])
            for name in names
            if any(point.estimate and not point.dead for point in self.points)
        }
        return plot_pareto(self.to_frame(), names, dense=dense, recommended=chosen)

    def to_json(self) -> str:
        """Return settings, grid and the rows of `to_frame` as JSON, every digit."""
        return to_json(
            "sweep",
            {
                "settings": dict(self.settings),
                "grid": dict(self.axes),
                "devices": list(self.devices),
                "points": frame_records(self.to_frame()),
            },
        )

    def summary(self, max_accuracy_drop: float = 0.01) -> str:
        """Return all points as a table, and for each device the best of them.

        Parameters
        ----------
        max_accuracy_drop : float
            See `recommend`.
        """
        from .text import format_sweep

        return plain_text(format_sweep(self, max_accuracy_drop))

    def _shown_frame(self) -> pandas.DataFrame:
        """Return what differs between points, and what came out."""
        frame = self.to_frame()
        varied = [name for name, values in self.axes.items() if len(values) > 1]
        fixed = [name for name in self.points[0].settings if name not in varied]
        same = [name for name in ("dead", "error") if not frame[name].any()]
        dropped = ["n_inferences", "seed", "versions", *fixed, *same]
        return frame.drop(columns=dropped).dropna(axis=1, how="all")

    def __str__(self) -> str:
        return self.summary()

    def _name_of(self, device: DeviceLike) -> str:
        return known_name(device, self.devices, "this sweep")
