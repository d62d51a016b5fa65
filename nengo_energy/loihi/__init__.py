"""Deployment to Loihi by NengoLoihi."""

from __future__ import annotations

from .emulator import open_simulator
from .network import build_loihi_network

__all__ = ["build_loihi_network", "open_simulator"]
