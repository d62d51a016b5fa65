"""Results as one HTML page: cards, charts and tables, nothing loaded from anywhere."""

from __future__ import annotations

from .writing import format_report, write_report

__all__ = ["format_report", "write_report"]
