"""Comparison: what came out, as frames and text."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Mapping

from ..common.assumptions import Assumption
from ..common.frame_records import frame_records, to_json
from ..common.plain_text import plain_text
from ..common.proportions import Share, share_columns
from ..common.shown import Shown
from ..estimates.estimate import EnergyEstimate

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas

UNITS = {f"firing_rate{end}": "Hz" for end in ("", "_p5", "_p50", "_p95", "_max")}
"""Units of the columns of `Comparison.to_frame`; the others have none."""


@dataclass(frozen=True)
class LayerComparison:
    """Activations of a layer beside what its neurons' spikes decode to.

    Attributes
    ----------
    layer : str
        Name of the layer; with the number of the call where there are several.
    n_neurons : int
        Number of neurons.
    correlation : float or None
        Pearson's coefficient over all neurons and inferences; None where one of the
        two never changes.
    relative_error : float or None
        Norm of (decoded - activation) over norm of the activations; None where these
        are all zero.
    activation, decoded : float
        Means over neurons and inferences.
    firing_rate, firing_rate_p5, firing_rate_p50, firing_rate_p95, firing_rate_max
        Mean, percentiles over neurons, and that of the fastest neuron; each neuron's
        rate is its mean over inferences [Hz].
    silent : float
        Share of neurons that never spiked.
    saturated : float
        Share of neurons that in some inference gave as many spikes as there are
        timesteps, or more: those of neurons that spike once in a timestep can't rise.
    peak : int
        Most spikes of a neuron in one timestep.
    keras_sparsity, spiking_sparsity : float
        Share of activations that are zero; and of pairs of neuron and inference
        without a spike.
    """

    layer: str
    n_neurons: int
    correlation: float | None
    relative_error: float | None
    activation: float
    decoded: float
    firing_rate: float
    firing_rate_p5: float
    firing_rate_p50: float
    firing_rate_p95: float
    firing_rate_max: float
    silent: float
    saturated: float
    peak: int
    keras_sparsity: float
    spiking_sparsity: float


@dataclass(frozen=True)
class CurvePoint:
    """Decisions after some timesteps, from outputs averaged over their last half.

    Attributes
    ----------
    timesteps : int
        Timesteps per inference.
    agreement : Share
        Inferences, or positions of them, on which both networks decide alike.
    accuracy : Share or None
        Those on which the converted network is right; None without labels.
    """

    timesteps: int
    agreement: Share
    accuracy: Share | None


@dataclass(frozen=True)
class OutputComparison:
    """One output of the Keras model beside that of the converted network.

    Attributes
    ----------
    output : str
        Name.
    correlation, relative_error : float or None
        As for layers, over all values and inferences.
    agreement : Share or None
        Inferences that both networks decide alike: by the largest value, by a single
        value's threshold, or position by position. None where nothing is decided.
    accuracy, keras_accuracy : Share or None
        Inferences, or positions, that are decided as labelled; None without labels.
    curve : tuple of CurvePoint
        Agreement and accuracy against timesteps, from the same run.
    """

    output: str
    correlation: float | None
    relative_error: float | None
    agreement: Share | None
    accuracy: Share | None
    keras_accuracy: Share | None
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """A Keras model beside its converted network, on the same inputs.

    Attributes
    ----------
    layers : tuple of LayerComparison
        The layers that became neurons.
    outputs : tuple of OutputComparison
        The model's outputs.
    estimates : Mapping of int to EnergyEstimate
        Energies by number of timesteps. Devices of kind ``"dense"`` run the Keras
        model, those of kind ``"event"`` the converted network.
    timesteps : int
        Timesteps per inference, the largest of the curve.
    assumptions : tuple of Assumption
        What was taken for granted.
    settings : Mapping
        What is needed to compare again.
    """

    layers: tuple[LayerComparison, ...]
    outputs: tuple[OutputComparison, ...]
    estimates: Mapping[int, EnergyEstimate] = field(repr=False)
    timesteps: int
    assumptions: tuple[Assumption, ...] = field(repr=False)
    settings: Mapping[str, object] = field(repr=False)

    @property
    def estimate(self) -> EnergyEstimate:
        """Energy of both networks, at all timesteps."""
        return self.estimates[self.timesteps]

    def to_frame(self) -> pandas.DataFrame:
        """Return a frame with a row per layer: the fields of ``LayerComparison``."""
        import pandas as pd

        names = [f.name for f in fields(LayerComparison)]
        frame = pd.DataFrame(
            {name: [getattr(row, name) for row in self.layers] for name in names}
        )
        for name in ("correlation", "relative_error"):
            frame[name] = frame[name].astype(float)
        frame.attrs["units"] = dict(UNITS)
        return frame

    def outputs_frame(self) -> pandas.DataFrame:
        """Return a frame with a row per output.

        Columns are the fields of ``OutputComparison`` without its curve; each share has
        its confidence interval beside it, as ``accuracy_low`` and ``accuracy_high``.
        """
        import pandas as pd

        rows = []
        for output in self.outputs:
            row: dict[str, object] = {
                "output": output.output,
                "correlation": output.correlation,
                "relative_error": output.relative_error,
            }
            for name in ("agreement", "accuracy", "keras_accuracy"):
                row.update(share_columns(name, getattr(output, name)))
            rows.append(row)
        return pd.DataFrame(rows)

    def curve_frame(self) -> pandas.DataFrame:
        """Return a frame with a row per output and number of timesteps.

        Columns: ``output``, ``timesteps``, agreement and accuracy with their intervals,
        ``spikes`` [1/inference], and ``energy <device>`` [J/inference].
        """
        import pandas as pd

        rows = []
        for output in self.outputs:
            for point in output.curve:
                estimate = self.estimates[point.timesteps]
                row: dict[str, object] = {
                    "output": output.output,
                    "timesteps": point.timesteps,
                }
                row.update(share_columns("agreement", point.agreement))
                row.update(share_columns("accuracy", point.accuracy))
                for device in estimate.devices:
                    row[f"energy {device}"] = estimate.total(device)
                rows.append(row)
        frame = pd.DataFrame(rows)
        frame.attrs["units"] = {f"energy {d}": "J/inf" for d in self.estimate.devices}
        return frame

    def to_json(self) -> str:
        """Return settings, assumptions and all frames as JSON, with every digit."""
        return to_json(
            "comparison",
            {
                "settings": dict(self.settings),
                "layers": frame_records(self.to_frame()),
                "outputs": frame_records(self.outputs_frame()),
                "curve": frame_records(self.curve_frame()),
                "energy": frame_records(self.estimate.to_frame()),
                "assumptions": [str(assumption) for assumption in self.assumptions],
            },
        )

    def plot(self) -> matplotlib.figure.Figure:
        """Draw layers and accuracy against timesteps; see ``plot_comparison``.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        from .plot import plot_comparison

        return plot_comparison(
            self.to_frame(), self.curve_frame(), self.outputs_frame()
        )

    def notes(self) -> str:
        """Return what was taken for granted."""
        from .text import format_notes

        return plain_text(format_notes(self))

    def __str__(self) -> str:
        from .text import format_comparison

        return format_comparison(self)
