"""The command ``nengo-energy``: parse, call one library function, print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.lazy_names import lazy_names

if TYPE_CHECKING:
    from .program import main as main

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
