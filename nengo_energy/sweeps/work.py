"""What a worker does: one simulation on one chunk of the data -> counts."""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import nengo

from ..activity.measuring import default_minibatch
from ..activity.run import Run
from ..common.exceptions import InputError
from ..common.proportions import Share, share_equal
from ..comparison.comparing import output_probes
from ..comparison.reference import keras_outputs
from ..compat import import_nengo_loihi
from ..compat.neurons import IntegrateAndFire
from ..conversion.converting import convert
from ..conversion.spiking_model import SpikingModel
from ..counts import OpCounts
from ..keras_models.clone import KerasClone
from .data import Chunk
from .grid import NETWORK_SETTINGS, RUN_SETTINGS, Simulation
from .models import ModelSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What all chunks of all simulations have in common.

    Attributes
    ----------
    source : ModelSource
        The model.
    convert_options : Mapping
        Further arguments of `nengo_energy.convert`, the same at all points.
    output : object
        Output that is judged, where there are several.
    chunk_size : int
        Inferences of all chunks but the last.
    minibatch_size : int or None
        See `nengo_energy.measure_activity`.
    seed : int
        Seed of the networks.
    on_host : sequence of str or None
        Layers that the host runs; see `SpikingModel.count`.
    example_data : ndarray, or list or mapping of ndarray, or None
        Inputs for ``scale_firing_rates="auto"``.
    key : str
        Tells the job from all others: the user's function may return another model in
        the next sweep, or a file hold one.
    """

    source: ModelSource
    convert_options: Mapping[str, Any]
    output: Any
    chunk_size: int
    minibatch_size: int | None
    seed: int
    on_host: Sequence[str] | None = None
    example_data: Any = None
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class ChunkResult:
    """What one simulation gave on one chunk after some timesteps.

    Attributes
    ----------
    timesteps : int
        Timesteps per inference.
    counts : OpCounts
        Operations of both networks.
    spikes : float
        Spikes of all neurons.
    accuracy, keras_accuracy, agreement : Share
        Inferences, or positions of them, on which the converted network is right, on
        which the Keras model is, and on which both decide alike.
    n_classes : int
        Classes that are decided between; 0 where that isn't known.
    """

    timesteps: int
    counts: OpCounts
    spikes: float
    accuracy: Share
    keras_accuracy: Share
    agreement: Share
    n_classes: int = 0


def run_chunk(
    job: Job, simulation: Simulation, chunk: Chunk
) -> tuple[ChunkResult, ...] | str:
    """Simulate one chunk.

    Returns
    -------
    tuple of ChunkResult, or str
        One for each of the simulation's timesteps; or why there is none.
    """
    with _LOCK:  # TensorFlow's and Nengo's global state is one thread's at a time
        try:
            return _run_chunk(job, simulation, chunk)
        except Exception as error:  # whatever goes wrong at a point is its result
            logger.info("simulation %s failed", simulation.key, exc_info=True)
            return describe_error(error)


def describe_error(error: BaseException) -> str:
    """Return an error as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


_LOCK = threading.Lock()


@dataclass
class _Model:
    """A model that was loaded, and its private copy once a conversion was verified."""

    keras: Any
    clone: KerasClone | None = None


# The last network and the last model, as chunks and similar settings come in a row.
_models: dict[str, _Model] = {}
_networks: dict[str, SpikingModel] = {}


def forget() -> None:
    """Let go of the last network and model."""
    _networks.clear()
    _models.clear()


def _run_chunk(
    job: Job, simulation: Simulation, chunk: Chunk
) -> tuple[ChunkResult, ...]:
    settings = simulation.settings
    snn = _network(job, simulation)
    name, probe = _judged_output(snn, job.output)
    decision = snn.decisions[probe]
    labels = decision.check_labels(chunk.labels, chunk.end - chunk.start)
    minibatch_size = job.minibatch_size
    if minibatch_size is None:
        # the last chunk is run in batches of the same size, so by the same arithmetic
        minibatch_size = default_minibatch(snn.topology.n_neurons, job.chunk_size)
    run = Run(
        simulation.timesteps,
        minibatch_size=minibatch_size,
        progress=False,
        **{name: settings[name] for name in RUN_SETTINGS},
    )
    activities = snn.measure_run(chunk.x, run, on_host=job.on_host)
    outputs = keras_outputs(snn, snn.as_input(chunk.x))
    keras = decision.decide(outputs[list(output_probes(snn)).index(name)])
    results = []
    for activity in activities:
        found = decision.decide(activity.outputs[probe])
        spikes = sum(
            float(population.spikes.sum())
            for population in activity.populations.values()
        )
        results.append(
            ChunkResult(
                timesteps=activity.timesteps,
                counts=snn.count(activity, on_host=job.on_host),
                spikes=spikes,
                accuracy=share_equal(found, labels),
                keras_accuracy=share_equal(keras, labels),
                agreement=share_equal(found, keras),
                n_classes=decision.n_classes,
            )
        )
    return tuple(results)


def _network(job: Job, simulation: Simulation) -> SpikingModel:
    """Return the converted network of a simulation, perhaps from the last one."""
    settings = simulation.settings
    model_key = f"{job.key} {sorted(simulation.parameters.items())!r}"
    chosen = {name: settings[name] for name in NETWORK_SETTINGS}
    key = f"{model_key} {chosen!r}"
    if key not in _networks:
        if model_key not in _models:
            _models.clear()
            _models[model_key] = _Model(job.source.load(simulation.parameters))
        _networks.clear()
        _networks[key] = _convert(_models[model_key], chosen, job)
    return _networks[key]


def _convert(model: _Model, chosen: Mapping[str, Any], job: Job) -> SpikingModel:
    options = dict(job.convert_options)
    neuron = _neuron_type(chosen["neuron"])
    if neuron is not None:
        swaps = dict(options.pop("swap_activations", None) or {})
        options["swap_activations"] = {**swaps, nengo.RectifiedLinear(): neuron}
    if model.clone is not None:
        options["clone"] = model.clone
        options["verify"] = False  # with rate neurons, no filter: the same for all
    scale = chosen["scale_firing_rates"]
    snn = convert(
        model.keras,
        scale_firing_rates=scale,
        example_data=job.example_data if scale == "auto" else None,
        synapse=chosen["synapse"],
        **options,
    )
    model.clone = snn.clone
    snn.net.seed = job.seed  # the network is ours; initial states are drawn by it
    return snn


def _neuron_type(neuron: Any) -> Any:
    """Return a neuron type that was given by its name, or as such."""
    if not isinstance(neuron, str):
        return neuron
    if neuron == IntegrateAndFire.__name__:
        return IntegrateAndFire()
    home = import_nengo_loihi().neurons if neuron.startswith("Loihi") else nengo
    return getattr(home, neuron)()


def _judged_output(snn: SpikingModel, output: Any) -> tuple[str, nengo.Probe]:
    """Return name and probe of the output that is judged."""
    probes = output_probes(snn)
    if output is not None:
        wanted = snn.outputs[output]
        return next((n, probe) for n, probe in probes.items() if probe is wanted)
    if len(probes) != 1:
        raise InputError(
            f"model {snn.model.name!r} has {len(probes)} outputs; say which to judge "
            f"with output=, of {', '.join(probes)}"
        )
    return next(iter(probes.items()))
