"""Keep what TensorFlow and its libraries write off the screen."""

from __future__ import annotations

import logging
import os
import tempfile

from .imports import import_tensorflow


def import_tensorflow_quietly() -> None:
    """Keep what TensorFlow writes about missing GPUs off the screen.

    Its libraries write to the error stream before they can be told not to. If the
    import fails, what they wrote is shown.
    """
    quieten_tensorflow()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            # it looks for GPUs when it is first asked for devices
            import_tensorflow().config.list_logical_devices()
        except BaseException:
            written.seek(0)
            os.write(screen, written.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def quieten_tensorflow() -> None:
    """Let TensorFlow report errors alone, not, say, that it builds a graph again."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
