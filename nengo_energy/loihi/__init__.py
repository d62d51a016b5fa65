"""Deployment to Loihi by NengoLoihi: prepare a network, place it, account for it."""

from __future__ import annotations

from .accounting import ledger_from_activity, ledger_from_run
from .checks import Check, check_rates
from .comparison import LedgerComparison
from .emulator import open_simulator
from .ledger import CoreLoad, Ledger
from .network import build_loihi_network
from .prepared import Change, LoihiNetwork

__all__ = [
    "Change",
    "Check",
    "CoreLoad",
    "Ledger",
    "LedgerComparison",
    "LoihiNetwork",
    "build_loihi_network",
    "check_rates",
    "ledger_from_activity",
    "ledger_from_run",
    "open_simulator",
]
