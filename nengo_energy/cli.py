"""The command ``nengo-energy``: parse, call one library function, print."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from typing import Sequence

from . import __version__
from .exceptions import NengoEnergyError

EPILOG = """\
examples:
  nengo-energy demo           train, convert, measure, price and deploy a small network
  nengo-energy devices        list the devices that energy can be estimated for
  nengo-energy device h100    print every number of one, with its source
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; by default those of the command line.

    Returns
    -------
    int
        0 if all went well, 1 after an error of the user's, which is printed in a line.
        Wrong usage exits with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        options.command(options)
        sys.stdout.flush()  # here, where a closed pipe can still be told apart
    except NengoEnergyError as error:
        print(f"nengo-energy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nengo-energy: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


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
    demo = commands.add_parser(
        "demo",
        help="train a small CNN on handwritten digits and do the main job with it",
    )
    demo.set_defaults(command=_demo)
    devices = commands.add_parser("devices", help="list the known devices")
    devices.set_defaults(command=_devices)
    device = commands.add_parser(
        "device", help="print every number of a device, with its source"
    )
    device.add_argument(
        "name",
        metavar="NAME",
        help="a device, with an operating point after @ if it has several",
    )
    device.set_defaults(command=_device)
    return parser


def _demo(options: argparse.Namespace) -> None:
    _import_tensorflow_quietly()
    from .demo import run_demo

    run_demo(lambda text: print(text, flush=True), progress=True)


def _import_tensorflow_quietly() -> None:
    """Keep what TensorFlow writes about missing GPUs off the screen.

    Its libraries write to the error stream before they can be told not to. If the
    import fails, what they wrote is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from .compat import import_tensorflow

    screen = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            import_tensorflow()
        except BaseException:
            written.seek(0)
            os.write(screen, written.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def _devices(options: argparse.Namespace) -> None:
    from . import devices
    from .device_report import format_device_list

    print(format_device_list([devices.get(name) for name in devices.names()]))


def _device(options: argparse.Namespace) -> None:
    from . import devices
    from .device_report import format_device

    print(format_device(devices.get(options.name)))


if __name__ == "__main__":
    sys.exit(main())
