"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Iterator, Union

from .checks import check_path
from .exceptions import InputError

PathLike = Union[str, "os.PathLike[str]"]
"""A path, as a text or an object."""


def check_writable(path: PathLike) -> Path:
    """Refuse a path that can't be written, before any work is done for it.

    Parameters
    ----------
    path : str or path
        File to write, which may exist.

    Returns
    -------
    Path
        The file itself, where ``path`` is a link to it.

    Raises
    ------
    InputError
        When the folder is missing or can't be written, or the path is a folder or a
        file that is protected.
    """
    check_path("path", path)
    try:
        file = Path(path).resolve()
        if file.is_dir():
            raise InputError(f"{str(path)!r} is a folder; name a file in it")
        if not file.parent.is_dir():
            raise InputError(
                f"{str(path)!r} can't be written: there is no folder "
                f"{str(file.parent)!r}"
            )
    except OSError as error:
        raise _cannot(path, error) from None
    except ValueError as error:  # a null character
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r} can't be written: {error}") from None
    protected = file if file.exists() else file.parent
    if not os.access(protected, os.W_OK):
        raise InputError(f"{str(path)!r} can't be written: no permission")
    return file


def write_text(path: PathLike, text: str) -> None:
    """Write a file in UTF-8, so that it holds all of the text or what it held before.

    Parameters
    ----------
    path : str or path
        File to write; one that exists is replaced, and keeps its permissions.
    text : str
        What it is to hold.

    Raises
    ------
    InputError
        When it can't be written; the message says why.
    """
    with replaced(path) as part:
        part.write_bytes(text.encode())


@contextlib.contextmanager
def replaced(path: PathLike) -> Iterator[Path]:
    """Yield a path beside a file; what is written there takes the file's place.

    It does so as a whole when the block ends. If the block fails, or the process dies
    in it, the file is what it was.

    Parameters
    ----------
    path : str or path
        File to write; one that exists is replaced, and keeps its permissions.

    Yields
    ------
    Path
        Ends as the file's name does; a pipe or a terminal is yielded as it is.

    Raises
    ------
    InputError
        When it can't be written; the message says why.
    """
    file = check_writable(path)
    part = file.with_name(f".{file.stem[:40]}.{uuid.uuid4().hex}.part{file.suffix}")
    try:
        if file.exists() and not file.is_file():  # a pipe or a terminal
            yield file
            return
        yield part
        with open(part, "r+b") as stream:
            os.fsync(stream.fileno())
        if file.exists():
            shutil.copymode(file, part)
        os.replace(part, file)
    except OSError as error:
        raise _cannot(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def _cannot(path: PathLike, error: OSError) -> InputError:
    return InputError(f"{str(path)!r} can't be written: {error.strerror or error}")
