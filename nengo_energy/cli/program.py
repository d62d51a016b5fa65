"""The command ``nengo-energy``: parse, call one library function, print."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from typing import Sequence

from ..common.exceptions import NengoEnergyError
from ..common.plain_text import plain_line
from ..common.version import __version__
from ..compat.quiet import import_tensorflow_quietly
from . import models, reports
from .checking import as_options, check_model_file, check_options
from .options import LIMITS, VERBOSITY, add_command, number, switch, word

EPILOG = """\
examples:
  nengo-energy demo           train, convert, measure, price and deploy a small network
  nengo-energy check MODEL    say what becomes of each layer of a saved Keras model
  nengo-energy estimate MODEL --data FILE.npz
                              estimate the energy of a saved Keras model
  nengo-energy compare MODEL --data FILE.npz
                              is the spiking network as accurate?
  nengo-energy deploy MODEL --data FILE.npz
                              run it on Loihi's emulator, core by core
  nengo-energy devices        list the devices that energy can be estimated for
  nengo-energy device h100    print every number of one, with its source
  nengo-energy calibrate my-gpu.toml
                              measure this machine, and make a device of it
  nengo-energy report estimate.json --output report.html
                              a saved estimate as a page, a table, CSV, ...
  nengo-energy diff before.json after.json --tolerance 0.05
                              what changed; exits with 3 if it is more than 5 %
"""

CALIBRATION = (
    word("file", "FILE.toml", "where to write; the device is named after it"),
    word(
        "--model",
        "FILE",
        "a saved Keras model to run; give several (default: five of our own)",
        action="append",
    ),
    word(
        "--meter",
        None,
        "what to read (default: the GPU's counter if there is one)",
        choices=("gpu", "cpu"),
    ),
    number("--batch-size", default=1),
    number("--seconds", "time of each measurement", 3.0, "S", float, shown="3"),
    switch("--overwrite", "replace a file that exists"),
    *LIMITS,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; by default those of the command line.

    Returns
    -------
    int
        0 if all went well, 1 after an error of the user's, which is printed in a line,
        `reports.BEYOND_TOLERANCE` where ``diff`` finds too much. Wrong usage exits
        with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # not the user's code
            warnings.showwarning = lambda message, *_, **__: _say(message)
            code: int | None = options.command(options)
        sys.stdout.flush()  # here, where a closed pipe can still be told apart
    except NengoEnergyError as error:
        print(f"nengo-energy: {as_options(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nengo-energy: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code or 0


def _say(message: Warning | str) -> None:
    """Print a warning as a sentence, without the line of code that it comes from."""
    words = as_options(plain_line(str(message)))
    print(f"nengo-energy: warning: {words}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nengo-energy",
        description="Estimate the energy of neural networks, and deploy them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"nengo-energy {__version__}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_command(
        commands,
        _demo,
        "demo",
        "train a small CNN on handwritten digits and do the main job with it",
        [
            word("--output", "FOLDER", "write model, data, estimate and report there"),
            *VERBOSITY,
        ],
    )
    models.add_commands(commands)
    add_command(commands, _devices, "devices", "list the known devices")
    name = "a device, with an operating point after @ if it has several"
    add_command(
        commands,
        _device,
        "device",
        "print every number of a device, with its source",
        [word("name", "NAME", name)],
    )
    add_command(
        commands,
        _calibrate,
        "calibrate",
        "measure Keras models on this machine, and write a device file",
        CALIBRATION,
    )
    reports.add_commands(commands)
    return parser


def _demo(options: argparse.Namespace) -> None:
    from .demo import make_folder, run_demo

    folder = None if options.output is None else make_folder(options.output)
    import_tensorflow_quietly()
    print(run_demo(folder, options.verbose, progress=False if options.quiet else None))


def _devices(options: argparse.Namespace) -> None:
    from .. import devices
    from ..devices.report import format_device_list

    print(format_device_list([devices.get(name) for name in devices.names()]))


def _device(options: argparse.Namespace) -> None:
    from .. import devices
    from ..devices.report import format_device

    print(format_device(devices.get(options.name)))


def _calibrate(options: argparse.Namespace) -> None:
    from ..calibration.calibrating import calibrate, check_target
    from ..calibration.meters import open_meter
    from ..devices.report import format_device
    from ..keras_models.files import load_model

    check_options(options)
    check_target(options.file, options.overwrite)
    for path in options.model or ():
        check_model_file(path, options)
    meter = open_meter(options.meter)  # without one there is nothing to do
    import_tensorflow_quietly()
    chosen = {
        path: load_model(path, max_bytes=options.max_bytes)
        for path in options.model or ()
    }
    device = calibrate(
        options.file,
        chosen or None,
        meter=meter.kind,
        monitor=meter.monitor,
        batch_size=options.batch_size,
        seconds=options.seconds,
        overwrite=options.overwrite,
    )
    print(f"{format_device(device)}\n\nWritten to {options.file}")
