"""Import TensorFlow, Keras 2 and NengoDL, whatever the user imported before."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import threading
import types
import warnings
from typing import Any, Callable, Iterator, Sequence, TypeVar

from ..common.exceptions import MissingDependencyError, UnsupportedError
from ..common.optional_imports import import_or_explain
from .redirect import StandIn, keras2_standins, redirected, redirecting_import

logger = logging.getLogger(__name__)

LOCK = threading.RLock()
"""One lock for all imports: they depend on each other, and a thread may hold it
twice."""

REDIRECTED_PACKAGES = ("nengo_dl", "keras_spiking")
"""Written for Keras 2. NengoDL imports KerasSpiking where it is installed."""

_Result = TypeVar("_Result")


_lost_threads: list[int] = []
"""This process, if it is a fork of one in which TensorFlow ran."""


def _note_fork() -> None:
    """Note in a fork that TensorFlow had run, which has threads from then on."""
    context = sys.modules.get("tensorflow.python.eager.context")
    if context is not None and getattr(context.context(), "_initialized", False):
        _lost_threads.append(os.getpid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def locked(function: Callable[[], _Result]) -> Callable[[], _Result]:
    """Let one thread at a time into a function."""

    @functools.wraps(function)
    def call() -> _Result:
        with LOCK:
            return function()

    return call


@locked
def import_tensorflow() -> types.ModuleType:
    """Return TensorFlow.

    Raises
    ------
    MissingDependencyError
        TensorFlow isn't installed.
    UnsupportedError
        This process is a fork of one in which TensorFlow ran.
    """
    if _lost_threads:
        raise UnsupportedError(
            "this process was forked from one in which TensorFlow had run, whose "
            "threads aren't here, so it would wait for ever; start processes by "
            'multiprocessing.get_context("spawn"), or fork before TensorFlow runs'
        )
    if sys.modules.get("tensorflow") is not None:
        return sys.modules["tensorflow"]
    with kept_off_screen():  # about GPUs and its own build
        tensorflow: types.ModuleType = import_or_explain(
            "tensorflow", "tensorflow", "working with Keras models"
        )
        tensorflow.config.list_physical_devices()  # the first look for GPUs is loud
        return tensorflow


@contextlib.contextmanager
def kept_off_screen() -> Iterator[None]:
    """Keep off the screen what libraries write to the error stream by themselves.

    After an error it is shown.
    """
    try:
        screen = os.dup(2)
    except OSError:  # a program without one
        yield
        return
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(screen, written.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def tensorflow_brings_keras2() -> bool:
    """Tell whether ``tf.keras`` is Keras 2 by itself: in TensorFlow before 2.16."""
    major, minor = import_tensorflow().__version__.split(".")[:2]
    return (int(major), int(minor)) < (2, 16)


@locked
def import_tf_keras() -> types.ModuleType:
    """Return the Keras 2 that NengoDL works with.

    From TensorFlow 2.16 on that is the package ``tf_keras``; before, ``tf.keras``,
    whichever package that comes from.

    Raises
    ------
    MissingDependencyError
        TensorFlow or tf_keras isn't installed.
    """
    tensorflow = import_tensorflow()
    if tensorflow_brings_keras2():
        keras: types.ModuleType = tensorflow.keras
        return keras
    return import_or_explain(
        "tf_keras", "tf-keras", "NengoDL's converter (Keras 2, beside Keras 3)"
    )


@locked
def import_nengo_dl() -> types.ModuleType:
    """Return NengoDL, made to work with the TensorFlow that is installed.

    Where ``tf.keras`` isn't Keras 2, NengoDL's own modules are run with imports that
    lead to :func:`import_tf_keras`. ``sys.modules`` under the names of TensorFlow and
    Keras, ``tf.keras``, ``keras`` and the environment are left alone. NengoDL that the
    user already imported is returned as it is; the remains of a failed import are
    cleared away.

    Raises
    ------
    MissingDependencyError
        NengoDL, TensorFlow or tf_keras isn't installed.
    """
    loaded = sys.modules.get("nengo_dl")
    if loaded is not None and hasattr(loaded, "Converter"):
        return loaded
    import_tensorflow()
    import_tf_keras()
    with untested_versions_accepted(), environment_kept("TF_CPP_MIN_LOG_LEVEL"):
        if tensorflow_brings_keras2():
            try:
                return _import_nengo_dl()
            except MissingDependencyError:
                raise
            except ImportError as error:
                # Keras 2.13 to 2.15 moved names that NengoDL imports
                if importlib.util.find_spec("keras.src") is None:
                    raise
                logger.debug("NengoDL doesn't import as it is: %s", error)
        keras2_name = import_tf_keras().Model.__module__.partition(".")[0]
        keras2 = importlib.import_module(keras2_name)
        without_gpu_check = StandIn("subprocess", subprocess, {"call": _call})
        import_name = redirecting_import(
            {
                **keras2_standins(import_tensorflow(), keras2),
                "subprocess": without_gpu_check,
            },
            {"tensorflow.keras": keras2_name, "keras": f"{keras2_name}.src"},
        )
        with redirected(REDIRECTED_PACKAGES, import_name):
            return _import_nengo_dl()


def _import_nengo_dl() -> types.ModuleType:
    """Import NengoDL, and leave nothing of it behind when that fails."""
    _forget_nengo_dl()
    try:
        return import_or_explain("nengo_dl", "nengo-dl", "converting Keras models")
    except BaseException:
        _forget_nengo_dl()
        raise


def _call(command: Sequence[str], **options: Any) -> int:
    """``subprocess.call`` for NengoDL, which asks by it whether there is a GPU.

    Its question starts Python and TensorFlow again, which takes seconds; where Linux
    has no driver for one, the answer is no.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libcuda.so.1")
        except OSError:
            return 1
    return subprocess.call(command, **options)


def _forget_nengo_dl() -> None:
    """Remove NengoDL's modules from ``sys.modules``."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "nengo_dl":
            del sys.modules[name]


@contextlib.contextmanager
def environment_kept(name: str) -> Iterator[None]:
    """Set a variable of the environment back to what it was, whatever a block does."""
    before = os.environ.get(name)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


@contextlib.contextmanager
def untested_versions_accepted() -> Iterator[None]:
    """Keep NengoDL and NengoLoihi from warning of versions newer than they know."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*has not been tested with your")
        yield
