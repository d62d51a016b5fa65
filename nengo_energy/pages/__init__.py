"""Results as one HTML page: cards, charts and tables, nothing loaded from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo_energy.common.lazy_names import lazy_names

if TYPE_CHECKING:
    from nengo_energy.pages.writing import (
        format_report as format_report,
        write_report as write_report,
    )

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
