"""Commands that take a Keras model: check, estimate, compare, sweep, deploy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..common.checks import check_count
from ..common.exceptions import InputError
from ..common.frame_records import frame_records, to_json
from ..compat.quiet import import_tensorflow_quietly
from .data_files import array_names, load_arrays, load_grid
from .options import (
    CONVERSION,
    DATA,
    ESTIMATE_FORMATS,
    HOST,
    INPUT_SHAPE,
    LABELS,
    MAX_POOLING,
    MODEL,
    PRICING,
    RESULT_FORMATS,
    SIMULATION,
    TIMING,
    add_command,
    choice,
    number,
    switch,
    word,
)

if TYPE_CHECKING:
    import pandas

    from ..conversion.spiking_model import SpikingModel

DEFAULT_X, DEFAULT_Y = "x", "y"
"""Arrays that are taken unless others are named."""

CHECK = """\
The exit code is 1 if a layer is refused.

example:
  nengo-energy check digits.keras
"""
ESTIMATE = """\
examples:
  nengo-energy estimate digits.keras --data test.npz
  nengo-energy estimate digits.keras --data test.npz --scale-firing-rates 200 \\
      --timesteps 50 --device loihi --device h100 --format csv > energy.csv
"""
COMPARE = """\
example:
  nengo-energy compare digits.keras --data test.npz --scale-firing-rates 200 \\
      --synapse 0.005 --device loihi
"""
SWEEP = """\
The grid is a TOML file of values by name, all combinations of which are points:

  [grid]
  scale_firing_rates = [50, 100, 200, 500]
  synapse = [0.005, "none"]
  timesteps = [10, 20, 50]
  devices = ["loihi", "cpu"]

  [convert]
  max_pooling = "average"

example:
  nengo-energy sweep digits.keras grid.toml --data test.npz --checkpoint sweep \\
      --format csv > sweep.csv
"""
DEPLOY = """\
example:
  nengo-energy deploy digits.keras --data test.npz --scale-firing-rates 200 \\
      --synapse 0.005 --inferences 20
"""

SWEEPING = (
    word(
        "--checkpoint",
        "FOLDER",
        "keep what is finished here, and don't run what is there",
    ),
    number("--workers", "processes", shown="one a processor"),
    choice("--scheduler", ("processes", "synchronous")),
    number("--chunk-size", "inferences of one task", shown="up to 512"),
    number("--seed", "of the networks", 0),
    number(
        "--max-accuracy-drop",
        "accuracy that the recommended setting may lose",
        0.01,
        "SHARE",
        float,
    ),
)
"""Options of a sweep as a whole."""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser's."""
    add_command(
        commands,
        run_check,
        "check",
        "say what becomes of each layer of a model, without running it",
        [
            *(MODEL, choice("--format", RESULT_FORMATS), INPUT_SHAPE),
            *(MAX_POOLING, switch("--temporal-model", "its steps are the network's")),
        ],
        epilog=CHECK,
    )
    add_command(
        commands,
        run_estimate,
        "estimate",
        "estimate energy per inference on devices",
        [
            *(MODEL, *DATA, choice("--format", ESTIMATE_FORMATS)),
            *(*CONVERSION, *SIMULATION, *PRICING),
        ],
        epilog=ESTIMATE,
    )
    rows = choice("--rows", ("layers", "outputs", "curve"), "what csv has a row of")
    add_command(
        commands,
        run_compare,
        "compare",
        "compare a model with its spiking network",
        [
            *(MODEL, *DATA, choice("--format", RESULT_FORMATS), LABELS),
            *(*CONVERSION, *SIMULATION, *PRICING, rows),
        ],
        epilog=COMPARE,
    )
    add_command(
        commands,
        run_sweep,
        "sweep",
        "measure accuracy and energy over a grid of settings",
        [
            *(MODEL, word("grid", "GRID.toml", "settings to try")),
            *(*DATA, choice("--format", RESULT_FORMATS), LABELS, HOST, *SWEEPING),
        ],
        epilog=SWEEP,
    )
    add_command(
        commands,
        run_deploy,
        "deploy",
        "run a model on the emulator of Loihi",
        [
            *(MODEL, *DATA, choice("--format", RESULT_FORMATS), LABELS),
            *(*CONVERSION, *TIMING, *PRICING),
        ],
        epilog=DEPLOY,
    )


def run_check(options: argparse.Namespace) -> int:
    """Say what becomes of each layer."""
    import_tensorflow_quietly()
    from ..conversion.checking import check_model

    found = check_model(
        options.model,
        input_shape=options.input_shape,
        max_pooling=options.max_pooling,
        temporal_model=options.temporal_model,
    )
    if options.format == "table":
        print(found)
    elif options.format == "csv":
        _print_csv(found.to_frame())
    else:
        content = {
            "model": found.model,
            "converts": found.converts,
            "layers": frame_records(found.to_frame()),
            "refusals": list(found.refusals),
            "min_cores": found.min_cores,
            "min_chips": found.min_chips,
        }
        print(to_json(content))
    return 0 if found.converts else 1


