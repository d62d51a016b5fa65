"""Run a sweep: plan it, simulate what isn't in the checkpoint, merge and price."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Mapping, Sequence

from .. import devices as registry
from ..common.assumptions import merge_assumptions
from ..common.checks import check_choice, check_count
from ..common.exceptions import InputError, NengoEnergyError
from ..common.progress import progress_bar
from ..common.proportions import sum_shares
from ..common.vital_signs import said_of_accuracy
from ..conversion.datasets import as_arrays
from ..counts import merge_counts
from ..devices import Device
from ..keras_models.graph import read_graph
from ..pricing.energy import estimate_energy
from ..pricing.resolving import resolve_devices, resolve_host
from .checkpoint import Checkpoint
from .data import Data, check_data, check_fits, name_of
from .grid import Point, Simulation, plan_grid, printable
from .models import ModelSource, is_builder, model_source
from .results import Sweep, SweepPoint
from .running import (
    SCHEDULERS,
    check_client,
    count_processors,
    local_client,
    run_by_client,
    run_here,
)
from .work import ChunkResult, Job, describe_error

EXAMPLES = 256
"""Inferences that ``scale_firing_rates="auto"`` is chosen by."""

Results = dict[tuple[str, int, int], tuple[ChunkResult, ...]]
"""Finished results, by simulation and first and last inference."""

OPTIONS = (
    "swap_activations",
    "inference_only",
    "allow_fallback",
    "verify",
    "max_to_avg_pool",
    "max_pooling",
    "piecewise",
    "neurons",
    "host_synapse",
    "split_shared_weights",
)
"""Arguments of `nengo_energy.convert` that may be given for all points."""


def sweep(
    model: Any,
    x: Any,
    labels: Any,
    grid: Mapping[str, Any],
    *,
    host: Any = None,
    on_host: Sequence[str] | None = None,
    output: Any = None,
    convert_options: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    checkpoint: Any = None,
    chunk_size: int | None = None,
    minibatch_size: int | None = None,
    scheduler: str = "processes",
    n_workers: int | None = None,
    client: Any = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Sweep:
    """Measure accuracy and energy at every point of a grid of settings.

    Points that differ in ``timesteps`` or ``devices`` alone share one simulation. A
    point that fails doesn't stop the others: it has its error in place of results.

    Parameters
    ----------
    model : keras.Model, str, os.PathLike or callable
        A trained model, the path of one, or a function that returns either, which is
        given those names of the grid that aren't settings.
    x : ndarray, list or mapping of ndarray, tf.data.Dataset or generator
        Inputs as the Keras model takes them, (n_inferences, ...); memory maps are read
        piece by piece.
    labels : (n_inferences,) int array_like or None
        Index of the right class for each inference; see `Activity.accuracy`. None where
        the dataset has them.
    grid : mapping of str to value or list of values
        ``scale_firing_rates`` (``"auto"`` for each layer by the first 256 inputs),
        ``synapse``, ``neuron`` (a neuron type of Nengo, or the
        name of one, in place of ReLU), ``dt``, ``simulator``, ``warmup``,
        ``timesteps``, ``devices``, and parameters of the function that builds the
        model. All combinations are points, except of devices: each point is priced on
        all of them, by default on those of ``ne.devices.default_names()``.
    host : str or Device, optional
        See `SpikingModel.estimate`.
    on_host : sequence of str, optional
        Layers that the host runs; see `SpikingModel.count`.
    output : tensor, layer or str, optional
        Output that is judged, where the model has several.
    convert_options : mapping, optional
        Further arguments of `nengo_energy.convert`, the same at all points.
    custom_objects : mapping of str to object, optional
        Layers of your own that the model has, as for `nengo_energy.load_model`.
    checkpoint : str or os.PathLike, optional
        Folder for what is finished, as Parquet files. If the sweep is killed and
        started again, that isn't run twice; ``devices`` and ``host`` may be others.
    chunk_size : int, optional
        Inferences of one task; by default at most 512, and 8 MiB.
    minibatch_size : int, optional
        See `nengo_energy.measure_activity`.
    scheduler : {"processes", "synchronous"}
        Worker processes on this computer, or one point after the other in this
        process, where a debugger reaches it.
    n_workers : int, optional
        Number of processes; by default that of the processors that may be used, each
        of which then has one process.
    client : dask.distributed.Client, optional
        Run on this client's cluster.
    seed : int
        Seed of the networks: initial states of neurons are drawn by it.
    progress : bool, optional
        Show a progress bar; by default in a terminal, when it takes long.

    Returns
    -------
    Sweep
        ``to_frame()`` has a row per point.

    Raises
    ------
    InputError
        If an argument has a value that isn't allowed, or the checkpoint is of another
        sweep.
    NotFoundError
        If a device isn't known.
    MissingDependencyError
        If Dask or PyArrow isn't installed: ``pip install "nengo-energy[sweep]"``.

    Notes
    -----
    Of a function that builds the model, a checkpoint knows name and source, and not
    what it reads elsewhere.

    Examples
    --------
    >>> grid = {"scale_firing_rates": ["auto", 100]}  # doctest: +SKIP
    >>> found = sweep(model, x, labels, grid)  # doctest: +SKIP
    >>> found.recommend("loihi", max_accuracy_drop=0.01)  # doctest: +SKIP
    """
    builder = model if is_builder(model) else None
    plan = plan_grid(grid, builder)
    devices = registry.default_names() if plan.devices is None else plan.devices
    models = resolve_devices(devices)
    host_model = None if host is None else resolve_host(host)
    check_choice("scheduler", scheduler, SCHEDULERS)
    seed = check_count("seed", seed, minimum=0)
    if n_workers is not None:
        n_workers = check_count("n_workers", n_workers)
    if client is not None:
        check_client(client)
    options = dict(convert_options or {})
    _check_options(options)
    output = None if output is None else name_of(output)
    source = model_source(model, custom_objects)
    data = check_data(*_arrays(x, labels, source), chunk_size)
    if source.model is not None:
        check_fits(data, read_graph(source.model), output)
    in_this_process = client is None and scheduler == "synchronous"
    by_data = any(s.settings["scale_firing_rates"] == "auto" for s in plan.simulations)
    job = Job(
        source=source if in_this_process else source.packed(),
        convert_options=options,
        output=output,
        chunk_size=min(data.chunk_size, data.n_inferences),
        minibatch_size=minibatch_size,
        seed=seed,
        on_host=on_host,
        example_data=(
            data.chunk(0, min(data.n_inferences, EXAMPLES)).x if by_data else None
        ),
    )
    settings = {
        "seed": seed,
        "n_inferences": data.n_inferences,
        "model": source.digest,
        "data": data.digest(),
        "convert_options": printable(options),
        "output": output,
    }
    results: Results = {}
    errors: dict[str, str] = {}
    tasks = [
        (simulation, span) for simulation in plan.simulations for span in data.spans()
    ]
    n_steps = sum(_n_steps(*task) for task in tasks)
    with contextlib.ExitStack() as stack:
        saved = None
        if checkpoint is not None:
            identity = {
                **settings,
                "grid": plan.axes,
                "chunk_size": data.chunk_size,
                "minibatch_size": minibatch_size,
                "on_host": on_host,
            }
            saved = stack.enter_context(Checkpoint(checkpoint, identity))
            results.update(saved.load())
        missing = [task for task in tasks if _key(*task) not in results]
        tick = stack.enter_context(progress_bar(n_steps, "sweeping", progress))
        tick(n_steps - sum(_n_steps(*task) for task in missing))
        if in_this_process or not missing:
            outcomes = run_here(job, missing, data.chunk)
        else:
            if client is None:
                n_workers = min(n_workers or count_processors(), len(missing))
                client = stack.enter_context(
                    local_client(n_workers, job.source.environment)
                )
            outcomes = run_by_client(client, job, missing, data.chunk)
        for index, outcome in outcomes:
            simulation, span = missing[index]
            if isinstance(outcome, str):
                errors.setdefault(simulation.key, outcome)
            else:
                results[_key(simulation, span)] = outcome
                if saved is not None:
                    saved.save(_key(simulation, span), outcome)
            tick(_n_steps(simulation, span))
    points = tuple(
        _price(point, _results_of(point, data, results, errors), models, host_model)
        for point in plan.points
    )
    return Sweep(points, tuple(m.name for m in models), plan.axes, settings)


def _arrays(x: Any, labels: Any, source: ModelSource) -> tuple[Any, Any]:
    """Return inputs and labels, read from a dataset where that is what was given."""
    x, labels = (
        (x, labels) if source.model is None else as_arrays(x, source.model, labels)
    )
    if labels is None:
        raise InputError(
            "labels must be given, beside the inputs or by a dataset of pairs; of a "
            "function that builds the model, inputs and labels must be arrays"
        )
    return x, labels


def _key(simulation: Simulation, span: tuple[int, int]) -> tuple[str, int, int]:
    return simulation.key, *span


def _n_steps(simulation: Simulation, span: tuple[int, int]) -> int:
    total = int(simulation.settings["warmup"]) + simulation.timesteps[-1]
    return total * (span[1] - span[0])


def _results_of(
    point: Point, data: Data, results: Results, errors: Mapping[str, str]
) -> list[ChunkResult] | str:
    """Return what a point's simulation gave on each chunk, or why it failed."""
    if point.simulation in errors:
        return errors[point.simulation]
    found = []
    for start, end in data.spans():
        by_timesteps = {r.timesteps: r for r in results[point.simulation, start, end]}
        if point.timesteps not in by_timesteps:
            raise InputError(
                f"checkpoint file {point.simulation}-{start}-{end}.parquet holds no "
                f"result of {point.timesteps} timesteps; delete it, and what it held "
                "is simulated again"
            )
        found.append(by_timesteps[point.timesteps])
    return found


