"""Errors that nengo_energy raises: one root, each with the builtin it refines."""

from __future__ import annotations

from .plain_text import plain_text


class NengoEnergyError(Exception):
    """Root of every error that the package raises on purpose."""

    def __str__(self) -> str:
        # names in it come from anywhere; LookupErrors would print the repr
        return (
            plain_text(str(self.args[0])) if len(self.args) == 1 else super().__str__()
        )


class InputError(NengoEnergyError, ValueError):
    """A value from the user that the package can't work with."""


class NotFoundError(NengoEnergyError, LookupError):
    """A name that isn't known; the message lists the names that are."""


class UnsupportedError(NengoEnergyError, NotImplementedError):
    """An object that the package knows it can't count, convert or deploy."""


class MissingDependencyError(NengoEnergyError, ImportError):
    """A package that a feature needs isn't installed; the message says how to."""


class ExtrapolationWarning(UserWarning):
    """A network is unlike all that a device was fitted to."""
