"""Keep what TensorFlow and its libraries write off the screen."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import Iterator

from .imports import import_tensorflow, kept_off_screen


def import_tensorflow_quietly() -> None:
    """Keep what TensorFlow writes about missing GPUs off the screen.

    Its libraries write to the error stream before they can be told not to. If the
    import fails, what they wrote is shown.
    """
    quieten_tensorflow()
    with kept_off_screen():
        # it looks for GPUs when it is first asked for devices
        import_tensorflow().config.list_logical_devices()


def quiet_tensorflow() -> contextlib.AbstractContextManager[None]:
    """Keep off the screen what TensorFlow warns of our own calls."""
    return quiet_logger("tensorflow", logging.ERROR)


@contextlib.contextmanager
def quiet_logger(name: str, least: int) -> Iterator[None]:
    """Keep off the screen what a package logs below a level."""
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(least)
    try:
        yield
    finally:
        log.setLevel(level)


def quieten_tensorflow() -> None:
    """Let TensorFlow report errors alone, not, say, that it builds a graph again."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
