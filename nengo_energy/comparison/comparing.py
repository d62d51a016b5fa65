"""Run both networks on the same inputs, and sum up how they differ."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from ..activity.activity import Activity
from ..activity.run import Run
from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_count
from ..common.decisions import Decision
from ..common.exceptions import InputError, UnsupportedError
from ..common.proportions import share_equal
from ..common.vital_signs import said_of_accuracy
from ..network.topology import Population
from .converted import ConvertedNetwork
from .reference import KerasReference
from .results import Comparison, CurvePoint, LayerComparison, OutputComparison
from .statistics import Pairs

CURVE_POINTS = 10
"""Numbers of timesteps at which accuracy is judged, unless the user says which."""

DECODED = Assumption(
    "decoded-from-spikes",
    "A neuron's decoded value is its spikes per second times its amplitude, which "
    "undoes scale_firing_rates; the first timesteps, in which spikes haven't arrived "
    "yet, are in it unless warmup leaves them out.",
)
MAGNITUDES = Assumption(
    "magnitudes", "{} may put out negative values; their magnitudes are compared."
)

NO_DECISION = Assumption(
    "no-decision",
    "Output {} is compared by its values alone, not by decisions: {}. With labels, "
    "decisions are judged.",
)
THRESHOLD = Assumption(
    "threshold", "The single value of output {} decides for class 1 above {:g}."
)
BY_POSITION = Assumption(
    "decided-by-position",
    "Output {} decides at {} positions: shares are of positions, and their intervals "
    "hold as many trials as inferences, since the positions of one hang together.",
)


def compare_networks(
    snn: ConvertedNetwork,
    x: Any,
    run: Run,
    labels: Any = None,
    *,
    devices: Any = None,
    host: Any = None,
    on_host: Iterable[str] | None = None,
) -> Comparison:
    """Compare a Keras model with its converted network; see `SpikingModel.compare`.

    Networks are compared after the longest of the run's timesteps, and their decisions
    after each.
    """
    if snn.options.get("temporal_model"):
        raise UnsupportedError(
            f"model {snn.model.name!r} was converted with temporal_model=True, so its "
            "network has an output for each timestep; that can't be compared yet"
        )
    run = replace(run, timesteps=sorted(run.timesteps))
    timesteps = run.timesteps[-1]
    inputs = snn.as_input(x)
    n_inferences = len(next(iter(inputs.values())))
    wanted = _labels_by_output(snn, labels, n_inferences)
    with closing(KerasReference(snn, inputs)) as reference:
        sums = _Sums(snn, reference, timesteps, run.dt)
        activities = snn.measure_run(x, run, sums.add, on_host=on_host)
    activity = activities[-1]
    estimates = {
        a.timesteps: snn.estimate(a, devices, host=host, on_host=on_host)
        for a in activities
    }
    probes = output_probes(snn)
    outputs = tuple(
        _compare_output(
            name,
            sums.outputs(i),
            [activity.outputs[probe] for activity in activities],
            run.timesteps,
            snn.decisions[probe],
            wanted.get(name),
        )
        for i, (name, probe) in enumerate(probes.items())
    )
    return Comparison(
        layers=tuple(
            sums.layer(population, activity) for population in snn.topology.populations
        ),
        outputs=outputs,
        estimates=estimates,
        timesteps=timesteps,
        assumptions=merge_assumptions(
            (
                said
                for output in outputs
                if output.accuracy
                for said in said_of_accuracy(
                    output.accuracy,
                    output.keras_accuracy,
                    snn.decisions[probes[output.output]].n_classes,
                )
            ),
            [DECODED],
            sums.assumptions(),
            _how_outputs_decide(snn, wanted),
            estimates[timesteps].assumptions,
        ),
        settings=estimates[timesteps].settings,
    )


def curve_marks(timesteps: int, curve: Sequence[int] | None = None) -> list[int]:
    """Return the numbers of timesteps at which decisions are judged.

    Parameters
    ----------
    timesteps : int
        The last of them.
    curve : sequence of int, optional
        The others; by default in equal steps.
    """
    timesteps = check_count("timesteps", timesteps)
    if curve is None:
        step = -(-timesteps // CURVE_POINTS)
        return list(range(timesteps, 0, -step))[::-1]
    marks = [*curve]
    if timesteps not in marks:
        marks.append(timesteps)
    if any(mark > timesteps for mark in marks):
        raise InputError(
            f"curve must hold numbers up to the {timesteps} timesteps; got {marks}"
        )
    return marks


def output_probes(snn: ConvertedNetwork) -> dict[str, Any]:
    """Return the network's probes by the name of the model's output."""
    layers = [t._keras_history[0].name for t in snn.clone.model.outputs]
    names = [
        name if layers.count(name) == 1 else f"{name}:{i}"
        for i, name in enumerate(layers)
    ]
    return dict(zip(names, snn.output_probes))


def _labels_by_output(
    snn: ConvertedNetwork, labels: Any, n_inferences: int
) -> dict[str, np.ndarray]:
    """Return labels by the name of the output that they are for, or complain."""
    if labels is None:
        return {}
    outputs = output_probes(snn)
    if isinstance(labels, Mapping):
        by_probe = {snn.outputs[key]: value for key, value in labels.items()}
    elif len(outputs) == 1:
        by_probe = {next(iter(outputs.values())): labels}
    else:
        raise InputError(
            f"model {snn.model.name!r} has {len(outputs)} outputs; give labels as a "
            f"mapping by output, of {', '.join(outputs)}"
        )
    return {
        name: snn.decisions[probe].check_labels(by_probe[probe], n_inferences)
        for name, probe in outputs.items()
        if probe in by_probe
    }


class _Sums:
    """Sums up layers and outputs of both networks, batch by batch."""

    def __init__(
        self,
        snn: ConvertedNetwork,
        reference: KerasReference,
        timesteps: int,
        dt: float,
    ):
        self.reference = reference
        self.populations = snn.topology.populations
        self.timesteps = timesteps
        self.dt = dt
        self.pairs = {p.name: Pairs() for p in self.populations}
        self.saturated = {p.name: np.zeros(p.n_neurons, bool) for p in self.populations}
        self._outputs: list[list[np.ndarray]] = []

    def add(self, start: int, spikes: Mapping[str, np.ndarray]) -> None:
        """Add a batch of the spiking network, and run the Keras model on it."""
        if spikes:
            batch = slice(start, start + len(next(iter(spikes.values()))))
        elif start:
            return
        else:
            batch = slice(None)  # without neurons, nothing says how long batches are
        activations, outputs = self.reference.run(batch)
        self._outputs.append(outputs)
        for pop in self.populations:
            counts = spikes[pop.name]
            decoded = counts * (pop.amplitude / (self.timesteps * self.dt))
            self.pairs[pop.name].add(activations[pop.name], decoded)
            self.saturated[pop.name] |= (counts >= self.timesteps).any(axis=0)

    def outputs(self, index: int) -> np.ndarray:
        """Return an output of the Keras model, (n_inferences, size)."""
        return np.concatenate([outputs[index] for outputs in self._outputs])

    def layer(self, population: Population, activity: Activity) -> LayerComparison:
        """Return what is to be said about one layer."""
        name = population.name
        pairs = self.pairs[name]
        rates = activity.firing_rates(name)
        low, median, high = np.percentile(rates, [5, 50, 95])
        keras_zeros, spiking_zeros = pairs.zero_shares
        return LayerComparison(
            layer=name,
            n_neurons=population.n_neurons,
            correlation=pairs.correlation,
            relative_error=pairs.relative_error,
            activation=float(pairs.means[0]),
            decoded=float(pairs.means[1]),
            firing_rate=float(rates.mean()),
            firing_rate_p5=float(low),
            firing_rate_p50=float(median),
            firing_rate_p95=float(high),
            firing_rate_max=float(rates.max()),
            silent=float(np.mean(rates == 0)),
            saturated=float(self.saturated[name].mean()),
            peak=activity.populations[name].peak,
            keras_sparsity=keras_zeros,
            spiking_sparsity=spiking_zeros,
        )

    def assumptions(self) -> list[Assumption]:
        """Return what is taken for granted of some neurons."""
        names = [p.name for p in self.populations if p.ensemble.neuron_type.negative]
        if not names:
            return []
        text = MAGNITUDES.text.format(", ".join(names))
        return [Assumption(MAGNITUDES.code, text)]


def _how_outputs_decide(
    snn: ConvertedNetwork, labels: Mapping[str, np.ndarray]
) -> list[Assumption]:
    """Return what is said of outputs whose largest value isn't simply the decision."""
    said = []
    for name, probe in output_probes(snn).items():
        decision = snn.decisions[probe]
        if decision.undecided and name not in labels:
            text = NO_DECISION.text.format(name, decision.undecided)
            said.append(Assumption(NO_DECISION.code, text))
            continue
        if decision.is_binary:
            text = THRESHOLD.text.format(name, decision.threshold)
            said.append(Assumption(THRESHOLD.code, text))
        if decision.n_positions > 1:
            text = BY_POSITION.text.format(name, decision.n_positions)
            said.append(Assumption(BY_POSITION.code, text))
    return said


def _compare_output(
    name: str,
    keras: np.ndarray,
    outputs: Sequence[np.ndarray],
    timesteps: Sequence[int],
    decision: Decision,
    labels: np.ndarray | None,
) -> OutputComparison:
    """Compare one output, at the end and after each number of timesteps."""
    pairs = Pairs()
    pairs.add(keras, outputs[-1])
    decides = labels is not None or not decision.undecided
    wanted = decision.decide(keras)
    curve = []
    for mark, output in zip(timesteps, outputs) if decides else ():
        found = decision.decide(output)
        curve.append(
            CurvePoint(
                timesteps=mark,
                agreement=share_equal(found, wanted),
                accuracy=None if labels is None else share_equal(found, labels),
            )
        )
    return OutputComparison(
        output=name,
        correlation=pairs.correlation,
        relative_error=pairs.relative_error,
        agreement=curve[-1].agreement if curve else None,
        accuracy=curve[-1].accuracy if curve else None,
        keras_accuracy=None if labels is None else share_equal(wanted, labels),
        curve=tuple(curve),
    )
