"""Errors that nengo_energy raises: one root, each with the builtin it refines."""

from __future__ import annotations


class NengoEnergyError(Exception):
    """Root of every error that the package raises on purpose."""


class InputError(NengoEnergyError, ValueError):
    """A value from the user that the package can't work with."""


class NotFoundError(NengoEnergyError, LookupError):
    """A name that isn't known; the message lists the names that are."""

    def __str__(self) -> str:
        # LookupError's subclasses such as KeyError print the repr; print the words.
        return str(self.args[0]) if self.args else ""


class UnsupportedError(NengoEnergyError, NotImplementedError):
    """An object that the package knows it can't count, convert or deploy."""


class MissingDependencyError(NengoEnergyError, ImportError):
    """A package that a feature needs isn't installed; the message says how to."""


class ExtrapolationWarning(UserWarning):
    """A network is unlike all that a device was fitted to."""
