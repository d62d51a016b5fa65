"""Commands that take a Keras model: estimate, compare, sweep, deploy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .checks import check_count
from .compat.quiet import import_tensorflow_quietly
from .data_files import array_names, load_arrays, load_grid
from .frame_records import frame_records, to_json

if TYPE_CHECKING:
    import pandas

    from .spiking_model import SpikingModel

DEFAULT_X, DEFAULT_Y = "x", "y"
"""Arrays that are taken unless others are named."""

FORMATS = ("table", "csv", "json")

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
  max_to_avg_pool = true

example:
  nengo-energy sweep digits.keras grid.toml --data test.npz --checkpoint sweep \\
      --format csv > sweep.csv
"""
DEPLOY = """\
example:
  nengo-energy deploy digits.keras --data test.npz --scale-firing-rates 200 \\
      --synapse 0.005 --inferences 20
"""


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's."""
    estimate = _add_command(
        commands, "estimate", "estimate energy per inference on devices", ESTIMATE
    )
    _add_conversion(estimate)
    _add_simulation(estimate)
    _add_pricing(estimate)
    estimate.set_defaults(command=run_estimate)

    compare = _add_command(
        commands, "compare", "compare a model with its spiking network", COMPARE
    )
    _add_labels(compare)
    _add_conversion(compare)
    _add_simulation(compare)
    _add_pricing(compare)
    compare.add_argument(
        "--rows",
        choices=("layers", "outputs", "curve"),
        default="layers",
        help="what csv has a row of (default: layers)",
    )
    compare.set_defaults(command=run_compare)

    sweep = commands.add_parser(
        "sweep",
        help="measure accuracy and energy over a grid of settings",
        description="Measure accuracy and energy over a grid of settings.",
        epilog=SWEEP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sweep.add_argument("model", metavar="MODEL", help="a saved Keras model")
    sweep.add_argument("grid", metavar="GRID.toml", help="settings to try")
    _add_data(sweep)
    _add_labels(sweep)
    _add_sweep_options(sweep)
    sweep.set_defaults(command=run_sweep)

    deploy = _add_command(
        commands, "deploy", "run a model on the emulator of Loihi", DEPLOY
    )
    _add_labels(deploy)
    _add_conversion(deploy)
    _add_timing(deploy)
    _add_pricing(deploy)
    deploy.set_defaults(command=run_deploy)


def run_estimate(options: argparse.Namespace) -> None:
    """Estimate energy from measured spikes."""
    snn, x = _convert(options)
    activity = snn.measure(x, simulator=options.simulator, **_timing(options))
    estimate = snn.estimate(activity, options.device, host=options.host)
    if options.format == "table":
        print(estimate)
    elif options.format == "csv":
        _print_csv(estimate.to_frame())
    else:
        content = {
            "settings": estimate.settings,
            "rows": frame_records(estimate.to_frame()),
            "assumptions": [str(assumption) for assumption in estimate.assumptions],
        }
        print(to_json(content))


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
    from .sweeps import sweep

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
    if options.format == "table":
        print(activity)
        if accuracy is not None:
            print(f"\nAccuracy on the emulator {accuracy:.1%}")
        print(f"\n{estimate}")
    elif options.format == "csv":
        _print_csv(estimate.to_frame())
    else:
        content = {
            "settings": estimate.settings,
            "accuracy": accuracy,
            "activity": frame_records(activity.to_frame()),
            "rows": frame_records(estimate.to_frame()),
            "assumptions": [str(assumption) for assumption in estimate.assumptions],
        }
        print(to_json(content))


def _add_command(commands: Any, name: str, summary: str, epilog: str) -> Any:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a saved Keras model")
    _add_data(parser)
    return parser


def _add_data(parser: Any) -> None:
    parser.add_argument(
        "--data", required=True, metavar="FILE.npz", help="inputs and labels"
    )
    parser.add_argument(
        "--x",
        action="append",
        metavar="NAME",
        help="array of inputs in the file; one for each input of the model, in order "
        "(default: x)",
    )
    parser.add_argument(
        "--inferences", type=int, metavar="N", help="take the first N (default: all)"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="table", help="(default: table)"
    )


def _add_labels(parser: Any) -> None:
    parser.add_argument(
        "--y", metavar="NAME", help="array of labels in the file (default: y)"
    )


def _add_conversion(parser: Any) -> None:
    parser.add_argument(
        "--scale-firing-rates",
        type=float,
        metavar="HZ",
        help="firing rate of an activation of one (default: 1)",
    )
    parser.add_argument(
        "--synapse",
        type=float,
        metavar="S",
        help="time constant of a low-pass filter on spikes (default: none)",
    )
    parser.add_argument(
        "--max-to-avg-pool",
        action="store_true",
        help="replace max pooling by average pooling, which computes something else",
    )


def _add_timing(parser: Any) -> None:
    parser.add_argument(
        "--timesteps",
        type=int,
        default=50,
        metavar="N",
        help="timesteps per inference (default: 50)",
    )
    parser.add_argument(
        "--dt",
        type=float,
        default=0.001,
        metavar="S",
        help="length of a timestep (default: 0.001)",
    )
    parser.add_argument(
        "--warmup",
        type=int,
        default=0,
        metavar="N",
        help="timesteps before counting begins (default: 0)",
    )


def _add_simulation(parser: Any) -> None:
    _add_timing(parser)
    parser.add_argument(
        "--simulator",
        choices=("nengo-dl", "nengo", "loihi"),
        default="nengo-dl",
        help="what spikes are counted in (default: nengo-dl)",
    )


def _add_pricing(parser: Any) -> None:
    parser.add_argument(
        "--device",
        action="append",
        metavar="NAME",
        help="a device, as in nengo-energy devices; give several (default: six)",
    )
    parser.add_argument(
        "--host", metavar="NAME", help="device that does the host's work"
    )


def _add_sweep_options(parser: Any) -> None:
    parser.add_argument(
        "--host", metavar="NAME", help="device that does the host's work"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FOLDER",
        help="keep what is finished here, and don't run what is there",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one a processor)"
    )
    parser.add_argument(
        "--scheduler",
        choices=("processes", "synchronous"),
        default="processes",
        help="(default: processes)",
    )
    parser.add_argument(
        "--chunk-size",
        type=int,
        metavar="N",
        help="inferences of one task (default: up to 512)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the networks (default: 0)"
    )
    parser.add_argument(
        "--max-accuracy-drop",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="accuracy that the recommended setting may lose (default: 0.01)",
    )


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
    from .conversion import convert

    snn = convert(
        options.model,
        scale_firing_rates=options.scale_firing_rates,
        synapse=options.synapse,
        max_to_avg_pool=options.max_to_avg_pool,
    )
    return snn, x


def _timing(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "timesteps": options.timesteps,
        "dt": options.dt,
        "warmup": options.warmup,
    }


def _print_csv(frame: pandas.DataFrame) -> None:
    print(frame.to_csv(index=False, lineterminator="\n"), end="")