def run_estimate(options: argparse.Namespace) -> None:
    """Estimate energy from measured spikes."""
    from .formats import format_as

    snn, x = _convert(options)
    activity = snn.measure(x, simulator=options.simulator, **_timing(options))
    estimate = snn.estimate(activity, options.device, host=options.host)
    print(format_as(estimate, options.format).rstrip("\n"))


def run_compare(options: argparse.Namespace) -> None:
    """Compare a Keras model with its converted network."""
    snn, x = _convert(options)
    comparison = snn.compare(
        x,
        labels=_labels(options),
        simulator=options.simulator,
        devices=options.device,
        host=options.host,
        **_timing(options),
    )
    if options.format == "table":
        print(comparison)
    elif options.format == "json":
        print(comparison.to_json())
    elif options.rows == "layers":
        _print_csv(comparison.to_frame())
    elif options.rows == "outputs":
        _print_csv(comparison.outputs_frame())
    else:
        _print_csv(comparison.curve_frame())


def run_sweep(options: argparse.Namespace) -> None:
    """Measure accuracy and energy over a grid."""
    grid, convert_options = load_grid(options.grid)
    x = _inputs(options)
    (labels,) = load_arrays(options.data, [options.y or DEFAULT_Y])
    import_tensorflow_quietly()
    from ..sweeps.exploring import sweep

    found = sweep(
        options.model,
        x,
        _first(options, labels),
        grid,
        host=options.host,
        convert_options=convert_options,
        checkpoint=options.checkpoint,
        chunk_size=options.chunk_size,
        scheduler=options.scheduler,
        n_workers=options.workers,
        seed=options.seed,
    )
    if len(found.failed) == len(found.points):
        raise InputError(
            f"all {len(found.points)} points failed; the first: {found.points[0].error}"
        )
    if options.format == "table":
        print(found.summary(options.max_accuracy_drop))
    elif options.format == "json":
        print(found.to_json())
    else:
        _print_csv(found.to_frame())


def run_deploy(options: argparse.Namespace) -> None:
    """Run a converted network on NengoLoihi's emulator."""
    snn, x = _convert(options)
    labels = _labels(options)
    activity = snn.measure(x, simulator="loihi", **_timing(options))
    accuracy = None if labels is None else activity.accuracy(labels)
    estimate = snn.estimate(activity, options.device, host=options.host)
    ledger = snn.ledger(activity, dt=activity.dt)
    counts = snn.count(activity)
    differences = [
        ledger.explain(counts, model) for model in estimate.models if model.spike_input
    ]
    if options.format == "table":
        print(activity)
        if accuracy is not None:
            print(f"\nAccuracy on the emulator {accuracy:.1%}")
        print(f"\nLedger of the chip\n\n{ledger}\n\n{ledger.costs()}\n\n{estimate}")
        for explained in differences:
            print(f"\n{explained}")
    elif options.format == "csv":
        _print_csv(estimate.to_frame())
    else:
        content = {
            "settings": estimate.settings,
            "accuracy": accuracy,
            "activity": frame_records(activity.to_frame()),
            "ledger": frame_records(ledger.to_frame()),
            "costs": frame_records(ledger.costs().to_frame()),
            "rows": frame_records(estimate.to_frame()),
            "differences": [
                {
                    "device": found.device,
                    "estimate": found.estimate,
                    "steps": dict(found.steps),
                    "ledger": found.ledger,
                    "notes": found.notes,
                }
                for found in differences
            ],
            "assumptions": [str(assumption) for assumption in estimate.assumptions],
        }
        print(to_json(content))


def _inputs(options: argparse.Namespace) -> Any:
    """Return the inputs in the file: an array, or a list of several."""
    arrays = load_arrays(options.data, options.x or [DEFAULT_X])
    arrays = [_first(options, array) for array in arrays]
    return arrays[0] if len(arrays) == 1 else arrays


def _labels(options: argparse.Namespace) -> Any:
    """Return the labels in the file, None if there are none and none were asked for."""
    if options.y is None and DEFAULT_Y not in array_names(options.data):
        return None
    (labels,) = load_arrays(options.data, [options.y or DEFAULT_Y])
    return _first(options, labels)


def _first(options: argparse.Namespace, array: Any) -> Any:
    if options.inferences is None:
        return array
    return array[: check_count("--inferences", options.inferences)]


def _convert(options: argparse.Namespace) -> tuple[SpikingModel, Any]:
    """Return the converted model, and its inputs; these first, as they are quick."""
    x = _inputs(options)
    import_tensorflow_quietly()
    from ..conversion.converting import convert
    from ..keras_models.files import as_model
    from ..keras_models.sizes import has_open_sizes

    model = as_model(options.model)
    by_data = options.scale_firing_rates == "auto" or has_open_sizes(model)
    snn = convert(
        model,
        scale_firing_rates=options.scale_firing_rates,
        example_data=x if by_data else None,
        synapse=options.synapse,
        neurons=options.neurons,
        max_pooling=options.max_pooling,
    )
    return snn, x


def _timing(options: argparse.Namespace) -> dict[str, Any]:
    return {"timesteps": options.timesteps, "dt": options.dt, "warmup": options.warmup}


def _print_csv(frame: pandas.DataFrame) -> None:
    print(frame.to_csv(index=False, lineterminator="\n"), end="")