def _price(
    point: Point,
    parts: list[ChunkResult] | str,
    devices: Sequence[Device],
    host: Device | None,
) -> SweepPoint:
    """Merge the chunks of a point, and price it."""
    if isinstance(parts, str):
        return SweepPoint(point.settings, error=parts)
    counts = merge_counts([part.counts for part in parts])
    accuracy = sum_shares(part.accuracy for part in parts)
    n_inferences = accuracy.n // accuracy.per_inference
    n_classes = min(part.n_classes for part in parts)
    keras_accuracy = sum_shares(part.keras_accuracy for part in parts)
    said = said_of_accuracy(accuracy, keras_accuracy, n_classes) if n_classes else ()
    try:
        estimate = estimate_energy(counts, devices, host=host)
    except NengoEnergyError as error:
        return SweepPoint(point.settings, error=describe_error(error))
    return SweepPoint(
        point.settings,
        accuracy=accuracy,
        keras_accuracy=keras_accuracy,
        agreement=sum_shares(part.agreement for part in parts),
        spikes=sum(part.spikes for part in parts) / n_inferences,
        synops=counts.total("synop") / n_inferences,
        estimate=replace(
            estimate, assumptions=merge_assumptions(said, estimate.assumptions)
        ),
    )


def _check_options(options: Mapping[str, Any]) -> None:
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise InputError(
            f"convert_options holds {', '.join(unknown)}; allowed are "
            f"{', '.join(OPTIONS)}"
        )
