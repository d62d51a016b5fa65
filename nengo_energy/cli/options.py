"""Commands and options of the command line, as lines of tables."""

from __future__ import annotations

import argparse
from typing import Any, Callable, Iterable, Sequence

from ..common.checks import check_positive
from ..common.declared_sizes import MAX_BYTES
from ..common.defaults import DT

Option = tuple[str, dict[str, Any]]
"""What ``add_argument`` takes: a name or flag, and keywords."""

RESULT_FORMATS = ("table", "csv", "json")
"""What comparisons, sweeps and deployments are printed as."""

ESTIMATE_FORMATS = (*RESULT_FORMATS, "markdown", "latex", "html")
"""What estimates are: `formats.FORMATS`, which takes long to import."""


def word(flag: str, metavar: str | None, text: str = "", **settings: Any) -> Option:
    """Return an argument or option that takes a word."""
    return flag, {"metavar": metavar, "help": text or None, **settings}


def number(
    flag: str,
    text: str = "",
    default: float | None = None,
    unit: str = "N",
    kind: type = int,
    shown: str | None = None,
) -> Option:
    """Return an option that takes a number; its help ends with the default."""
    words = f"{text} (default: {default if shown is None else shown})".strip()
    return word(flag, unit, words, type=kind, default=default)


def choice(flag: str, choices: Sequence[str], text: str = "") -> Option:
    """Return an option that takes one of some words, by default the first."""
    words = f"{text} (default: {choices[0]})".strip()
    return word(flag, None, words, choices=choices, default=choices[0])


def switch(flag: str, text: str) -> Option:
    """Return an option that is on or off, perhaps with a short form."""
    return flag, {"action": "store_true", "help": text}


def limits(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a model's file may take, as arguments of `load_model`."""
    bounds = {"max_bytes": "bytes", "max_seconds": "s"}
    return {
        name: check_positive(
            f"--{name.replace('_', '-')}", getattr(options, name), unit
        )
        for name, unit in bounds.items()
    }


def scale(text: str) -> float | str:
    """Return a firing rate that was given as a number, or ``"auto"``."""
    try:
        return text if text == "auto" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number above 0, or auto; got {text!r}"
        ) from None


def names(text: str) -> list[str]:
    """Return names that were given with commas between."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


def layers(text: str) -> list[str]:
    """Return names of layers, given with commas between; ``none`` is no layer."""
    return [] if text == "none" else names(text)


def sizes(text: str) -> tuple[int, ...]:
    """Return the sizes of axes that were given as numbers with commas between."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be whole numbers with commas between; got {text!r}"
        ) from None


LIMITS = (
    number(
        "--max-bytes",
        "memory that a file may unpack to, and the weights take",
        MAX_BYTES,
        kind=float,
        shown="2 GiB",
    ),
    number(
        "--max-seconds", "time that reading the model may take", 60.0, "S", float, "60"
    ),
)
"""What a model's file may take; see `limits`."""

MODEL = (
    word(
        "model", "MODEL", "a saved Keras model; to estimate or deploy, or a .nir file"
    ),
    *LIMITS,
)

HOST = word("--host", "NAME", "device that does the host's work")

ON_HOST = word(
    "--on-host",
    "LAYER,...",
    "layers that the host runs, or none (default: those that the input feeds, for "
    "devices that take spikes alone)",
    type=layers,
)

VERBOSITY = (
    switch("-v --verbose", "print all notes as well"),
    switch("-q --quiet", "print the conclusion alone, and show no progress"),
)
"""How much of a table is printed."""

DATA = (
    word(
        "--data",
        "FILE.npz",
        "inputs x and labels y, of numpy.savez(FILE, x=..., y=...)",
        required=True,
    ),
    word(
        "--x",
        "NAME",
        "array of inputs in the file; one for each input of the model, in order "
        "(default: x)",
        action="append",
    ),
    number("--inferences", "take the first N", shown="all"),
)

LABELS = word("--y", "NAME", "array of labels in the file (default: y)")

MAX_POOLING = choice(
    "--max-pooling",
    ("neurons", "average"),
    "what it becomes; averages are something else, and smaller",
)

PIECEWISE = number(
    "--piecewise",
    "have up to N rectified linear neurons stand in for a unit's smooth function",
    shown="none",
)

INPUT_SHAPE = word(
    "--input-shape",
    "N,N,...",
    "sizes of the model's input, where they are open",
    type=sizes,
)

CONVERSION = (
    word(
        "--scale-firing-rates",
        "HZ|auto",
        "firing rate of an activation of one, or auto: for each layer, by the data "
        "(default: auto)",
        type=scale,
        default="auto",
    ),
    number(
        "--synapse",
        "time constant of a low-pass filter on spikes",
        unit="S",
        kind=float,
        shown="none",
    ),
    choice(
        "--neurons",
        ("loihi", "integrate-and-fire"),
        "what ReLU becomes: the chip's neurons, or those that keep the accuracy of "
        "deep networks",
    ),
    MAX_POOLING,
    PIECEWISE,
)

TIMING = (
    number("--timesteps", "timesteps per inference", 50),
    number("--dt", "length of a timestep", DT, "S", float),
    number("--warmup", "timesteps before counting begins", 0),
)

SIMULATION = (
    *TIMING,
    choice(
        "--simulator",
        ("compiled", "nengo-dl", "nengo", "loihi"),
        "what spikes are counted in",
    ),
)

PRICING = (
    word(
        "--device",
        "NAME,...",
        "devices, of those that nengo-energy devices lists (default: those of "
        "KerasSpiking, and loihi-davies2018)",
        action="extend",
        type=names,
    ),
    HOST,
    ON_HOST,
)


BATCH_AND_MEMORY = (
    number(
        "--batch-size",
        "inferences that run together, on devices that tell what a batch takes once",
        shown="each device's",
    ),
    switch("--memory", "count the memory traffic of the spiking network as well"),
)


def add_command(
    commands: Any,
    run: Callable[[argparse.Namespace], int | None],
    name: str,
    summary: str,
    options: Iterable[Option] = (),
    description: str | None = None,
    epilog: str = "",
) -> None:
    """Add a command to the parser's.

    Parameters
    ----------
    commands : argparse._SubParsersAction
        Where to.
    run : callable
        Takes the parsed options; may return an exit code.
    name, summary : str
        What it is called, and what it does.
    options : iterable of Option
        Its arguments and options.
    description : str, optional
        What its help begins with; by default the summary as a sentence.
    epilog : str
        What its help ends with, such as examples.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=(
            argparse.RawDescriptionHelpFormatter
            if "\n" in epilog
            else argparse.HelpFormatter
        ),
    )
    for flag, settings in options:
        parser.add_argument(*flag.split(), **settings)
    parser.set_defaults(command=run)
