"""What a network did on a set of inputs: spike counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import nengo
import numpy as np

from ..common.assumptions import Assumption
from ..common.checks import shown
from ..common.decisions import Decision
from ..common.exceptions import InputError
from ..common.proportions import share_equal
from ..common.shown import Shown
from ..common.vital_signs import LEAST_SPIKES, MOST_SATURATED, alerts, said_of_firing


@dataclass(frozen=True)
class PopulationActivity:
    """Spikes of one population.

    Those of spiking neurons are counted, in int64. Rate neurons have expected values in
    their place, in float, which aren't rounded.

    Attributes
    ----------
    spikes : (n_neurons,) ndarray
        Spikes of each neuron, summed over inferences.
    spikes_per_inference : (n_inferences,) ndarray
        Spikes of all neurons, in each inference.
    active_per_inference : (n_inferences,) ndarray
        Neurons x timesteps with at least one spike, in each inference.
    sent_per_inference : (n_inferences,) ndarray
        Spikes of neurons that drive at least one synapse, in each inference.
    synops_per_inference : Mapping of {str: (n_inferences,) ndarray}
        Synops of each projection that leaves the population, in each inference.
    peak : int
        Most spikes of any neuron in one timestep.
    saturated : int
        Pairs of neuron and inference in which the neuron fired as fast as it can.
    """

    spikes: np.ndarray = field(repr=False)
    spikes_per_inference: np.ndarray = field(repr=False)
    active_per_inference: np.ndarray = field(repr=False)
    sent_per_inference: np.ndarray = field(repr=False)
    synops_per_inference: Mapping[str, np.ndarray] = field(repr=False)
    peak: int
    saturated: int = 0

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.spikes)


@dataclass(frozen=True, repr=False)
class Activity(Shown):
    """What a network did on a set of inputs.

    Attributes
    ----------
    populations : Mapping of {str: PopulationActivity}
        Spikes by population.
    n_inferences : int
        Number of inputs.
    timesteps : int
        Timesteps of each inference that were counted.
    warmup : int
        Timesteps before them that were run and not counted.
    dt : float
        Length of a timestep [s].
    simulator : str
        What it was run on: ``"compiled"``, ``"nengo"``, ``"nengo-dl"`` or ``"loihi"``.
    static_input : bool
        Whether each input stayed the same over its inference.
    fingerprint : str
        Of the topology that was measured.
    learning : Mapping of {str: Mapping of {str: int}}
        Operations of each learning rule in an inference, by the rule's name.
    outputs : Mapping of {nengo.Probe: (n_inferences, size) ndarray}
        Probes of the network, averaged over the last half of the counted timesteps.
    assumptions : tuple of Assumption
        What was taken for granted.
    settings : Mapping
        What is needed to measure the same again.
    decisions : Mapping of {nengo.Probe: Decision}
        How outputs are read as decisions; by default their largest value decides, and
        of a single value whether it is above 0.
    """

    populations: Mapping[str, PopulationActivity]
    n_inferences: int
    timesteps: int
    warmup: int
    dt: float
    simulator: str
    static_input: bool
    fingerprint: str
    learning: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    outputs: Mapping[Any, np.ndarray] = field(default_factory=dict, repr=False)
    assumptions: tuple[Assumption, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    decisions: Mapping[Any, Decision] = field(default_factory=dict, repr=False)

    @property
    def silent(self) -> tuple[str, ...]:
        """Populations that spiked less than once in ten inferences."""
        return tuple(
            name
            for name, measured in self.populations.items()
            if measured.spikes.sum() < LEAST_SPIKES * self.n_inferences
        )

    @property
    def saturated(self) -> tuple[str, ...]:
        """Populations of which many neurons fire as fast as they can."""
        return tuple(
            name
            for name, measured in self.populations.items()
            if measured.saturated
            > MOST_SATURATED * measured.n_neurons * self.n_inferences
        )

    @property
    def alerts(self) -> tuple[Assumption, ...]:
        """What makes the numbers worthless: silence, saturation, guessing."""
        said = said_of_firing(self.silent, self.saturated)
        return alerts((*said, *self.assumptions))

    def firing_rates(self, population: str) -> np.ndarray:
        """Return the mean rate of each neuron, (n_neurons,) ndarray [Hz]."""
        seconds = self.timesteps * self.dt * self.n_inferences
        return self.populations[population].spikes / seconds

    def accuracy(self, labels: Any, probe: nengo.Probe | None = None) -> float:
        """Return the share of inferences that are decided as the labels say.

        The largest of several values decides. A single value decides for class 1 where
        it is above 0, or above 0.5 behind a sigmoid. Of an output with further axes,
        such as a segmented picture, it is the share of positions.

        Parameters
        ----------
        labels : (n_inferences,) int array_like
            Index of the right class for each inference, or (n_inferences, 1), or
            one-hot; for each position where the output has further axes.
        probe : nengo.Probe, optional
            Output to judge; needed when the network has several.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        InputError
            If the labels don't fit the inferences, or it isn't clear which output.
        """
        if probe is None and len(self.outputs) != 1:
            raise InputError(
                f"the network has {len(self.outputs)} outputs; say which to judge with "
                "probe="
            )
        key = next(iter(self.outputs)) if probe is None else probe
        output = self._output(key)
        decision = self.decisions.get(key, Decision(output.shape[1:]))
        wanted = decision.check_labels(labels, self.n_inferences)
        return share_equal(decision.decide(output), wanted).value

    def _output(self, probe: Any) -> np.ndarray:
        for known, output in self.outputs.items():
            if known is probe:
                return output
        raise InputError(
            f"probe must be one of {', '.join(map(str, self.outputs))}; got "
            f"{shown(probe)}"
        )

    def to_frame(self) -> Any:
        """Return one row per population: spikes, rates, silent neurons.

        Returns
        -------
        pandas.DataFrame
            See ``nengo_energy.activity.report.activity_frame``.
        """
        from .report import activity_frame

        return activity_frame(self)

    def __str__(self) -> str:
        from .report import format_activity

        return format_activity(self)
