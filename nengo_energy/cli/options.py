"""Options that several commands of the command line share."""

from __future__ import annotations

import argparse
from typing import Any, Sequence

from ..common.defaults import DT

FORMATS = ("table", "csv", "json")
ESTIMATE_FORMATS = (*FORMATS, "markdown", "latex", "html")


def add_command(
    commands: Any,
    name: str,
    summary: str,
    epilog: str,
    formats: Sequence[str] = FORMATS,
) -> Any:
    """Add a command that takes a model and data, and return its parser."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a saved Keras model")
    add_data(parser, formats)
    return parser


def add_data(parser: Any, formats: Sequence[str] = FORMATS) -> None:
    """Add what says which inputs are taken, and how results are printed."""
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
        "--format", choices=formats, default="table", help="(default: table)"
    )


def add_labels(parser: Any) -> None:
    """Add what says which labels are taken."""
    parser.add_argument(
        "--y", metavar="NAME", help="array of labels in the file (default: y)"
    )


def add_conversion(parser: Any) -> None:
    """Add settings of the conversion."""
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


def add_timing(parser: Any) -> None:
    """Add settings of time."""
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
        default=DT,
        metavar="S",
        help=f"length of a timestep (default: {DT:g})",
    )
    parser.add_argument(
        "--warmup",
        type=int,
        default=0,
        metavar="N",
        help="timesteps before counting begins (default: 0)",
    )


def add_simulation(parser: Any) -> None:
    """Add settings of a simulation."""
    add_timing(parser)
    parser.add_argument(
        "--simulator",
        choices=("nengo-dl", "nengo", "loihi"),
        default="nengo-dl",
        help="what spikes are counted in (default: nengo-dl)",
    )


def add_pricing(parser: Any) -> None:
    """Add devices."""
    parser.add_argument(
        "--device",
        action="append",
        metavar="NAME",
        help="a device, as in nengo-energy devices; give several (default: seven)",
    )
    _add_host(parser)


def add_sweep_options(parser: Any) -> None:
    """Add settings of a sweep as a whole."""
    _add_host(parser)
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


def _add_host(parser: Any) -> None:
    parser.add_argument(
        "--host", metavar="NAME", help="device that does the host's work"
    )
