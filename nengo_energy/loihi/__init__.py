"""Deployment to Loihi by NengoLoihi: prepare a network, place it, account for it."""

from __future__ import annotations

from .network import build_loihi_network
from .prepared import Change, LoihiNetwork

__all__ = ["Change", "LoihiNetwork", "build_loihi_network"]
