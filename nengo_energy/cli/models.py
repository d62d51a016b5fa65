"""Commands that take a Keras model: check, estimate, compare, sweep, deploy."""

from __future__ import annotations

import argparse
from typing import Any

from ..common.frame_records import frame_records, to_json
from ..compat.quiet import import_tensorflow_quietly
from .checking import as_options, check_kind, check_options
from .deploying import run_deploy, run_sweep
from .graphs import estimate_graph, is_graph
from .options import (
    BATCH_AND_MEMORY,
    CONVERSION,
    DATA,
    ESTIMATE_FORMATS,
    HOST,
    INPUT_SHAPE,
    LABELS,
    MAX_POOLING,
    MODEL,
    ON_HOST,
    PIECEWISE,
    PRICING,
    RESULT_FORMATS,
    SIMULATION,
    TIMING,
    VERBOSITY,
    add_command,
    choice,
    names,
    number,
    switch,
    word,
)
from .preparing import convert_model, load_data, print_csv, read_model, timing, warn

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
  nengo-energy estimate network.nir --data spikes.npz
"""
COMPARE = """\
example:
  nengo-energy compare digits.keras --data test.npz --scale-firing-rates 200 \\
      --synapse 0.005 --device loihi
"""
SWEEP = """\
The grid is a TOML file of values by name, all combinations of which are points:

  [grid]
  scale_firing_rates = ["auto", 50, 100, 200]
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
            *(*MODEL, choice("--format", RESULT_FORMATS), INPUT_SHAPE),
            *(MAX_POOLING, PIECEWISE),
            switch("--temporal-model", "its steps are the network's"),
        ],
        epilog=CHECK,
    )
    add_command(
        commands,
        run_summary,
        "summary",
        "list layers, parameters, connections and energy of a model, without data",
        [
            *MODEL,
            word("--device", "NAME,...", "dense devices", action="extend", type=names),
            number("--timesteps", "timesteps per inference", 1),
            number("--width", "width of the table", 98),
        ],
    )
    add_command(
        commands,
        run_estimate,
        "estimate",
        "estimate energy per inference on devices",
        [
            *(*MODEL, *DATA, LABELS, choice("--format", ESTIMATE_FORMATS)),
            *(*CONVERSION, *SIMULATION, *PRICING, *BATCH_AND_MEMORY, *VERBOSITY),
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
            *(*MODEL, *DATA, choice("--format", RESULT_FORMATS), LABELS),
            *(*CONVERSION, *SIMULATION, *PRICING, *VERBOSITY, rows),
        ],
        epilog=COMPARE,
    )
    add_command(
        commands,
        run_sweep,
        "sweep",
        "measure accuracy and energy over a grid of settings",
        [
            *(*MODEL, word("grid", "GRID.toml", "settings to try")),
            *(*DATA, choice("--format", RESULT_FORMATS), LABELS, HOST),
            *(ON_HOST, *SWEEPING, VERBOSITY[1]),
        ],
        epilog=SWEEP,
    )
    add_command(
        commands,
        run_deploy,
        "deploy",
        "run a model on the emulator of Loihi",
        [
            *(*MODEL, *DATA, choice("--format", RESULT_FORMATS), LABELS),
            *(*CONVERSION, *TIMING, *PRICING, *VERBOSITY),
        ],
        epilog=DEPLOY,
    )


def run_check(options: argparse.Namespace) -> int:
    """Say what becomes of each layer."""
    check_options(options)
    import_tensorflow_quietly()
    from ..conversion.checking import check_model

    found = check_model(
        read_model(options),
        input_shape=options.input_shape,
        max_pooling=options.max_pooling,
        piecewise=options.piecewise,
        temporal_model=options.temporal_model,
    )
    if options.format == "table":
        print(as_options(str(found)))
    elif options.format == "csv":
        print_csv(found.to_frame())
    else:
        content = {
            "model": found.model,
            "converts": found.converts,
            "layers": frame_records(found.to_frame()),
            "refusals": list(found.refusals),
            "min_cores": found.min_cores,
            "min_chips": found.min_chips,
        }
        print(to_json("check", content))
    return 0 if found.converts else 1


def run_summary(options: argparse.Namespace) -> None:
    """Print what `ModelEnergy` says of a model without data."""
    check_options(options)
    check_kind(options.device or (), "dense", "nengo-energy estimate MODEL --data")
    import_tensorflow_quietly()
    from ..keras_models.files import as_model
    from ..model_energy.estimator import ModelEnergy

    columns = ["name", "output_shape", "params", "connections", "neurons"]
    columns += [f"energy {name}" for name in options.device or ("cpu", "gpu", "arm")]
    ModelEnergy(as_model(options.model)).summary(
        columns, timesteps_per_inference=options.timesteps, line_length=options.width
    )


def run_estimate(options: argparse.Namespace) -> None:
    """Estimate energy from measured spikes."""
    if is_graph(options):
        estimate = estimate_graph(options)
    else:
        estimate = _estimate_model(options)
    from ..estimates import report
    from .formats import format_as

    if options.format == "table":
        print(as_options(_shown(options, estimate, report)))
    else:
        warn(estimate.alerts)
        print(format_as(estimate, options.format).rstrip("\n"))


def _estimate_model(options: argparse.Namespace) -> Any:
    x, labels = load_data(options)
    snn = convert_model(options, x)
    activity = snn.measure(
        x, simulator=options.simulator, labels=labels, **timing(options)
    )
    return snn.estimate(
        activity,
        options.device,
        host=options.host,
        on_host=options.on_host,
        batch_size=options.batch_size,
        memory=options.memory,
    )


def _shown(options: argparse.Namespace, result: Any, text: Any) -> str:
    """Return as much of a result as was asked for, by the module that prints it."""
    if options.quiet:
        return str(text.format_conclusion(result))
    if options.verbose:
        return f"{text.format_tables(result)}\n\n{result.notes()}"
    return str(result)


def run_compare(options: argparse.Namespace) -> None:
    """Compare a Keras model with its converted network."""
    x, labels = load_data(options)
    snn = convert_model(options, x)
    from ..comparison import text

    comparison = snn.compare(
        x,
        labels=labels,
        simulator=options.simulator,
        devices=options.device,
        host=options.host,
        on_host=options.on_host,
        **timing(options),
    )
    if options.format == "table":
        print(as_options(_shown(options, comparison, text)))
        return
    warn(comparison.assumptions)
    if options.format == "json":
        print(comparison.to_json())
    elif options.rows == "layers":
        print_csv(comparison.to_frame())
    elif options.rows == "outputs":
        print_csv(comparison.outputs_frame())
    else:
        print_csv(comparison.curve_frame())
